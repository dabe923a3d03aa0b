"""One question, read by ``search.language``, put to an index: for the command line, the viewer and Python alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from phototag.errors import PhototagError, UsageError
from phototag.fsio import display
from phototag.index.reader import Index
from phototag.library.tree import Tree
from phototag.library.walk import demand_image
from phototag.search.filters import NO_FILTERS, Filters, both, select
from phototag.search.find import Hit, list_images, query
from phototag.search.language import Asked
from phototag.search.nearest import nearest
from phototag.search.terms import Term, parse_terms

if TYPE_CHECKING:
    from phototag.search.semantic import Semantics

Rows = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
Locate = Callable[[str], str]
"""A picture's path as written to the path relative to the library's root. Raises LibraryError outside of it."""


class Answer(NamedTuple):
    """The images that answer, in order."""

    rows: Rows
    scores: Floats | None
    """None where nothing ranks: there are only filters."""
    total: int
    """How many there are in all; ranked ones are as many as were asked for, at most."""


def ask(
    index: Index,
    asked: Asked,
    filters: Filters = NO_FILTERS,
    *,
    locate: Locate,
    k: int | None = None,
    sort: str = "-taken",
    semantics: Semantics | None = None,
) -> Answer:
    """Return the ``k`` images that answer ``asked`` best among those that pass ``filters`` too.

    Pictures to compare with rank, and words then decide; else words rank; else the order is ``sort``.
    Raises UsageError, and PhototagError where there is nothing to compare by.
    """
    if k is not None and k < 0:
        raise UsageError(f"{k} images cannot be asked for", hint="k is how many at most, None for all")
    if any("\0" in text for text in (asked.text, *asked.like)):
        raise UsageError("a NUL character can stand in no word and no path")
    wanted = both(filters, asked.filters)
    if asked.like:
        wanted = both(wanted, deciding(asked.text))
        return _ranked(_alike(index, [locate(path) for path in asked.like], wanted, k))
    if asked.ranking:
        hits = query(index, asked.ranking, wanted, k=k, semantics=semantics)
        return _ranked(hits if asked.text else _with_rest(index, hits, wanted, k))
    rows, total = list_images(index, wanted, sort=sort, limit=k)
    return Answer(rows, None, total)


def _with_rest(index: Index, hits: list[Hit], filters: Filters, k: int | None) -> list[Hit]:
    """Return ``hits`` and, after them, what else passes: where words only stand in groups, filters alone decide."""
    ranked = {hit.row for hit in hits}
    last = min(0.0, hits[-1].score) if hits else 0.0
    rest = (row for row in list_images(index, filters, sort="-taken").rows.tolist() if row not in ranked)
    return [*hits, *(Hit(row, last) for row in rest)][:k]


def deciding(text: str) -> Filters:
    """Return words as filters: each image must have them all, and none of those taken away. Raises UsageError."""
    if not text:
        return NO_FILTERS
    terms = parse_terms(text)
    for term in terms:
        if term.is_image:
            raise UsageError(f"{term.text} cannot be compared with here", hint=f"write like:{term.text}")
    return Filters(words=_texts(terms, 1), not_words=_texts(terms, -1))


def _texts(terms: Sequence[Term], sign: int) -> tuple[str, ...]:
    return tuple(term.text for term in terms if term.weight * sign > 0)


def _alike(index: Index, rels: Sequence[str], filters: Filters, k: int | None) -> list[Hit]:
    """Return the images most like all of those at ``rels``, themselves left out."""
    rows = np.array([_row(index, rel) for rel in rels])
    space = next((name for name in index.spaces if index.vectors(name).has[rows].all()), None)
    if space is None:
        raise PhototagError(
            f"{' and '.join(rels)} {'has' if len(rels) == 1 else 'have'} no vector to compare by",
            hint="run 'phototag scan' or 'phototag embed' first",
        )
    vectors, keep = index.vectors(space), select(index, filters)
    keep[rows] = False
    middle = vectors.get(rows).sum(axis=0)
    length = float(np.linalg.norm(middle))
    near = nearest(index, space, middle / max(length, 1e-12), index.count if k is None else k, keep=keep)
    return [Hit(int(r), float(s)) for r, s in zip(near.rows, np.clip(near.scores, -1.0, 1.0), strict=True)]


def _row(index: Index, rel: str) -> int:
    row = index.row_of(rel)
    if row is None:
        raise unknown(index.tree, rel)
    return row


def unknown(tree: Tree, rel: str) -> UsageError:
    """Return what is wrong where the picture ``rel`` is not in the index. Raises UsageError where it is none."""
    demand_image(tree, rel)
    return UsageError(f"{display(rel)} is not in the index", hint=f"scan it first: phototag scan {display(tree.root)}")


def _ranked(hits: Sequence[Hit]) -> Answer:
    rows = np.array([hit.row for hit in hits], np.uint32)
    return Answer(rows, np.array([hit.score for hit in hits], np.float32), len(rows))
