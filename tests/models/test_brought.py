"""Which of a person's files is which file of a model, above all where two of a model have one name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from phototag.errors import UsageError
from phototag.models.brought import assign
from phototag.models.manifest import Entry, File
from phototag.models.registry import EMBED

TOWERS = Entry(
    name="clip/two",
    task=EMBED,
    about="laid out as Immich's exports",
    license="MIT",
    files=tuple(
        File(path=path) for path in ("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json", "config.json")
    ),
)


def write(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def zipped(folder: Path, *paths: str) -> Path:
    with zipfile.ZipFile(folder / "given.zip", "w") as archive:
        for path in paths:
            archive.writestr(path, path)
    return folder / "given.zip"


def assigned(*sources: Path) -> dict[str, str]:
    """Return what each file was read from: every file holds its own path."""
    found = assign(TOWERS, [str(source) for source in sources])
    return {path: b"".join(read()).decode() for path, read in sorted(found.items())}


BOTH = {"textual/model.onnx": "textual/model.onnx", "visual/model.onnx": "visual/model.onnx"}


@pytest.mark.parametrize("order", [("visual", "textual"), ("textual", "visual")])
def test_a_zip_gives_each_tower_its_own_file(tmp_path: Path, order: tuple[str, str]) -> None:
    assert assigned(zipped(tmp_path, *(f"{name}/model.onnx" for name in order))) == BOTH
    (tmp_path / "given.zip").unlink()
    found = assigned(zipped(tmp_path, *(f"two-main/{name}/model.onnx" for name in order), "two-main/config.json"))
    assert found == {path: f"two-main/{path}" for path in (*BOTH, "config.json")}


@pytest.mark.parametrize("order", [("visual", "textual"), ("textual", "visual")])
def test_single_files_and_their_folders_are_told_apart(tmp_path: Path, order: tuple[str, str]) -> None:
    write(tmp_path, *BOTH)
    assert assigned(*(tmp_path / name / "model.onnx" for name in order)) == BOTH
    assert assigned(*(tmp_path / name for name in order)) == BOTH
    assert assigned(tmp_path) == BOTH
    assert assigned(tmp_path / order[0]) == {f"{order[0]}/model.onnx": f"{order[0]}/model.onnx"}


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_a_file_that_may_be_either_tower_is_refused(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "here", "model.onnx")
    source = {"file": tmp_path / "here" / "model.onnx", "folder": tmp_path / "here"}.get(kind)
    with pytest.raises(UsageError, match=r"may be visual/model\.onnx or textual/model\.onnx of clip/two") as caught:
        assigned(source or zipped(tmp_path, "model.onnx"))
    assert "its path ends with visual/model.onnx" in str(caught.value.hint)


def test_a_name_that_the_model_has_once_is_enough(tmp_path: Path) -> None:
    write(tmp_path, "tokenizer.json", "elsewhere/config.json")
    found = assigned(tmp_path / "tokenizer.json", tmp_path / "elsewhere" / "config.json")
    assert found == {"textual/tokenizer.json": "tokenizer.json", "config.json": "elsewhere/config.json"}
    assert assigned(zipped(tmp_path, "a/tokenizer.json")) == {"textual/tokenizer.json": "a/tokenizer.json"}


def test_a_name_that_the_source_has_twice_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a/tokenizer\.json may be textual/tokenizer\.json of clip/two"):
        assigned(zipped(tmp_path, "a/tokenizer.json", "b/tokenizer.json"))


def test_a_zip_of_several_models_gives_the_one_that_is_meant(tmp_path: Path) -> None:
    models = ("clip/one/config.json", "clip/two/config.json")
    assert assigned(zipped(tmp_path, *models)) == {"config.json": "clip/two/config.json"}
    with pytest.raises(UsageError, match=r"config\.json of clip/two may be any of 2 files in .*given\.zip"):
        assigned(zipped(tmp_path, "clip/one/config.json", "clip/three/config.json"))


def test_the_source_named_first_wins(tmp_path: Path) -> None:
    write(tmp_path, "a/visual/model.onnx", "b/visual/model.onnx", "b/textual/model.onnx")
    found = assigned(tmp_path / "a", tmp_path / "b")
    assert found == {"visual/model.onnx": "a/visual/model.onnx", "textual/model.onnx": "b/textual/model.onnx"}
