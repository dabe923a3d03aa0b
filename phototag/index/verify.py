"""``index verify``: the index against the sidecars, row by row, and every byte of its files."""

from __future__ import annotations

import os

import msgspec
import numpy as np
from msgspec import UNSET

from phototag.index.direct import Direct
from phototag.index.listing import list_folder
from phototag.index.manifest import IndexDamagedError
from phototag.index.reader import Index
from phototag.index.record import ImageRecord
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.sidecar.naming import is_sidecar_name

_JOINED_WHEN_READ = ("cluster",)
"""Fields that stand neither in the index nor in the sidecar: the current run's documents are joined when reading."""


class Difference(msgspec.Struct, frozen=True):
    """One image that the index tells wrongly; an empty path is the index itself."""

    path: str
    what: str


class VerifyReport(msgspec.Struct, frozen=True):
    """``index verify --json``."""

    ok: bool
    images: int
    differences: list[Difference]


def verify(tree: Tree) -> VerifyReport:
    """Compare every row with what its sidecar says now; nothing is written."""
    try:
        index = Index.open(tree, thorough=True)
    except IndexDamagedError as error:
        return VerifyReport(False, 0, [Difference("", str(error))])
    if index is None:
        return VerifyReport(False, 0, [Difference("", "there is no index")])
    direct = Direct(tree)
    found: list[Difference] = []
    seen: set[int] = set()
    for folder in walk(tree):
        for entry in list_folder(tree, folder):
            rel = folder.path(entry.image or entry.sidecar)
            row = index.row_of(rel)
            if row is None and not entry.image:
                continue  # a cut name without its image: compared below by the name inside
            if row is None:
                found.append(Difference(rel, "is not in the index"))
                continue
            seen.add(row)
            found.extend(_compared(index, row, direct))
    for row in index.alive.nonzero()[0].tolist():
        if row not in seen:
            found.extend(_compared(index, row, direct))
    shown = [Difference(d.path.encode("utf-8", "replace").decode(), d.what) for d in found]
    return VerifyReport(not shown, index.count, shown)


def _compared(index: Index, row: int, direct: Direct) -> list[Difference]:
    """Return where the index and the sidecar disagree about one image."""
    path = index.path(row)
    held, truth = index.record(row), direct.read(path)
    if truth is None:
        # A damaged sidecar with a cut name: whose it is only the sidecar could tell, so the row bears its own name.
        nameless = is_sidecar_name(path) and os.path.lexists(index.tree.path(path)) and held.trouble is not UNSET
        return [] if nameless else [Difference(path, "is in the index but has no sidecar")]
    record, vectors = truth
    found = [
        Difference(path, f"{name}: the index says {getattr(held, name)!r}, the sidecar {getattr(record, name)!r}")
        for name in ImageRecord.__struct_fields__
        if name not in _JOINED_WHEN_READ and getattr(held, name) != getattr(record, name)
    ]
    for name in index.spaces:
        space = index.vectors(name)
        vector = vectors.get(name, b"")
        expected = np.frombuffer(vector, "<f2").astype(np.float32) if len(vector) == 2 * space.dim else None
        if bool(space.has[row]) != (expected is not None):
            found.append(Difference(path, f"{name}: only one of index and sidecar has a vector"))
        elif expected is not None and not np.array_equal(space.get(np.array([row]))[0], expected, equal_nan=True):
            found.append(Difference(path, f"{name}: the vectors differ"))
    return found
