"""One small version of a picture, shared by every measurement of the built-in analyser."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

SHORT_PX, LONG_PX = 256, 512
"""A canvas fits in these, so a measurement does not depend on how large the decoder left the picture."""
GRID_PX = 64
"""Side of the square version that layout and lightness are measured on."""

_REC601 = np.array([0.299, 0.587, 0.114], np.float32)


def ramp(value: float, low: float, high: float) -> float:
    """Return 0 at ``low`` and before, 1 at ``high`` and beyond, straight between; ``low`` > ``high`` falls."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def to_luma(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return Rec. 601 luma of red, green and blue, (3, h, w) bytes, as (h, w) float32 in [0, 255]."""
    luma: npt.NDArray[np.float32] = np.multiply(planes[0], _REC601[0], dtype=np.float32)
    part = np.multiply(planes[1], _REC601[1], dtype=np.float32)
    luma += part
    luma += np.multiply(planes[2], _REC601[2], out=part, dtype=np.float32)
    return luma


class Canvas:
    """The picture at most 256 x 512 pixels; everything derived is made once, when first asked for."""

    def __init__(self, rgb: npt.NDArray[np.uint8]) -> None:
        height, width = rgb.shape[:2]
        scale = min(1.0, SHORT_PX / min(height, width), LONG_PX / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = Image.fromarray(np.ascontiguousarray(rgb))
        self._image = image if scale == 1.0 else image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        self.planes = _planes(np.asarray(self._image))
        """(3, h, w) uint8: one channel after the other, since work on interleaved ones is ten times slower."""

    @cached_property
    def luma(self) -> npt.NDArray[np.float32]:
        """Return Rec. 601 luma, (h, w) float32 in [0, 255]."""
        return to_luma(self.planes)

    @cached_property
    def colour_counts(self) -> npt.NDArray[np.int64]:
        """Return how many pixels have each colour at 32 steps a channel, (32768,) int64, red-major."""
        red, green, blue = self.planes >> 3
        cells = np.left_shift(red, 10, dtype=np.uint16)
        cells |= np.left_shift(green, 5, dtype=np.uint16)
        cells |= blue
        return np.bincount(cells.ravel(), minlength=32**3)

    @cached_property
    def colours(self) -> npt.NDArray[np.int64]:
        """Return the indexes of ``colour_counts`` that occur, sorted."""
        return np.flatnonzero(self.colour_counts)

    @cached_property
    def _levels(self) -> npt.NDArray[np.int64]:
        """Return how many pixels have a luma of at most each whole level, (256,) int64."""
        return np.cumsum(np.bincount(self.luma.astype(np.uint8).ravel(), minlength=256))

    def luma_percentile(self, share: float) -> float:
        """Return the luma below which ``share`` percent of the pixels lie, to one level: a sort would cost 0.5 ms."""
        return float(np.searchsorted(self._levels, share / 100 * self._levels[-1]))

    @cached_property
    def spread(self) -> npt.NDArray[np.uint8]:
        """Return the largest minus the smallest channel of each pixel: 0 for greys, (h, w) uint8."""
        red, green, blue = self.planes
        high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        spread: npt.NDArray[np.uint8] = high - low
        return spread

    @cached_property
    def grid(self) -> npt.NDArray[np.uint8]:
        """Return the picture squashed to 64 x 64, (64, 64, 3) uint8, area-averaged."""
        size = (GRID_PX, GRID_PX)
        return np.asarray(self._image.resize(size, Image.Resampling.BOX))

    @cached_property
    def grid_luma(self) -> npt.NDArray[np.float32]:
        """Return Rec. 601 luma of the grid, (64, 64) float32."""
        return to_luma(_planes(self.grid))

    @cached_property
    def grid_lab(self) -> npt.NDArray[np.float32]:
        """Return the 64 x 64 grid in CIELAB, (64, 64, 3) float32."""
        return to_lab(self.grid)


def _planes(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    planes: npt.NDArray[np.uint8] = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    return planes


_latest = threading.local()


def canvas_of(rgb: npt.NDArray[np.uint8]) -> Canvas:
    """Return the canvas of ``rgb``, the same one when asked again at once: tagger and embedder share it."""
    if getattr(_latest, "rgb", None) is not rgb:
        _latest.rgb, _latest.canvas = rgb, Canvas(rgb)
    canvas: Canvas = _latest.canvas
    return canvas


_LINEAR = np.where(np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4)
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _XYZ.sum(axis=1)  # D65: so that equal channels have no chroma at all


def to_lab(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return sRGB bytes (..., 3) as CIELAB float32: L* in [0, 100] (CIE 15:2004; IEC 61966-2-1, D65)."""
    xyz = np.einsum("...c,xc->...x", _LINEAR[rgb], _XYZ / _WHITE[:, None])
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)
