"""Thumbnails of the report: one a picture however often it appears, from the library's cache where it has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from phototag import fsio
from phototag.errors import PhototagError
from phototag.imaging.thumbs import ThumbCache, thumb_of
from phototag.index.reader import Index

SMALL_PX, LARGE_PX = 240, 480
"""Longer side in grids and on the map, and where a photo stands for its cluster."""


def file_of(key: str, side_px: int) -> str:
    """Return where the thumbnail of a picture lies in the report, with ``/`` between the parts."""
    return f"thumbs/{key[:2]}/{key}-{side_px}.webp"


class _Todo(NamedTuple):
    """A thumbnail to write."""

    key: str
    side: int
    copies: dict[int, None]
    """Rows of the photos that it shows."""


class Pictures:
    """Writes thumbnails into the report's folder ``out``."""

    def __init__(self, index: Index, out: str, threads: int) -> None:
        self.index, self.out = index, out
        self.threads = threads or os.cpu_count() or 1
        self.cache = ThumbCache(os.path.join(index.tree.cache, "thumbs"))
        self.missing: set[str] = set()
        """Keys of pictures that could not be read."""
        self.files: set[str] = set()
        """Thumbnails that belong to the report."""

    def write(self, wanted: Iterable[tuple[int, str, int]], *, advance: Callable[[int], None]) -> int:
        """Write the thumbnails (row, key, side) that are not there yet; return how many. Raises WriteError."""
        todo: dict[str, _Todo] = {}
        for row, key, side in wanted:
            if key:
                todo.setdefault(file_of(key, side), _Todo(key, side, {})).copies[row] = None
        self.files = set(todo)
        written = 0
        with ThreadPoolExecutor(self.threads) as pool:
            for done in pool.map(lambda item: self._one(*item), todo.items()):
                written += done
                advance(1)
        return written

    def _one(self, file: str, what: _Todo) -> bool:
        path = os.path.join(self.out, file)
        if os.path.exists(path):
            return False
        data = self._data(what)
        if data is None:
            self.missing.add(what.key)
            return False
        fsio.make_folder(os.path.dirname(path))
        return fsio.write_atomic(path, data, sync=False)

    def _data(self, what: _Todo) -> bytes | None:
        """Return the thumbnail, None where no copy can be read: one that was edited since the scan is the last resort."""
        tree, found = self.index.tree, None
        content = self.index.column("content")[next(iter(what.copies))].as_py()
        for row in what.copies:
            path = tree.path(self.index.path(row))
            try:
                made = self.cache.obtain(
                    content, what.side, partial(thumb_of, path, what.side, tree.settings.max_megapixels)
                )
            except (PhototagError, OSError):
                continue
            if made.content == content:
                return made.data
            found = found or made.data
        return found
