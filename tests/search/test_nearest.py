"""The nearest images: copies, whose vectors are equal, come by path, whatever rows they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.index import vectors
from phototag.index.reader import Index
from phototag.index.refresh import rebuild, refresh
from phototag.search.find import similar
from phototag.search.nearest import nearest
from tests.index import sidecars_made as made

SEEDS = {
    "q.jpg": 1,
    "z/near.jpg": 1,
    "m.jpg": 2,
    "b.jpg": 1,
    "c.jpg": 1,
    "x.jpg": 3,
    "a.jpg": 1,
    "d.jpg": 1,
    "n.jpg": 2,
}
COPIES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "z/near.jpg"]


def alike(index: Index, k: int) -> list[tuple[str, float]]:
    row = index.row_of("q.jpg")
    assert row is not None
    return [(index.path(hit.row), hit.score) for hit in similar(index, row, k=k)]


@pytest.mark.parametrize("gathered", [0.0, 0.5, 1.0])
def test_equal_ones_come_by_path_before_and_after_a_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gathered: float
) -> None:
    monkeypatch.setattr(vectors, "GATHER_BELOW", gathered)
    monkeypatch.setattr("phototag.search.nearest._SPARE", 1)
    tree = made.library(tmp_path)
    for name, seed in SEEDS.items():  # one segment each, until they are merged
        made.add(tree, name, seed=seed)
        refresh(tree)
    index = made.opened(tree)
    whole = alike(index, 100)
    assert [path for path, _ in whole[: len(COPIES)]] == COPIES
    assert len({score for _, score in whole[: len(COPIES)]}) == 1
    assert len(whole) == len(SEEDS) - 1
    assert all(alike(index, k) == whole[:k] for k in range(len(SEEDS)))
    rebuild(tree)
    assert alike(made.opened(tree), 100) == whole


def test_scores_are_cosines_and_many_copies_are_not_searched_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = made.library(tmp_path)
    for number in range(60):
        made.add(tree, f"{number:03}.jpg", seed=number % 2)
    refresh(tree)
    index = made.opened(tree)
    asked: list[int] = []
    search = vectors.VectorSpace.search

    def counted(space: vectors.VectorSpace, query: vectors.Floats, k: int, *, keep: vectors.Mask) -> vectors.Nearest:
        asked.append(k)
        return search(space, query, k, keep=keep)

    monkeypatch.setattr(vectors.VectorSpace, "search", counted)
    found = nearest(index, made.EMBEDDER, made.vector(1).astype(np.float32), 3, keep=index.alive)
    assert index.paths(found.rows) == ["001.jpg", "003.jpg", "005.jpg"]
    assert found.scores == pytest.approx(float(made.vector(1).astype("f4") @ made.vector(1).astype("f4")))
    assert asked == [11, 44]
