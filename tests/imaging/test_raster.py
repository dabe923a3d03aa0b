"""TIFFs of a depth or a sense that Pillow does not heed."""

import struct

import numpy as np
import numpy.typing as npt
import pytest

from phototag.errors import ImageError
from phototag.imaging.decode import read_picture
from tests.imaging.blocks_made import Entry, short, tiff

LEFT, RIGHT = 0, -1


def scan(values: npt.NDArray[np.generic], *entries: Entry, channels: int = 1) -> bytes:
    """Return an uncompressed TIFF of one strip: rows, columns and, with several channels, samples."""
    pixels = values.tobytes()
    height, width = values.shape[:2]
    bits = values.dtype.itemsize * 8
    given = {entry[0]: entry for entry in entries}
    needed = [
        short(256, width),
        short(257, height),
        (258, 3, channels, struct.pack(f"<{channels}H", *[bits] * channels)),
        short(259, 1),
        short(262, 1),
        (273, 4, 1, struct.pack("<I", 4096)),
        short(277, channels),
        short(278, height),
        (279, 4, 1, struct.pack("<I", len(pixels))),
    ]
    block = tiff(sorted({entry[0]: entry for entry in (*needed, *given.values())}.values()))
    return block.ljust(4096, b"\0") + pixels


def ramp(dtype: str, highest: int) -> npt.NDArray[np.generic]:
    return np.tile(np.linspace(0, highest, 64).astype(dtype), (64, 1))


@pytest.mark.parametrize(("dtype", "highest"), [("<u1", 0xFF), ("<u2", 0xFFFF)])
@pytest.mark.parametrize(("photometric", "left"), [(1, 0), (0, 255)])
def test_white_may_be_zero(dtype: str, highest: int, photometric: int, left: int) -> None:
    shown = read_picture(scan(ramp(dtype, highest), short(262, photometric)), name="a.tif", side_px=64).rgb
    assert (shown[0, LEFT].tolist(), shown[0, RIGHT].tolist()) == ([left] * 3, [255 - left] * 3)


def test_32_bits_without_a_sign_do_not_wrap() -> None:
    shown = read_picture(scan(ramp("<u4", 0xFFFFFFFF)), name="a.tif", side_px=64).rgb[0, :, 0].astype(int)
    assert (shown[LEFT], shown[RIGHT]) == (0, 255)
    assert (np.diff(shown) >= 0).all()


def test_a_kind_that_is_not_read_is_not_called_damaged() -> None:
    colour = np.zeros((64, 64, 3), "<f4")
    data = scan(colour, short(262, 2), (339, 3, 3, struct.pack("<3H", 3, 3, 3)), channels=3)
    with pytest.raises(ImageError, match="a kind of TIFF that is not read"):
        read_picture(data, name="a.tif", side_px=64)
