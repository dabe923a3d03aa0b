"""What the camera wrote and the shape of the frame: no pixel is looked at, nothing is claimed that was not written."""

from __future__ import annotations

import re

from phototag.imaging.picture import Picture
from phototag.models.builtin import sun
from phototag.models.builtin.canvas import ramp
from phototag.sidecar.model import Exif, Gps, Rational

_SCANNER = re.compile(r"\bscan|scan\b|scanner|paperport|naps2|xsane|silverfast|opticfilm|noritsu", re.IGNORECASE)
_SEASONS = ("winter", "spring", "summer", "autumn")
_TROPIC_DEG = 23.44
_INFINITE_M = 1e6
"""EXIF writes 2**32 - 1 for a subject at infinity."""


def measure(picture: Picture) -> dict[str, float]:
    """Return the scores of everything that is known."""
    exif = picture.exif
    found = frame(picture.width_px, picture.height_px) | lens(exif) | season(exif, picture.gps)
    if exif.flash is not None:
        found["flash"] = float(exif.flash & 1)
    if exif.burst:
        found["burst"] = 1.0
    if _SCANNER.search(" ".join(filter(None, (exif.software, exif.make, exif.model)))):
        found["scan"] = 1.0
    seconds = number(exif.exposure)
    if seconds is not None:
        found["long exposure"] = ramp(seconds, 0.125, 1.0)
    instant = sun.instant_of(exif, picture.gps)
    if instant is not None and picture.gps is not None:
        found |= sun.measure(instant, picture.gps.lat, picture.gps.lon)
    return found


def frame(width_px: int, height_px: int) -> dict[str, float]:
    """Return the shape of the frame: one of square, portrait, landscape, and panorama from 2 : 1."""
    if width_px <= 0 or height_px <= 0:
        return {}
    ratio = max(width_px, height_px) / min(width_px, height_px)
    if ratio <= 1.02:
        return {"square": 1.0}
    shape = "landscape" if width_px > height_px else "portrait"
    return {shape: 1.0, "panorama": ramp(ratio, 1.8, 2.2)}


def lens(exif: Exif) -> dict[str, float]:
    """Return wide-angle, telephoto, macro and selfie camera from focal length, distance and the lens's name."""
    found: dict[str, float] = {}
    name = (exif.lens or "").lower()
    if exif.focal35:
        found["wide-angle"] = ramp(exif.focal35, 40, 20)
        found["telephoto"] = ramp(exif.focal35, 60, 140)
    metres = number(exif.distance)
    if metres is not None and 0 < metres < _INFINITE_M:
        found["macro"] = ramp(metres, 0.6, 0.2)
    elif "macro" in name:
        found["macro"] = 0.4  # the lens can; whether it did is not written
    if "front" in name.split() or "front camera" in name:
        found["selfie camera"] = 1.0
    return found


def season(exif: Exif, gps: Gps | None) -> dict[str, float]:
    """Return the meteorological season; nothing without GPS (which hemisphere?) and nothing in the tropics."""
    if gps is None or len(exif.taken or "") < len("2024-05") or abs(gps.lat) < _TROPIC_DEG:
        return {}
    month = int((exif.taken or "")[5:7])
    quarter = month % 12 // 3 + (2 if gps.lat < 0 else 0)
    return {_SEASONS[quarter % 4]: 1.0}


def number(value: Rational | None) -> float | None:
    """Return a rational as a float; None where it has none."""
    if value is None or value[1] == 0:
        return None
    return value[0] / value[1]
