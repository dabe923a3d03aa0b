"""The built-in vector: copies stay close, other pictures do not, and its numbers are stable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from phototag.models.builtin.analyser import DIM, BuiltinEmbedder
from tests.models import draw

EMBEDDER = BuiltinEmbedder()
SEEDS = range(1, 9)


def vector(image: Image.Image) -> npt.NDArray[np.float32]:
    made: npt.NDArray[np.float32] = EMBEDDER.infer([EMBEDDER.prepare(draw.picture(image))])[0]
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_resized_and_compressed_stays_within_two_percent(seed: int) -> None:
    original = draw.scene(seed, (640, 480))
    base = vector(original)
    for scale, quality in ((1.0, 30), (1.0, 80), (0.5, 75), (0.25, 90), (1.7, 85)):
        assert base @ vector(draw.reencoded(original, scale=scale, quality=quality)) > 0.98, (scale, quality)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_little_edit_is_nearer_than_any_other_picture(seed: int) -> None:
    original = draw.scene(seed, (640, 480))
    base = vector(original)
    lighter = original.point(lambda v: min(255, int(v * 1.12)))
    cropped = original.crop((12, 9, 628, 471))
    others = max(float(base @ vector(draw.scene(other))) for other in SEEDS if other != seed)
    assert min(base @ vector(lighter), base @ vector(cropped)) > max(0.75, others + 0.2)


def test_different_pictures_are_far_apart() -> None:
    rows = np.stack([vector(draw.scene(seed)) for seed in SEEDS])
    cosines = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    assert cosines.max() < 0.6


def test_colour_alone_tells_plain_pictures_apart() -> None:
    red, green, red_again = (vector(draw.plain(c)) for c in ("#c81e1e", "#1e961e", "#cc2222"))
    assert red @ red_again > 0.95
    assert red @ green < 0.6


def test_a_mirrored_picture_is_another_picture() -> None:
    original = draw.scene(3)
    assert vector(original) @ vector(ImageOps.mirror(original)) < 0.8


def test_every_value_survives_half_precision() -> None:
    row = vector(draw.scene(5))
    assert row.shape == (DIM,)
    assert np.array_equal(row.astype(np.float16).astype(np.float32), row)
    assert abs(float(np.linalg.norm(row)) - 1) < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (700, 2), (64, 64)])
def test_no_size_is_too_odd(size: tuple[int, int]) -> None:
    row = vector(Image.new("RGB", size, "#3366cc"))
    assert np.isfinite(row).all()
    assert abs(float(np.linalg.norm(row)) - 1) < 1e-3
