"""Inverted lists over large embedding spaces: ten times quicker than looking at every vector, the same scores.

A flat index is exact and quick enough up to some hundred thousand vectors. Above, the vectors are sorted into lists by
nearest centroid and a query looks into the nearest lists only. The codes stay the sidecars' half floats: quantisers
that look fine for images lose text queries, which lie off the image manifold (docs/performance.md). Training takes
minutes, so it runs in a process of its own after a refresh; until it is done the flat index answers.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from typing import Any

import msgspec
import numpy as np

from phototag import fsio
from phototag.ids import random_hex
from phototag.index.manifest import (
    AnnInfo,
    IndexDamagedError,
    Manifest,
    index_folder,
    load,
    save,
    stamp_file,
)
from phototag.index.opened import Segment
from phototag.library.tree import Tree

FROM = 200_000
"""Vectors from which lists pay: a flat search takes 8 ms there."""
UNSORTED_AT_MOST = 0.2
"""Share of vectors in newer segments, searched one by one, above which the lists are made anew."""
PROBED = (64, 32, 16, 8, 4)
"""One list in so many is looked into: the first of these that reaches ``RECALL`` on the vectors at hand."""
RECALL = 0.99
"""Share of the true ten nearest that must be found for queries made to lie where texts do."""

PREFIX = "ann-"
_BUILDING = "building-ann"
_FILE = "lists.faiss"
_SAMPLE_PER_LIST = 40
_ROUNDS = 8
_BATCH = 20_000
_SEED = 1234
_QUERIES, _K = 100, 10

_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that a long-lived process does not complain that it forgot one."""


def lists_for(count: int) -> int:
    """Return how many lists ``count`` vectors are sorted into: a power of two near twice the square root."""
    return 1 << max(4, round(math.log2(2 * count**0.5)))


def wanted(manifest: Manifest, *, least: int | None = None) -> list[str]:
    """Return the spaces whose lists are missing or have fallen behind; ``least`` replaces ``FROM``."""
    total: dict[str, int] = {}
    for segment in manifest.segments:
        for vectors in segment.vectors:
            total[vectors.space] = total.get(vectors.space, 0) + vectors.count
    sorted_in = {ann.space: sum(count for _, count in ann.segments) for ann in manifest.ann}
    return [
        space
        for space, count in sorted(total.items())
        if count >= (FROM if least is None else least) and count - sorted_in.get(space, 0) > UNSORTED_AT_MOST * count
    ]


def start(tree: Tree, manifest: Manifest) -> subprocess.Popen[bytes] | None:
    """Build what is ``wanted`` in a process of its own, which outlives this one; None where there is nothing to do."""
    if not wanted(manifest):
        return None
    package_root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = f"import sys; sys.path.insert(0, {package_root!r}); from phototag.index.ann import main; main(*sys.argv[1:])"
    arguments = [tree.root, tree.settings.cache_dir, tree.settings.state_dir, tree.settings.data_dir]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _started.append(process)
    return process


def main(root: str, cache: str, state: str, data: str) -> None:
    """Build the lists of one library, giving way to everything else on the machine."""
    from phototag import settings
    from phototag.library.documents import open_tree

    os.nice(10)
    build(open_tree(root, settings.load(root, cache_dir=cache, state_dir=state, data_dir=data)))


def build(tree: Tree, *, least: int | None = None) -> list[str]:
    """Build and commit the lists of every space that is ``wanted``; return those done. Raises WriteError.

    One process builds at a time; another one that finds it at work leaves. A refresh may go on meanwhile: the lists
    are committed if the segments they were made of are still in use.
    """
    folder = index_folder(tree)
    building = os.path.join(folder, _BUILDING)
    done = []
    with contextlib.ExitStack() as stack:
        fsio.make_folder(building)
        if not stack.enter_context(fsio.try_lock_folder(building)):
            return []
        manifest = load(tree)
        for space in [] if manifest is None else wanted(manifest, least=least):
            if manifest is not None and _build(tree, manifest, space, building):
                done.append(space)
            manifest = load(tree)
    return done


def _build(tree: Tree, manifest: Manifest, space: str, building: str) -> bool:
    folder = index_folder(tree)
    parts = [
        (segment, vectors)
        for info in manifest.segments
        for segment in [Segment(folder, info)]
        for vectors in info.vectors
        if vectors.space == space and vectors.count
    ]
    dim = max((vectors for _, vectors in parts), key=lambda vectors: vectors.count).dim
    parts = [(segment, vectors) for segment, vectors in parts if vectors.dim == dim]
    codes = [segment.codes(vectors) for segment, vectors in parts]
    lists = lists_for(sum(map(len, codes)))
    index = _trained(codes, dim, lists)
    for part in codes:
        for at in range(0, len(part), _BATCH):
            index.add(_floats(part[at : at + _BATCH]))
    probes = _calibrated(index, codes, dim, lists)
    path = os.path.join(building, _FILE)
    _faiss().write_index(index, path)
    del index
    segments = [(segment.info.name, vectors.count) for segment, vectors in parts]
    info = AnnInfo(space, f"{PREFIX}{random_hex(6)}", stamp_file(path), segments, lists, probes)
    return _commit(tree, info, path)


def _commit(tree: Tree, info: AnnInfo, path: str) -> bool:
    """Put the lists into the manifest, unless a segment they were made of is gone."""
    folder = index_folder(tree)
    with fsio.lock_folder(folder), contextlib.suppress(IndexDamagedError):
        manifest = load(tree)
        if manifest is None or not {name for name, _ in info.segments} <= {s.name for s in manifest.segments}:
            return False
        place = os.path.join(folder, info.folder)
        fsio.make_folder(place)
        fsio.replace(path, os.path.join(place, _FILE))
        info = msgspec.structs.replace(info, stamp=stamp_file(os.path.join(place, _FILE)))
        others = [ann for ann in manifest.ann if ann.space != info.space]
        save(tree, msgspec.structs.replace(manifest, ann=[*others, info]))
        return True
    return False


def _trained(codes: list[Any], dim: int, lists: int) -> Any:
    """Return an empty index of ``lists`` lists, its centroids found on a sample."""
    total = sum(map(len, codes))
    chosen = np.sort(np.random.default_rng(_SEED).permutation(total)[: lists * _SAMPLE_PER_LIST])
    ends = np.cumsum([len(part) for part in codes])
    sample = [
        _floats(part[chosen[(chosen >= end - len(part)) & (chosen < end)] - (end - len(part))])
        for part, end in zip(codes, ends, strict=True)
    ]
    faiss = _faiss()
    coarse = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        coarse, dim, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    index.own_fields = True
    coarse.this.disown()
    index.cp.niter, index.cp.seed, index.cp.spherical = _ROUNDS, _SEED, True
    index.cp.max_points_per_centroid = _SAMPLE_PER_LIST
    index.cp.min_points_per_centroid = 1
    index.train(np.concatenate(sample))
    return index


def _calibrated(index: Any, codes: list[Any], dim: int, lists: int) -> int:
    """Return how many lists a query has to look into, measured against looking at every vector.

    The queries are made as texts lie to images: drawn to one of them, with a direction that all texts share and no
    image has (the modality gap, Liang et al. 2022).
    """
    faiss = _faiss()
    rng = np.random.default_rng(_SEED)
    largest = max(codes, key=len)
    drawn = _floats(largest[np.sort(rng.choice(len(largest), min(_QUERIES, len(largest)), replace=False))])
    apart = rng.standard_normal((len(drawn) + 1, dim)).astype(np.float32)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    queries = 0.5 * drawn + apart[:-1] + apart[-1]
    every = faiss.SearchParametersIVF(nprobe=lists)
    truth = index.search(queries, _K, params=every)[1]
    for share in PROBED:
        probes = max(1, lists // share)
        found = index.search(queries, _K, params=faiss.SearchParametersIVF(nprobe=probes))[1]
        right = sum(len(set(a) & set(b)) for a, b in zip(truth.tolist(), found.tolist(), strict=True))
        if right >= RECALL * truth.size:
            break
    return probes


def _faiss() -> Any:
    import faiss

    return faiss


def _floats(codes: Any) -> Any:
    return np.ascontiguousarray(codes).view("<f2").astype(np.float32)


class Lists:
    """The opened lists of one space; positions count through the vectors of the segments they were made of."""

    def __init__(self, folder: str, info: AnnInfo) -> None:
        """Map the file. Raises IndexDamagedError where it is gone: a newer index took its place."""
        self.info = info
        self._faiss = faiss = _faiss()
        place = os.path.join(folder, info.folder)
        try:
            self._index = faiss.read_index(os.path.join(place, _FILE), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise IndexDamagedError("the index is damaged: the lists cannot be read") from error
        lists = faiss.downcast_InvertedLists(self._index.invlists)
        if hasattr(lists, "prefetch_nthread"):
            lists.prefetch_nthread = 0  # threads for every query cost more than they bring

    def search(self, query: Any, k: int, *, selector: Any, share: float) -> tuple[Any, Any]:
        """Return scores and positions, (k,) each; ``share`` of the vectors pass ``selector`` (None: all)."""
        probes = min(self.info.lists, int(np.ceil(self.info.probes / max(share, 0.01))))
        parameters = self._faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        scores, at = self._index.search(query, k, params=parameters)
        good = at[0] >= 0
        return scores[0][good], at[0][good]
