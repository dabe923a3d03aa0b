"""Dark, bright, low-contrast, black-and-white: what the lightness and colourfulness of the pixels say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phototag.models.builtin.canvas import Canvas, ramp

if TYPE_CHECKING:
    import numpy.typing as npt


def measure(canvas: Canvas, *, single_channel: bool) -> dict[str, float]:
    """Return the scores; ``single_channel`` says the file itself holds no colour."""
    lightness = canvas.grid_lab[..., 0]
    mean = float(lightness.mean(dtype=np.float64))
    ordered = np.sort(lightness, axis=None)
    low, high = (_at(ordered, share) for share in (0.02, 0.98))
    # JPEG chroma and white balance leave a little colour in greys.
    coloured = float(np.count_nonzero(canvas.spread > 18) / canvas.spread.size)
    return {
        "dark": ramp(mean, 38, 12),
        "bright": ramp(mean, 66, 92),
        "low-contrast": ramp(high - low, 52, 12),
        "black-and-white": 1.0 if single_channel else ramp(coloured, 0.02, 0.0),
    }


def _at(ordered: npt.NDArray[np.float32], share: float) -> float:
    """Return the value below which ``share`` of the sorted values lie, straight between neighbours (``np.percentile``)."""
    position = share * (len(ordered) - 1)
    below = int(position)
    part, step = position - below, float(ordered[below + 1] - ordered[below])
    return float(ordered[below]) + step * part if part < 0.5 else float(ordered[below + 1]) - step * (1 - part)
