"""Lists, lexical search and likeness."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from phototag.errors import PhototagError, UsageError
from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.search.facets import facets
from phototag.search.filters import Filters
from phototag.search.find import SORTS, list_images, query, similar, space_of
from phototag.search.semantic import Meaning, Semantics
from phototag.search.terms import Term, parse_terms
from tests.index import sidecars_made as made
from tests.search import library_made
from tests.search.library_made import paths


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return made.opened(library_made.build(tmp_path_factory.mktemp("find")))


def test_lists_are_sorted_and_cut(index: Index) -> None:
    everything = ["2019/beach.jpg", "2019/tower.jpg", "2020/dog.jpg", "2020/shrine.jpg", "IMG_0042.jpg", "gone.jpg"]
    assert index.paths(list_images(index).rows) == everything
    page = list_images(index, offset=1, limit=2)
    assert (index.paths(page.rows), page.total) == (everything[1:3], 6)
    assert index.paths(list_images(index, sort="-path").rows) == everything[::-1]
    assert index.paths(list_images(index, sort="-taken").rows) == [
        "2020/shrine.jpg", "2020/dog.jpg", "2019/tower.jpg", "2019/beach.jpg", "IMG_0042.jpg", "gone.jpg",
    ]  # fmt: skip
    assert index.paths(list_images(index, sort="-rating", limit=3).rows) == [
        "2020/shrine.jpg", "2019/beach.jpg", "IMG_0042.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
def test_pages_add_up_to_the_whole(index: Index, sort: str) -> None:
    whole = list_images(index, sort=sort).rows.tolist()
    for size in (1, 2, 4):
        pages = [list_images(index, sort=sort, offset=at, limit=size).rows.tolist() for at in range(0, 8, size)]
        assert [row for page in pages for row in page] == whole


def test_an_unknown_order_is_named(index: Index) -> None:
    with pytest.raises(UsageError, match="cannot sort by 'colour'"):
        list_images(index, sort="colour")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beach", ["gone.jpg", "2019/beach.jpg", "2020/dog.jpg"]),
        ("tower", ["2019/tower.jpg"]),
        ("TOUR été", ["2019/tower.jpg"]),
        ("ete", ["2019/tower.jpg"]),
        ("lovelace", ["2019/beach.jpg", "2020/dog.jpg"]),
        ("kyoto", ["2020/shrine.jpg"]),
        ("0042", ["IMG_0042.jpg"]),
        ("canon", ["2019/tower.jpg"]),
        ("zebra", []),
        ("beach - dog", ["gone.jpg", "2019/beach.jpg"]),
        ("sky - beach", ["2019/tower.jpg"]),
        ("holiday + shrine", ["2020/shrine.jpg", "gone.jpg"]),
    ],
)
def test_words_find_images(index: Index, text: str, expected: list[str]) -> None:
    found = paths(index, query(index, text))
    assert sorted(found) == sorted(expected)
    if text in ("holiday + shrine",):
        assert found == expected


def test_ranking(index: Index) -> None:
    hits = query(index, "sea sky")
    assert paths(index, hits)[0] == "2019/beach.jpg"  # both words
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert paths(index, query(index, "2:beach + sky"))[0] == "2019/beach.jpg"
    assert paths(index, query(index, "dog"))[0] == "2020/dog.jpg"


def test_a_word_may_be_only_begun(index: Index) -> None:
    assert paths(index, query(index, "shri")) == []
    assert paths(index, query(index, "shri*")) == ["2020/shrine.jpg"]
    assert paths(index, query(index, "tow kyo*")) == ["2020/shrine.jpg"]
    assert set(paths(index, query(index, "tow* kyo*"))) == {"2019/tower.jpg", "2020/shrine.jpg"}


def test_filters_apply_before_the_cut(index: Index) -> None:
    assert paths(index, query(index, "beach", Filters(people=("Ada Lovelace",)), k=2)) == [
        "2019/beach.jpg", "2020/dog.jpg",
    ]  # fmt: skip
    assert paths(index, query(index, "beach", k=1)) == paths(index, query(index, "beach"))[:1]


def test_similar(index: Index) -> None:
    row = index.row_of("2019/beach.jpg")
    assert row is not None
    hits = similar(index, row)
    assert set(paths(index, hits)) == {"2019/tower.jpg", "2020/dog.jpg", "2020/shrine.jpg"}
    expected = {n: float(made.vector(1).astype("f4") @ made.vector(n).astype("f4")) for n in (2, 3, 4)}
    assert hits[0].score == pytest.approx(max(expected.values()), abs=1e-4)
    assert paths(index, similar(index, row, Filters(places=("kyoto",)), k=1)) == ["2020/shrine.jpg"]
    assert similar(index, row, min_score=0.9999) == []
    assert space_of(index, "vec") == made.EMBEDDER
    assert space_of(index, None) is None
    with pytest.raises(UsageError, match="no image has a vector of 'clip'"):
        space_of(index, "clip")
    bare = index.row_of("IMG_0042.jpg")
    assert bare is not None
    with pytest.raises(PhototagError, match="has no vector"):
        similar(index, bare)


def test_facets(index: Index) -> None:
    found = facets(index, index.alive)
    assert [(f.value, f.count) for f in found.tags][:2] == [("beach", 3), ("holiday", 2)]
    assert {f.value: f.count for f in found.people} == {"Ada Lovelace": 2, "Grace": 1}
    assert [(f.value, f.count) for f in found.years] == [("2020", 2), ("2019", 2)]
    assert [f.value for f in found.months] == ["2020-03", "2020-02", "2019-12", "2019-07"]
    assert {f.value: f.count for f in found.countries} == {"FR": 2, "JP": 1}
    assert {f.value: f.count for f in found.cameras} == {"NIKON D750": 2, "Canon EOS R5": 1}
    one = np.zeros(index.size, np.bool_)
    row = index.row_of("2020/dog.jpg")
    assert row is not None
    one[row] = True
    assert [f.value for f in facets(index, one).tags] == ["beach", "dog"]
    assert len(facets(index, index.alive, limit=1).tags) == 1


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("red sunset", [Term("red sunset")]),
        ("horse + stripes", [Term("horse"), Term("stripes")]),
        ("apple - fruit", [Term("apple"), Term("fruit", -1.0)]),
        ("2:beach + ./sea.jpg", [Term("beach", 2.0), Term("./sea.jpg")]),
        ("0.5:a - 3:b c", [Term("a", 0.5), Term("b c", -3.0)]),
        ("co-pilot +1", [Term("co-pilot +1")]),
        ("- dog + cat", [Term("dog", -1.0), Term("cat")]),
    ],
)
def test_terms(text: str, terms: list[Term]) -> None:
    assert parse_terms(text) == terms


@pytest.mark.parametrize("text", ["", "  ", "- dog", "+"])
def test_nothing_to_search_for(text: str) -> None:
    with pytest.raises(UsageError, match="nothing to search"):
        parse_terms(text)


def test_an_empty_library_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    from phototag.index.refresh import refresh

    tree = made.library(tmp_path_factory.mktemp("empty"))
    refresh(tree)
    empty = made.opened(tree)
    assert list_images(empty).total == 0
    assert query(empty, "beach") == []
    assert facets(empty, empty.alive).tags == []


class Understood:
    """Stands for a model that understands every text as one direction."""

    depth = None

    def __init__(self, seed: int) -> None:
        self._vector = made.vector(seed).astype(np.float32)

    def meaning(self, index: Index, terms: object) -> Meaning:
        return Meaning(made.EMBEDDER, self._vector)


@pytest.mark.parametrize("seed", range(100, 106))
def test_the_best_few_are_the_first_of_many_where_words_and_meaning_are_fused(tmp_path: Path, seed: int) -> None:
    tree = made.library(tmp_path)
    for number in range(12):
        made.add(tree, f"{number}.jpg", tags={"sea": 0.99 - number / 40}, seed=number)
    refresh(tree)
    index = made.opened(tree)
    asked = cast(Semantics, Understood(seed))
    whole = query(index, "sea", semantics=asked)
    assert len(whole) == 12
    for k in (1, 2, 3, 5, 8):
        assert query(index, "sea", k=k, semantics=asked) == whole[:k]
