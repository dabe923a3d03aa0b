"""Search over a million images: vectors against FAISS itself, tags, and a filtered query in a fresh process."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks import million
from benchmarks.library import VECTOR_SPACE, Shape
from benchmarks.row import Row, process, seconds, side_by_side
from phototag.index import ann
from phototag.index.reader import Index
from phototag.index.vectors import VectorSpace
from phototag.library.tree import Tree

IMAGES, K, QUERIES = 1_000_000, 10, 100

_QUERY = """
import sys
import numpy as np
from phototag.index.reader import Index
from phototag.library.tree import Tree
from phototag.search.filters import Filters, select
from phototag.settings import load
index = Index.open(Tree(sys.argv[1], load(cache_dir=sys.argv[2])))
keep = select(index, Filters(places=("nice",), cameras=("nikon",), after="2005", not_tags=("tag 7",)))
near = index.vectors(index.spaces[0]).search(np.load(sys.argv[3]), 10, keep=keep)
found = list(index.records(near.rows, near.scores))
assert len(found) == 10 and all(image.place.city == "Nice" for image in found)
"""


def rows(images: int = IMAGES) -> list[Row]:
    """Measure over an index made for it; the lists are built first, as the background of a refresh does."""
    shape = Shape(images, 100)
    with tempfile.TemporaryDirectory() as base:
        tree = million.tree_in(base)
        million.make(tree, shape)
        trained = seconds(lambda: ann.build(tree, least=1))
        index = opened(tree)
        made = [*vector_rows(index, shape, trained), *tag_rows(index)]
        query = os.path.join(base, "query.npy")
        np.save(query, million.image_queries(shape, 1)[0])
        return [*made, *fresh_rows(tree, query, images)]


def opened(tree: Tree) -> Index:
    """Open the index of ``tree``."""
    index = Index.open(tree)
    assert index is not None
    return index


def vector_rows(index: Index, shape: Shape, trained: float) -> list[Row]:
    """Top ten by vector: time against FAISS alone on the same lists, and recall against every vector."""
    space = index.vectors(VECTOR_SPACE)
    images, texts = million.image_queries(shape, QUERIES), million.text_queries(shape, QUERIES)
    lists = space._lists
    assert lists is not None
    parameters = faiss.SearchParametersIVF()
    parameters.nprobe = lists.info.probes
    with_faiss = bare_search(lists._index, parameters)
    space.search(images[0], K)
    faiss.omp_set_num_threads(1)
    pairs = [in_turns(partial(space.search, q, K), partial(with_faiss, q), n % 2) for n, q in enumerate(images)]
    mine, theirs = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    flat = statistics.median(seconds(partial(space.search, q, K, exact=True)) for q in images[:10]) * 1000
    name = f"top-{K} of {shape.images:,} x {shape.dim}"
    detail = f"{mine:.2f} ms, faiss {theirs:.2f} ms, every vector {flat:.0f} ms; lists built in {trained:.0f} s"
    return [
        Row(name, ratio, 1.3, detail=detail),
        Row(name, mine, 5.0, unit="ms"),
        Row(f"{name}, recall of image queries", recall(space, images), 0.98, unit="recall", at_least=True),
        Row(f"{name}, recall of text queries", recall(space, texts), 0.98, unit="recall", at_least=True),
    ]


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], theirs_first: int) -> tuple[float, float]:
    """Return the seconds of both; who comes second finds the lists in the processor's cache, so they take turns."""
    if theirs_first:
        other = seconds(theirs)
        return seconds(ours), other
    mine = seconds(ours)
    return mine, seconds(theirs)


def bare_search(
    lists: faiss.IndexIVF, parameters: faiss.SearchParametersIVF
) -> Callable[[npt.NDArray[np.float32]], object]:
    """Return a search in FAISS alone."""
    return lambda query: lists.search(query.reshape(1, -1), K, params=parameters)


def recall(space: VectorSpace, queries: npt.NDArray[np.float32]) -> float:
    """Return the share of the true ten nearest that the lists find."""
    shares = []
    for query in queries:
        truth = set(space.search(query, K, exact=True).rows.tolist())
        shares.append(len(truth & set(space.search(query, K).rows.tolist())) / K)
    return statistics.mean(shares)


def tag_rows(index: Index) -> list[Row]:
    """AND of two and three tags, warm: the answer is a mask over all images."""
    made = []
    for tags in (("tag 1", "tag 3"), ("tag 0", "tag 3", "tag 200")):
        index.tags.all_of(tags)
        took = statistics.median(seconds(partial(index.tags.all_of, tags)) for _ in range(50)) * 1000
        detail = f"{int(index.tags.all_of(tags).sum()):,} images"
        made.append(Row(f"AND of {len(tags)} tags over {index.count:,}", took, 0.5, unit="ms", detail=detail))
    return made


def fresh_rows(tree: Tree, query: str, images: int) -> list[Row]:
    """A filtered query, vector given, in a fresh process against importing the libraries alone."""
    ours = process([sys.executable, "-c", _QUERY, tree.root, tree.settings.cache_dir, query])
    imports = process([sys.executable, "-c", "import numpy, pyarrow, faiss"])
    ours()
    mine, theirs, ratio = side_by_side(ours, imports, runs=9)
    name = f"filtered query, fresh process, {images:,}"
    return [
        Row(name, ratio, 2.0, detail=f"{mine:.2f} s, imports {theirs:.2f} s"),
        Row(name, mine, 0.7, unit="s"),
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES):
        print(row)
