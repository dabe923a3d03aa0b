"""Small things tests are made of: tiny images with EXIF, libraries, and runs of the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

from phototag.demo.cameras import degrees
from tests import require

Colour = tuple[int, int, int]


def picture(size: tuple[int, int] = (64, 48), *, colour: Colour = (90, 140, 200), seed: int = 0) -> Image.Image:
    """Return an image with a few shapes on ``colour``; another ``seed``, other shapes."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    state = seed * 2654435761 + 12345
    for _ in range(6 if seed else 0):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        x, y = state % size[0], (state >> 8) % size[1]
        fill = (state & 255, (state >> 7) & 255, (state >> 14) & 255)
        draw.ellipse((x - size[0] // 6, y - size[1] // 6, x + size[0] // 6, y + size[1] // 6), fill=fill)
    return image


def exif(
    *,
    taken: str | None = None,
    offset: str | None = None,
    make: str | None = None,
    model: str | None = None,
    lens: str | None = None,
    orientation: int | None = None,
    gps: tuple[float, float] | None = None,
    **numbers: Any,
) -> Image.Exif:
    """Return EXIF with these fields; ``numbers`` are Exif IFD tags by name, as ``ExposureTime=Fraction(1, 100)``."""
    made = Image.Exif()
    base = {"Make": make, "Model": model, "Orientation": orientation, "DateTime": taken}
    for name, value in base.items():
        if value is not None:
            made[ExifTags.Base[name]] = value
    inner = made.get_ifd(ExifTags.IFD.Exif)
    fields: dict[str, Any] = {"DateTimeOriginal": taken, "OffsetTimeOriginal": offset, "LensModel": lens, **numbers}
    for name, value in fields.items():
        if value is not None:
            exact = isinstance(value, Fraction)
            inner[ExifTags.Base[name]] = IFDRational(value.numerator, value.denominator) if exact else value
    if gps is not None:
        made._ifds[ExifTags.IFD.GPSInfo] = gps_fields(*gps)
    return made


def gps_fields(lat: float, lon: float) -> dict[int, Any]:
    """Return the GPS IFD of a position in degrees."""
    tags = ExifTags.GPS
    return {
        tags.GPSLatitudeRef: "N" if lat >= 0 else "S",
        tags.GPSLatitude: degrees(lat),
        tags.GPSLongitudeRef: "E" if lon >= 0 else "W",
        tags.GPSLongitude: degrees(lon),
    }


def encoded(image: Image.Image, fmt: str = "JPEG", **options: Any) -> bytes:
    """Return ``image`` as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def jpeg(path: Path, *, size: tuple[int, int] = (64, 48), seed: int = 0, **exif_fields: Any) -> Path:
    """Write a small JPEG with EXIF made of ``exif_fields`` (as ``exif``); return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"exif": exif(**exif_fields)} if exif_fields else {}
    path.write_bytes(encoded(picture(size, seed=seed), quality=85, **options))
    return path


def photos(folder: Path, count: int = 3) -> list[Path]:
    """Write ``count`` small, different, dated JPEGs in two folders; return their paths."""
    made = []
    for number in range(count):
        path = folder / ("a" if number % 2 else "b") / f"IMG_{number:04}.jpg"
        taken = f"2024:05:{number % 28 + 1:02} 10:{number % 60:02}:00"
        made.append(jpeg(path, seed=number + 1, taken=taken, make="Canon", model="EOS 80D"))
    return made


def phototag(
    *args: str | os.PathLike[str],
    cwd: Path | None = None,
    check: bool = True,
    timeout_s: float = 600,
    bound_by_permissions: bool = False,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run ``phototag`` as a process of its own; with ``check`` a failure shows its output.

    ``bound_by_permissions``: modes of files hold the process even where the tests run as root.
    """
    before: list[str] = []
    if bound_by_permissions and os.geteuid() == 0:
        before = [require.tool("setpriv"), "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*before, sys.executable, "-m", "phototag", *[os.fspath(arg) for arg in args]],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"phototag {args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
