"""Blurry, sharp, noisy: what the fine structure of the luma says, at the size of a thumbnail.

A picture that is soft at 256 pixels is soft at any size; one that is only soft at full size is not called blurry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phototag.models.builtin.canvas import Canvas, ramp

if TYPE_CHECKING:
    import numpy.typing as npt


def measure(canvas: Canvas) -> dict[str, float]:
    """Return the scores; a picture without contrast is neither blurry nor sharp."""
    blur, edge = blur_effect(canvas.luma)
    sigma = noise_sigma(canvas.luma)
    enough = ramp(canvas.luma_percentile(98) - canvas.luma_percentile(2), 8, 20)
    return {
        "blurry": enough * ramp(blur, 0.40, 0.64),
        "sharp": enough * ramp(blur, 0.42, 0.18) * ramp(edge, 10, 30),
        "noisy": ramp(sigma, 4.0, 14.0),
    }


def blur_effect(luma: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return (blur in [0, 1], strength of the edges in luma steps).

    Blur is how little a second blur changes the steps between neighbours (Crete-Roffet et al. 2007, "The blur
    effect"): a sharp picture loses much of its variation, a blurry one has none to lose. The larger of both axes; photos at this size lie between 0.15 and 0.35, out of
    focus by two pixels near 0.68. Every second line says as much as all of them.
    """
    worst, strength = 0.0, 0.0
    for picture in (luma, luma.T):
        if picture.shape[1] < _TAPS + 2:
            continue
        lines = np.ascontiguousarray(picture[::2])
        soft = _box(lines)
        inner = lines[:, _TAPS // 2 : lines.shape[1] - _TAPS // 2]
        step = np.abs(np.diff(inner, axis=1))
        left = np.maximum(0.0, step - np.abs(np.diff(soft, axis=1)))
        total = float(step.sum(dtype=np.float64))
        if total > 0:
            worst = max(worst, 1.0 - float(left.sum(dtype=np.float64)) / total)
            count = max(1, step.size // 50)
            top = np.partition(step.ravel(), step.size - count)[-count:]
            strength = max(strength, float(top.mean(dtype=np.float64)))
    return worst, strength


_TAPS = 9


def _box(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the running mean of 9 along each row; rows are 8 shorter.

    Sums of a few float32 lumas are exact in float64, so their order does not matter.
    """
    wide = picture.astype(np.float64)
    two = wide[:, :-1] + wide[:, 1:]
    four = two[:, :-2] + two[:, 2:]
    nine = four[:, :-5] + four[:, 4:-1]
    nine += wide[:, 8:]
    nine /= _TAPS
    return nine.astype(np.float32)


def noise_sigma(luma: npt.NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise in luma steps, measured where the picture is smooth.

    Immerkaer 1996 ("Fast noise variance estimation"): the mean absolute response to a mask that cancels flat and
    sloping regions. As Tai & Yang 2008, strong edges are left out first: their response is structure.
    """
    if min(luma.shape) < 8:
        return 0.0
    rows = _bend(luma)
    response = _bend(rows.T).T
    np.abs(response, out=response)
    across = luma[1:-1, 2:] - luma[1:-1, :-2]
    down = luma[2:, 1:-1] - luma[:-2, 1:-1]
    np.abs(across, out=across)
    across += np.abs(down, out=down)
    third = across.size // 3
    smooth = across <= np.partition(across.ravel(), third)[third]
    response *= smooth
    return float(np.sqrt(np.pi / 2) / 6 * (response.sum(dtype=np.float64) / np.count_nonzero(smooth)))


def _bend(lines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return how far each line is from halfway between its neighbours, twice: zero where the picture slopes evenly."""
    bent = lines[1:-1] * np.float32(-2)
    bent += lines[:-2]
    bent += lines[2:]
    return bent
