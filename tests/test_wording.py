"""How counts are written, and which text can be shown."""

from __future__ import annotations

import pytest

from phototag.cli.render import pointing
from phototag.clustering.labels import clean
from phototag.errors import UsageError
from phototag.library.owner import normal_tag
from phototag.wording import count_text, unprintable

PERSIAN, HINDI = "می\u200cخواهم", "क्\u200dष"
FAMILY, HEART = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f\u200d\U0001f525"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def test_one_is_singular_and_thousands_are_grouped() -> None:
    assert [count_text(count, "photo") for count in (0, 1, 1234)] == ["0 photos", "1 photo", "1,234 photos"]
    assert [count_text(count, "copy", "copies") for count in (1, 2)] == ["1 copy", "2 copies"]


@pytest.mark.parametrize("text", [PERSIAN, HINDI, FAMILY, HEART, SCOTLAND, f"{FAMILY} in {PERSIAN}"], ids=ascii)
def test_joiners_between_letters_and_emoji_are_text(text: str) -> None:
    assert unprintable(text) == set()
    assert clean(text) == text
    assert normal_tag(f"a/{text}") == f"a/{text}"


@pytest.mark.parametrize(
    "text",
    [
        "\u200dab",
        "ab\u200c",
        "a \u200d b",
        "a\u200d\u200db",
        "1\u200d2",
        "a\u202eb",
        "a\u2066b",
        "a\u200bb",
        "a\U000e0067b",
        "a\x1bb",
        "\u200d",
        "a/\u200db",
    ],
    ids=ascii,
)
def test_what_only_deceives_is_refused(text: str) -> None:
    assert unprintable(text)
    for check in (clean, normal_tag):
        with pytest.raises(UsageError, match="cannot be"):
            check(text)


def test_a_mistake_is_pointed_at_below_joined_text() -> None:
    assert pointing(f"{PERSIAN} tga:x", len(PERSIAN) + 1) == f"  {PERSIAN} tga:x\n  {' ' * len(PERSIAN)}^"
    assert pointing("a\tb tga:x", 4) == "  a b tga:x\n      ^"
