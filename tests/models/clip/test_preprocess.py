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
