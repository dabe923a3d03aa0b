"""The perceptual hash: what must not change it, and what must; what it costs is a row of the benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from phototag.imaging import decode
from phototag.imaging.phash import DECODED_PX, inner_box, perceptual_hashes
from tests import make


def scene(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return a picture with shapes of many sizes, as a photo has."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size)
    for side in (3, 7, 15, 40):
        layer = Image.fromarray(rng.integers(0, 255, (side * 3 // 4 + 1, side, 3), dtype=np.uint8))
        image = Image.blend(image, layer.resize(size, Image.Resampling.BICUBIC), 0.45)
    return image


def hashes(image: Image.Image, **options: Any) -> tuple[bytes, bytes]:
    data = make.encoded(image, **options)
    return perceptual_hashes(decode.read_picture(data, name="x", side_px=DECODED_PX).rgb)


def distance(a: bytes, b: bytes) -> int:
    assert len(a) == len(b) == 32
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def framed(image: Image.Image, px: int, colour: str) -> Image.Image:
    made = Image.new("RGB", (image.width + 2 * px, image.height + 2 * px), colour)
    made.paste(image, (px, px))
    return made


def test_encoding_scaling_and_light_change_few_bits_and_another_picture_half_of_them() -> None:
    image = scene()
    whole, inner = hashes(image, quality=95)
    assert inner == b""
    assert distance(whole, hashes(image, quality=40)[0]) <= 16
    assert distance(whole, hashes(image.resize((320, 240)), quality=90)[0]) <= 16
    assert distance(whole, hashes(ImageEnhance.Brightness(image).enhance(0.8), quality=90)[0]) <= 16
    assert 90 <= distance(whole, hashes(scene(2), quality=90)[0]) <= 166


def test_a_picture_turned_by_exif_has_the_hash_of_the_upright_one() -> None:
    image = scene()
    turned = image.transpose(Image.Transpose.ROTATE_90)
    assert distance(hashes(image, quality=90)[0], hashes(turned, quality=90, exif=make.exif(orientation=6))[0]) <= 8


@pytest.mark.parametrize("colour", ["white", "black", "#884422"])
@pytest.mark.parametrize("px", [2, 11, 60])
def test_what_a_frame_encloses_has_the_hash_of_the_picture_without_it(colour: str, px: int) -> None:
    image = scene()
    _, inner = hashes(framed(image, px, colour), quality=90)
    assert distance(hashes(image, quality=90)[0], inner) <= 24


def test_bars_above_and_below_are_a_frame_too() -> None:
    image = scene()
    bars = Image.new("RGB", (640, 560))
    bars.paste(image, (0, 40))
    assert distance(hashes(image, quality=90)[0], hashes(bars, quality=90)[1]) <= 24


def test_the_edge_of_a_frame_is_found_to_parts_of_a_pixel() -> None:
    luma = np.full((100, 200), 128, np.uint8)
    luma[10:-10, 20:-20] = np.random.default_rng(1).integers(0, 60, (80, 160))
    luma[9, 20:-20] = 128 - 24  # the picture covers about a quarter of this line
    box = inner_box(luma)
    assert box is not None
    assert list(box) == pytest.approx([20, 9.75, 180, 90.25], abs=0.5)


def test_a_picture_with_nothing_in_it_has_no_hash() -> None:
    assert hashes(Image.new("RGB", (400, 300), "grey"), quality=90) == (b"", b"")
    gentle = Image.linear_gradient("L").resize((400, 300)).point(lambda v: 100 + v // 32).convert("RGB")
    assert hashes(gentle, quality=90)[0] == b""


def test_two_words_on_a_wall_are_something() -> None:
    wall = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(wall).rectangle((100, 80, 300, 200), fill="black")
    assert len(hashes(wall, quality=90)[0]) == 32


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 500), (7, 7), (400, 2)])
def test_tiny_and_thin_pictures_do_not_fail(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    whole, inner = perceptual_hashes(rgb)
    assert len(whole) in (0, 32)
    assert len(inner) in (0, 32)


def test_the_same_bytes_give_the_same_hash_whatever_the_memory_layout() -> None:
    rgb = np.asarray(scene())
    assert perceptual_hashes(rgb) == perceptual_hashes(np.asfortranarray(rgb)) == perceptual_hashes(rgb.copy())
