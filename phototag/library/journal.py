"""The journal: append-only frames under ``.phototag/journal/<device>/YYYY-MM.log``, one writer a file.

A frame is length (u32), xxh3-64 of the payload (u64), both big-endian, then the payload: one ``Operation`` in
MessagePack. A torn or damaged frame is stepped over by looking for the next one whose checksum holds, so nothing after
it is lost and the damaged bytes stay where they are.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterator

import msgspec
import xxhash

from phototag import fsio, ids
from phototag.errors import LibraryError, WriteError
from phototag.library.operation import Operation
from phototag.library.tree import MARKER, Tree

FOLDER = "journal"
_HEADER = struct.Struct(">IQ")
_FIRST_BYTES = frozenset(range(0x82, 0x90)) | {0xDE}
"""How the map of an Operation may begin: what a search for the next whole frame looks at first."""
_MONTH_LOG = re.compile(r"(\d{4}-\d{2})(\..*)?\.log\Z")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Operation)


def frame(operation: Operation) -> bytes:
    """Return the frame of ``operation``."""
    payload = _encoder.encode(operation)
    return _HEADER.pack(len(payload), xxhash.xxh3_64_intdigest(payload)) + payload


def read_frames(data: bytes, start: int = 0) -> Iterator[Operation]:
    """Yield the operations of every whole frame in ``data`` from ``start``; damaged stretches are stepped over."""
    at = start
    while at + _HEADER.size < len(data):
        found = _frame_at(data, at)
        if found is None:
            at += 1
            continue
        operation, at = found
        if operation is not None:
            yield operation


def damaged_bytes(data: bytes) -> int:
    """Return how many bytes of ``data`` belong to no whole frame."""
    at = damaged = 0
    while at < len(data):
        found = _frame_at(data, at)
        if found is None:
            at, damaged = at + 1, damaged + 1
        else:
            at = found[1]
    return damaged


def append(tree: Tree, operation: Operation) -> tuple[str, int]:
    """Append ``operation`` to this device's journal and fsync; return (file name, size after). Raises WriteError.

    When the disk is full the file is cut back to its old size: an operation that was not accepted leaves no trace.
    """
    folder = own_folder(tree, operation.device)
    fsio.make_folder(folder)
    name = log_name(operation)
    path = os.path.join(folder, name)
    size = _size(path)
    data = frame(operation)
    try:
        fsio.append(path, data)
    except WriteError:
        if _size(path) > size:
            with contextlib.suppress(WriteError):
                fsio.truncate(path, size)
        raise
    return name, size + len(data)


def log_name(operation: Operation) -> str:
    """Return the name of the log that ``operation`` belongs in."""
    return f"{operation.at:%Y-%m}.log"


def own_folder(tree: Tree, device: bytes) -> str:
    """Return the folder that only this device writes."""
    return os.path.join(tree.write_root, MARKER, FOLDER, device.hex())


def logs(folder: str) -> list[str]:
    """Return the names of the logs in ``folder``, oldest month first; conflict copies of a cloned device included."""
    try:
        return sorted(name for name in os.listdir(folder) if _MONTH_LOG.match(name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def own_logs(tree: Tree, device: bytes) -> list[str]:
    """Return the names of the logs that ``append`` writes, oldest first: none that was pushed or is a copy."""
    return [name for name in logs(own_folder(tree, device)) if name.count(".") == 1]


def log_size(tree: Tree, device: bytes, name: str) -> int:
    """Return the size in bytes of one of this device's logs, 0 where there is none."""
    return _size(os.path.join(own_folder(tree, device), name))


def end(tree: Tree, device: bytes) -> tuple[str, int]:
    """Return (file name, size) of this device's newest log; ("", 0) where it has none."""
    names = own_logs(tree, device)
    return (names[-1], log_size(tree, device, names[-1])) if names else ("", 0)


def operations(tree: Tree) -> list[Operation]:
    """Return every operation of every device, newest first. Raises LibraryError when a log cannot be read."""
    found: dict[str, Operation] = {}
    for folder in _device_folders(tree):
        for name in logs(folder):
            for operation in read_frames(_read(os.path.join(folder, name))):
                found[operation.id] = operation
    return sorted(found.values(), key=lambda op: (op.stamp, op.device), reverse=True)


def sizes(tree: Tree) -> dict[str, int]:
    """Return {log: size in bytes} of every device; a log is ``<device>/<file>``, in the library itself."""
    base = os.path.join(tree.folder, FOLDER)
    return {
        os.path.join(os.path.basename(folder), name): _size(os.path.join(folder, name))
        for folder in _device_folders(tree)
        if os.path.dirname(folder) == base
        for name in logs(folder)
    }


def operations_in(tree: Tree, log: str, start: int) -> list[Operation]:
    """Return the operations in a log of ``sizes`` from byte ``start`` on, all where it became shorter than that."""
    data = _read(os.path.join(tree.folder, FOLDER, log))
    return list(read_frames(data, start if start <= len(data) else 0))


def tail(tree: Tree, device: bytes, after: tuple[str, int] | None) -> list[Operation]:
    """Return this device's operations written after ``after`` (file name, size), only its last one for None."""
    folder = own_folder(tree, device)
    names = own_logs(tree, device)
    if after is None or after[0] not in names:
        for name in reversed(names):
            found = list(read_frames(_read(os.path.join(folder, name))))
            if found:
                return found[-1:]
        return []
    later: list[Operation] = []
    for name in names[names.index(after[0]) :]:
        path = os.path.join(folder, name)
        start = after[1] if name == after[0] else 0
        if _size(path) > start:
            later += read_frames(_read(path), start)
    return later


def undone_by(found: list[Operation]) -> dict[str, str]:
    """Return {operation id: id of the undo in force}; an undo that was itself undone is not in force."""
    undos: dict[str, list[str]] = {}
    for operation in found:
        if operation.undoes:
            undos.setdefault(operation.undoes, []).append(operation.id)
    by_id = {operation.id: operation for operation in found}
    settled: dict[str, str] = {}
    # The last of a chain of undos first, so that an operation's undos are settled when it is looked at. Stamps do not
    # tell: the clock of a device that undoes what another did can be years behind.
    for operation in sorted(found, key=lambda op: _depth(op, by_id), reverse=True):
        in_force = [undo for undo in undos.get(operation.id, ()) if undo not in settled]
        if in_force:
            settled[operation.id] = max(in_force)
    return settled


def _depth(operation: Operation, by_id: dict[str, Operation]) -> int:
    """Return how many operations lie below in the chain of what undoes what."""
    depth = 0
    while depth < len(by_id) and (below := by_id.get(operation.undoes)) is not None:
        operation, depth = below, depth + 1
    return depth


def _frame_at(data: bytes, at: int) -> tuple[Operation | None, int] | None:
    """Return (operation, end) of the frame at ``at``, operation None for a shape of the future; None: no frame."""
    start = at + _HEADER.size
    if start >= len(data) or data[start] not in _FIRST_BYTES:
        return None
    length, checksum = _HEADER.unpack_from(data, at)
    end = start + length
    if not length or end > len(data):
        return None
    payload = memoryview(data)[start:end]
    if xxhash.xxh3_64_intdigest(payload) != checksum:
        return None
    try:
        return _decoder.decode(payload), end
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, end


def _device_folders(tree: Tree) -> list[str]:
    folders = []
    for base in {tree.folder, os.path.join(tree.write_root, MARKER)}:
        parent = os.path.join(base, FOLDER)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            folders += [os.path.join(parent, name) for name in os.listdir(parent) if ids.is_device_text(name)]
    return sorted(folders)


def _read(path: str) -> bytes:
    try:
        return fsio.read_bytes(path)
    except OSError as error:
        raise LibraryError(
            f"cannot read the journal {fsio.display(path)}: {error.strerror}",
            hint="git annex get it, or make it readable for your user",
        ) from error


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
