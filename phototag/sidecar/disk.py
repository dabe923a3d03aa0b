"""Sidecars on disk: read, and write through ``fsio`` with a re-read and join just before the rename."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

import xxhash

from phototag import fsio
from phototag.errors import FormatError, WriteError
from phototag.sidecar import naming
from phototag.sidecar.codec import BODY_LIMIT, HEADER_BYTES, VERSION, newer_version
from phototag.sidecar.registers import Document

_READ_LIMIT = BODY_LIMIT + HEADER_BYTES + 1


def read(path: str) -> Document | None:
    """Return the document at ``path``, None when there is no file.

    Raises FormatError (with the path in its text) when it is damaged, OSError when it cannot be read.
    """
    found = read_with_bytes(path)
    return None if found is None else found[0]


def read_with_bytes(path: str) -> tuple[Document, bytes] | None:
    """Return the document at ``path`` and the bytes it was read from, None when there is no file. Raises as ``read``."""
    try:
        data = read_capped(path)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):
            raise _dangling(path) from None
        return None
    return parse(data, path), data


def parse(data: bytes, path: str) -> Document:
    """Return the document in ``data``; ``path`` is named in the FormatError."""
    try:
        return Document.decode(data)
    except FormatError as error:
        error.args = (f"{fsio.display(path)}: {error.args[0]}",)
        raise


def read_capped(path: str) -> bytes:
    """Return the bytes of ``path``, at most a little over the format's limit (the codec then refuses them)."""
    with open(path, "rb", buffering=0, opener=_open_file) as file:
        # Asked for the limit at once, Python would first set 8 MiB aside: 50 us a file.
        parts = [file.read(min(os.fstat(file.fileno()).st_size, _READ_LIMIT) + 1)]
        while parts[-1] and sum(map(len, parts)) < _READ_LIMIT:
            parts.append(file.read(1 << 16))
    return b"".join(parts)


def _open_file(path: str, flags: int) -> int:
    """Open a file, and nothing else: a pipe with a sidecar's name would wait for ever. Raises OSError."""
    try:
        fd = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise _no_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _no_file(path)
    return fd


def _no_file(path: str) -> OSError:
    return OSError(errno.EINVAL, "it is no file", path)


def advice(error: OSError) -> str:
    """Return what to do about a sidecar that ``read`` could not read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "make the file readable for your user"
    if error.errno == errno.EINVAL:
        return "a folder, pipe, socket or device has the sidecar's name: move it away"
    return "check the disk or the network share"


def write(path: str, document: Document, *, sync: bool = True) -> bool:
    """Join ``document`` into what is at ``path`` and write the result atomically; return whether bytes changed.

    The file is read again just before the rename, so another process or a sync tool that wrote meanwhile loses
    nothing. ``document`` is updated to the join. Raises FormatError, WriteError.
    """
    refuse_link(path)
    seen = _absorb(path, document, None)
    _refuse_newer(path, document)
    with contextlib.ExitStack() as stack:
        held = False

        def latest() -> bytes | None:
            # Locked from here to after the rename: no other phototag can slip a version in between.
            nonlocal held, seen
            if not held:
                stack.enter_context(fsio.lock_folder(os.path.dirname(path) or "."))
                held = True
            before = document.body
            seen = _absorb(path, document, seen)
            return document.encode() if document.body != before else None

        return fsio.write_atomic(path, document.encode(), sync=sync, before_replace=latest)


def set_aside(path: str) -> str:
    """Move the damaged file at ``path`` to ``<path>.corrupt-<hash>.bin`` and return that; its bytes are never deleted.

    Raises WriteError, OSError.
    """
    kept = keep_aside(path, fsio.read_bytes(path))
    fsio.remove(path)
    return kept


def keep_aside(path: str, data: bytes) -> str:
    """Write damaged ``data`` of the file ``path`` to ``<path>.corrupt-<hash>.bin`` and return that. Raises WriteError.

    The folder need not be there: a merge tells of a renamed file before it is.
    """
    folder, name = os.path.split(path)
    tail = f".corrupt-{xxhash.xxh3_64_hexdigest(data)}.bin"
    kept = os.path.join(folder, naming.cut(name, naming.NAME_LIMIT - len(tail)) + tail)
    if folder:
        fsio.make_folder(folder)
    fsio.create_exclusive(kept, data)
    return kept


def refuse_link(path: str) -> None:
    """Raise WriteError when ``path`` is a symlink: a sidecar annexed by mistake is reported, not replaced silently."""
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise WriteError(
                f"{fsio.display(path)} is a symbolic link, not a sidecar",
                hint="it was annexed by mistake: run 'phototag sync setup annex', then 'git annex unannex' it",
            )
    except FileNotFoundError:
        return


def refuse_unwritable(path: str) -> None:
    """Raise the error that ``write`` would meet for what is at ``path`` already: a link, a newer version, damage.

    Raises FormatError, WriteError, OSError.
    """
    refuse_link(path)
    found = read(path)
    if found is not None:
        _refuse_newer(path, found)


def _refuse_newer(path: str, document: Document) -> None:
    if document.version > VERSION:
        error = newer_version(document.version)
        error.args = (f"{fsio.display(path)}: {error.args[0]}",)
        raise error


def _dangling(path: str) -> FormatError:
    return FormatError(
        f"{fsio.display(path)}: the sidecar is a symbolic link and its content is not here",
        reason="pointer",
        hint="git annex get it; 'phototag sync setup annex' keeps sidecars out of the annex",
    )


def _absorb(path: str, document: Document, seen: bytes | None) -> bytes | None:
    """Join the file at ``path`` into ``document`` unless its bytes are still ``seen``; return them."""
    try:
        data = read_capped(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if data != seen:
        found = parse(data, path)
        document.version = max(document.version, found.version)
        if found.body != document.body:
            document.body = document.join(found).body
    return data
