"""One suite that every model passes, whatever it is made of (docstring of phototag.models.protocols)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from phototag.imaging.picture import Picture
from phototag.models.protocols import ImageEmbedder, Tagger, Tags, TextEmbedder
from phototag.sidecar.model import Exif
from tests.contract.model_cases import IMAGE_EMBEDDERS, TAGGERS, TEXT_EMBEDDERS, Case
from tests.models import draw

PICTURES = [draw.picture(draw.scene(seed, size)) for seed, size in enumerate(((384, 256), (256, 384), (300, 300)), 1)]
ODD = {
    "grey": draw.scene(4).convert("L"),
    "alpha": Image.merge("RGBA", (*draw.scene(5).split(), draw.scene(6).convert("L"))),
    "cmyk": draw.scene(7).convert("CMYK"),
    "palette": draw.scene(8).convert("P"),
    "one pixel": Image.new("RGB", (1, 1), "red"),
    "a line": draw.scene(9, (900, 60)).crop((0, 20, 900, 23)),
}


@pytest.fixture
def tagger(request: pytest.FixtureRequest, tmp_path: Path) -> Tagger:
    """Open the tagger of the case."""
    case: Case = request.param
    return case.tagger(tmp_path)


@pytest.fixture
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> ImageEmbedder:
    """Open the image embedder of the case."""
    case: Case = request.param
    return case.image_embedder(tmp_path)


def same_tags(one: Tags, other: Tags, tolerance: float = 1e-5) -> bool:
    """Say whether the same labels have the same scores; the order may differ between equals."""
    left, right = dict(zip(one.labels, one.scores, strict=True)), dict(zip(other.labels, other.scores, strict=True))
    return left.keys() == right.keys() and all(abs(left[label] - right[label]) <= tolerance for label in left)


every_tagger = pytest.mark.parametrize("tagger", TAGGERS, indirect=True)
every_embedder = pytest.mark.parametrize("embedder", IMAGE_EMBEDDERS, indirect=True)


@every_tagger
def test_a_tagger_says_what_it_is(tagger: Tagger) -> None:
    assert isinstance(tagger, Tagger)
    assert tagger.info.name and tagger.info.rev and len(tagger.info.params8) == 8
    assert tagger.side_px > 0 and tagger.batch_size > 0
    assert 0 <= tagger.thresholds.default <= 1


@every_tagger
def test_scores_are_probabilities_best_first_of_distinct_labels(tagger: Tagger) -> None:
    for tags in tagger.infer([tagger.prepare(picture) for picture in PICTURES]):
        assert len(tags.labels) == len(tags.scores) == len(set(tags.labels))
        assert list(tags.scores) == sorted(tags.scores, reverse=True)
        assert all(0 <= score <= 1 for score in tags.scores)
        assert all(type(score) is float for score in tags.scores)


@every_tagger
def test_a_tagger_is_deterministic_and_does_not_see_its_neighbours(tagger: Tagger) -> None:
    batch = [tagger.prepare(picture) for picture in PICTURES]
    together = tagger.infer(batch)
    assert tagger.infer(batch) == together
    assert tagger.infer([]) == []
    for one, tags in zip(batch, together, strict=True):
        assert same_tags(tagger.infer([one])[0], tags)
    many = tagger.infer((batch * 3)[:8])
    assert all(same_tags(tags, together[i % 3]) for i, tags in enumerate(many))


@every_tagger
@pytest.mark.parametrize("mode", ODD)
def test_a_tagger_takes_every_kind_of_picture(tagger: Tagger, mode: str) -> None:
    tags = tagger.infer([tagger.prepare(draw.picture(ODD[mode]))])[0]
    assert all(np.isfinite(tags.scores))


@every_tagger
def test_a_tagger_takes_the_picture_as_upright(tagger: Tagger) -> None:
    turned = [msgspec.structs.replace(picture, exif=Exif(orientation=6)) for picture in PICTURES]
    assert tagger.infer([tagger.prepare(p) for p in turned]) == tagger.infer([tagger.prepare(p) for p in PICTURES])


@every_tagger
def test_a_tagger_may_be_called_from_several_threads(tagger: Tagger) -> None:
    def work(picture: Picture) -> Tags:
        return tagger.infer([tagger.prepare(picture)])[0]

    alone = [work(picture) for picture in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(work, PICTURES * 4))
    assert all(same_tags(tags, alone[i % 3]) for i, tags in enumerate(beside))


@every_tagger
def test_a_tagger_leaves_the_picture_alone(tagger: Tagger) -> None:
    pixels = np.asarray(draw.scene(11)).copy()
    before = pixels.copy()
    tagger.infer([tagger.prepare(Picture(rgb=pixels, width_px=384, height_px=256, format="jpeg"))])
    assert np.array_equal(pixels, before)


@every_embedder
def test_an_embedder_says_what_it_is(embedder: ImageEmbedder) -> None:
    assert isinstance(embedder, ImageEmbedder)
    assert embedder.info.name and embedder.info.rev and len(embedder.info.params8) == 8
    assert embedder.side_px > 0 and embedder.batch_size > 0 and embedder.dim > 0


@every_embedder
def test_rows_are_unit_vectors_whatever_the_batch(embedder: ImageEmbedder) -> None:
    batch = [embedder.prepare(picture) for picture in PICTURES]
    rows = embedder.infer(batch)
    assert rows.shape == (len(batch), embedder.dim) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    assert np.array_equal(embedder.infer(batch), rows)
    assert embedder.infer([]).shape == (0, embedder.dim)
    for one, row in zip(batch, rows, strict=True):
        assert np.allclose(embedder.infer([one])[0], row, atol=1e-5)
    assert np.allclose(embedder.infer((batch * 3)[:8]), np.tile(rows, (3, 1))[:8], atol=1e-5)


@every_embedder
def test_different_pictures_get_different_rows(embedder: ImageEmbedder) -> None:
    rows = embedder.infer([embedder.prepare(picture) for picture in PICTURES])
    assert not np.allclose(rows[0], rows[1], atol=1e-3)


@every_embedder
@pytest.mark.parametrize("mode", ODD)
def test_an_embedder_takes_every_kind_of_picture(embedder: ImageEmbedder, mode: str) -> None:
    row = embedder.infer([embedder.prepare(draw.picture(ODD[mode]))])[0]
    assert abs(float(np.linalg.norm(row)) - 1) < 1e-3


@every_embedder
def test_an_embedder_takes_the_picture_as_upright(embedder: ImageEmbedder) -> None:
    turned = [msgspec.structs.replace(picture, exif=Exif(orientation=6)) for picture in PICTURES]
    rows = embedder.infer([embedder.prepare(p) for p in PICTURES])
    assert np.array_equal(embedder.infer([embedder.prepare(p) for p in turned]), rows)


@every_embedder
def test_an_embedder_may_be_called_from_several_threads(embedder: ImageEmbedder) -> None:
    alone = [embedder.infer([embedder.prepare(picture)])[0] for picture in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda picture: embedder.infer([embedder.prepare(picture)])[0], PICTURES * 4))
    assert all(np.allclose(row, alone[i % 3], atol=1e-5) for i, row in enumerate(beside))


@pytest.mark.parametrize("case", TEXT_EMBEDDERS)
def test_a_text_embedder_shares_the_space_of_its_image_embedder(case: Case, tmp_path: Path) -> None:
    text, image = case.text_embedder(tmp_path), case.image_embedder(tmp_path)
    assert isinstance(text, TextEmbedder)
    assert text.info.space == image.info.space
    assert text.dim == image.dim


@pytest.mark.parametrize("case", TEXT_EMBEDDERS)
def test_texts_are_unit_vectors_whatever_the_batch(case: Case, tmp_path: Path) -> None:
    text = case.text_embedder(tmp_path)
    words = ["a red ring", "", "grass", "a photo of a dog " * 40]
    rows = text.embed_text(words)
    assert rows.shape == (4, text.dim) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    assert text.embed_text([]).shape == (0, text.dim)
    for word, row in zip(words, rows, strict=True):
        assert np.allclose(text.embed_text([word])[0], row, atol=1e-5)
    with ThreadPoolExecutor(4) as pool:
        assert all(
            np.allclose(found, rows, atol=1e-5) for found in pool.map(lambda _: text.embed_text(words), range(8))
        )
