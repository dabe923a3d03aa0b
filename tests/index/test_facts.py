"""Effective facts: what becomes of a sidecar in a row of the index."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.index.facts import Facts, camera_name, facts
from phototag.index.refresh import rebuild
from phototag.index.spelling import taken_text, taken_us
from phototag.index.verify import verify
from phototag.index.view import SidecarView, from_document
from phototag.library import sidecars
from phototag.sidecar import model
from phototag.sidecar.model import Exif, Gps, Place, UserPlace
from tests.index import sidecars_made as made


def row(rel: str = "a/x.jpg", **said: Any) -> Facts:
    view, trouble = from_document(made.document(rel, **said))
    assert trouble == ""
    return facts(rel, view, present=True, faces=0, trouble="")


def test_the_owner_s_word_comes_first() -> None:
    exif = Exif(taken="2020-01-01T10:00:00", title="from camera", description="machine words", rating=2)
    plain = row(exif=exif)
    assert (plain.rating, plain.title, plain.caption) == (2, "from camera", "machine words")
    said = row(exif=exif, user={"rating": 5, "caption": "mine", "title": "ours", "date": "1999"})
    assert (said.rating, said.title, said.caption) == (5, "ours", "mine")
    assert taken_text(said.taken or 0) == "1999-01-01T00:00:00"


def test_said_to_be_none_wins_over_what_the_file_embeds() -> None:
    exif = Exif(description="embedded words", rating=4)
    none = row(exif=exif, user={"rating": 0, "caption": ""})
    assert (none.rating, none.caption) == (None, None)
    assert "embedded" not in none.text_words
    cleared = row(exif=exif, user={"rating": None, "caption": None})
    assert (cleared.rating, cleared.caption) == (4, "embedded words")
    assert row(exif=Exif(rating=0)).rating is None, "many programs embed 0 for not rated"
    assert row(exif=Exif(rating=0), user={"rating": -1}).rating == -1


def test_a_place_has_the_photo_s_position_and_the_nearest_name() -> None:
    place = Place("Nice", "PACA", "FR", 43.7, 7.26)
    both = row(gps=Gps(43.71, 7.3), place=place)
    assert (both.city, both.country, both.lat, both.lon) == ("Nice", "FR", 43.71, 7.3)
    said = row(gps=Gps(43.71, 7.3), place=place, user={"loc": UserPlace(city="Monaco", country="MC")})
    assert (said.city, said.region, said.country, said.lat) == ("Monaco", None, "MC", 43.71)
    moved = row(gps=Gps(43.71, 7.3), user={"loc": UserPlace(lat=1.0, lon=2.0)})
    assert (moved.city, moved.lat, moved.lon) == (None, 1.0, 2.0)


@pytest.mark.parametrize(
    ("km", "named"), [(99.0, ("Kekaha", "Hawaii", "US")), (101.0, (None, None, "US")), (2346.9, (None, None, None))]
)
def test_a_town_far_away_is_no_place(km: float, named: tuple[str | None, str | None, str | None]) -> None:
    found = row(gps=Gps(33.1, -180.0), place=Place("Kekaha", "Hawaii", "US", 33.1, -180.0, km))
    assert (found.city, found.region, found.country, found.lat) == (*named, 33.1)


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Canon", "EOS R5", "Canon EOS R5"),
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("OLYMPUS IMAGING CORP.", "E-M1", "OLYMPUS E-M1"),
        ("Apple", None, "Apple"),
        (None, "X100", "X100"),
        (None, None, None),
        ("  ", "", None),
    ],
)
def test_camera_names(make: str | None, model: str | None, name: str | None) -> None:
    assert camera_name(make, model) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2019", "2019-01-01T00:00:00"),
        ("2019-06", "2019-06-01T00:00:00"),
        ("2019-06-30", "2019-06-30T00:00:00"),
        ("2019-06-30T12:13", "2019-06-30T12:13:00"),
        ("2019-06-30T12:13:14.250", "2019-06-30T12:13:14.25"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00"),
        ("1969-12-31T23:59:59.5", "1969-12-31T23:59:59.5"),
        ("2019-06-30T12:13:14+02:00", "2019-06-30T12:13:14"),
    ],
)
def test_dates(text: str, shown: str) -> None:
    value = taken_us(text)
    assert value is not None
    assert taken_text(value) == shown


@pytest.mark.parametrize("text", ["", "soon", "2019-13", "2019-02-30", "20190", None, "0000-00-00T00:00:00"])
def test_what_is_no_date(text: str | None) -> None:
    assert taken_us(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_not(text: str) -> None:
    taken_us(text)


def test_names_that_are_not_utf8_keep_their_bytes() -> None:
    rel = os.fsdecode(b"caf\xe9.jpg")
    odd = row(rel)
    assert (odd.path, odd.path_bytes) == ("caf\ufffd.jpg", b"caf\xe9.jpg")
    assert row("café.jpg").path_bytes is None


def test_words_are_folded() -> None:
    said = row("Été/IMG_0042.jpg", user={"caption": "Crème brûlée, 東京"})
    assert said.text_words == " creme brulee 東 京 "
    assert said.path_words == " ete img 0042 jpg "


def test_nothing_known_is_nothing_said() -> None:
    empty = facts("x.jpg", SidecarView(), present=False, faces=0, trouble="")
    assert (empty.birth, empty.content, empty.taken, empty.rating, empty.text_words) == (None, None, None, None, "")
    assert row(user={"rating": 77}).rating is None


NUMBERS = st.integers(min_value=-(2**63), max_value=2**64 - 1)


@settings(max_examples=25, deadline=None)
@given(sizes=st.tuples(NUMBERS, NUMBERS, NUMBERS), shot=st.tuples(NUMBERS, NUMBERS, NUMBERS), said=NUMBERS)
def test_no_number_in_a_sidecar_stops_the_index(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, int, int], shot: tuple[int, int, int], said: int
) -> None:
    tree = made.library(tmp_path_factory.mktemp("numbers"))
    made.add(tree, "good.jpg", tags={"sea": 0.9})
    odd = made.document(
        "odd.jpg", tags={"sea": 0.9}, exif=Exif(iso=shot[0], focal35=shot[1], rating=shot[2], taken="2024")
    )
    old = odd.get(model.ID, model.CONTENT, model.Content)
    assert old is not None
    odd.set_machine(model.ID, model.CONTENT, msgspec.structs.replace(old, n=sizes[0], w=sizes[1], h=sizes[2]))
    odd.set_person(model.UTAG, "sea", said, made.OWNER)
    odd.set_person(model.FACE, "c/box", bytes(8), made.OWNER)
    odd.set_person(model.FACE, "c/state", said, made.OWNER)
    sidecars.write(tree, "odd.jpg", odd, sync=False)
    rebuild(tree)
    assert verify(tree).differences == []
    record = made.opened(tree).record(1)
    assert record.path == "odd.jpg"
    assert record.width == (sizes[1] if 0 < sizes[1] < 2**31 or -(2**31) <= sizes[1] < 0 else None)
