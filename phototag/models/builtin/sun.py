"""Where the sun stood: NOAA's solar position equations (after Meeus, "Astronomical Algorithms", 1998).

Good to about 0.01 degrees between 1900 and 2100, without refraction; day, night and golden hour need far less.
"""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime, timedelta, timezone

from phototag.sidecar.model import Exif, Gps

_FIX_HOURS = 15
"""A GPS clock further than this from the camera's local time (offsets reach 14 h) belongs to an older fix."""


def instant_of(exif: Exif, gps: Gps | None) -> datetime | None:
    """Return when the photo was taken in UTC, or None where neither an offset nor the GPS clock says so."""
    taken = _parse(exif.taken)
    if taken is not None and exif.offset:
        offset = _offset(exif.offset)
        if offset is not None:
            with contextlib.suppress(OverflowError):  # the last hours of the year 9999
                return taken.replace(tzinfo=timezone(offset)).astimezone(UTC)
    clock = _parse(gps.utc) if gps is not None else None
    if clock is None or (taken is not None and abs(taken - clock) > timedelta(hours=_FIX_HOURS)):
        return None
    return clock.replace(tzinfo=UTC)


def measure(instant: datetime, lat: float, lon: float) -> dict[str, float]:
    """Return day (the sun is up), golden hour (-4 to 6 degrees) and night (civil dusk is over)."""
    altitude = altitude_deg(instant, lat, lon)
    return {
        "day": float(altitude > -0.833),  # the upper limb, with refraction at the horizon
        "golden hour": float(-4 <= altitude <= 6),
        "night": float(altitude < -6),
    }


def altitude_deg(instant: datetime, lat: float, lon: float) -> float:
    """Return the sun's altitude above the horizon in degrees; ``instant`` has a time zone, ``lon`` is east positive."""
    century = ((instant - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400) / 36525
    mean_longitude = (280.46646 + century * (36000.76983 + century * 0.0003032)) % 360
    anomaly = math.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    longitude = math.radians(mean_longitude + centre - 0.00569 - 0.00478 * math.sin(node))
    tilt = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60
    obliquity = math.radians(tilt + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))

    y = math.tan(obliquity / 2) ** 2
    twice = 2 * math.radians(mean_longitude)
    equation_min = 4 * math.degrees(
        y * math.sin(twice)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(twice)
        - 0.5 * y * y * math.sin(2 * twice)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    utc = instant.astimezone(UTC)
    minutes = utc.hour * 60 + utc.minute + utc.second / 60
    hour_angle = math.radians((minutes + equation_min + 4 * lon) / 4 - 180)
    north = math.radians(lat)
    sine = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _parse(text: str | None) -> datetime | None:
    """Return a moment; None for less than one: a day alone is not midnight."""
    if text is None or "T" not in text:
        return None
    try:
        return datetime.fromisoformat(text[:19])
    except ValueError:
        return None


def _offset(text: str) -> timedelta | None:
    try:
        hours, minutes = int(text[1:3]), int(text[4:6])
    except ValueError:
        return None
    if hours > 14 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text.startswith("-") else offset
