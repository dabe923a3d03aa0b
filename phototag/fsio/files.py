"""One file at a time: written aside, flushed, renamed into place, and the folder flushed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import IO

from phototag.fsio.failures import explain
from phototag.fsio.folders import sync_folder
from phototag.fsio.temps import keep_owner, temp_file


def read_bytes(path: str) -> bytes:
    """Return the whole content of ``path``."""
    with open(path, "rb") as file:
        return file.read()


def write_atomic(
    path: str, data: bytes, *, sync: bool = True, before_replace: Callable[[], bytes | None] | None = None
) -> bool:
    """Write ``data`` to ``path`` atomically; return False when the file already holds these bytes.

    ``before_replace`` is called after the temp file is on disk, just before the rename: it may return newer
    bytes to write instead (the re-read and join of a sidecar that changed meanwhile) or None to go on.
    Raises WriteError.
    """
    folder = os.path.dirname(path) or "."
    try:
        while True:
            if _holds(path, data):
                return False
            with temp_file(folder) as (file, temp):
                keep_owner(path, file.fileno())
                file.write(data)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                newer = before_replace() if before_replace else None
                if newer is not None and newer != data:
                    data = newer
                    continue
                os.replace(temp, path)  # noqa: TID251 - this is the module that may
            if sync:
                sync_folder(folder)
            return True
    except OSError as error:
        raise explain(error, path) from error


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Yield a file to write; when the block ends well it takes the place of ``path``, else nothing changed.

    For output that is too large to hold in memory. Raises WriteError.
    """
    folder = os.path.dirname(path) or "."
    try:
        with temp_file(folder) as (file, temp):
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temp, path)  # noqa: TID251
        sync_folder(folder)
    except OSError as error:
        raise explain(error, path) from error


def create_exclusive(path: str, data: bytes) -> bool:
    """Create ``path`` with ``data`` unless it exists; return whether it was created. Raises WriteError."""
    folder = os.path.dirname(path) or "."
    try:
        with temp_file(folder) as (file, temp):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(temp, path)
            except FileExistsError:
                return False
            except OSError:  # no hard links on FAT and some network shares: two steps, the loser sees the file
                if os.path.lexists(path):
                    return False
                os.replace(temp, path)  # noqa: TID251
        sync_folder(folder)
        return True
    except OSError as error:
        raise explain(error, path) from error


def append(path: str, data: bytes) -> None:
    """Append ``data`` to ``path`` in one write and fsync it. Raises WriteError."""
    try:
        fresh = not os.path.lexists(path)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if fresh:
            sync_folder(os.path.dirname(path) or ".")
    except OSError as error:
        raise explain(error, path) from error


def truncate(path: str, size: int) -> None:
    """Cut ``path`` to ``size`` bytes and fsync: drops a torn last journal frame. Raises WriteError."""
    try:
        with open(path, "r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())
    except OSError as error:
        raise explain(error, path) from error


def remove(path: str) -> None:
    """Remove one file of ours; no error when it is gone. Raises WriteError."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise explain(error, path) from error


def move(source: str, target: str, *, rename_only: bool = False) -> None:
    """Rename ``source`` to ``target`` without replacing anything; sync both folders. Raises WriteError.

    Between file systems it is copied and removed, unless ``rename_only`` forbids to touch its bytes.
    """
    try:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "target exists", target)
        try:
            os.rename(source, target)  # noqa: TID251
        except OSError as error:
            if error.errno != errno.EXDEV or rename_only:
                raise
            shutil.move(source, target)  # noqa: TID251 - another file system: copy, then remove
        sync_folder(os.path.dirname(target) or ".")
        sync_folder(os.path.dirname(source) or ".")
    except OSError as error:
        raise explain(error, target) from error


def replace(source: str, target: str) -> None:
    """Swap ``source`` (file or folder built aside) into the place of ``target`` and sync. Raises WriteError."""
    try:
        os.replace(source, target)  # noqa: TID251
        sync_folder(os.path.dirname(target) or ".")
    except OSError as error:
        raise explain(error, target) from error


def _holds(path: str, data: bytes) -> bool:
    try:
        found = os.lstat(path)
        return stat.S_ISREG(found.st_mode) and found.st_size == len(data) and read_bytes(path) == data
    except OSError:
        return False
