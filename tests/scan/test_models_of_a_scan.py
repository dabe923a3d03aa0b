"""Scans with models: several side by side, one that is damaged, thresholds applied on reading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phototag.cli.model_options import read_words
from tests import make, require
from tests.models import draw, onnx_bytes
from tests.models.ram_plus import reference

require.module("onnxruntime")
require.module("torch")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PHOTOTAG_DEVICE", "cpu")
    onnx_bytes.clip_folder(tmp_path / "models" / "clip" / "tiny")
    reference.write_folder(tmp_path / "models" / "ram_plus")
    return tmp_path / "models"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in (1, 2, 3):
        draw.scene(seed, (90, 70)).save(folder / f"{seed}.png")
    return folder


def test_several_models_side_by_side_and_a_second_run_writes_nothing(models: Path, photos: Path) -> None:
    options = ("--tagger", "ram++", "--tagger", "builtin", "--embedder", "clip", "--embedder", "builtin")
    first = json.loads(make.phototag("scan", photos, *options, "--json").stdout)
    assert first["written"] == 3 and first["failed"] == []
    records = json.loads(make.phototag("list", photos, "--json").stdout)
    assert {tag["model"] for record in records for tag in record["tags"]} == {"ram++", "builtin"}
    again = json.loads(make.phototag("scan", photos, *options, "--json").stdout)
    assert again["written"] == 0 and again["unchanged"] == 3


def test_scores_below_the_threshold_are_there_to_be_asked_for(models: Path, photos: Path) -> None:
    thresholds = models / "ram_plus" / "ram_tag_list_threshold.txt"
    thresholds.write_text("0.9999\n" * len(thresholds.read_text().split()))
    make.phototag("scan", photos, "--tagger", "ram++", "-q")

    def found(*options: str) -> list[list[str]]:
        records = json.loads(make.phototag("list", photos, "--tag", "boat", *options, "--json").stdout)
        return [[tag["tag"] for tag in record["tags"]] for record in records]

    assert found() == []
    lower = found("--min-score", "0.1")
    assert len(lower) == 3 and all("boat" in tags for tags in lower)
    assert found("--min-score", "1") == []
    thresholds.write_text("0.1\n" * len(thresholds.read_text().split()))
    report = json.loads(make.phototag("scan", photos, "--tagger", "ram++", "--json").stdout)
    assert report["written"] == 0, "new thresholds need no other run of the model"
    assert len(found()) == 3


def test_damaged_weights_end_the_run_and_blame_no_image(models: Path, photos: Path) -> None:
    good = (models / "clip" / "tiny" / "visual.onnx").read_bytes()
    (models / "clip" / "tiny" / "visual.onnx").write_bytes(good[: len(good) // 2])
    done = make.phototag("scan", photos, "--embedder", "clip", check=False)
    assert done.returncode == 1
    assert "visual.onnx" in done.stderr and "models verify" in done.stderr
    (models / "clip" / "tiny" / "visual.onnx").write_bytes(good)
    report = json.loads(make.phototag("scan", photos, "--embedder", "clip", "--json").stdout)
    assert report["failed"] == [] and report["found"] == 3


def test_the_words_are_for_the_taggers_beside_the_built_in_one(models: Path, photos: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("sea\n", encoding="utf-8")
    make.phototag("scan", photos, "--tagger", "builtin", "--tagger", "ram++", "--vocab", words, "-q")
    stored = json.loads(make.phototag("list", photos, "--min-score", "0", "--json").stdout)[0]["tags"]
    assert {tag["tag"] for tag in stored if tag["model"] == "ram++"} == {"sea"}
    assert "landscape" in {tag["tag"] for tag in stored if tag["model"] == "builtin"}
    alone = make.phototag("tag", photos, "--tagger", "builtin", "--vocab", words, check=False)
    assert alone.returncode == 2 and "it has no words of its own" in alone.stderr


def test_a_vocabulary_and_a_language(models: Path, photos: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("sea\n\ncat\nsea\n", encoding="utf-8")
    make.phototag("tag", photos, "--tagger", "ram++", "--vocab", words, "-q")
    make.phototag("tag", photos, "--tagger", "ram++", "--language", "zh", "-q")
    labels = {
        tag["tag"] for record in json.loads(make.phototag("list", photos, "--json").stdout) for tag in record["tags"]
    }
    assert labels <= {"sea", "cat", "狗", "猫", "树", "船", "狗 (dog house)", "海", "船 (boat)"}
    assert labels & {"狗", "猫", "树", "船"}
    zeroshot = make.phototag("tag", photos, "--tagger", "clip", "--vocab", words, "--json")
    assert json.loads(zeroshot.stdout)["written"] == 3
    words.write_bytes("\ufeffcafe\u0301\r\n\r\ncaf\u00e9\r\n  sea \n".encode())
    assert read_words(str(words)) == ("caf\u00e9", "sea"), "accents in two forms are one word"
    for bad, message in ((b"", "has no tags"), (b"\xff\xfe", "not UTF-8")):
        words.write_bytes(bad)
        done = make.phototag("tag", photos, "--tagger", "ram++", "--vocab", words, check=False)
        assert done.returncode == 2 and message in done.stderr


@pytest.mark.parametrize("harm", ["list", "numbers", "threshold", "size"])
def test_a_broken_checkpoint_ends_the_run_and_names_its_file(models: Path, photos: Path, harm: str) -> None:
    """Its sizes are asked for while the first image is examined: that too is no image's failure."""
    torch = require.module("torch")
    path, named = models / "ram_plus" / "ram.pth", "ram.pth"
    if harm == "list":
        torch.save([1, 2], path)
    elif harm == "numbers":
        saved = torch.load(path, weights_only=True)
        saved["model"]["fc.weight"][:] = float("nan")
        torch.save(saved, path)
    elif harm == "threshold":
        path, named = models / "ram_plus" / "ram_tag_list_threshold.txt", "ram_tag_list_threshold.txt, line 1"
        path.write_text("nan\n" + "0.5\n" * 6)
    else:
        path, named = models / "ram_plus" / "config.json", "config.json"
        path.write_text('{"checkpoint": "ram.pth", "image_size": -128}')
    done = make.phototag("scan", photos, "--tagger", "ram++", "--json", check=False)
    assert done.returncode == 1 and named in done.stderr
    for file in (models / "ram_plus").iterdir():
        file.unlink()
    (models / "ram_plus").rmdir()
    reference.write_folder(models / "ram_plus")
    report = json.loads(make.phototag("scan", photos, "--tagger", "ram++", "--json").stdout)
    assert report["failed"] == [] and report["written"] == 3
