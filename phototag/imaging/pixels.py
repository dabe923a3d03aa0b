"""From any raster mode to 8-bit sRGB: palettes, transparency, 16 bits, CMYK, colour profiles."""

from __future__ import annotations

import contextlib
import functools
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})
_WIDE_MODES = frozenset({"I", "F"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
BAND_PX = 4_000_000
"""Pixels of a large picture that are in a second form at once."""
_NO_CACHE = 0x0040
"""cmsFLAGS_NOCACHE: a transform may then be used by several threads at once."""
_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_SRGB_NAMES = ("srgb", "c2", "iec 61966-2.1", "iec61966-2.1", "iec 61966-2-1", "iec61966-2-1", "gimp built-in srgb")


def is_grey(image: Image.Image) -> bool:
    """Say whether the stored raster has a single colour channel."""
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")


def reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return ``image`` in a mode that can be scaled, each side divided by ``factor`` with an exact box filter.

    A large one goes through in bands: its copy in another mode would take as much memory again, up to five times.
    """
    extent = _extent(image) if image.mode in _WIDE_MODES else (0.0, 0.0)
    if factor == 1:  # nothing that is left at its size is large, or it has to be whole anyway
        return _simplify(image, extent)
    parts = [_simplify(band, extent).reduce(factor) for band in _bands(image, factor)]
    if len(parts) == 1:
        return parts[0]
    whole, top = Image.new(parts[0].mode, (parts[0].width, sum(part.height for part in parts))), 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _bands(image: Image.Image, factor: int = 1) -> Iterator[Image.Image]:
    """Yield ``image`` in bands of about BAND_PX, of whole multiples of ``factor`` rows but for the last."""
    rows = max(1, BAND_PX // (image.width * factor)) * factor
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _simplify(image: Image.Image, extent: tuple[float, float]) -> Image.Image:
    """Return ``image`` in one of the modes L, RGB, RGBA, CMYK or LAB, 8 bits a channel.

    I;16 keeps its upper byte; I and F are 16-bit, 8-bit or [0, 1] by their ``extent``, else stretched from their least
    to their greatest value, so a scientific TIFF shows something.
    """
    mode = image.mode
    if mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if mode in _WIDE_MODES:
        return Image.fromarray(_squeeze(np.asarray(image), *extent))
    if mode in _ALPHA_MODES or "transparency" in image.info or (mode == "P" and _palette_has_alpha(image)):
        return image if mode == "RGBA" else image.convert("RGBA")
    if mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def _extent(image: Image.Image) -> tuple[float, float]:
    """Return the least and the greatest value of a single channel of 32 bits; what is no number counts as 0."""
    ends = [(values.min(), values.max()) for values in (_numbers(np.asarray(band)) for band in _bands(image))]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _numbers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    numbers: np.ndarray[Any, np.dtype[np.float64]] = np.nan_to_num(
        values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0
    )
    return numbers


def _squeeze(values: np.ndarray[Any, Any], low: float, high: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    flat = _numbers(values)
    if low < 0 or high > 65535:
        flat = (flat - low) * (255.0 / (high - low or 1.0))
    elif high > 255:
        flat = flat / 257.0
    elif values.dtype.kind == "f" and high <= 1.0:
        flat = flat * 255.0
    levels: np.ndarray[Any, np.dtype[np.uint8]] = np.clip(flat + 0.5, 0, 255).astype(np.uint8)
    return levels


def _palette_has_alpha(image: Image.Image) -> bool:
    return image.palette is not None and image.palette.mode == "RGBA"


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, bool]:
    """Return (RGB image in sRGB, whether any of it was transparent). Transparency is composited on white.

    The colour profile is applied with relative colorimetric intent, as browsers do, after scaling, when a few
    milliseconds pay for it; a profile that is broken, that names sRGB, or that is for another mode is left out. The
    result is the same on every machine: LittleCMS comes with Pillow.
    """
    transparent = False
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        transparent = alpha.getextrema() != (255, 255)
        flat = Image.new("RGB", image.size, WHITE)
        flat.paste(image, mask=alpha)
        image = flat
    if not profile and image.mode == "LAB":
        return _from_lab(image), transparent
    transform = _transform(profile, image.mode) if profile else None
    if transform is not None:
        with contextlib.suppress(ImageCms.PyCMSError, ValueError, OSError):
            converted = ImageCms.applyTransform(image, transform)
            if converted is not None:
                return converted, transparent
    return (
        image if image.mode == "RGB" else _from_lab(image) if image.mode == "LAB" else image.convert("RGB")
    ), transparent


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.applyTransform(image, ImageCms.buildTransform(lab, srgb, "LAB", "RGB")) or image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of ``profile`` to sRGB, None where none is needed or possible. Cached: a library has few."""
    import io

    if _SPACES.get(profile[16:20]) != mode or _is_srgb(profile):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        target = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, target, mode, "RGB", intent, ImageCms.Flags(_NO_CACHE))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _is_srgb(profile: bytes) -> bool:
    """Say whether the profile's description names sRGB (ICC.1, tag ``desc``)."""
    try:
        for index in range(min(struct.unpack_from(">I", profile, 128)[0], 100)):
            name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
            if name == b"desc":
                return _description(profile[at : at + size]).strip("\0 ").lower().startswith(_SRGB_NAMES)
    except struct.error:
        pass
    return False


def _description(body: bytes) -> str:
    if body[:4] == b"mluc":
        size, at = struct.unpack_from(">II", body, 20)
        return body[at : at + size].decode("utf-16-be", "replace")
    size = struct.unpack_from(">I", body, 8)[0]
    return body[12 : 12 + size].decode("latin-1")
