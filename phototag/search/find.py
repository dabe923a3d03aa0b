"""The questions: list, query, similar. Every answer is rows of one open index, with a score where ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from phototag.errors import PhototagError, UsageError
from phototag.index.reader import NO_INT, Index
from phototag.search.filters import NO_FILTERS, Filters, select
from phototag.search.fusion import fuse
from phototag.search.lexical import lexical
from phototag.search.nearest import nearest
from phototag.search.terms import parse_terms
from phototag.sidecar.model import model_of

if TYPE_CHECKING:
    from phototag.search.semantic import Semantics

Rows = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]

SORTS = ("path", "-path", "taken", "-taken", "rating", "-rating", "size", "-size")
"""Orders of a list; ``-`` is the greatest first. Images without a value come last, equal ones by path."""


CANDIDATES = 200
"""So many images at least are ranked, by meaning and by words, before the rankings are fused."""


class Page(NamedTuple):
    """A piece of a list and how long the whole is."""

    rows: Rows
    total: int


class Hit(NamedTuple):
    """One ranked image."""

    row: int
    score: float


def list_images(
    index: Index, filters: Filters = NO_FILTERS, *, sort: str = "path", offset: int = 0, limit: int | None = None
) -> Page:
    """Return the images that pass ``filters``, in the order ``sort``. Raises UsageError."""
    if sort not in SORTS:
        raise UsageError(f"cannot sort by {sort!r}", hint=f"one of {', '.join(SORTS)}")
    rows = np.flatnonzero(select(index, filters)).astype(np.uint32)
    stop = len(rows) if limit is None else offset + limit
    name = sort.removeprefix("-")
    if name == "path":
        if sort == "path":
            return Page(index.by_path(rows, stop)[offset:stop], len(rows))
        return Page(index.by_path(rows)[::-1][offset:stop], len(rows))
    return Page(index.in_order(rows, _key(index, name, rows, down=sort[0] == "-"), offset, stop), len(rows))


def query(
    index: Index,
    text: str,
    filters: Filters = NO_FILTERS,
    *,
    k: int | None = None,
    semantics: Semantics | None = None,
) -> list[Hit]:
    """Return the ``k`` images that match ``text`` best, among those that pass ``filters``. Raises UsageError.

    With ``semantics`` images are ranked by what ``text`` means (score: cosine); where images also have all of its
    words, both rankings are fused (score: 1 is first in both). Without, or where nothing can be understood, by words.
    """
    terms, keep = parse_terms(text), select(index, filters)
    meaning = semantics.meaning(index, terms) if semantics is not None else None
    ranked = lexical(index, terms, keep)
    if meaning is None or semantics is None:
        return best(index, ranked.rows, ranked.scores, k)
    depth = semantics.depth or max(k or 0, CANDIDATES)
    near = nearest(index, meaning.space, meaning.vector, depth, keep=keep)
    if not len(near.rows):
        return best(index, ranked.rows, ranked.scores, k)
    if not ranked.complete.any():
        return [Hit(int(row), float(s)) for row, s in zip(near.rows[:k], near.scores[:k], strict=True)]
    # Images with only some of the words stay out: that "photo" is in a file's name says little about the picture.
    # As many take part whatever k is, so that the first of many answers are the same as few.
    few = None if k is None else max(k, CANDIDATES)
    words = best(index, ranked.rows[ranked.complete], ranked.scores[ranked.complete], few)
    fused = fuse([near.rows, np.array([hit.row for hit in words], np.uint32)])
    return best(index, fused.rows, fused.scores, k)


def similar(
    index: Index,
    row: int,
    filters: Filters = NO_FILTERS,
    *,
    k: int = 20,
    space: str | None = None,
    min_score: float | None = None,
) -> list[Hit]:
    """Return the ``k`` images most like the one at ``row``, itself left out. Raises PhototagError without vectors."""
    name = space or next((s for s in index.spaces if index.vectors(s).has[row]), None)
    if name is None or not index.vectors(name).has[row]:
        raise PhototagError(
            f"{index.path(row)} has no vector to compare by",
            hint="run 'phototag scan' or 'phototag embed' on it first",
        )
    vectors = index.vectors(name)
    keep = select(index, filters)
    keep[row] = False
    near = nearest(index, name, vectors.get(np.array([row]))[0], k, keep=keep)
    scores = np.clip(near.scores, -1.0, 1.0)
    return [
        Hit(int(r), float(s)) for r, s in zip(near.rows, scores, strict=True) if min_score is None or s >= min_score
    ]


def space_of(index: Index, embedder: str | None) -> str | None:
    """Return the fullest embedding space of the model ``embedder``, None for no choice. Raises UsageError."""
    if embedder is None:
        return None
    found = next((space for space in index.spaces if embedder in (space, model_of(space))), None)
    if found is None:
        names = ", ".join(dict.fromkeys(model_of(space) for space in index.spaces)) or "none"
        raise UsageError(f"no image has a vector of {embedder!r}", hint=f"there are vectors of: {names}")
    return found


def best(index: Index, rows: Rows, scores: Floats, k: int | None) -> list[Hit]:
    """Return the ``k`` rows with the highest scores, equal ones by path."""
    ordered = index.in_order(rows, -scores, 0, len(rows) if k is None else k)
    by_row = np.zeros(index.size, np.float32)
    by_row[rows] = scores
    return [Hit(int(row), float(by_row[row])) for row in ordered]


def _key(index: Index, name: str, rows: Rows, *, down: bool) -> npt.NDArray[np.int64]:
    values = index.numbers(name)[rows]
    last = np.iinfo(np.int64).max
    return np.where(values == NO_INT, last, -values if down else values)
