"""Where which colours are: the first third of the embedding.

A CIELAB colour layout as in MPEG-7's Color Layout Descriptor (Kasutani & Yamada 2001; ISO/IEC 15938-3): 8 x 8 mean
colours, a cosine transform, the low frequencies kept; CIELAB in place of YCbCr. Beside it a coarse histogram of the
same pixels, which does not care where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phototag.models.builtin.canvas import Canvas

if TYPE_CHECKING:
    import numpy.typing as npt

_CELLS = 8
_LIGHT_TERMS, _CHROMA_TERMS = 28, 15
"""Cosine terms kept of L* and of a* and b*: the first diagonals of the transform."""
_BINS = 3
LAYOUT_DIM = _LIGHT_TERMS + 2 * _CHROMA_TERMS
HISTOGRAM_DIM = 4 * _BINS * _BINS


def _cosines() -> npt.NDArray[np.float64]:
    """Return the orthonormal DCT-II matrix, (8, 8)."""
    k, n = np.mgrid[0:_CELLS, 0:_CELLS]
    matrix: npt.NDArray[np.float64] = np.cos(np.pi * k * (2 * n + 1) / (2 * _CELLS)) * np.sqrt(2 / _CELLS)
    matrix[0] /= np.sqrt(2)
    return matrix


_DCT = _cosines()
_ZIGZAG = sorted(((u, v) for u in range(_CELLS) for v in range(_CELLS)), key=lambda uv: (uv[0] + uv[1], uv))
_KEPT = np.array(
    [
        (u * _CELLS + v) * 3 + channel
        for channel, count in enumerate((_LIGHT_TERMS, _CHROMA_TERMS, _CHROMA_TERMS))
        for u, v in _ZIGZAG[:count]
    ]
)


def colour_layout(canvas: Canvas) -> npt.NDArray[np.float64]:
    """Return the low cosine terms of L* (about middle grey), a* and b*, (58,) float64, about in [-1, 1]."""
    cells = canvas.grid_lab.astype(np.float64).reshape(_CELLS, 8, _CELLS, 8, 3).mean(axis=(1, 3))
    cells = (cells - np.array([50.0, 0.0, 0.0])) / np.array([50.0, 40.0, 40.0]) / _CELLS
    spectrum = np.einsum("ui,ijc,vj->uvc", _DCT, cells, _DCT)
    kept: npt.NDArray[np.float64] = spectrum.ravel()[_KEPT]
    return kept


def colour_histogram(canvas: Canvas) -> npt.NDArray[np.float64]:
    """Return the square roots of the shares of 4 x 3 x 3 soft CIELAB cells, (36,) float64 (Hellinger)."""
    lightness, a, b = canvas.grid_lab.astype(np.float64).reshape(-1, 3).T
    light = _soft(lightness / 100 * 3, 4)
    green_red, blue_yellow = _soft(np.clip(a / 35, -1, 1) + 1, _BINS), _soft(np.clip(b / 40, -1, 1) + 1, _BINS)
    chroma = (green_red[:, None] * blue_yellow[None, :]).reshape(_BINS * _BINS, -1)
    shares = np.einsum("nl,nc->lc", light.T.copy(), chroma.T.copy()) / len(lightness)
    roots: npt.NDArray[np.float64] = np.sqrt(shares).ravel()
    return roots


def _soft(position: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.float64]:
    """Return each value's weights on ``bins`` centres at 0, 1, 2, ...: linear between the two nearest, (bins, n)."""
    return np.maximum(0.0, 1.0 - np.abs(position - np.arange(bins)[:, None]))
