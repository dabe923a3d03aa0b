"""Pictures in every mode, reduced in bands: as if in one piece, and without the memory of a second picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag.imaging import pixels

WIDTH, HEIGHT = 83, 131
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "I", "F", "I;16", "I;16B")

PEAK = """
import sys
from phototag.imaging.decode import read_picture
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
data = open(sys.argv[1], "rb").read()
before = peak()
read_picture(data, name=sys.argv[1], side_px=256)
print(peak() - before)
"""
"""Prints the KiB that the picture took; ``getrusage`` would count what this process took before."""


def picture(mode: str) -> Image.Image:
    rng = np.random.default_rng(7)
    if mode in ("I", "F", "I;16", "I;16B"):
        values = rng.integers(0, 60_000, (HEIGHT, WIDTH))
        kind = {"I": "<i4", "F": "<f4", "I;16": "<u2", "I;16B": ">u2"}[mode]
        return Image.frombytes(mode, (WIDTH, HEIGHT), values.astype(kind).tobytes())
    colour = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8))
    if mode == "PA":
        return colour.convert("RGB").convert("P").convert("PA")
    if mode == "LAB":
        return Image.merge("LAB", colour.split()[:3])
    return colour if mode == "RGBA" else colour.convert("LA" if mode == "LA" else "RGB").convert(mode)


@pytest.mark.parametrize("factor", [1, 2, 5, 40])
@pytest.mark.parametrize("mode", MODES)
def test_bands_make_no_difference(mode: str, factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pixels.reduced(picture(mode), factor)
    monkeypatch.setattr(pixels, "BAND_PX", 600)
    parts = pixels.reduced(picture(mode), factor)
    assert (parts.mode, parts.size) == (whole.mode, whole.size)
    assert parts.tobytes() == whole.tobytes()


def test_a_transparent_colour_is_seen_in_every_band(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("P", (WIDTH, HEIGHT), 3)
    image.info["transparency"] = 3
    monkeypatch.setattr(pixels, "BAND_PX", 600)
    assert pixels.reduced(image, 2).getchannel("A").getextrema() == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(("mode", "side_px", "bytes_a_pixel"), [("RGBA", 6000, 4), ("F", 5000, 4), ("I;16", 8000, 2)])
def test_a_large_picture_takes_its_own_memory_and_little_more(
    tmp_path: Path, mode: str, side_px: int, bytes_a_pixel: int
) -> None:
    path = tmp_path / "large.tif"
    Image.new(mode, (side_px, side_px)).save(path, compression="tiff_deflate")
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) << 10 < side_px**2 * bytes_a_pixel + (210 << 20)
