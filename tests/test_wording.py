"""How counts are written."""

from __future__ import annotations

from phototag.wording import count_text


def test_one_is_singular_and_thousands_are_grouped() -> None:
    assert [count_text(count, "photo") for count in (0, 1, 1234)] == ["0 photos", "1 photo", "1,234 photos"]
    assert [count_text(count, "copy", "copies") for count in (1, 2)] == ["1 copy", "2 copies"]
