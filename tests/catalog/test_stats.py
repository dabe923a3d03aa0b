"""Statistics: places apart from labels, labels apart from the owner's tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.catalog.stats import stats
from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.index.refresh import refresh
from tests.index import sidecars_made as made
from tests.search import library_made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return made.opened(library_made.build(tmp_path_factory.mktemp("stats")))


def test_totals(index: Index) -> None:
    totals = stats(index).totals
    assert (totals.images, totals.present, totals.dated, totals.placed) == (6, 5, 4, 3)
    assert (totals.rated, totals.captioned, totals.faces, totals.people, totals.damaged) == (2, 1, 3, 2, 0)
    assert totals.bytes == 6000


def test_a_model_s_label_that_the_owner_confirms_stays_one(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "0.jpg", tags={"night": 0.9})
    made.add(tree, "1.jpg", tags={"night": 0.9}, user_tags={"night": 1})
    made.add(tree, "2.jpg", tags={"night": 0.9}, user_tags={"night": -1})
    made.add(tree, "3.jpg", tags={"night": 0.1}, user_tags={"night": 1})
    refresh(tree)
    found = stats(made.opened(tree))
    assert {f.value: f.count for f in found.label or ()} == {"night": 2}
    assert {f.value: f.count for f in found.user or ()} == {"night": 2}


def test_kinds(index: Index) -> None:
    found = stats(index)
    labels = {f.value: f.count for f in found.label or ()}
    assert labels == {"beach": 3, "sky": 2, "sea": 1, "tower": 1, "dog": 1, "shrine": 1}
    assert {f.value: f.count for f in found.user or ()} == {"holiday": 2, "sea": 1}
    assert {f.value: f.count for f in found.geo or ()} == {"Nice, FR": 1, "Paris, FR": 1, "Kyoto, JP": 1}
    only = stats(index, ("person",), limit=1)
    assert [f.value for f in only.person or ()] == ["Ada Lovelace"]
    assert (only.label, only.geo, only.years) == (None, None, None)
    with pytest.raises(UsageError):
        stats(index, ("colour",))
