"""Outputs of one model with several vocabularies: side by side by design, said so, and replaced where that is asked."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from phototag import fsio
from phototag.imaging import decode
from phototag.imaging.picture import Picture
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.models.protocols import ModelInfo, Tags, Thresholds
from phototag.scan.run import Hooks, ScanReport, scan
from phototag.scan.wanted import Wanted
from phototag.settings import load
from phototag.sidecar import model as fields
from phototag.sidecar.model import TagScores
from tests import make, require


class Words:
    """A tagger that gives every picture all its words, and fails on pictures named ``poison``."""

    def __init__(self, *words: str, rev: str = "1", name: str = "seer") -> None:
        self.words = words
        self.info = ModelInfo(name, rev, f"{sum(map(ord, ''.join(words))):08x}")
        self.side_px, self.batch_size, self.thresholds = 16, 4, Thresholds(0.5)

    def prepare(self, picture: Picture) -> str:
        return picture.name

    def infer(self, batch: Sequence[str]) -> list[Tags]:
        if any("poison" in name for name in batch):
            raise ValueError("poisoned")
        return [Tags(self.words, (0.9,) * len(self.words)) for _ in batch]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "library"
    root.mkdir()
    for name in ("a.jpg", "b/c.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        make.jpeg(root / name, seed=len(name))
    return Tree(str(root), load(str(root)))


def run(tree: Tree, *taggers: Words, replace: bool = False, words: bool = True) -> tuple[ScanReport, list[str]]:
    said: list[str] = []
    wanted = Wanted(taggers=taggers, replace=replace, words=words)
    return scan(tree, "", wanted, hooks=Hooks(notice=said.append)).report, said


def tags(tree: Tree, rel: str) -> dict[str, tuple[str, ...]]:
    """Return what counts, by the model's revision and parameters."""
    document = sidecars.read(tree, rel)
    assert document is not None
    return {space: value.labels for space, value in document.items(fields.MTAG, TagScores)}


def age(tree: Tree) -> None:
    """Date every image a minute back, so that the gate takes its mtime for settled."""
    for path in Path(tree.root).rglob("*.jpg"):
        os.utime(path, ns=(path.stat().st_mtime_ns - 60 * 10**9,) * 2)


FIRST, SECOND = Words("cat", "dog"), Words("cat", "owl")
OLDER, ANOTHER = Words("elk", rev="0"), Words("fox", name="eyes")


def test_another_vocabulary_is_kept_and_said(tree: Tree) -> None:
    assert run(tree, FIRST)[1] == []
    report, said = run(tree, SECOND)
    assert report.written == 2 and set(tags(tree, "a.jpg")) == {FIRST.info.space, SECOND.info.space}
    assert said == [
        "2 images also have tags of seer from another vocabulary or language, and both count; "
        "--replace drops the others"
    ]
    assert run(tree, Words("ant"), words=False)[1] == [], "not without a vocabulary"
    assert run(tree, ANOTHER)[1] == [] and run(tree, OLDER)[1] == [], "another model, another revision"


def test_replace_drops_what_the_model_said_with_other_words(tree: Tree) -> None:
    run(tree, FIRST, ANOTHER)
    run(tree, OLDER)
    report, said = run(tree, SECOND, replace=True)
    assert (report.written, said) == (2, [])
    for rel in ("a.jpg", "b/c.jpg"):
        assert set(tags(tree, rel)) == {SECOND.info.space, OLDER.info.space, ANOTHER.info.space}
    assert run(tree, SECOND, replace=True)[0].written == 0, "there is nothing left to drop"


@pytest.mark.parametrize("cache", [True, False])
def test_replace_reaches_images_that_have_their_output_already(
    tree: Tree, cache: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(tree)
    run(tree, FIRST)
    run(tree, SECOND)
    if not cache:
        fsio.remove_tree(tree.cache)
    decoded: list[str] = []
    monkeypatch.setattr(decode, "read_picture", lambda *args, **options: decoded.append(options["name"]))
    assert run(tree, SECOND, replace=True)[0].written == 2
    assert set(tags(tree, "b/c.jpg")) == {SECOND.info.space}
    assert decoded == [], "no picture is looked at for it"


def test_replace_works_again_after_words_were_added(tree: Tree) -> None:
    age(tree)
    for _ in range(2):
        run(tree, SECOND, replace=True)
        run(tree, FIRST)
        assert set(tags(tree, "a.jpg")) == {FIRST.info.space, SECOND.info.space}
        run(tree, SECOND, replace=True)
        assert set(tags(tree, "a.jpg")) == {SECOND.info.space}


def test_an_image_that_fails_keeps_what_it_has(tree: Tree) -> None:
    run(tree, FIRST)
    (Path(tree.root) / "a.jpg").rename(Path(tree.root) / "poison.jpg")
    (Path(tree.root) / "a.jpg.phototag").rename(Path(tree.root) / "poison.jpg.phototag")
    report, _ = run(tree, SECOND, replace=True)
    assert [failed.path for failed in report.failed] == ["poison.jpg"]
    assert set(tags(tree, "poison.jpg")) == {FIRST.info.space}
    assert set(tags(tree, "b/c.jpg")) == {SECOND.info.space}


def test_what_was_dropped_is_dropped_on_the_other_device_too(tree: Tree, tmp_path: Path) -> None:
    run(tree, FIRST)
    other = tmp_path / "other"
    shutil.copytree(tree.root, other)
    elsewhere = Tree(str(other), load(str(other)))
    run(tree, SECOND, replace=True)
    here, there = sidecars.read(tree, "a.jpg"), sidecars.read(elsewhere, "a.jpg")
    assert here is not None and there is not None
    joined = there.join(here)
    assert [space for space, _ in joined.items(fields.MTAG, TagScores)] == [SECOND.info.space]


def test_a_changed_vocabulary_no_longer_contradicts_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with a trained model: neither side by side nor replaced does an image have tags and none."""
    require.module("onnxruntime")
    require.module("tokenizers")
    source = require.shared("clip_shapes")
    (tmp_path / "models" / "clip").mkdir(parents=True)
    (tmp_path / "models" / "clip" / "shapes").symlink_to(source / "model")
    monkeypatch.setenv("PHOTOTAG_MODELS_DIR", str(tmp_path / "models"))
    photos, words = tmp_path / "photos", tmp_path / "words.txt"
    photos.mkdir()
    for number in range(8):
        shutil.copy(source / "images" / f"{number:03}.png", photos)

    def tagged(*options: str, lines: str) -> tuple[dict[str, set[str]], str]:
        words.write_text(lines)
        done = make.phototag("tag", photos, "--tagger", "clip", "--vocab", words, *options)
        records = json.loads(make.phototag("list", photos, "--json").stdout)
        return {one["path"]: {tag["tag"] for tag in one["tags"]} for one in records}, done.stderr

    first, said = tagged(lines="a green triangle\na blue square\n")
    assert first["002.png"] == {"none of these"} and "--replace" not in said
    both, said = tagged(lines="a green triangle\nan orange circle\n")
    assert both["002.png"] == {"an orange circle"}
    assert "8 images also have tags of clip/shapes from another vocabulary" in said
    assert all("none of these" not in tags or len(tags) == 1 for tags in both.values())
    replaced, said = tagged("--replace", lines="a green triangle\nan orange circle\n")
    assert replaced["002.png"] == {"an orange circle"} and "also have" not in said
    assert not any("a blue square" in tags for tags in replaced.values())
