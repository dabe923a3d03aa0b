"""Thumbnails of the report: one a picture however often it appears, from the library's cache where it has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from phototag import fsio
from phototag.errors import PhototagError
from phototag.imaging.thumbs import ThumbCache, thumbnail
from phototag.index.reader import Index

SMALL_PX, LARGE_PX = 240, 480
"""Longer side in grids and on the map, and where a photo stands for its cluster."""


def file_of(key: str, side_px: int) -> str:
    """Return where the thumbnail of a picture lies in the report, with ``/`` between the parts."""
    return f"thumbs/{key[:2]}/{key}-{side_px}.webp"


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
        present = self.index.flags("present")
        todo: dict[str, tuple[int, str, int]] = {}
        for row, key, side in wanted:
            file = file_of(key, side)
            if key and (file not in todo or (present[row] and not present[todo[file][0]])):
                todo[file] = (row, key, side)  # of several copies one that is here
        self.files = set(todo)
        written = 0
        with ThreadPoolExecutor(self.threads) as pool:
            for done in pool.map(lambda item: self._one(*item), todo.items()):
                written += done
                advance(1)
        return written

    def _one(self, file: str, what: tuple[int, str, int]) -> bool:
        path = os.path.join(self.out, file)
        if os.path.exists(path):
            return False
        row, key, side = what
        try:
            data = self._data(row, side)
        except (PhototagError, OSError):
            self.missing.add(key)
            return False
        fsio.make_folder(os.path.dirname(path))
        return fsio.write_atomic(path, data, sync=False)

    def _data(self, row: int, side: int) -> bytes:
        content = self.index.column("content")[row].as_py()
        path = self.index.path(row)

        def render() -> bytes:
            original = fsio.read_bytes(self.index.tree.path(path))
            limit = self.index.tree.settings.max_megapixels
            return thumbnail(original, name=os.path.basename(path), side_px=side, max_megapixels=limit)

        return self.cache.obtain(content, side, render)
