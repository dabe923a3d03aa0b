import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from phototag.errors import ImageError
from phototag.imaging import formats
from phototag.imaging.decode import Size, read_picture, read_size
from phototag.imaging.picture import Picture
from tests import require
from tests.imaging.raw_made import dng
from tests.make import encoded

RED, BLUE = (200, 30, 30), (20, 20, 200)


@pytest.fixture(autouse=True)
def _rawpy() -> None:
    require.module("rawpy")


def preview() -> bytes:
    image = Image.new("RGB", (96, 64), RED)
    image.paste(BLUE, (48, 0, 96, 64))
    return encoded(image, quality=95)


def corners(found: Picture) -> tuple[list[int], list[int]]:
    return found.rgb[2, 2].tolist(), found.rgb[-3, -3].tolist()


def is_near(found: list[int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(found, wanted, strict=True))


def test_a_dng_is_known_by_its_bytes() -> None:
    assert formats.sniff(dng(), "no-suffix") == "raw"


@pytest.mark.parametrize(
    ("orientation", "upright"), [(number, (96, 64) if number < 5 else (64, 96)) for number in range(1, 9)]
)
def test_the_sensor_is_developed_upright(orientation: int, upright: tuple[int, int]) -> None:
    found = read_picture(dng(orientation=orientation), name="a.dng", side_px=32)
    assert (found.width_px, found.height_px) == upright
    assert found.rgb.shape[:2] == (upright[1] // 2, upright[0] // 2)  # half size is enough
    assert (found.exif.make, found.exif.model, found.exif.orientation) == ("Test", "Model", orientation)
    first, last = (sum(corner) for corner in corners(found))
    assert (first < last) == (orientation in (1, 4, 5, 6))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_embedded_preview_comes_first(orientation: int) -> None:
    data = dng(orientation=orientation, preview=preview())
    found = read_picture(data, name="a.dng", side_px=32)
    assert read_size(data, name="a.dng") == Size(found.width_px, found.height_px, "raw", 1)
    expected = (RED, BLUE) if orientation in (1, 4, 5, 6) else (BLUE, RED)
    assert all(is_near(corner, colour) for corner, colour in zip(corners(found), expected, strict=True))
    assert (found.width_px, found.height_px) == ((96, 64) if orientation < 5 else (64, 96))


def test_a_preview_that_is_too_small_is_passed_over() -> None:
    found = read_picture(dng(192, 128, preview=preview()), name="a.dng", side_px=100)
    assert found.rgb.shape == (128, 192, 3)
    assert found.rgb[2, 2].std() < 3  # grey, as the sensor saw it


def test_the_limit_holds_before_anything_is_developed() -> None:
    with pytest.raises(ImageError, match="above the limit"):
        read_picture(dng(192, 128), name="a.dng", side_px=32, max_megapixels=0.02)


SCRIPT = """
import sys
from phototag.errors import ImageError
from phototag.imaging.decode import read_picture
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = file.read()
    try:
        read_picture(data, name="a.dng", side_px=32, max_megapixels=1)
    except ImageError as error:
        assert str(error)
"""


def test_damaged_raw_files_give_a_reason_and_print_nothing(tmp_path: Path) -> None:
    chance, whole = random.Random(1), dng(preview=preview())
    paths = []
    for number in range(60):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path = tmp_path / f"{number}.dng"
        path.write_bytes(bytes(data[: chance.randrange(8, len(data))] if number % 3 == 0 else data))
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
