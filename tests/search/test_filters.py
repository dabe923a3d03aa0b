"""Filters: which images pass."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.search.filters import Filters, Span, parse_moment, parse_span, scored, select
from tests.index import sidecars_made as made
from tests.search import library_made

BEACH, TOWER, DOG, SHRINE, PLAIN, GONE = (
    "2019/beach.jpg", "2019/tower.jpg", "2020/dog.jpg", "2020/shrine.jpg", "IMG_0042.jpg", "gone.jpg",
)  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return made.opened(library_made.build(tmp_path_factory.mktemp("filters")))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {BEACH, TOWER, DOG, SHRINE, PLAIN, GONE}),
        (Filters(tags=("beach",)), {BEACH, DOG, GONE}),
        (Filters(tags=("beach", "sky")), {BEACH}),
        (Filters(tags=("sea",)), {BEACH, SHRINE}),
        (Filters(tags=("nothing",)), set()),
        (Filters(tags=("Sea", "SKY")), {BEACH}),
        (Filters(not_tags=("Beach", "sky")), {SHRINE, PLAIN}),
        (Filters(tags=("Beach",), min_score=0.8), {BEACH, GONE}),
        (Filters(any_tags=("tower", "shrine", "nothing")), {TOWER, SHRINE}),
        (Filters(not_tags=("beach", "sky")), {SHRINE, PLAIN}),
        (Filters(tags=("S*",)), {BEACH, TOWER, SHRINE}),
        (Filters(tags=("s*", "bea*")), {BEACH}),
        (Filters(any_tags=("tow*", "dog")), {TOWER, DOG}),
        (Filters(not_tags=("s*", "holi*")), {DOG, PLAIN}),
        (Filters(tags=("nothing*",)), set()),
        (Filters(people=("ada*",)), {BEACH, DOG}),
        (Filters(people=("*",)), {BEACH, DOG}),
        (Filters(places=("Nic*", "kyo*")), {BEACH, SHRINE}),
        (Filters(places=("ile de fr*",)), {TOWER}),
        (Filters(cameras=("nik*",)), {BEACH, SHRINE}),
        (Filters(tags=("beach",), min_score=0.8), {BEACH, GONE}),
        (Filters(any_tags=("dog", "tower"), min_score=0.9), {TOWER}),
        (Filters(not_tags=("beach",), min_score=0.95), {BEACH, TOWER, DOG, SHRINE, PLAIN}),
        (Filters(not_tags=("sea",), min_score=0.1), {TOWER, DOG, PLAIN, GONE}),
        (Filters(min_score=0.92), {TOWER, SHRINE, GONE}),
        (Filters(people=("ada lovelace",)), {BEACH, DOG}),
        (Filters(people=("Ada Lovelace", "Grace")), {DOG}),
        (Filters(people=("p2",)), {DOG}),
        (Filters(people=("Nobody",)), set()),
        (Filters(not_people=("Grace",)), {BEACH, TOWER, SHRINE, PLAIN, GONE}),
        (Filters(places=("nice",)), {BEACH}),
        (Filters(places=("fr",)), {BEACH, TOWER}),
        (Filters(places=("ile de france", "kyoto")), {TOWER, SHRINE}),
        (Filters(places=("Nic",)), set()),
        (Filters(cameras=("nikon",)), {BEACH, SHRINE}),
        (Filters(cameras=("eos r",)), {TOWER}),
        (Filters(after="2020"), {DOG, SHRINE}),
        (Filters(before="2020"), {BEACH, TOWER}),
        (Filters(after="2019-12", before="2020-02-01"), {TOWER}),
        (Filters(after="2020-02-01", before="2020-02-02"), {DOG}),
        (Filters(rating="4"), {BEACH}),
        (Filters(rating=">=4"), {BEACH, SHRINE}),
        (Filters(rating="0"), {TOWER, DOG, GONE}),
        (Filters(rating="-1"), {PLAIN}),
        (Filters(rating="<0"), {PLAIN}),
        (Filters(rating="1..4"), {BEACH}),
        (Filters(faces=">1"), {DOG}),
        (Filters(presence="absent"), {GONE}),
        (Filters(presence="present", tags=("holiday",)), {SHRINE}),
        (Filters(path=("2019",)), {BEACH, TOWER}),
        (Filters(path=("./2019/", "2020//x/../shrine.jpg")), {BEACH, TOWER, SHRINE}),
        (Filters(path=("2019/tower.jpg", "2020")), {TOWER, DOG, SHRINE}),
        (Filters(has=("gps",)), {BEACH, TOWER, SHRINE}),
        (Filters(has=("people", "DATE")), {BEACH, DOG}),
        (Filters(kinds=("Rejected",)), {PLAIN}),
        (Filters(has=("caption",)), {TOWER}),
        (Filters(has=("trouble",)), set()),
    ],
)
def test_who_passes(index: Index, filters: Filters, expected: set[str]) -> None:
    assert set(index.paths(np.flatnonzero(select(index, filters)))) == expected


@pytest.mark.parametrize(
    "filters",
    [
        Filters(rating="good"),
        Filters(after="soon"),
        Filters(before="2019-13"),
        Filters(has=("luck",)),
        Filters(places=("!",)),
        Filters(faces="1-2"),
    ],
    ids=repr,
)
def test_a_bad_value_is_named(index: Index, filters: Filters) -> None:
    with pytest.raises(UsageError):
        select(index, filters)


def test_spans_and_moments() -> None:
    assert parse_span(" 3 ", "x") == Span(3, 3)
    assert parse_span("2..4", "x") == Span(2, 4)
    assert parse_span("<3", "x").high == 2
    assert parse_span(">3", "x").low == 4
    assert parse_moment("2019", "x") == parse_moment("2019-01-01T00:00", "x")


def test_the_least_score_reaches_tags_in_groups_and_negations() -> None:
    either = Filters(places=("nice",), one_of=((Filters(tags=("a",)), Filters(people=("Ada",))),))
    assert scored(either, 0.8) == Filters(
        places=("nice",), one_of=((Filters(tags=("a",), min_score=0.8), Filters(people=("Ada",))),)
    )
    assert scored(Filters(tags=("a",)), 0.8) == Filters(tags=("a",), min_score=0.8)
    assert scored(Filters(places=("nice",)), 0.8) == Filters(places=("nice",), min_score=0.8)
    assert scored(either, None) is either
    without = Filters(none_of=(Filters(any_tags=("a",)), Filters(places=("nice",))))
    assert scored(without, 0.8) == Filters(none_of=(Filters(any_tags=("a",), min_score=0.8), Filters(places=("nice",))))
    assert scored(Filters(not_tags=("a",)), 0.8) == Filters(not_tags=("a",), min_score=0.8)
