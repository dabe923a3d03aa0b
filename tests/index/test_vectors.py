"""Vectors: the sidecars' own half floats, searched exactly, filters inside the search."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
import pytest

from phototag.index import vectorfile
from phototag.index import vectors as vectors_module
from phototag.index.reader import Index
from phototag.index.refresh import rebuild, refresh
from phototag.index.verify import verify
from phototag.library.tree import Tree
from phototag.sidecar import model
from tests.index import sidecars_made as made

COUNT = 60


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = made.library(tmp_path_factory.mktemp("vectors"))
    for number in range(COUNT):
        made.add(tree, f"{number % 3}/{number:03}.jpg", seed=number if number % 10 else None)
    refresh(tree)
    for number in (5, 17, 31):  # replaced: their old vectors are dead rows
        Path(tree.sidecar(f"{number % 3}/{number:03}.jpg")).unlink()
        made.add(tree, f"{number % 3}/{number:03}.jpg", seed=1000 + number, version=1)
    refresh(tree)
    return tree


def exact(index: Index, query: npt.NDArray[np.float32], keep: npt.NDArray[np.bool_], k: int) -> list[str]:
    scored = []
    for number in range(COUNT):
        if number % 10:
            seed = 1000 + number if number in (5, 17, 31) else number
            path = f"{number % 3}/{number:03}.jpg"
            row = index.row_of(path)
            assert row is not None
            if keep[row]:
                scored.append((-float(made.vector(seed).astype(np.float32) @ query), path))
    return [path for _, path in sorted(scored)[:k]]


def test_half_floats_come_back_bit_for_bit(tree: Tree) -> None:
    index = made.opened(tree)
    space = index.vectors(made.EMBEDDER)
    assert (len(space), space.dim, index.spaces) == (COUNT - 6, made.DIM, [made.EMBEDDER])
    row = index.row_of("1/001.jpg")
    assert row is not None
    assert np.array_equal(space.get(np.array([row]))[0].astype(np.float16), made.vector(1))
    absent = index.row_of("0/000.jpg")
    assert absent is not None
    assert not space.get(np.array([absent])).any()
    rows, every = space.all()
    assert every.shape == (COUNT - 6, made.DIM)
    assert set(rows.tolist()) == set(np.flatnonzero(space.has).tolist())


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("kept", ["all", "half", "few", "none"])
def test_search_is_exact_and_filters_inside(
    tree: Tree, kept: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "GATHER_BELOW", share)  # both ways of searching
    index = made.opened(tree)
    keep = np.zeros(index.size, np.bool_)
    keep[{"all": slice(None), "half": slice(None, None, 2), "few": slice(3, 40, 7), "none": slice(0, 0)}[kept]] = True
    keep &= index.alive
    for seed in (2, 5, 1005, 77):
        query = made.vector(seed).astype(np.float32)
        for k in (1, 10, 100):
            near = index.vectors(made.EMBEDDER).search(query, k, keep=keep)
            assert index.paths(near.rows) == exact(index, query, keep, k)
            assert np.all(np.diff(near.scores) <= 0)


def test_the_file_is_a_faiss_index(tree: Tree) -> None:
    rebuild(tree)
    index = made.opened(tree)
    segment = index.segments[0]
    info = segment.info.vectors[0]
    loaded = faiss.read_index(f"{segment.folder}/{info.file}")
    assert isinstance(loaded, faiss.IndexFlatCodes)
    assert (loaded.ntotal, loaded.d) == (COUNT - 6, made.DIM)
    codes = faiss.vector_to_array(loaded.codes).reshape(info.count, -1)
    assert np.array_equal(codes, segment.codes(info))


def test_a_vector_of_another_length_is_reported_not_mixed_in(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "a.jpg", seed=1)
    odd = made.document("b.jpg")
    px = made.pixels("b.jpg")
    odd.set_machine(model.EMB, made.EMBEDDER, model.Embedding(px[:8], 4, np.ones(4, "<f2").tobytes()))
    bad = made.document("c.jpg")
    bad.set_machine(model.EMB, made.EMBEDDER, model.Embedding(made.pixels("c.jpg")[:8], 8, b"short"))
    for name, document in (("b.jpg", odd), ("c.jpg", bad)):
        Path(tree.path(name)).touch()
        Path(tree.sidecar(name)).write_bytes(document.encode())
    refresh(tree)
    index = made.opened(tree)
    assert len(index.vectors(made.EMBEDDER)) == 1
    troubles = {index.path(row): index.record(row).trouble for row in range(3)}
    assert "has 4 dimensions, others 8" in str(troubles["b.jpg"])
    assert "is not 8 half floats" in str(troubles["c.jpg"])


@pytest.mark.parametrize(("dim", "count"), [(512, 0), (512, 3), (7, 1)])
def test_the_header_is_what_faiss_writes(dim: int, count: int) -> None:
    index = vectorfile.flat(dim)
    index.add_sa_codes(np.zeros((count, 2 * dim), np.uint8))
    whole = faiss.serialize_index(index).tobytes()
    assert vectorfile.header(dim, count) + bytes(count * 2 * dim) == whole


def test_what_one_model_wrote_badly_takes_nothing_away_from_the_others(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    document = made.document("a.jpg", tags={"sea": 0.9}, seed=1)
    px = made.pixels("a.jpg")
    document.set_machine(model.EMB, "bad@1#00000000", model.Embedding(px[:8], 9, b"short"))
    document.set_machine(model.MTAG, "bad@1#00000000", model.TagScores(px[:8], ("sky",), b"1"))
    Path(tree.path("a.jpg")).touch()
    Path(tree.sidecar("a.jpg")).write_bytes(document.encode())
    refresh(tree)
    record, vectors, _ = made.contents(made.opened(tree))["a.jpg"]
    assert [tag.tag for tag in record.tags] == ["sea"]
    assert list(vectors) == [made.EMBEDDER]
    assert "mtag/bad@1#00000000 has 1 labels" in str(record.trouble)
    assert "emb/bad@1#00000000 is not 9 half floats" in str(record.trouble)
    assert verify(tree).differences == []
