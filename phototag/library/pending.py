"""How far this device has carried out its journal: a mark in the state folder, and what could not be written yet.

The mark says up to where the documents hold what the journal says. One document that cannot be written must not hold
up all others, so the mark goes on past it and it is noted here until it can be.
"""

from __future__ import annotations

import os

import msgspec

from phototag import fsio
from phototag.library import journal, lock
from phototag.library.operation import Operation
from phototag.library.tree import Tree

_DONE = ("done", "done-overlay")
"""Files in the writer's state folder: the journal in the library, or in its overlay, is in the documents up to here."""
_LEFT = ("left", "left-overlay")


class Left(msgspec.Struct, frozen=True, array_like=True):
    """What of one operation could not be carried out: the journal holds the rest of it."""

    operation: str
    names: tuple[bytes, ...]
    """Documents, as in ``Touched.name``."""
    moves: tuple[bytes, ...] = ()
    """Images (paths) that did not move."""

    def of(self, operation: Operation) -> Operation:
        """Return the part of ``operation`` that is left."""
        return msgspec.structs.replace(
            operation,
            touched=tuple(touched for touched in operation.touched if touched.name in self.names),
            moves=tuple(move for move in operation.moves if move.files[0][0] in self.moves),
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Left, ...])


def left(tree: Tree) -> tuple[Left, ...]:
    """Return what could not be written yet, the oldest first."""
    try:
        return _decoder.decode(fsio.read_bytes(_path(tree, _LEFT[tree.overlay])))
    except (OSError, msgspec.DecodeError):
        return ()


def set_left(tree: Tree, found: tuple[Left, ...]) -> None:
    """Note what could not be written. Raises WriteError."""
    path = _path(tree, _LEFT[tree.overlay])
    if found:
        fsio.write_atomic(path, _encoder.encode(found))
    else:
        fsio.remove(path)


def done(tree: Tree, device: bytes) -> tuple[str, int] | None:
    """Return (log, size) up to which the journal is carried out, None where that is not known."""
    fields = _done_fields(tree, _DONE[tree.overlay])
    if not fields or journal.log_size(tree, device, fields[0]) < int(fields[1]):
        return None  # or the log is another one than then: restored, or another disk at the same path
    return fields[0], int(fields[1])


def last_stamp(tree: Tree) -> int:
    """Return the stamp of the last operation here, in the library or its overlay, 0 where none is known."""
    return max((int(fields[2]) for name in _DONE if (fields := _done_fields(tree, name))), default=0)


def mark_begin(tree: Tree, operation: Operation) -> None:
    """Note that nothing of this device's journal is open, so that what comes next is known to be if a crash follows."""
    name, size = journal.end(tree, operation.device)
    mark_done(tree, (name or journal.log_name(operation), size), 0)


def mark_done(tree: Tree, written: tuple[str, int], stamp: int) -> None:
    """Note that the journal is carried out up to ``written`` (log, size). Raises WriteError."""
    if written[0]:
        data = f"{written[0]} {written[1]} {stamp}\n".encode()
        fsio.write_atomic(_path(tree, _DONE[tree.overlay]), data, sync=False)


def mark_end(tree: Tree, device: bytes) -> None:
    """Note that this device's journal is carried out to its end, after it was rewritten by a purge."""
    mark_done(tree, journal.end(tree, device), last_stamp(tree))


def _done_fields(tree: Tree, name: str) -> list[str]:
    try:
        fields = fsio.read_bytes(_path(tree, name)).decode("ascii", "replace").split()
    except OSError:
        return []
    return fields if len(fields) == 3 and fields[1].isdecimal() and fields[2].isdecimal() else []


def _path(tree: Tree, name: str) -> str:
    return os.path.join(lock.state_folder(tree), name)
