"""Vector search over one embedding space: exact, filters applied inside the search."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from phototag.index.manifest import AnnInfo, IndexDamagedError, VectorInfo
from phototag.index.opened import Segment
from phototag.index.vectorfile import flat

if TYPE_CHECKING:
    from phototag.index.ann import Lists

Rows = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

GATHER_BELOW = 0.001
"""Share of rows kept by a filter below which the kept vectors are gathered and multiplied, without FAISS."""


LISTS_FROM = 0.3
"""Share of rows kept by a filter from which the inverted lists are used: few kept ones lie in lists far away."""


class Nearest(NamedTuple):
    """Rows with their cosine, best first."""

    rows: Rows
    scores: Floats


class _Part:
    """The vectors of one segment."""

    def __init__(self, segment: Segment, info: VectorInfo, base: int) -> None:
        self.segment, self.info, self.base = segment, info, base

    @cached_property
    def rows(self) -> Rows:
        """Return the row of each vector, counted in the whole index, ascending."""
        rows = self.segment.vector_rows(self.info)
        return rows + np.uint32(self.base) if self.base else rows

    @cached_property
    def span(self) -> slice | None:
        """Return the rows as a slice where every row of the segment has a vector."""
        return as_slice(self.rows)

    @cached_property
    def codes(self) -> npt.NDArray[np.uint8]:
        """Return the half floats as bytes, mapped."""
        return self.segment.codes(self.info)

    @cached_property
    def index(self) -> Any:
        """Return the FAISS index over the mapped file: nothing is copied."""
        path = os.path.join(self.segment.folder, self.info.file)
        import faiss

        self.segment.will_need(self.info)
        if os.path.exists(path):
            with contextlib.suppress(RuntimeError):  # removed just now
                return faiss.read_index(path, faiss.IO_FLAG_MMAP_IFC)
        index = flat(self.info.dim)  # a newer index took its place; what was mapped is still ours to read
        index.add_sa_codes(np.ascontiguousarray(self.codes))
        return index

    def vectors(self, at: npt.NDArray[np.intp]) -> Floats:
        """Return (n, dim) float32."""
        codes = np.ascontiguousarray(self.codes[at])
        return codes.view("<f2").astype(np.float32)


class VectorSpace:
    """One embedding space across the segments of an index."""

    def __init__(
        self,
        name: str,
        segments: Sequence[Segment],
        bases: Sequence[int],
        alive: Mask,
        lists: AnnInfo | None = None,
        folder: str = "",
    ) -> None:
        """Search ``segments``, through the inverted ``lists`` in the index's ``folder`` where there are some."""
        self.name, self._alive, self._listing, self._folder = name, alive, lists, folder
        found = [
            (segment, info, base)
            for segment, base in zip(segments, bases, strict=True)
            for info in segment.info.vectors
            if info.space == name and info.count
        ]
        self.dim = max(found, key=lambda part: part[1].count)[1].dim if found else 0
        self._parts = [_Part(*part) for part in found if part[1].dim == self.dim]

    @cached_property
    def has(self) -> Mask:
        """Return which rows have a vector here and count."""
        mask = np.zeros(len(self._alive), np.bool_)
        for part in self._parts:
            mask[part.rows if part.span is None else part.span] = True
        mask &= self._alive
        return mask

    def __len__(self) -> int:
        """Return the number of images that have a vector here."""
        return self._count

    @cached_property
    def _count(self) -> int:
        return int(np.count_nonzero(self.has))

    def get(self, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return the vectors of ``rows``, (n, dim) float32; a row of zeros for an image without one."""
        return self.halves(rows).astype(np.float32)

    def halves(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float16]:
        """Return the vectors of ``rows`` as they are stored, (n, dim) float16; zeros for an image without one."""
        out = np.zeros((len(rows), 2 * self.dim), np.uint8)
        wanted = np.asarray(rows, np.uint32)  # another type would copy the column it is looked up in
        for part in self._parts:
            at = np.searchsorted(part.rows, wanted)
            hit = at < len(part.rows)
            hit[hit] = part.rows[at[hit]] == wanted[hit]
            if hit.any():
                out[hit] = part.codes[at[hit]]
        return out.view("<f2")

    def all(self) -> tuple[Rows, Floats]:
        """Return rows and vectors of every image that has one, (n,) and (n, dim) float32."""
        rows = np.flatnonzero(self.has).astype(np.uint32)
        return rows, self.get(rows)

    def search(self, query: Floats, k: int, *, keep: Mask | None = None, exact: bool = False) -> Nearest:
        """Return the ``k`` images nearest to ``query`` (dim,), among those of ``keep``: ten when ten exist.

        With ``exact`` every vector is looked at, also where there are inverted lists.
        """
        allowed = self.has if keep is None else self.has & keep
        query = np.ascontiguousarray(query, np.float32).reshape(1, self.dim)
        count = self._count if keep is None else int(np.count_nonzero(allowed))
        many = count >= LISTS_FROM * sum(part.info.count for part in self._parts)
        listed = self._search_lists(query, k, allowed) if many and not exact else None
        if listed is not None and not self._unlisted:
            return listed
        parts = self._parts if listed is None else self._unlisted
        found = [self._search_part(part, query, k, allowed) for part in parts]
        if listed is not None:
            found.append(listed)
        if not found:
            return Nearest(np.zeros(0, np.uint32), np.zeros(0, np.float32))
        rows = np.concatenate([near.rows for near in found])
        scores = np.concatenate([near.scores for near in found])
        return _ordered(rows, scores, k)

    @cached_property
    def _listed(self) -> list[_Part]:
        """Return the parts that the inverted lists were made of, in their order."""
        by_name = {part.segment.info.name: part for part in self._parts}
        return [] if self._listing is None else [by_name[n] for n, _ in self._listing.segments if n in by_name]

    @cached_property
    def _unlisted(self) -> list[_Part]:
        """Return the parts that are newer than the lists."""
        return [part for part in self._parts if part not in self._listed]

    @cached_property
    def _lists(self) -> Lists | None:
        """Return the opened lists; None where there are none over exactly these vectors."""
        if self._listing is None or not self._listed:
            return None
        from phototag.index.ann import Lists

        if [(part.segment.info.name, part.info.count) for part in self._listed] != self._listing.segments:
            return None
        try:
            return Lists(self._folder, self._listing)
        except IndexDamagedError:
            return None  # replaced by a newer index since this one was opened; the flat files are mapped

    @cached_property
    def _listed_rows(self) -> Rows:
        return np.concatenate([part.rows for part in self._listed])

    @cached_property
    def _listed_slice(self) -> slice | None:
        """Return the listed rows as a slice where the parts lie one after another without a gap."""
        spans = [part.span for part in self._listed]
        whole = [span for span in spans if span is not None]
        if len(whole) < len(spans) or any(a.stop != b.start for a, b in pairwise(whole)):
            return None
        return slice(whole[0].start, whole[-1].stop)

    @cached_property
    def _listed_alive(self) -> int:
        """Return how many of the listed vectors count: what a search without a filter need not count again."""
        return int(np.count_nonzero(pick(self.has, self._listed_rows, self._listed_slice)))

    def _search_lists(self, query: Floats, k: int, allowed: Mask) -> Nearest | None:
        """Return what the inverted lists find; None where looking at every vector is quicker or finds more."""
        if self._lists is None or k <= 0:
            return None
        mine = pick(allowed, self._listed_rows, self._listed_slice)
        count = self._listed_alive if allowed is self.has else int(np.count_nonzero(mine))
        share = count / len(mine)
        if share < LISTS_FROM:
            return None
        with one_thread():
            scores, at = self._lists.search(query, k, selector=selector_of(mine, count), share=share)
        if len(at) < min(k, count):
            return None
        return _ordered(self._listed_rows[at], scores, k)

    def _search_part(self, part: _Part, query: Floats, k: int, allowed: Mask) -> Nearest:
        mine = pick(allowed, part.rows, part.span)
        count = int(np.count_nonzero(mine))
        if count == 0 or k <= 0:
            return Nearest(np.zeros(0, np.uint32), np.zeros(0, np.float32))
        if count <= max(k, GATHER_BELOW * len(mine)):
            at = np.flatnonzero(mine)
            scores = part.vectors(at) @ query[0]
            best = np.argpartition(-scores, min(k, count) - 1)[:k]
            return Nearest(part.rows[at[best]], scores[best])
        import faiss

        selector = selector_of(mine, count)
        parameters = None if selector is None else faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        with one_thread():
            scores, ids = part.index.search(query, min(k, count), params=parameters)
        good = ids[0] >= 0
        return Nearest(part.rows[ids[0][good]], scores[0][good])


def _ordered(rows: Rows, scores: Floats, k: int) -> Nearest:
    """Return the ``k`` best, equal ones by row."""
    order = np.lexsort((rows, -scores))[:k]
    return Nearest(rows[order], scores[order])


def as_slice(rows: Rows) -> slice | None:
    """Return ascending ``rows`` as a slice, None where they are not one row after another."""
    if not len(rows) or int(rows[-1]) - int(rows[0]) + 1 != len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1)


def pick(mask: Mask, rows: Rows, whole: slice | None) -> Mask:
    """Return ``mask[rows]``; a view where the rows are a slice, which spares a pass over a million of them."""
    picked: Mask = mask[rows] if whole is None else mask[whole]
    return picked


def selector_of(mask: Mask, count: int) -> Any:
    """Return the FAISS selector of the ``count`` vectors of ``mask``, None where that is all of them."""
    if count == len(mask):
        return None
    import faiss

    bits = np.packbits(mask, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))
    selector.kept = bits  # type: ignore[attr-defined]  # FAISS holds only a pointer to them
    return selector


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run FAISS on one thread meanwhile: a second one makes a single query slower."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
