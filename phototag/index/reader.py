"""``Index``: everything known about the images of a library, opened for reading in milliseconds.

Rows are numbered through all segments, dead ones included: ``alive`` says which count. A row number holds only for
the ``Index`` it came from.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag.index import columns, imagerows, schema
from phototag.index.clusters import ClusterReader
from phototag.index.faces import FaceIndex
from phototag.index.manifest import IndexDamagedError, Manifest, check_file, index_folder, load
from phototag.index.opened import Segment
from phototag.index.people import People
from phototag.index.record import ImageRecord, make_record
from phototag.index.tags import TagIndex
from phototag.index.thresholds import thresholds_in
from phototag.index.vectors import VectorSpace
from phototag.index.wordcolumn import Words
from phototag.library.tree import Tree

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.uint32]

NO_INT = np.iinfo(np.int64).min
"""Null in a column of integers."""

_TRIES = 5
_FEW = 5_000
"""Rows up to which paths are sorted here: importing pyarrow's functions takes longer."""


class Codes(NamedTuple):
    """A text column with few distinct values: ``values[codes[row]]``, -1 for null."""

    codes: npt.NDArray[np.int32]
    values: list[str]


class Index:
    """One open index."""

    def __init__(self, tree: Tree, manifest: Manifest, segments: list[Segment]) -> None:
        self.tree, self.manifest, self.segments = tree, manifest, segments
        sizes = [segment.info.rows for segment in segments]
        self.bases: list[int] = [0, *np.cumsum(sizes).tolist()][:-1] if sizes else []
        self.size = sum(sizes)
        """Rows, dead ones included."""
        self._vectors: dict[str, VectorSpace] = {}
        self._numbers: dict[str, npt.NDArray[Any]] = {}
        self._codes: dict[str, Codes] = {}

    @classmethod
    def open(cls, tree: Tree, *, thorough: bool = False) -> Index | None:
        """Open the index of ``tree``; None where there is none. Raises IndexDamagedError where it cannot be used.

        A refresh may swap the index meanwhile; the newer one is then opened. ``thorough`` checks every byte.
        """
        problem = IndexDamagedError("the index is damaged")
        before: Manifest | None = None
        for _ in range(_TRIES):
            manifest = load(tree)
            if manifest is None:
                return None
            if manifest == before:
                break
            try:
                found = [Segment(index_folder(tree), info, thorough=thorough) for info in manifest.segments]
                for segment in found:
                    segment.map_all()
                for lists in manifest.ann:
                    check_file(os.path.join(index_folder(tree), lists.folder), lists.stamp, thorough=thorough)
                return cls(tree, manifest, found)
            except IndexDamagedError as error:
                problem, before = error, manifest
        raise problem

    @cached_property
    def alive(self) -> Mask:
        """Return which rows count."""
        return np.concatenate([s.alive for s in self.segments]) if self.segments else np.zeros(0, np.bool_)

    @cached_property
    def clusters(self) -> ClusterReader:
        """Return the clusters of the current run, as they are now."""
        return ClusterReader(self.tree, self.column)

    @property
    def count(self) -> int:
        """Return the number of images."""
        return self.manifest.rows

    @cached_property
    def present(self) -> Mask:
        """Return which images are there, rather than only their sidecars."""
        return self.flags("present") & self.alive

    @cached_property
    def tags(self) -> TagIndex:
        """Return the tags of all images."""
        return TagIndex(self.segments, self.bases, thresholds_in(self.tree), self.alive)

    @cached_property
    def faces(self) -> FaceIndex:
        """Return the faces and people of all images."""
        return FaceIndex(self.segments, self.bases, People(self.tree))

    @cached_property
    def spaces(self) -> list[str]:
        """Return the embedding spaces that hold vectors, the fullest first."""
        counts: dict[str, int] = {}
        for segment in self.segments:
            for info in segment.info.vectors:
                counts[info.space] = counts.get(info.space, 0) + info.count
        return sorted((s for s, n in counts.items() if n), key=lambda space: (-counts[space], space))

    def vectors(self, space: str) -> VectorSpace:
        """Return one embedding space; empty where no image has a vector in it."""
        if space not in self._vectors:
            lists = next((found for found in self.manifest.ann if found.space == space), None)
            self._vectors[space] = VectorSpace(
                space, self.segments, self.bases, self.alive, lists, index_folder(self.tree)
            )
        return self._vectors[space]

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of all segments, nulls and all, one chunk a segment."""
        chunks = [chunk for segment in self.segments for chunk in segment.images.column(name).chunks]
        return pa.chunked_array(chunks, type=schema.IMAGES.field(name).type)

    def numbers(self, name: str) -> npt.NDArray[Any]:
        """Return a numeric column: float64 with NaN, or int64 with ``NO_INT``, where null. ``taken`` is microseconds."""
        if name not in self._numbers:
            parts = [_filled(chunk) for chunk in self.column(name).chunks]
            self._numbers[name] = _joined(parts, np.int64)
        return self._numbers[name]

    def flags(self, name: str) -> Mask:
        """Return a column of booleans."""
        parts = [columns.values(chunk) for chunk in self.column(name).chunks]
        return _joined(parts, np.bool_)

    def known(self, name: str) -> Mask:
        """Return which images have a value in a column."""
        mask = np.ones(self.size, np.bool_)
        first = 0
        for chunk in self.column(name).chunks:
            there = columns.valid(chunk)
            if there is not None:
                mask[first : first + len(chunk)] = there
            first += len(chunk)
        return mask

    def under(self, path: str) -> Mask:
        """Return the images in the folder ``path`` or below, or the one that is called so."""
        wanted = os.path.normpath(path.strip("/") or ".")
        if wanted == ".":
            return self.alive
        inside = np.zeros(self.size, np.bool_)
        top = os.fsencode(wanted)
        for segment, base in zip(self.segments, self.bases, strict=True):
            for rel, ranges in segment.ranges.items():
                if rel == top or rel.startswith(top + b"/"):
                    for first, count in ranges:
                        inside[base + first : base + first + count] = True
        row = self.row_of(wanted)
        if row is not None:
            inside[row] = True
        return inside

    @cached_property
    def texts(self) -> dict[str, Words]:
        """Return the columns of words: ``text_words`` (what was said of images) and ``path_words``."""
        return {name: Words(self.segments, self.bases, name) for name in ("text_words", "path_words")}

    def codes(self, name: str) -> Codes:
        """Return a text column with few distinct values as codes into one list of values."""
        if name not in self._codes:
            numbers: dict[str, int] = {}
            parts = [_renumbered(chunk, numbers) for chunk in self.column(name).chunks]
            self._codes[name] = Codes(_joined(parts, np.int32), list(numbers))
        return self._codes[name]

    def path(self, row: int) -> str:
        """Return the path of one image, relative to the root."""
        segment, local = self._at(row)
        images = segment.images
        raw = images.column("path_bytes")[local].as_py()
        return os.fsdecode(raw) if raw is not None else str(images.column("path")[local].as_py())

    def paths(self, rows: Iterable[int]) -> list[str]:
        """Return the paths of many images."""
        at = rows if isinstance(rows, np.ndarray) else np.fromiter(rows, np.int64)
        found = self._shown_paths(at)
        if any(segment.images.column("path_bytes").null_count < segment.info.rows for segment in self.segments):
            return [self.path(row) if "\ufffd" in path else path for row, path in zip(at.tolist(), found, strict=True)]
        return found

    def _shown_paths(self, rows: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Return the paths of images as text that any reader can show."""
        found = np.empty(len(rows), object)
        of = np.searchsorted(self.bases, rows, side="right") - 1
        for number in np.unique(of).tolist():
            mine = of == number
            (chunk,) = self.segments[number].images.column("path").chunks
            found[mine] = columns.texts(chunk, rows[mine] - self.bases[number])
        return found.tolist()

    def row_of(self, path: str) -> int | None:
        """Return the row of the image at ``path`` (relative to the root), None where it is not indexed."""
        for segment, base in zip(self.segments, self.bases, strict=True):
            row = segment.row_of(path)
            if row is not None:
                return base + row
        return None

    def record(self, row: int, *, score: float | None = None, least: float | None = None) -> ImageRecord:
        """Return one image as commands and the viewer show it; its tags from the score ``least`` on, if that is given."""
        return next(self.records([row], None if score is None else [score], least=least))

    def records(
        self, rows: Iterable[int], scores: Iterable[float] | None = None, *, least: float | None = None
    ) -> Iterator[ImageRecord]:
        """Yield many images, ranked where ``scores`` are given; ``least`` as in ``record``."""
        tags = self.tags if least is None else self.tags.from_score(least)
        ranked = itertools.repeat(None) if scores is None else map(float, scores)
        wanted = map(int, rows)
        while part := list(itertools.islice(wanted, imagerows.TOGETHER)):
            places = [self._at(row) for row in part]
            for row, (segment, local), values in zip(part, places, imagerows.read(places), strict=True):
                machine, user = tags.of_row(self.segments.index(segment), local)
                yield make_record(
                    values,
                    values[imagerows.TAKEN],
                    machine,
                    user,
                    self.faces.people_in(row),
                    score=next(ranked),
                    cluster=self.clusters.record(row),
                )

    def by_path(self, rows: Rows, limit: int | None = None) -> Rows:
        """Return ``rows`` sorted by path, only the first ``limit`` where that is given."""
        if len(rows) <= _FEW:
            paths = self._shown_paths(rows)
            best = sorted(range(len(rows)), key=paths.__getitem__)
            return rows[np.array(best[:limit], np.intp)]
        import pyarrow.compute as pc

        table = pa.table({"path": self.column("path").take(columns.rows_of(rows))})
        if limit is not None and limit * 20 < len(rows):
            order = pc.select_k_unstable(table, k=limit, sort_keys=[("path", "ascending")])
        else:
            order = pc.sort_indices(table, sort_keys=[("path", "ascending")])
        ordered: Rows = rows[order.to_numpy()[:limit]]
        return ordered

    def in_order(self, rows: Rows, key: npt.NDArray[Any], start: int, stop: int) -> Rows:
        """Return ``rows[start:stop]`` as sorted by ``key`` (one value a row of ``rows``), equal ones by path."""
        stop = min(stop, len(rows))
        if start >= stop:
            return rows[:0]
        order = np.argsort(key, kind="stable")
        values = key[order]
        low = int(np.searchsorted(values, values[start], "left"))
        high = int(np.searchsorted(values, values[stop - 1], "right"))
        ends = np.flatnonzero(np.diff(values[low:high])) + 1 + low
        parts = []
        for first, last in zip([low, *ends.tolist()], [*ends.tolist(), high], strict=True):
            tied = rows[order[first:last]]
            parts.append(tied if len(tied) == 1 else self.by_path(tied, stop - first))
        return np.concatenate(parts)[start - low : stop - low]

    def _at(self, row: int) -> tuple[Segment, int]:
        number = int(np.searchsorted(self.bases, row, side="right")) - 1
        return self.segments[number], row - self.bases[number]


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return the parts as one array; a single one as it is."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0, kind)


def _filled(chunk: pa.Array) -> npt.NDArray[Any]:
    """Return numbers as float64 with NaN, or int64 with ``NO_INT``, where null."""
    found = columns.values(chunk)
    real = found.dtype.kind == "f"
    made = found.astype(np.float64 if real else np.int64, copy=bool(chunk.null_count))
    there = columns.valid(chunk)
    if there is not None:
        made[~there] = np.nan if real else NO_INT
    return made


def _renumbered(chunk: pa.Array, numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return the codes of a chunk by ``numbers``, which gets the values that are new; -1 for null."""
    to = np.array([numbers.setdefault(text, len(numbers)) for text in chunk.dictionary.to_pylist()], np.int32)
    codes: npt.NDArray[np.int32] = columns.values(chunk.indices)
    if not np.array_equal(to, np.arange(len(to))):
        codes = to[codes]
    there = columns.valid(chunk.indices)
    return codes if there is None else np.where(there, codes, np.int32(-1))
