"""Thumbnails: upright WebP pictures, made once and kept in the cache under the hash of the original's bytes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Container
from typing import NamedTuple

from PIL import Image

from phototag import fsio
from phototag.errors import ImageError, WriteError
from phototag.fingerprint import content_hash
from phototag.imaging.decode import read_upright

QUALITY = 80
MEDIA_TYPE = "image/webp"
_NAME = re.compile(r"([0-9a-f]{32})-\d+\.webp")


class Thumb(NamedTuple):
    """A thumbnail, and the content hash of the original that it was made of."""

    data: bytes
    content: bytes


def thumb_of(path: str, side_px: int, max_megapixels: float) -> Thumb:
    """Return the thumbnail of the file at ``path`` as it is now. Raises ImageError, OSError."""
    data = fsio.read_bytes(path)
    made = thumbnail(data, name=os.path.basename(path), side_px=side_px, max_megapixels=max_megapixels)
    return Thumb(made, content_hash(data))


def thumbnail(data: bytes, *, name: str, side_px: int, quality: int = QUALITY, max_megapixels: float = 300.0) -> bytes:
    """Return a WebP of ``data``, upright, whose longer side is ``side_px`` or the picture's own. Raises ImageError."""
    found = read_upright(data, name=name, side_px=side_px, longer=True, max_megapixels=max_megapixels)
    image = found.image
    scale = side_px / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    try:
        image.save(out, "WEBP", quality=quality, method=3)
    except (OSError, ValueError) as error:
        raise ImageError(f"the thumbnail cannot be written: {error}") from error
    return out.getvalue()


class ThumbCache:
    """Thumbnails in ``<folder>/<aa>/<content hex>-<side>.webp``. A cache that cannot be written is a slow one."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, content: bytes, side_px: int) -> str:
        """Return where the thumbnail of the picture with this content hash belongs."""
        name = content.hex()
        return os.path.join(self.folder, name[:2], f"{name}-{side_px}.webp")

    def get(self, content: bytes, side_px: int) -> bytes | None:
        """Return the kept thumbnail, None where there is none or it cannot be read."""
        try:
            data = fsio.read_bytes(self.path(content, side_px))
        except OSError:
            return None
        return data if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None

    def put(self, content: bytes, side_px: int, data: bytes) -> bool:
        """Keep ``data``; return False when the cache cannot be written."""
        path = self.path(content, side_px)
        try:
            fsio.make_folder(os.path.dirname(path))
            return fsio.write_atomic(path, data, sync=False)
        except WriteError:
            return False

    def prune(self, wanted: Container[bytes]) -> int:
        """Remove the thumbnails of pictures whose content hash is not ``wanted``; return how many."""
        removed = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                found = _NAME.fullmatch(name)
                if found and bytes.fromhex(found[1]) not in wanted:
                    fsio.remove(os.path.join(folder, name))
                    removed += 1
        return removed

    def obtain(self, content: bytes, side_px: int, make: Callable[[], Thumb]) -> Thumb:
        """Return the kept thumbnail, else what ``make`` returns, kept for the next time where it is of that content.

        A file may have been edited since it was scanned: its thumbnail is no other copy's.
        """
        kept = self.get(content, side_px)
        if kept is not None:
            return Thumb(kept, content)
        made = make()
        if made.content == content:
            self.put(content, side_px, made.data)
        return made
