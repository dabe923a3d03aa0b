"""Every file of the shared corpus gives a picture or a clear reason (odd cameras, fuzzed files, wrong suffixes)."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from phototag.errors import ImageError
from phototag.imaging.decode import read_picture
from phototag.imaging.thumbs import thumbnail
from tests import require

SCRIPT = """
import os, sys
from phototag.errors import ImageError
from phototag.imaging.decode import read_picture
for base, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(base, name), "rb") as file:
            data = file.read()
        try:
            read_picture(data, name=name, side_px=64)
        except ImageError:
            pass
"""


def every_file() -> list[Path]:
    root = require.SHARED_DATA / "photos"
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []


def test_a_picture_or_a_reason() -> None:
    require.shared("photos")
    good, bad = 0, {}
    for path in every_file():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = read_picture(path.read_bytes(), name=path.name, side_px=256)
            except ImageError as error:
                bad[path.name] = str(error)
                continue
        good += 1
        height, width = found.rgb.shape[:2]
        assert abs(width / height - found.width_px / found.height_px) < 0.35 * width / height, path
    assert good > 120
    assert len(bad) < 25
    assert all(reason and "\n" not in reason and len(reason) < 220 for reason in bad.values())


def test_nothing_is_printed_not_even_by_c_libraries() -> None:
    root = require.shared("photos")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, os.fspath(root)], capture_output=True, text=True, timeout=600, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("number", range(2, 9))
@pytest.mark.parametrize("shape", ["landscape", "portrait"])
def test_the_eight_orientations_look_alike(shape: str, number: int) -> None:
    import numpy as np

    folder = require.shared("photos/exif-samples/jpg/orientation")
    plain, turned = (
        read_picture((folder / f"{shape}_{which}.jpg").read_bytes(), name="a.jpg", side_px=64) for which in (1, number)
    )
    assert plain.rgb.shape == turned.rgb.shape
    coarse, other = (found.rgb[:96, :96].reshape(12, 8, 12, 8, 3).mean(axis=(1, 3)) for found in (plain, turned))
    assert np.abs(coarse - other).mean() < 5  # wrong ways up differ by more than 20


def test_known_values() -> None:
    folder = require.shared("photos/exif-samples/jpg")
    found = read_picture((folder / "gps" / "DSCN0010.jpg").read_bytes(), name="a.jpg", side_px=64)
    assert found.gps is not None
    assert (found.gps.lat, found.gps.lon) == pytest.approx((43.4674483, 11.8851267), abs=1e-6)
    assert found.exif.taken == "2008-10-22T16:28:39"
    assert (found.exif.make, found.exif.model) == ("NIKON", "COOLPIX P6000")
    canon = read_picture((folder / "Canon_40D.jpg").read_bytes(), name="a.jpg", side_px=64)
    assert canon.exif.exposure == (1, 160)
    assert canon.exif.fnumber == (71, 10)
    assert canon.exif.focal == (135, 1)


def test_thumbnails_of_raw_and_heic() -> None:
    require.module("pillow_heif")
    folder = require.shared("photos/exif-samples/heic")
    assert thumbnail((folder / "IMG_5195.HEIC").read_bytes(), name="a.heic", side_px=128)[8:12] == b"WEBP"
