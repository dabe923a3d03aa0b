"""Pixels to the image tower's input, bit for bit as OpenCLIP's evaluation transform does it, with numpy and Pillow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from phototag.models.clip.folder import Preprocessing

if TYPE_CHECKING:
    import numpy.typing as npt

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_SUPPORT_PX = 2
"""How far the widest filter looks from a pixel where it enlarges."""
ELONGATED = 16
"""From this ratio of its sides on, a picture that is to be enlarged is cropped first: all of one of 4 x 20,000 pixels
would be 256 x 1,280,000 at the size of its shorter side, 1.4 GB for a crop of 256 x 256."""


def prepare(rgb: npt.NDArray[np.uint8], how: Preprocessing, size_px: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return (3, height, width) float32, normalised; ``rgb`` is (h, w, 3) uint8, ``size_px`` (height, width)."""
    image = resized(Image.fromarray(np.ascontiguousarray(rgb)), how, size_px)
    values = np.empty((3, *size_px), np.float32)  # one channel after the other: five times as quick as side by side
    for channel, pixels in enumerate(image.split()):
        np.divide(np.asarray(pixels), np.float32(255), out=values[channel], dtype=np.float32)
        values[channel] -= np.float32(how.mean[channel])
        values[channel] /= np.float32(how.std[channel])
    return values


def resized(image: Image.Image, how: Preprocessing, size_px: tuple[int, int]) -> Image.Image:
    """Return ``image`` at exactly ``size_px`` (height, width)."""
    height, width = size_px
    if how.resize_mode == "squash":
        return image.resize((width, height), _FILTERS[how.interpolation])
    fitted = _fit(image.size, how.resize_mode, size_px)
    if max(fitted) > max(ELONGATED * min(fitted), *image.size) and min(fitted) >= max(size_px):
        return _centre(image, fitted, (width, height), _FILTERS[how.interpolation])
    scaled = image.resize(fitted, _FILTERS[how.interpolation])
    if scaled.size == (width, height):
        return scaled
    left, top = round((scaled.width - width) / 2), round((scaled.height - height) / 2)
    if left >= 0 and top >= 0:
        return scaled.crop((left, top, left + width, top + height))
    canvas = Image.new("RGB", (width, height), (how.fill,) * 3)
    canvas.paste(scaled, ((width - scaled.width) // 2, (height - scaled.height) // 2))
    return canvas


def _centre(
    image: Image.Image, fitted: tuple[int, int], size: tuple[int, int], kernel: Image.Resampling
) -> Image.Image:
    """Return the centre, ``size``, of ``image`` enlarged to ``fitted`` (both width, height) without making the rest.

    Pillow enlarges rows first, then columns, and rounds in between; so does this.
    """
    left, right, x0, x1 = _span(image.width, fitted[0], size[0])
    top, bottom, y0, y1 = _span(image.height, fitted[1], size[1])
    part = image.crop((left, top, right, bottom))
    part = part.resize((size[0], part.height), kernel, box=(x0, 0, x1, part.height))
    return part.resize(size, kernel, box=(0, y0, size[0], y1))


def _span(length: int, fitted: int, wanted: int) -> tuple[int, int, float, float]:
    """Return where to crop one axis, and between which points of the crop its centre then lies, in pixels."""
    start = round((fitted - wanted) / 2)
    first, last = start * length / fitted, (start + wanted) * length / fitted
    low = max(0, math.floor(first) - _SUPPORT_PX - 1)
    high = min(length, math.ceil(last) + _SUPPORT_PX + 1)
    return low, high, first - low, last - low


def _fit(size: tuple[int, int], mode: str, size_px: tuple[int, int]) -> tuple[int, int]:
    """Return (width, height): the shorter side on the target (torchvision truncates the longer), or the longer."""
    width, height = size
    if mode == "shortest":
        side = size_px[0] if size_px[0] == size_px[1] else max(size_px)
        short, long = min(width, height), int(side * max(width, height) / min(width, height))
        return (side, long) if width == short else (long, side)
    ratio = max(height / size_px[0], width / size_px[1])
    return max(1, round(width / ratio)), max(1, round(height / ratio))
