"""Resizing, cropping and normalising as OpenCLIP does it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from phototag.models.clip.folder import OPENAI_MEAN, OPENAI_STD, Preprocessing
from phototag.models.clip.preprocess import prepare, resized
from tests.models import draw


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((640, 480), (298, 224)),
        ((480, 640), (224, 298)),
        ((500, 333), (336, 224)),
        ((224, 224), (224, 224)),
        ((30, 20), (336, 224)),
    ],
)
def test_shortest_side_then_centre_crop(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    """The longer side is truncated as torchvision does, not rounded; the crop's corner is rounded to even."""
    image = draw.scene(size=(640, 480)).resize(size)
    found = resized(image, Preprocessing(), (224, 224))
    full = image.resize(fitted, Image.Resampling.BICUBIC)
    left, top = round((fitted[0] - 224) / 2), round((fitted[1] - 224) / 2)
    assert np.array_equal(np.asarray(found), np.asarray(full.crop((left, top, left + 224, top + 224))))


@pytest.mark.parametrize("size", [(8, 400), (400, 8), (20, 330), (331, 20), (3, 100), (1, 40), (40, 1)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_an_elongated_picture_gives_its_centre_all_the_same(size: tuple[int, int], interpolation: str) -> None:
    """The crop's corner is stored by Pillow in single precision: a pixel may round otherwise, by one grey level."""
    image = draw.scene(size=(500, 500)).resize(size)
    how = Preprocessing(interpolation=interpolation)
    kernel = Image.Resampling[interpolation.upper()]
    fitted = (64, int(64 * size[1] / size[0])) if size[0] < size[1] else (int(64 * size[0] / size[1]), 64)
    full = image.resize(fitted, kernel)
    left, top = round((full.width - 64) / 2), round((full.height - 64) / 2)
    expected = np.asarray(full.crop((left, top, left + 64, top + 64))).astype(int)
    found = np.asarray(resized(image, how, (64, 64))).astype(int)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01


@pytest.mark.parametrize("size", [(4, 20_000), (20_000, 4), (1, 65_500), (65_500, 1)])
def test_an_elongated_picture_is_never_enlarged_whole(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    resize = Image.Image.resize

    def noted(self: Image.Image, size: tuple[int, int], *args: object, **options: object) -> Image.Image:
        made.append(size[0] * size[1])
        return resize(self, size, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "resize", noted)
    found = prepare(np.full((size[1], size[0], 3), 90, np.uint8), Preprocessing(), (256, 256))
    assert found.shape == (3, 256, 256)
    assert max(made) <= 256 * 256


@pytest.mark.parametrize("size", [(4000, 300), (300, 4000), (4000, 200), (200, 4000), (64, 1200), (3000, 100)])
def test_a_panorama_is_prepared_bit_for_bit(size: tuple[int, int]) -> None:
    """Up to a ratio of 16, and always where nothing is enlarged, OpenCLIP's own steps are done."""
    image = draw.scene(size=(640, 480)).resize(size)
    side = 64 if max(size) / min(size) > 16 else 224
    fitted = (side, int(side * size[1] / size[0])) if size[0] < size[1] else (int(side * size[0] / size[1]), side)
    full = image.resize(fitted, Image.Resampling.BICUBIC)
    left, top = round((full.width - side) / 2), round((full.height - side) / 2)
    expected = full.crop((left, top, left + side, top + side))
    assert np.array_equal(np.asarray(resized(image, Preprocessing(), (side, side))), np.asarray(expected))


def test_squash_ignores_the_aspect() -> None:
    image = draw.scene(size=(300, 200))
    how = Preprocessing(resize_mode="squash", interpolation="bilinear")
    assert np.array_equal(
        np.asarray(resized(image, how, (64, 96))), np.asarray(image.resize((96, 64), Image.Resampling.BILINEAR))
    )


def test_longest_side_is_padded() -> None:
    image = Image.new("RGB", (400, 100), (255, 255, 255))
    found = np.asarray(resized(image, Preprocessing(resize_mode="longest", fill=7), (100, 100)))
    assert found.shape == (100, 100, 3)
    assert (found[:37] == 7).all() and (found[63:] == 7).all() and (found[38:62] == 255).all()


def test_values_are_normalised_per_channel() -> None:
    rgb = np.zeros((224, 224, 3), np.uint8) + np.array([255, 0, 51], np.uint8)
    found = prepare(rgb, Preprocessing(), (224, 224))
    expected = [(v - m) / s for v, m, s in zip((1.0, 0.0, 0.2), OPENAI_MEAN, OPENAI_STD, strict=True)]
    assert found.shape == (3, 224, 224) and found.dtype == np.float32 and found.flags.c_contiguous
    assert np.allclose(found[:, 0, 0], expected, atol=1e-6)
