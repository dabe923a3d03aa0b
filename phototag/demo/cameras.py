"""Cameras, places and the EXIF that they write."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import msgspec
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational


class Camera(msgspec.Struct, frozen=True):
    """A camera with a lens on it."""

    make: str
    model: str
    lens: str
    focal_mm: float
    focal35_mm: int
    fnumber: float


EOS = Camera("Canon", "Canon EOS 80D", "EF-S18-135mm f/3.5-5.6 IS USM", 35, 56, 8)
EOS_TELE = Camera("Canon", "Canon EOS 80D", "EF70-300mm f/4-5.6 IS II USM", 300, 480, 5.6)
FUJI = Camera("FUJIFILM", "X-T4", "XF16-55mmF2.8 R LM WR", 23, 35, 5.6)
NIKON_WIDE = Camera("NIKON CORPORATION", "NIKON Z 6_2", "NIKKOR Z 14-30mm f/4 S", 15, 15, 4)
NIKON_MACRO = Camera("NIKON CORPORATION", "NIKON Z 6_2", "NIKKOR Z MC 105mm f/2.8 VR S", 105, 105, 4)
IPHONE = Camera("Apple", "iPhone 13 Pro", "iPhone 13 Pro back triple camera 5.7mm f/1.5", 5.7, 26, 1.5)
PIXEL = Camera("Google", "Pixel 7", "Pixel 7 back camera 6.81mm f/1.85", 6.81, 24, 1.85)

PLACES = {
    "Nice": (43.6951, 7.2758),
    "Lisbon": (38.7139, -9.1394),
    "Reykjavik": (64.1466, -21.9426),
    "Zermatt": (46.0207, 7.7491),
    "New York": (40.7061, -73.9969),
    "San Francisco": (37.8199, -122.4783),
    "Merzouga": (31.0802, -4.0133),
    "Tromso": (69.6492, 18.9553),
    "Oia": (36.4618, 25.3753),
    "Berlin": (52.5200, 13.4050),
    "Goreme": (38.6431, 34.8289),
    "Sydney": (-33.8568, 151.2153),
    "Hong Kong": (22.2855, 114.1577),
    "Valensole": (43.8378, 5.9836),
    "Vienna": (48.2082, 16.3738),
    "Bergen": (60.3913, 5.3221),
}
"""Degrees north and east of the places that are visited."""


def exif(
    camera: Camera,
    taken: str,
    *,
    place: str | None = None,
    nudge: int = 0,
    exposure: Fraction | None = None,
    iso: int = 200,
    orientation: int = 1,
    flash: bool = False,
) -> Image.Exif:
    """Return EXIF for a shot ``taken`` at ``YYYY-MM-DDTHH:MM:SS[.sss]+HH:MM``; ``nudge`` moves it some metres."""
    moment, offset = taken[:-6], taken[-6:]
    second, _, fraction = moment.partition(".")
    stamp = second.replace("-", ":").replace("T", " ")
    made = Image.Exif()
    base = ExifTags.Base
    made.update({base.Make: camera.make, base.Model: camera.model, base.Orientation: orientation, base.DateTime: stamp})
    fields: dict[int, Any] = {
        base.DateTimeOriginal: stamp,
        base.OffsetTimeOriginal: offset,
        base.LensModel: camera.lens,
        base.FocalLength: rational(camera.focal_mm),
        base.FocalLengthIn35mmFilm: camera.focal35_mm,
        base.FNumber: rational(camera.fnumber),
        base.ExposureTime: rational(exposure or Fraction(1, 250)),
        base.ISOSpeedRatings: iso,
        base.Flash: 9 if flash else 16,
    }
    if fraction:
        fields[base.SubsecTimeOriginal] = fraction
    made.get_ifd(ExifTags.IFD.Exif).update(fields)
    if place is not None:
        made._ifds[ExifTags.IFD.GPSInfo] = gps(*PLACES[place], nudge)
    return made


def gps(lat: float, lon: float, nudge: int) -> dict[int, Any]:
    """Return the GPS fields of a spot within a few hundred metres of a position."""
    lat += 0.002 * math.sin(nudge * 2.4)
    lon += 0.002 * math.cos(nudge * 2.4)
    tags = ExifTags.GPS
    return {
        tags.GPSLatitudeRef: "N" if lat >= 0 else "S",
        tags.GPSLatitude: degrees(lat),
        tags.GPSLongitudeRef: "E" if lon >= 0 else "W",
        tags.GPSLongitude: degrees(lon),
        tags.GPSAltitudeRef: b"\x00",
        tags.GPSAltitude: IFDRational(12 + nudge),
    }


def degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Return degrees, minutes, seconds of ``value`` without its sign."""
    hundredths = round(abs(value) * 360_000)
    return (
        IFDRational(hundredths // 360_000),
        IFDRational(hundredths // 6000 % 60),
        IFDRational(hundredths % 6000, 100),
    )


def rational(value: float | Fraction) -> IFDRational:
    """Return ``value`` as EXIF holds it."""
    exact = Fraction(value).limit_denominator(1000)
    return IFDRational(exact.numerator, exact.denominator)
