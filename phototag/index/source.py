"""Reading the sidecars of one folder: prefetched, in one pass, each either parsed or with the reason why not."""

from __future__ import annotations

import errno
import os
import stat
import time
from array import array
from collections.abc import Iterator

import msgspec

from phototag.errors import FormatError
from phototag.index import view as views
from phototag.index.listing import Entry, Listing, both, pack, signature_of, watch_paths
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
_NOTHING = (None, 0)
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
    below = _contents(os.fsdecode(work.place), list(entries))
    above = _contents(os.fsdecode(work.above), list(entries)) if work.above else None
    signatures = array("q")
    for entry, (data, state) in zip(entries.values(), below, strict=True):
        top, top_state = _NOTHING if above is None else next(above)
        signatures.append(state if top is None else top_state if data is None else both(state, top_state))
        _add(writer, rel, entry, data, top, purges)
    listing = work.listing
    if listing is not None and len(listing.signatures) != signatures.itemsize * len(listing.sidecars):
        listing = msgspec.structs.replace(listing, signatures=signatures.tobytes())
    raw = msgspec.Raw(msgspec.msgpack.encode(listing))
    writer.parts.append(FolderPart(work.rel, first, writer.rows - first, raw))


def _add(
    writer: SegmentWriter,
    rel: str,
    entry: Entry,
    data: bytes | OSError | None,
    above: bytes | OSError | None,
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


def _contents(folder: str, names: list[str]) -> Iterator[tuple[bytes | OSError | None, int]]:
    """Yield bytes and signature of each of ``names``: None for one not there, the error for one that cannot be read."""
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        missing = None if isinstance(error, FileNotFoundError | NotADirectoryError) else error
        yield from ((missing, 0) for _ in names)
        return
    try:
        now_ns = time.time_ns()
        for start in range(0, len(names), PREFETCH):
            files = [_open(name, at, now_ns) for name in names[start : start + PREFETCH]]
            for file, state in files:
                yield (_read(file), state) if isinstance(file, int) else (file, 0)
    finally:
        os.close(at)


def _open(name: str, folder: int, now_ns: int) -> tuple[int | OSError | None, int]:
    """Return an open file and its signature; nothing or the error, and 0, where it cannot be."""
    try:
        file = os.open(name, _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        return _NOTHING
    except OSError as error:
        return error, 0
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        return OSError(errno.EINVAL, "it is no file"), 0
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
