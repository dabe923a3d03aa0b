"""How a picture was exposed, as photographers say it."""

from __future__ import annotations

from fractions import Fraction

from phototag.sidecar.model import Exif, Rational


def exposure_line(exif: Exif) -> str:
    """Return ``1/250 s · f/2.8 · ISO 200 · 50 mm``, as far as known."""
    parts = []
    if exif.exposure:
        parts.append(f"{shutter(exif.exposure)} s")
    if exif.fnumber:
        parts.append(f"f/{_number(exif.fnumber)}")
    if exif.iso:
        parts.append(f"ISO {exif.iso}")
    if exif.focal:
        equal = (
            f" ({exif.focal35} mm in 35 mm terms)" if exif.focal35 and exif.focal35 != round(_ratio(exif.focal)) else ""
        )
        parts.append(f"{_number(exif.focal)} mm{equal}")
    if exif.bias and exif.bias[0]:
        parts.append(f"{_ratio(exif.bias):+.2g} EV")
    if exif.flash is not None and exif.flash & 1:
        parts.append("flash")
    return " · ".join(parts)


def shutter(exposure: Rational) -> str:
    """Return an exposure time as photographers say it: ``1/250``, ``0.6``, ``30``."""
    seconds = Fraction(*exposure)
    if seconds >= Fraction(3, 10):
        return f"{float(seconds):.3g}"
    return f"1/{round(1 / seconds)}"


def _ratio(pair: Rational) -> float:
    return pair[0] / pair[1] if pair[1] else 0.0


def _number(pair: Rational) -> str:
    return f"{_ratio(pair):.3g}"
