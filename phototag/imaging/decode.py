"""One decode for all: from a file's bytes to an upright, scaled-down sRGB ``Picture``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import msgspec
import numpy as np
from PIL import Image

from phototag.errors import ImageError
from phototag.imaging import formats, pixels
from phototag.imaging.budget import DECODING, decoded_px
from phototag.imaging.exif import read_exif
from phototag.imaging.phash import DECODED_PX
from phototag.imaging.picture import Picture
from phototag.imaging.raster import Raster, open_raster, read_header
from phototag.sidecar.model import Exif, Gps

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Upright(msgspec.Struct, frozen=True):
    """A picture as a person sees it, still a Pillow image, with what is known about its raster."""

    image: Image.Image
    """RGB, sRGB, upright."""
    width_px: int
    height_px: int
    format: str
    exif: Exif
    gps: Gps | None
    truncated: bool
    frames: int
    grey: bool
    alpha: bool


class Size(msgspec.Struct, frozen=True):
    """What a header tells of an upright picture; as in ``Picture``."""

    width_px: int
    height_px: int
    format: str
    frames: int


def read_picture(data: bytes, *, name: str, side_px: int, max_megapixels: float = 300.0) -> Picture:
    """Decode ``data`` once, upright, its shorter side at least ``side_px`` and less than twice that.

    A picture whose own shorter side is smaller is left at its size. JPEGs are scaled while decoding (by 2, 4 or 8 in
    the DCT), others by an exact box filter: models resize from there with their own filter. Raises ImageError with
    a one-line reason for anything that is not a picture. Safe to call from several threads.
    """
    found = read_upright(data, name=name, side_px=side_px, max_megapixels=max_megapixels)
    return Picture(
        rgb=np.asarray(found.image),
        width_px=found.width_px,
        height_px=found.height_px,
        format=found.format,
        name=name,
        exif=found.exif,
        gps=found.gps,
        truncated=found.truncated,
        frames=found.frames,
        grey=found.grey,
        alpha=found.alpha,
    )


def read_upright(
    data: bytes, *, name: str, side_px: int, longer: bool = False, max_megapixels: float = 300.0
) -> Upright:
    """Decode as ``read_picture`` does, to a Pillow image; with ``longer`` the longer side is at least ``side_px``."""
    fmt = formats.format_of(data, name)
    held, held_px = ExitStack(), 0

    def limit(width_px: int, height_px: int) -> int:
        nonlocal held_px
        _check_size(fmt, width_px, height_px, max_megapixels)
        short_px = side_px
        if longer:
            short_px = max(1, -(-side_px * min(width_px, height_px) // max(width_px, height_px)))
        count_px = decoded_px(data, fmt, width_px, height_px, short_px)
        if count_px > held_px:  # the header of a container may be followed by that of a larger picture in it
            held.close()
            held.enter_context(DECODING.take(count_px))
            held_px = count_px
        return short_px

    with held:
        return _upright(data, fmt, limit)


def read_size(data: bytes, *, name: str, max_megapixels: float = 300.0) -> Size:
    """Return what ``read_picture`` says of the picture's size, from its header alone.

    A RAW file is decoded, since only that tells how its preview lies. Raises ImageError; pixels that cannot be read
    behind a whole header are not seen.
    """
    fmt = formats.format_of(data, name)
    if fmt == formats.RAW:
        found = read_upright(data, name=name, side_px=DECODED_PX, max_megapixels=max_megapixels)
        return Size(found.width_px, found.height_px, found.format, found.frames)
    width, height, orientation, frames = read_header(data, fmt)
    _check_size(fmt, width, height, max_megapixels)
    if (orientation or read_exif(data, fmt)[0].orientation or 1) >= 5:
        width, height = height, width
    return Size(width, height, fmt, frames)


def _check_size(fmt: str, width_px: int, height_px: int, max_megapixels: float) -> None:
    """Raise ImageError for a size that is none, or above the limit."""
    if width_px < 1 or height_px < 1:
        raise ImageError(f"damaged {fmt.upper()} file: it says it is {width_px} x {height_px} pixels")
    if width_px * height_px / 1e6 > max_megapixels:
        raise ImageError(f"{width_px} x {height_px} pixels, above the limit of {max_megapixels:g} megapixels")


def _upright(data: bytes, fmt: str, limit: Callable[[int, int], int]) -> Upright:
    """Decode ``data``; ``limit`` is told the size in the header and gives the shorter side that is wanted."""
    exif, gps = read_exif(data, fmt)
    raster = open_raster(data, fmt, limit)
    orientation = raster.orientation or exif.orientation or 1
    if fmt == formats.AVIF:
        exif = msgspec.structs.replace(exif, orientation=orientation)
    image, alpha = _scaled(raster, limit(raster.width_px, raster.height_px))
    if orientation in _TRANSPOSE:
        image = image.transpose(_TRANSPOSE[orientation])
    width, height = raster.width_px, raster.height_px
    if orientation >= 5:
        width, height = height, width
    return Upright(
        image, width, height, fmt, exif, gps, raster.truncated, raster.frames, pixels.is_grey(raster.image), alpha
    )


def _scaled(raster: Raster, side_px: int) -> tuple[Image.Image, bool]:
    """Return (RGB, any transparency) of the raster, reduced by the largest whole factor that keeps ``side_px``."""
    profile = raster.image.info.get("icc_profile")
    try:
        image = pixels.reduced(raster.image, max(1, min(raster.image.size) // side_px))
        return pixels.to_srgb(image, profile if isinstance(profile, bytes) else b"")
    except MemoryError as error:
        raise ImageError("not enough memory to decode it", lasting=False) from error
    except Exception as error:
        raise ImageError(f"the pixels cannot be converted to RGB: {error}") from error
