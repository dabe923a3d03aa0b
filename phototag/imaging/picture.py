"""``Picture``: what one decode gives to every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from phototag.sidecar.model import Exif, Gps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Picture(msgspec.Struct, frozen=True):
    """One image as models see it: upright pixels, scaled down, and what the camera said."""

    rgb: npt.NDArray[np.uint8]
    """(h, w, 3) uint8, upright, alpha composited on white; the shorter side at least the ``side_px`` asked for, or
    the image's own where it is smaller."""
    width_px: int
    """Of the upright full-size image."""
    height_px: int
    format: str
    """As ``sidecar.model.Content.fmt``."""
    name: str = ""
    """File name without folder; may hold surrogates."""
    exif: Exif = Exif()
    gps: Gps | None = None
    truncated: bool = False
    """The file ended early: the missing rows are grey."""
    frames: int = 1
    """More than one for an animation or a TIFF of several pages; ``rgb`` is the first."""
    grey: bool = False
    """The stored raster had a single channel."""
    alpha: bool = False
    """The stored raster had transparency."""
