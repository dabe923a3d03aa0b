"""``phototag models``: the whole way from a mirror on loopback to an answer, and what else it says."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from phototag.models import manifest
from tests import make, require
from tests.models import draw, onnx_bytes
from tests.models.file_server import Files, serving

require.module("onnxruntime")
require.module("tokenizers")

DEFAULT = "clip/ViT-B-32-256-datacomp_s34b_b86k"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """Serve a small model under the addresses of the default one."""
    made = onnx_bytes.clip_folder(tmp_path / "made", side=256, dim=512, context=77, pool=True)
    merges = require.shared("clip_shapes/model") / "tokenizer.json"
    with serving() as files:
        for file in manifest.ENTRIES[DEFAULT].files:
            if file.url:
                name = urlsplit(file.url).path
                files.content[name] = merged(merges) if file.path.endswith(".gz") else (made / file.path).read_bytes()
        monkeypatch.setenv("PHOTOTAG_MODELS_MIRROR", files.url)
        yield files


def merged(tokenizer: Path) -> bytes:
    """Return OpenAI's list of merges out of a tokenizer.json."""
    import gzip

    found = json.loads(tokenizer.read_bytes())["model"]["merges"]
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in found]
    return gzip.compress("\n".join(["#version: 0.2", *lines, ""]).encode())


def said(*args: str | Path) -> Any:
    return json.loads(make.phototag(*args, "--json").stdout)


def test_from_the_mirror_to_an_answer(models: Path, mirror: Files, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in (1, 2, 3):
        draw.scene(seed, (300, 280)).save(photos / f"{seed}.png")
    failed = make.phototag("scan", photos, "--embedder", "clip", check=False)
    assert failed.returncode == 5
    assert f"phototag models fetch {DEFAULT}" in failed.stderr
    fetched = make.phototag("models", "fetch", "clip")
    assert fetched.stdout.strip() == str(models / DEFAULT)
    assert "licence MIT" in fetched.stderr and "no hash is on record" in fetched.stderr
    assert make.phototag("models", "verify").returncode == 0
    row = next(row for row in said("models", "list") if row["name"] == "clip")
    assert row["present"] and not row["default"] and row["license"] == "MIT" and row["task"] == "embed"
    make.phototag("init", photos)
    assert said("models", "use", "clip", "--library", photos)["for"] == ["embedder"]
    assert next(r for r in said("models", "list", "--library", photos) if r["name"] == "clip")["default"]
    mirror.requests.clear()
    make.phototag("scan", photos, "-q")
    found = said("query", "--library", photos, "two dogs on a beach")
    assert len(found) == 3 and all(-1 <= image["score"] <= 1 for image in found)
    assert said("query", "--library", photos, f"{photos}/2.png")[0]["path"] == "2.png"
    assert mirror.requests == [], "only models fetch asks for anything"
    spaces = said("index", "status", photos)
    assert any(space.startswith(DEFAULT) for space in json.dumps(spaces).split('"')), spaces


def test_a_damaged_model_is_found_by_verify(models: Path, mirror: Files) -> None:
    make.phototag("models", "fetch", "clip", "-q")
    (models / DEFAULT / "textual.onnx").write_bytes(b"broken")
    done = make.phototag("models", "verify", check=False)
    assert done.returncode == 1 and "changed since it was fetched" in done.stdout
    report = json.loads(make.phototag("models", "verify", "clip", "--json", check=False).stdout)
    assert not report["ok"] and {one["path"] for one in report["files"] if not one["ok"]} == {"textual.onnx"}


def test_a_file_that_is_not_at_the_mirror(models: Path, mirror: Files) -> None:
    mirror.content.clear()
    done = make.phototag("models", "fetch", "clip", check=False)
    assert done.returncode == 1
    assert "HTTP 404" in done.stderr and "--from FILE" in done.stderr
    assert not (models / "clip").exists()


def test_a_non_commercial_model_needs_a_yes(models: Path) -> None:
    done = make.phototag("models", "fetch", "insightface/buffalo_l", check=False)
    assert done.returncode == 2 and "--i-accept" in done.stderr and "non-commercial" in done.stderr


def test_list_path_and_names(models: Path) -> None:
    rows = said("models", "list")
    assert {"builtin", "clip", "ram++"} <= {row["name"] for row in rows}
    assert all({"name", "task", "present", "default", "size", "license"} <= row.keys() for row in rows)
    assert [row["name"] for row in rows if row["default"]] == ["builtin", "builtin"]
    (faces,) = [line for line in make.phototag("models", "list").stdout.splitlines() if line.startswith("faces")]
    assert "no command uses it yet" in faces
    assert said("models", "path", "insightface/buffalo_l")["path"] == str(models / "insightface" / "buffalo_l")
    assert make.phototag("models", "path").stdout.strip() == str(models)
    assert said("models", "path", "ram++") == {"path": str(models / "ram_plus"), "present": False}
    done = make.phototag("models", "fetch", "clyp", check=False)
    assert done.returncode == 2 and "no model is called 'clyp'" in done.stderr


def test_a_model_is_used_for_what_it_can(models: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    make.phototag("init", photos)
    assert said("models", "use", "ram++", "--library", photos)["for"] == ["tagger"]
    assert "phototag models fetch ram_plus" in make.phototag("models", "use", "ram++", "--library", photos).stderr
    done = make.phototag("models", "use", "insightface/buffalo_l", "--library", photos, check=False)
    assert done.returncode == 2 and "neither a tagger nor an embedder" in done.stderr
    done = make.phototag("models", "use", "ram++", "--for", "embedder", "--library", photos, check=False)
    assert done.returncode == 2 and "cannot be used as embedder" in done.stderr
    assert said("models", "use", "builtin", "--library", photos)["for"] == ["tagger", "embedder"]


def test_the_default_is_said_for_its_task_alone(models: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (models / "ram_plus").mkdir(parents=True)
    make.phototag("init", photos)
    make.phototag("models", "use", "ram++", "--library", photos)
    rows = said("models", "list", "--library", photos)
    assert [(row["name"], row["task"]) for row in rows if row["default"]] == [("builtin", "embed"), ("ram++", "tag")]


def test_clip_is_no_default_tagger(models: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    onnx_bytes.clip_folder(models / "clip" / "tiny")
    make.phototag("init", photos)
    done = make.phototag("models", "use", "clip/tiny", "--for", "tagger", "--library", photos, check=False)
    assert done.returncode == 2 and "has no tags of its own" in done.stderr
    assert "phototag tag --tagger clip/tiny --vocab FILE" in done.stderr
    assert make.phototag("scan", photos, "-q").returncode == 0
    assert said("models", "use", "clip/tiny", "--for", "embedder", "--library", photos)["for"] == ["embedder"]


def test_what_needs_no_files(models: Path) -> None:
    assert said("models", "verify", "builtin") == {
        "ok": True,
        "files": [{"model": "builtin", "path": "", "ok": True, "why": "needs no files"}],
    }
    assert make.phototag("models", "verify", "builtin").stdout.split() == ["ok", "builtin", "needs", "no", "files"]
    done = make.phototag("models", "path", "builtin", check=False)
    assert done.returncode == 2 and "builtin has no folder" in done.stderr


def test_a_folder_without_its_text_tower_is_incomplete(models: Path) -> None:
    folder = onnx_bytes.clip_folder(models / "clip" / "tiny")
    (folder / "textual.onnx").unlink()
    (line,) = [line for line in make.phototag("models", "list").stdout.splitlines() if line.startswith("clip ")]
    assert "incomplete" in line


def test_converting_says_what_it_needs(models: Path, tmp_path: Path) -> None:
    done = make.phototag("models", "convert", "clip", "--int8", check=False)
    assert done.returncode == 2 and "--photos FOLDER" in done.stderr
    done = make.phototag("models", "convert", "builtin", "--int8", "--photos", tmp_path, check=False)
    assert done.returncode == 2 and "builtin is not a CLIP model" in done.stderr
    if importlib.util.find_spec("open_clip") is None:
        done = make.phototag("models", "convert", "ViT-B-32", check=False)
        assert done.returncode == 5 and "pip install 'phototag[convert]'" in done.stderr
