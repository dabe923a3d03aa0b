"""GPS as cameras write it: degrees, minutes, seconds and a letter; nothing impossible, nothing guessed."""

from __future__ import annotations

import math

from phototag.imaging import texts
from phototag.imaging.dates import parse_date
from phototag.imaging.tags import Values, integer, rational
from phototag.sidecar.model import Gps

LOWEST_M, HIGHEST_M = -500.0, 50_000.0
"""No camera with a GPS fix was lower than the shore of the Dead Sea or higher than a balloon."""


def read_position(place: Values) -> Gps | None:
    """Return the position of a GPS directory; None where a part of it is missing or impossible."""
    lat = _degrees(place, 0x02, 0x01, "NS", 90.0)
    lon = _degrees(place, 0x04, 0x03, "EW", 180.0)
    if lat is None or lon is None or (lat == 0.0 and lon == 0.0):  # 0, 0 is what a receiver without a fix writes
        return None
    direction = _number(place, 0x11)
    true_north = (texts.line(place.get(0x10)) or "T")[:1].upper() == "T"
    return Gps(
        lat=lat,
        lon=lon,
        alt=_altitude(place),
        direction=direction if direction is not None and true_north and 0 <= direction <= 360 else None,
        utc=_gps_time(place),
    )


def _degrees(place: Values, tag: int, ref_tag: int, letters: str, limit: float) -> float | None:
    """Return signed degrees of three rationals and a letter; None where a part is impossible or the letter missing."""
    parts = place.get(tag)
    ref = (texts.line(place.get(ref_tag)) or "")[:1].upper()
    if not ref or ref not in letters or isinstance(parts, bytes) or not parts or not isinstance(parts[0], tuple):
        return None
    total = 0.0
    for index, (top, bottom) in enumerate(parts[:3]):
        if bottom == 0:
            if index == 0 or top:
                return None
            continue  # 0/0 seconds: not measured
        value = top / bottom
        if value < 0 or (index and value > 60):
            return None
        total += value / 60**index
    if not math.isfinite(total) or total > limit:
        return None
    return round(-total if ref == letters[1] else total, 8) + 0.0


def _altitude(place: Values) -> float | None:
    value = _number(place, 0x06)
    if value is None:
        return None
    ref = place.get(0x05)
    said = ref[0] & 0xF if isinstance(ref, bytes) and ref else integer(place, 0x05)
    below = said in (1, 3)  # 3: below sea level where 2 is above it (EXIF 3.0); some write the digit as a letter
    metres = -abs(value) if below else value
    return round(metres, 3) if LOWEST_M <= metres <= HIGHEST_M else None


def _number(values: Values, tag: int) -> float | None:
    found = rational(values, tag)
    return found[0] / found[1] if found else None


def _gps_time(place: Values) -> str | None:
    day = texts.line(place.get(0x1D)) or ""
    clock = place.get(0x07)
    if isinstance(clock, bytes) or not clock or len(clock) < 3 or not all(isinstance(part, tuple) for part in clock):
        return None
    hours, minutes, seconds = ((top / bottom if bottom else -1.0) for top, bottom in clock[:3])
    if min(hours, minutes, seconds) < 0:
        return None
    return parse_date(f"{day} {int(hours):02d}:{int(minutes):02d}:{int(seconds):02d}")[0]
