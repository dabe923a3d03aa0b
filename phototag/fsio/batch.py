"""Many files at once: one flush for all new contents, then the renames; and many removed together."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from phototag.fsio.failures import explain
from phototag.fsio.files import remove
from phototag.fsio.folders import lock_folder, sync_filesystem
from phototag.fsio.temps import keep_owner, open_temp

T = TypeVar("T")


class Batch:
    """Many files replaced with one flush: all new contents are written and flushed first, then renamed into place.

    A rename over a file whose new content is not on disk yet makes ext4 flush that one file there and then (measured:
    2 ms each); after the flush it costs microseconds, and a power cut can never leave a torn file. Holds one open
    file for each, so ``commit`` every few hundred.
    """

    def __init__(self) -> None:
        self._staged: dict[str, tuple[str, int]] = {}
        """{path: (file that is to take its place, descriptor of a temp file of ours, -1 for an adopted one)}"""

        self.open_files = 0
        """How many files it holds open now."""

    def stage(self, path: str, data: bytes) -> None:
        """Write ``data`` beside ``path``, not yet in its place. Raises WriteError."""
        try:
            temp, fd = open_temp(os.path.dirname(path) or ".")
            self._staged[path] = (temp, fd)
            self.open_files += 1
            keep_owner(path, fd)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        except OSError as error:
            self._drop(path)
            raise explain(error, path) from error

    def adopt(self, path: str, source: str) -> None:
        """Let ``source``, a file in the same folder that holds what ``path`` is to hold, take its place.

        Nothing is written: one rename, no new file (measured on ext4: 40 us against 100 to 300).
        """
        self._staged[path] = (source, -1)

    def commit(self, place: Callable[[str], bool] = lambda path: True) -> list[str]:
        """Flush, then rename each into its place; return the paths that ``place``, asked just before, refused.

        Raises WriteError; what is not yet in its place then is dropped, the files there stay as they were.
        """
        if not self._staged:
            return []
        try:
            sync_filesystem(os.path.dirname(next(iter(self._staged))) or ".")
            with contextlib.ExitStack() as locks:
                # One lock a folder for all of it, always in the same order: nobody who holds one waits for another.
                for folder in sorted({os.path.dirname(path) or "." for path in self._staged}):
                    locks.enter_context(lock_folder(folder))
                refused = [path for path in self._staged if not place(path)]
                for path in refused:
                    self._drop(path)
                _each(self._rename, list(self._staged))
                return refused
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Drop what is not in its place yet; the files there stay as they were."""
        for path in list(self._staged):
            self._drop(path)
        self.open_files = 0

    def _rename(self, path: str) -> None:
        source, fd = self._staged[path]
        try:
            with _held(path):
                os.replace(source, path)  # noqa: TID251
            del self._staged[path]
            if fd < 0:
                os.utime(path)  # sync tools look at size and mtime: an adopted file must not look like the one before
        except OSError as error:
            raise explain(error, path) from error
        if fd >= 0:
            os.close(fd)

    def _drop(self, path: str) -> None:
        source, fd = self._staged.pop(path, ("", -1))
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.unlink(source)
            os.close(fd)


@contextlib.contextmanager
def _held(path: str) -> Iterator[None]:
    """Keep the file at ``path`` from being freed within the block, where another takes its place.

    Linux frees what a rename replaced while it holds the folder, and everybody who works there waits for the disk
    (traced on ext4 with ``discard``: 1 ms a file, others 7 ms). Freed by the last close, it is in nobody's way.
    """
    fd = -1
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)


def remove_all(paths: Sequence[str]) -> None:
    """Remove many files of ours; no error for those that are gone. Raises WriteError."""
    _each(remove, paths)


def _each(work: Callable[[T], None], items: Sequence[T]) -> None:
    """Run ``work`` on all ``items``, a few at once: freeing blocks waits for the disk (measured: 1.5 ms, 0.1 by four)."""
    if len(items) < 8:
        for item in items:
            work(item)
        return
    from concurrent.futures import ThreadPoolExecutor

    def part(start: int) -> None:
        for item in items[start::4]:
            work(item)

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(part, range(4)):
            pass
