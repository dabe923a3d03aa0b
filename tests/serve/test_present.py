import re
from pathlib import Path

import msgspec
import pytest

from phototag.index.record import ImageRecord, PlaceRecord, TagRecord
from phototag.serve import facet_links, present

RECORD = ImageRecord(
    path="2024/a b.jpg", id="00", content="xxh3-128:0123456789abcdef", size=1, width=4000, height=3000,
    taken="2024-05-01T10:11:12", tags=[TagRecord("beach", 0.9, "m")], user_tags=["holiday"], rating=4, caption=None,
    place=PlaceRecord("Nice", "Provence", "FR", 43.7, 7.26), camera="Canon", people=["Ada"], faces=1, present=True,
)  # fmt: skip
CSS = (Path(present.__file__).parent / "static" / "steps.css").read_text()


def changed(**fields: object) -> ImageRecord:
    return msgspec.structs.replace(RECORD, **fields)


def test_alternative_text_says_what_is_in_it() -> None:
    assert present.alt_text(RECORD) == "holiday, beach, with Ada, in Nice, Provence, May 2024"
    assert present.alt_text(changed(caption="The swim")).startswith("The swim, with Ada")
    bare = changed(tags=[], user_tags=[], people=[], place=None, taken=None)
    assert present.alt_text(bare) == "a b.jpg"


def test_a_photo_that_is_not_here_says_so() -> None:
    assert present.tiles([changed(present=False)], "", 0)[0].alt.endswith("May 2024 (the original is not here)")
    assert present.unseen_text(RECORD, "damaged JPEG file") == "a b.jpg cannot be shown: damaged JPEG file"


def test_tiles() -> None:
    tile = present.tiles([RECORD], "tag=x", 7)[0]
    assert tile.href == "/photo/2024/a%20b.jpg?tag=x&at=7"
    assert tile.thumb == "/thumb/480/2024/a%20b.jpg?v=0123456789ab"
    assert (tile.width, tile.height, tile.ratio) == (480, 360, "r-135")


@pytest.mark.parametrize("size", [(1, 1), (4000, 3000), (3000, 4000), (10_000, 100), (100, 10_000), (1, 0)])
def test_every_ratio_has_its_class(size: tuple[int, int]) -> None:
    assert f".{present.ratio_class(*size)}{{" in CSS


def test_every_score_has_its_class() -> None:
    assert all(f".p-{percent}{{" in CSS for percent in range(0, 101, 5))


def test_headings_suit_the_density() -> None:
    assert present.grouping([400, 500], [30, 40, 50]) == present.MONTH
    assert present.grouping([7, 7, 13, 10], [1, 2, 3]) == present.YEAR
    assert present.grouping([1, 1, 1, 90], [1, 1, 1, 90]) == 0
    assert present.grouping([50], [5, 5, 5, 5, 5]) == 0
    assert present.grouping([], []) == 0
    records = [
        changed(taken=taken) for taken in ("2024-05-01T00:00:00", "2024-05-02T00:00:00", "2024-04-30T00:00:00", None)
    ]
    assert [t.heading for t in present.tiles(records, "", 0, group=present.MONTH)] == [
        "May 2024",
        "",
        "April 2024",
        "Without a date",
    ]
    assert [t.heading for t in present.tiles(records, "", 0, group=present.YEAR)] == ["2024", "", "", "Without a date"]
    assert [t.heading for t in present.tiles(records[:2], "", 9, group=present.MONTH, last_key="2024-05")] == ["", ""]


def test_words() -> None:
    assert present.moment("2024-05-01T10:11:12.5", "+02:00") == "Wednesday, 1 May 2024, 10:11:12 (UTC+02:00)"
    assert present.moment("nonsense") == "nonsense"
    assert present.coordinates(-33.87, 151.21) == "33.87000° S, 151.21000° E"
    assert [present.size_text(n) for n in (None, 5, 3_400_000)] == ["", "5 bytes", "3.4 MB"]
    assert present.dimensions(4000, 3000) == "4,000 × 3,000 (12 MP)"


def test_months_follow_each_other() -> None:
    assert [facet_links.following(v) for v in ("2024", "2024-05", "2024-12")] == ["2025", "2024-06", "2025-01"]


def test_templates_have_no_inline_code() -> None:
    for path in sorted((Path(present.__file__).parent / "templates").iterdir()):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|https?://", text), path.name
        assert "|safe" not in text or path.name == "icons.html", path.name
