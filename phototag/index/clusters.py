"""Which cluster each row of an index belongs to: the current run's documents joined with the index by picture.

Nothing of it is in the index itself: a run is truth, written once, and the join takes milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import UNSET, UnsetType

from phototag.errors import FormatError, UsageError
from phototag.index import columns as arrow
from phototag.index.record import ClusterRecord
from phototag.library import runs
from phototag.library.documents import LIBRARY
from phototag.library.runs import Members, RunDocument
from phototag.library.tree import MARKER, Tree
from phototag.sidecar.codec import SUFFIX

NOISE = -1
ABSENT = -2
"""The label of a row that the run does not know: a photo scanned since, or outside its scope."""

_SCALE = np.float32(65535)


class Columns(msgspec.Struct, frozen=True):
    """One value a row of the index; rows that the run does not know have ABSENT and zeros."""

    leaf: npt.NDArray[np.int32]
    eom: npt.NDArray[np.int32]
    leaf_strength: npt.NDArray[np.float32]
    eom_strength: npt.NDArray[np.float32]
    outlier: npt.NDArray[np.float32]
    at: npt.NDArray[np.float32]
    """(n, 2) place on the map in [0, 1]; NaN where there is none."""
    joined_later: npt.NDArray[np.bool_]
    """Rows that ``assign`` added."""


class Membership:
    """One run joined with one index."""

    def __init__(self, tree: Tree, document: RunDocument, keys: Callable[[], Keys]) -> None:
        self.tree, self.document, self._keys = tree, document, keys

    @property
    def run(self) -> str:
        """Return the run's id."""
        return self.document.id

    @cached_property
    def columns(self) -> Columns:
        """Return the members, aligned with the rows of the index."""
        made = runs.members(self.tree, self.run)
        later = runs.assigned(self.tree, self.run)
        return _joined(self._keys(), [*made, *later], sum(part.n for part in made))

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """Return the cluster of each row at the run's level; NOISE or ABSENT."""
        return self.columns.leaf if self.document.run.level == runs.LEAF else self.columns.eom

    @property
    def strengths(self) -> npt.NDArray[np.float32]:
        """Return how strongly each row belongs to its cluster, in [0, 1]."""
        return self.columns.leaf_strength if self.document.run.level == runs.LEAF else self.columns.eom_strength

    def relabelled(self, document: RunDocument) -> Membership:
        """Return the same join with labels read again."""
        fresh = Membership(self.tree, document, self._keys)
        if "columns" in self.__dict__:
            fresh.__dict__["columns"] = self.columns
        return fresh


class Keys(msgspec.Struct, frozen=True):
    """What tells the pictures of an index apart: first 8 bytes of birth and content hash of each row, 0 unknown."""

    birth: npt.NDArray[np.uint64]
    content: npt.NDArray[np.uint64]


Stat = tuple[int, int] | None
Seen = tuple[tuple[str, Stat], ...]


class _State(msgspec.Struct, frozen=True):
    """What a reader found, and how the files were that decide about it."""

    seen: Seen = ()
    found: Membership | None = None
    awaited: str = ""


class ClusterReader:
    """The current run's membership, read again when its files have changed."""

    def __init__(self, tree: Tree, column: Callable[[str], pa.ChunkedArray]) -> None:
        self._tree, self._column = tree, column
        self._state = _State()

    @cached_property
    def keys(self) -> Keys:
        """Return what tells the pictures of the index apart."""
        return Keys(_first8(self._column("birth")), _first8(self._column("content")))

    def pictures(self, rows: npt.NDArray[np.integer[Any]]) -> tuple[bytes, bytes]:
        """Return (birth, first half of content) of ``rows``, 16 and 8 bytes each, as ``Members`` keeps them."""
        return _heads(self._column("birth"), 16)[rows].tobytes(), _heads(self._column("content"), 8)[rows].tobytes()

    def current(self) -> Membership | None:
        """Return the current run's membership, None where there is no run or it cannot be read.

        Where the current run is not here yet, it is that of the newest one that is.
        """
        if not self._state.seen or any(_stat(path) != before for path, before in self._state.seen):
            self._state = self._read_again()
        return self._state.found

    @property
    def awaited(self) -> str:
        """Return the id of the current run where it is not here: another one stands in for it, or none."""
        self.current()
        return self._state.awaited

    def _read_again(self) -> _State:
        # Looked at before they are read: what changes meanwhile is seen the next time.
        seen = self._look(LIBRARY + SUFFIX)
        run = runs.current(self._tree)
        if not run:
            return _State(seen)
        seen += self._look(f"{runs.KIND}/{run}{SUFFIX}", f"{runs.KIND}/{run}")
        try:
            document = runs.find(self._tree, run)
            if document is not None:
                return _State(seen, self._membership(document, seen))
            seen += self._look(runs.KIND)  # another machine's, still on its way
            document = runs.stand_in(self._tree)
            if document is None:
                return _State(seen, awaited=run)
            seen += self._look(f"{runs.KIND}/{document.id}{SUFFIX}", f"{runs.KIND}/{document.id}")
            return _State(seen, self._membership(runs.read(self._tree, document.id), seen), run)
        except (FormatError, UsageError, OSError):
            return _State(seen)  # damaged: doctor reports it

    def _membership(self, document: RunDocument, seen: Seen) -> Membership:
        """Return the membership of ``document``; where its members are as they were, only its labels are new."""
        before = self._state
        if before.found is not None and before.found.run == document.id and before.seen[-2:] == seen[-2:]:
            return before.found.relabelled(document)
        return self.of(document)

    def _look(self, *names: str) -> Seen:
        """Return how files below ``.phototag/`` are: they are read in place, and in the overlay or once more in place."""
        bases = self._tree.folder, os.path.join(self._tree.write_root, MARKER)
        paths = [os.path.join(base, name) for name in names for base in bases]
        return tuple((path, _stat(path)) for path in paths)

    def record(self, row: int) -> ClusterRecord | UnsetType:
        """Return the cluster of one row in the current run, UNSET where it has none."""
        found = self.current()
        if found is None or found.labels[row] < 0:
            return UNSET
        return ClusterRecord(found.run, int(found.labels[row]), round(float(found.strengths[row]), 4))

    def of(self, document: RunDocument) -> Membership:
        """Return the membership of any run."""
        return Membership(self._tree, document, lambda: self.keys)


def _stat(path: str) -> Stat:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _first8(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return _heads(column, 8).view(np.uint64)[:, 0]


def _heads(column: pa.ChunkedArray, size: int) -> npt.NDArray[np.uint8]:
    """Return the first ``size`` bytes of each value, (n, size); zeros where null."""
    parts = [arrow.heads(chunk, size) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros((0, size), np.uint8)


def _joined(keys: Keys, parts: Sequence[Members], made: int) -> Columns:
    """Look every row up among the members: by birth and content, else by birth alone (a picture edited since)."""
    birth = np.concatenate([np.frombuffer(p.birth, "<u8")[::2] for p in parts] or [np.zeros(0, np.uint64)])
    content = np.concatenate([np.frombuffer(p.content, "<u8") for p in parts] or [np.zeros(0, np.uint64)])
    found = _lookup(_mixed(keys.birth, keys.content), _mixed(birth, content))
    unknown = found < 0
    found[unknown] = _lookup(keys.birth[unknown], birth)
    known = found >= 0
    rows = found[known]

    def spread(name: str, kind: str, missing: float, scale: np.float32 | None = None) -> npt.NDArray[Any]:
        column = np.concatenate([_column(p, name, kind) for p in parts] or [np.zeros(0)])
        values = column[rows] / scale if scale is not None else column[rows]
        out = np.full(len(known), missing, np.float32 if scale is not None else np.int32)
        out[known] = values
        return out

    later = np.zeros(len(known), np.bool_)
    later[known] = rows >= made
    return Columns(
        spread("leaf", "<i4", ABSENT),
        spread("eom", "<i4", ABSENT),
        spread("leaf_strength", "<u2", 0.0, _SCALE),
        spread("eom_strength", "<u2", 0.0, _SCALE),
        spread("outlier", "<u2", 0.0, _SCALE),
        np.column_stack([spread("x", "<u2", np.nan, _SCALE), spread("y", "<u2", np.nan, _SCALE)]),
        later,
    )


def _column(part: Members, name: str, kind: str) -> npt.NDArray[Any]:
    raw = getattr(part, name)
    if not raw and part.n:
        return np.full(part.n, np.nan)
    return np.frombuffer(raw, kind)


def _mixed(birth: npt.NDArray[np.uint64], content: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed: npt.NDArray[np.uint64] = birth * np.uint64(0x9E3779B97F4A7C15) + content
    return mixed


def _lookup(wanted: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the position in ``known`` of each of ``wanted``, the first where several; -1 where none."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    return np.where(known[order[at]] == wanted, order[at], -1)
