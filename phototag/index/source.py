"""Reading the sidecars of one folder: prefetched, in one pass, each either parsed or with the reason why not."""

from __future__ import annotations

import errno
import os
import stat
import time
from array import array
from collections.abc import Iterator, Mapping

import msgspec

from phototag.errors import FormatError
from phototag.index import view as views
from phototag.index.listing import (
    MISSING,
    Entry,
    Listing,
    both,
    is_settled,
    is_unread,
    pack,
    signature_of,
    unread,
    watch_paths,
)
from phototag.index.parts import FolderPart
from phototag.index.segment import SegmentWriter
from phototag.index.view import value_of
from phototag.library.tree import Tree
from phototag.sidecar.codec import BODY_LIMIT, HEADER_BYTES
from phototag.sidecar.registers import Document

PREFETCH = 128
"""Files opened ahead of the one being read: the disk gets them all to sort, yet few descriptors are held."""
READ_BYTES = 64 << 10
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
"""Non-blocking, so that a pipe with a sidecar's name does not stop everything."""
_NOTHING = (None, MISSING)
Bytes = bytes | OSError | None
"""What a file holds, or why it could not be read; None: it is not there."""
_WILL_NEED = getattr(os, "POSIX_FADV_WILLNEED", None)


class FolderJob(msgspec.Struct, frozen=True, array_like=True):
    """The sidecars of one folder that have to be read; all in bytes, so it can be sent to another process."""

    rel: bytes
    place: bytes
    """Absolute path of the folder with the sidecars."""
    above: bytes
    """The same in the overlay, empty where there is none."""
    wanted: Listing
    listing: Listing | None
    """The folder's whole listing, kept in the segment; None where it is kept elsewhere. Without signatures where
    ``wanted`` is all of it: they are taken from the files as they are opened."""


def job(tree: Tree, rel: str, wanted: list[Entry], listing: Listing | None) -> FolderJob:
    """Return the job of reading ``wanted`` in the folder ``rel``."""
    place, mirror, above = watch_paths(tree, rel)
    return FolderJob(os.fsencode(rel), os.fsencode(mirror or place), os.fsencode(above), pack(wanted), listing)


def read_into(writer: SegmentWriter, work: FolderJob, purges: Document | None) -> None:
    """Append a row to ``writer`` for every sidecar of ``work`` that is there."""
    first = writer.rows
    entries = work.wanted.entries()
    rel = os.fsdecode(work.rel)
    signatures = array("q")
    read = _read_all(os.fsdecode(work.place), os.fsdecode(work.above), list(entries))
    for entry, (data, top, state) in zip(entries.values(), read, strict=True):
        signatures.append(state)
        _add(writer, rel, entry, data, top, purges)
    listing, unsettled = _signed(work.listing, entries, signatures)
    raw = msgspec.Raw(msgspec.msgpack.encode(listing))
    writer.parts.append(FolderPart(work.rel, first, writer.rows - first, raw, unsettled))


def as_before(tree: Tree, rel: str, entries: list[Entry], old: Mapping[str, Entry]) -> list[Entry]:
    """Return ``entries``, those of ``old`` that could not be read and still cannot, for the same reason, as in ``old``."""
    tried = {e.sidecar: old[e.sidecar].signature for e in entries if e.sidecar in old}
    tried = {name: signature for name, signature in tried.items() if is_unread(signature)}
    if not tried:
        return entries
    place, mirror, above = watch_paths(tree, rel)
    read = _read_all(mirror or place, above, list(tried))
    same = {name: was for (name, was), (_, _, state) in zip(tried.items(), read, strict=True) if state == was}
    return [msgspec.structs.replace(e, signature=same.get(e.sidecar, e.signature)) for e in entries]


def _signed(listing: Listing | None, read: Mapping[str, Entry], signatures: array[int]) -> tuple[Listing | None, bool]:
    """Return ``listing`` with what was learned from opening the files of ``read``, and whether any is unsettled."""
    if listing is None:
        return None, False
    if len(listing.signatures) != signatures.itemsize * len(listing.sidecars):
        listing = msgspec.structs.replace(listing, signatures=signatures.tobytes())
        return listing, not all(map(is_settled, signatures))
    learned = {name: state for name, state in zip(read, signatures, strict=True) if not is_settled(state)}
    held = listing.entries().values()
    entries = [msgspec.structs.replace(e, signature=learned.get(e.sidecar, e.signature)) for e in held]
    return pack(entries), not all(is_settled(entry.signature) for entry in entries)


def _add(
    writer: SegmentWriter,
    rel: str,
    entry: Entry,
    data: Bytes,
    above: Bytes,
    purges: Document | None,
) -> None:
    if data is None:
        data, above = above, None
    if data is None:
        return  # gone since it was listed
    trouble = next((f"cannot be read: {part.strerror}" for part in (data, above) if isinstance(part, OSError)), "")
    if isinstance(data, bytes) and not isinstance(above, OSError):
        try:
            view, trouble = views.parse(data, above=above, purges=purges)
        except FormatError as error:
            trouble = str(error)
        else:
            name = entry.image
            if not name:
                said = None if view.id is None else value_of(view.id.name)
                name = os.fsdecode(said) if said else entry.sidecar
            writer.add(f"{rel}/{name}" if rel else name, view, present=entry.present, trouble=trouble)
            return
    name = entry.image or entry.sidecar
    writer.add_bare(f"{rel}/{name}" if rel else name, present=entry.present, trouble=trouble)


def _read_all(place: str, above: str, names: list[str]) -> Iterator[tuple[Bytes, Bytes, int]]:
    """Yield what is in place and in the overlay of each of ``names``, and the signature of both."""
    top, top_state = _NOTHING
    over = _contents(above, names) if above else None
    for data, state in _contents(place, names):
        if over is not None:
            top, top_state = next(over)
        yield data, top, state if top is None else top_state if data is None else both(state, top_state)


def _contents(folder: str, names: list[str]) -> Iterator[tuple[Bytes, int]]:
    """Yield bytes and signature of each of ``names``: None for one not there, the error for one that cannot be read."""
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        yield from (_NOTHING if missing else (error, unread(error)) for _ in names)
        return
    try:
        now_ns = time.time_ns()
        for start in range(0, len(names), PREFETCH):
            files = [_open(name, at, now_ns) for name in names[start : start + PREFETCH]]
            for file, state in files:
                if not isinstance(file, int):
                    yield file, state
                    continue
                data = _read(file)
                yield data, unread(data) if isinstance(data, OSError) else state
    finally:
        os.close(at)


def _open(name: str, folder: int, now_ns: int) -> tuple[int | OSError | None, int]:
    """Return an open file and its signature; nothing, or the error, where it cannot be opened."""
    try:
        file = os.open(name, _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        return _NOTHING
    except OSError as error:
        return error, unread(error)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        return OSError(errno.EINVAL, "it is no file"), signature_of(status, now_ns)
    if _WILL_NEED is not None:
        os.posix_fadvise(file, 0, 0, _WILL_NEED)
    return file, signature_of(status, now_ns)


def _read(file: int) -> bytes | OSError:
    try:
        data = os.read(file, READ_BYTES)
        if len(data) < READ_BYTES:
            return data
        parts = [data]
        total = len(data)
        while total <= BODY_LIMIT + HEADER_BYTES and (more := os.read(file, READ_BYTES)):
            parts.append(more)
            total += len(more)
        return b"".join(parts)
    except OSError as error:
        return error
    finally:
        os.close(file)
