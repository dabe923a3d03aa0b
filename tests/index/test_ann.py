"""Inverted lists: they find what a look at every vector finds, and never answer for vectors they do not hold."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag import fsio
from phototag.index import ann, listing, merge
from phototag.index import vectors as vectors_module
from phototag.index.manifest import index_folder, load
from phototag.index.reader import Index
from phototag.index.refresh import rebuild, refresh
from phototag.index.status import status
from phototag.index.verify import verify
from phototag.library.tree import Tree
from tests.index import sidecars_made as made

COUNT = 120


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = made.library(tmp_path)
    for number in range(COUNT):
        made.add(tree, f"{number % 3}/{number:03}.jpg", seed=number)
    time.sleep(2 * listing.RACY_NS / 1e9)  # else the next refresh reads them all again
    refresh(tree)
    assert ann.build(tree, least=100) == [made.EMBEDDER]
    return tree


def nearest(index: Index, seed: int, k: int = 10, *, keep: slice | None = None, exact: bool = False) -> list[str]:
    mask = None
    if keep is not None:
        mask = np.zeros(index.size, np.bool_)
        mask[keep] = True
    query = made.vector(seed).astype(np.float32)
    return index.paths(index.vectors(made.EMBEDDER).search(query, k, keep=mask, exact=exact).rows)


def used_lists(index: Index) -> bool:
    return index.vectors(made.EMBEDDER)._lists is not None


def test_they_find_the_nearest(tree: Tree) -> None:
    index = made.opened(tree)
    assert used_lists(index)
    for seed in range(0, COUNT, 7):
        assert nearest(index, seed)[0] == nearest(index, seed, exact=True)[0] == f"{seed % 3}/{seed:03}.jpg"
    space = index.vectors(made.EMBEDDER)
    near = space.search(made.vector(3).astype(np.float32), 3)
    assert near.scores == pytest.approx(
        [float(space.get(near.rows[at : at + 1])[0] @ made.vector(3).astype(np.float32)) for at in range(3)], abs=1e-5
    )


def test_ten_when_ten_exist(tree: Tree) -> None:
    index = made.opened(tree)
    for keep in (slice(0, 50), slice(0, 12), slice(5, 100)):
        found = nearest(index, 200, keep=keep)
        assert len(found) == len(set(found)) == 10
    assert len(nearest(index, 200, k=500)) == COUNT


def test_filters_hold_inside_the_lists(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_module, "LISTS_FROM", 0.0)
    index = made.opened(tree)
    allowed = set(index.paths(range(20, 60)))
    assert set(nearest(index, 3, k=40, keep=slice(20, 60))) <= allowed


def test_newer_vectors_are_searched_beside_them(tree: Tree) -> None:
    for number in range(COUNT, COUNT + 5):
        made.add(tree, f"new/{number}.jpg", seed=number)
    Path(tree.sidecar("0/003.jpg")).unlink()
    Path(tree.path("0/003.jpg")).unlink()
    refresh(tree)
    index = made.opened(tree)
    assert used_lists(index)
    assert nearest(index, COUNT + 2)[0] == f"new/{COUNT + 2}.jpg"
    assert "0/003.jpg" not in nearest(index, 3, k=200)
    assert len(nearest(index, 3, k=200)) == COUNT + 4


def test_merging_their_segments_drops_them(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "DEAD_AT_MOST", 0.0)
    Path(tree.sidecar("0/000.jpg")).unlink()
    Path(tree.path("0/000.jpg")).unlink()
    refresh(tree)
    index = made.opened(tree)
    assert not used_lists(index)
    assert not list(Path(index_folder(tree)).glob("ann-*"))
    assert nearest(index, 5)[0] == "2/005.jpg"
    assert ann.build(tree, least=100) == [made.EMBEDDER]
    assert used_lists(made.opened(tree))


def test_an_open_index_outlives_them(tree: Tree) -> None:
    index = made.opened(tree)
    rebuild(tree)
    assert nearest(index, 5)[0] == "2/005.jpg"


def test_they_are_made_when_it_pays(tree: Tree) -> None:
    manifest = load(tree)
    assert manifest is not None
    assert ann.wanted(manifest, least=100) == []
    assert ann.wanted(manifest) == []
    for number in range(COUNT, COUNT + 60):
        made.add(tree, f"new/{number}.jpg", seed=number)
    refresh(tree)
    manifest = load(tree)
    assert manifest is not None
    assert ann.wanted(manifest, least=100) == [made.EMBEDDER]
    assert ann.start(tree, manifest) is None


def test_one_process_builds_at_a_time(tree: Tree) -> None:
    rebuild(tree)
    with fsio.lock_folder(f"{index_folder(tree)}/building-ann"):
        assert ann.build(tree, least=100) == []
    assert ann.build(tree, least=100) == [made.EMBEDDER]


def test_lists_of_segments_that_went_are_not_committed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(tree)
    real = ann._trained

    def slow(*args: Any) -> object:
        rebuild(tree)  # meanwhile, in another process
        return real(*args)

    monkeypatch.setattr(ann, "_trained", slow)
    assert ann.build(tree, least=100) == []
    assert not used_lists(made.opened(tree))


def test_damage_is_noticed_and_mended(tree: Tree) -> None:
    assert status(tree).vectors[0].kind == "lists"
    path = next(Path(index_folder(tree)).glob("ann-*/lists.faiss"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert status(tree).state == "damaged"
    assert not verify(tree).ok
    assert refresh(tree).rebuilt is not None
    assert status(tree).vectors[0].kind == "flat"
    assert verify(tree).ok


@pytest.mark.parametrize(("count", "lists"), [(200_000, 1024), (1_000_000, 2048), (10_000_000, 8192), (10, 16)])
def test_how_many_lists(count: int, lists: int) -> None:
    assert ann.lists_for(count) == lists


def test_a_process_of_its_own(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(tree)
    monkeypatch.setattr(ann, "FROM", 100)
    manifest = load(tree)
    assert manifest is not None
    process = ann.start(tree, manifest)
    assert process is not None
    assert process.wait(600) == 0  # it finds nothing wanted: its own limit is the real one
