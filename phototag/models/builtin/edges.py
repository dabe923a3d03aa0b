"""How edges run, and where: the second part of the embedding.

Histograms of edge orientation over 4 x 4 regions, as MPEG-7's Edge Histogram Descriptor (Won, Park & Park 2002) has
them, with the gradients and soft bins of HOG (Dalal & Triggs 2005).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

REGIONS = 4
BINS = 8
EDGES_DIM = REGIONS * REGIONS * BINS
_FLOOR = 3.0
"""Gradients of less than this many luma steps are compression, not edges."""


def edge_histograms(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the square roots of edge energy by region and orientation, (128,) float64; ``luma`` is 64 x 64."""
    across, down = _slope(luma.T).T, _slope(luma)
    strength = np.maximum(0.0, np.hypot(across, down) - _FLOOR)
    position = (np.arctan2(down, across) % np.pi) * (BINS / np.pi)
    lower = np.floor(position).astype(np.int64)
    part = position - lower
    cell = _cells(len(luma))
    total = np.zeros(EDGES_DIM)
    for bins, weight in ((lower % BINS, 1.0 - part), ((lower + 1) % BINS, part)):
        total += np.bincount((cell + bins).ravel(), (strength * weight).ravel(), minlength=EDGES_DIM)
    return np.sqrt(total / (luma.size / REGIONS**2))


def _slope(lines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return half the step from the line before to the line after; at the rim the line itself stands for the missing."""
    slope = np.empty_like(lines)
    np.subtract(lines[2:], lines[:-2], out=slope[1:-1])
    np.subtract(lines[1], lines[0], out=slope[0])
    np.subtract(lines[-1], lines[-2], out=slope[-1])
    slope /= 2
    return slope


@lru_cache(maxsize=1)
def _cells(side: int) -> npt.NDArray[np.int64]:
    """Return the first bin of the region that each pixel lies in, (side, side)."""
    region = np.arange(side) * REGIONS // side
    return (region[:, None] * REGIONS + region[None, :]) * BINS
