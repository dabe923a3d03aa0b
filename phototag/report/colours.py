"""A colour for each cluster: equal lightness, so that none shouts, and readable on light and dark ground."""

from __future__ import annotations

import math

GREY = "#9a948b"
GOLDEN = 137.508
"""Degrees between one hue and the next: neighbours in number are far apart in hue."""


def colour(number: int) -> str:
    """Return ``#rrggbb`` for cluster ``number``; grey for -1."""
    if number < 0:
        return GREY
    lightness = (0.66, 0.58, 0.74)[(number // 9) % 3]
    return oklch(lightness, 0.125, (25.0 + number * GOLDEN) % 360.0)


def oklch(lightness: float, chroma: float, hue_deg: float) -> str:
    """Return an OKLCH colour (Ottosson 2020) as sRGB hex, clipped to the gamut."""
    a, b = chroma * math.cos(math.radians(hue_deg)), chroma * math.sin(math.radians(hue_deg))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(value, 0.0), 1.0))):02x}" for value in linear)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
