"""Search by meaning on a real library: which space, which words, which images, and the trained fixture's recall."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from phototag.errors import MissingModelError, UsageError
from phototag.handle import Library
from phototag.search import find
from phototag.search.semantic import Semantics
from phototag.search.terms import parse_terms
from tests import make, require
from tests.models import draw, onnx_bytes

require.module("onnxruntime")
require.module("tokenizers")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("PHOTOTAG_MODELS_DIR", str(folder))
    monkeypatch.setenv("PHOTOTAG_DEVICE", "cpu")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(1, 7):
        draw.scene(seed, (120, 90)).save(folder / f"scene{seed}.png")
    return folder


def scanned(photos: Path, *options: str) -> Library:
    make.phototag("scan", photos, "-q", *options)
    return Library.open(str(photos))


def semantics(
    library: Library, *, embedder: str | None = None, depth: int | None = None
) -> tuple[Semantics, list[str]]:
    said: list[str] = []
    return Semantics(library.tree.settings, notify=said.append, embedder=embedder, depth=depth), said


def paths(library: Library, text: str, *, embedder: str | None = None, depth: int | None = None) -> list[str]:
    index = library.index()
    asked, _ = semantics(library, embedder=embedder, depth=depth)
    return [index.path(hit.row) for hit in find.query(index, text, semantics=asked)]


def test_recall_of_the_trained_model_through_scan_and_query(models: Path, tmp_path: Path) -> None:
    source = require.shared("clip_shapes")
    (models / "clip").mkdir(parents=True)
    (models / "clip" / "shapes").symlink_to(source / "model")
    photos = tmp_path / "photos"
    shutil.copytree(source / "images", photos)
    photos.chmod(0o755)
    captions = msgspec.json.decode((source / "captions.json").read_bytes())
    library = scanned(photos, "--embedder", "clip")
    index = library.index()
    asked, _ = semantics(library)
    hits = [find.query(index, entry["caption"], k=1, semantics=asked)[0] for entry in captions]
    right = [index.path(hit.row) == entry["file"] for hit, entry in zip(hits, captions, strict=True)]
    assert np.mean(right) >= 0.95
    by_file = {entry["file"]: entry["caption"] for entry in captions}
    for word in ("ring", "grass"):
        best = find.query(index, word, k=5, semantics=asked)
        assert sum(word in by_file[index.path(hit.row)] for hit in best) >= 4
    plus = find.query(index, "red + ring", k=5, semantics=asked)
    assert all("ring" in by_file[index.path(hit.row)] for hit in plus[:3])


def test_images_take_part_in_arithmetic(models: Path, photos: Path, tmp_path: Path) -> None:
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    library = scanned(photos, "--embedder", "clip")
    stored = paths(library, f"{photos}/scene3.png")
    assert stored[0] == "scene3.png"
    outside = tmp_path / "copy of scene4.png"
    shutil.copy(photos / "scene4.png", outside)
    assert paths(library, str(outside))[0] == "scene4.png"
    assert paths(library, f"3:{photos}/scene3.png + {photos}/scene4.png")[:2] == ["scene3.png", "scene4.png"]
    assert paths(library, f"{photos}/scene3.png - {photos}/scene4.png")[-1] == "scene4.png"
    with pytest.raises(UsageError, match="No such file"):
        paths(library, "./nowhere.png")


def test_the_builtin_space_answers_for_images_alone(models: Path, photos: Path) -> None:
    library = scanned(photos)
    assert paths(library, f"{photos}/scene5.png")[0] == "scene5.png"
    with pytest.raises(MissingModelError, match="put words and pictures together"):
        paths(library, f"{photos}/scene5.png + red")


def test_without_a_model_of_words_only_words_are_searched(models: Path, photos: Path) -> None:
    library = scanned(photos)
    asked, said = semantics(library)
    assert asked.meaning(library.index(), parse_terms("scene3")) is None
    assert said == []
    assert paths(library, "scene3") == ["scene3.png"]


def test_missing_weights_are_said_and_words_still_found(models: Path, photos: Path) -> None:
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    library = scanned(photos, "--embedder", "clip")
    shutil.rmtree(models / "clip")
    asked, said = semantics(library)
    index = library.index()
    assert [index.path(hit.row) for hit in find.query(index, "scene3", semantics=asked)] == ["scene3.png"]
    assert "searching words only" in said[0] and "the weights of clip/tiny are not in" in said[0]
    with pytest.raises(MissingModelError):
        paths(library, "scene3", embedder="clip/tiny")


def test_other_weights_under_the_same_name_are_another_space(models: Path, photos: Path) -> None:
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    library = scanned(photos, "--embedder", "clip")
    shutil.rmtree(models / "clip")
    onnx_bytes.clip_folder(models / "clip" / "tiny", side=20)
    with pytest.raises(UsageError, match="no image has a vector of clip/tiny as it is now"):
        paths(library, "a sun", embedder="clip")


def test_how_many_are_near_enough_can_be_said(models: Path, photos: Path) -> None:
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    library = scanned(photos, "--embedder", "clip")
    assert len(paths(library, "a photo of the sun", depth=2)) == 2
    for number in range(1, 7):
        assert f"scene{number}.png" in paths(library, f"scene{number}", depth=1), "words are found beyond the depth"


def test_words_and_meaning_are_fused_when_an_image_has_all_the_words(models: Path, photos: Path) -> None:
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    library = scanned(photos, "--embedder", "clip")
    everything = paths(library, "a photo of the sun")
    assert len(everything) == 6, "by meaning, every image has a place"
    meant = paths(library, "scene2")
    assert meant[0] == "scene2.png" and len(meant) == 6
    index = library.index()
    scores = [hit.score for hit in find.query(index, "scene2", semantics=semantics(library)[0])]
    assert scores == sorted(scores, reverse=True) and 0.5 < scores[0] <= 1
