"""What is said of an image that was swapped or replaced since the last scan is said of the picture that is there now."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.main import run
from phototag.scan import mistaken
from tests import make

Out = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a scanned library of two photos with a word about each, as the current folder."""
    for number, name in enumerate(("a.jpg", "b.jpg")):
        path = make.jpeg(tmp_path / name, size=(64, 48 + number), seed=number + 1, taken="2024:05:01 10:00:00")
        os.utime(path, ns=(1_700_000_000_000_000_000 + number, 1_700_000_000_000_000_000 + number))
    monkeypatch.chdir(tmp_path)
    assert run(["scan", "-q"]) == 0
    for name in "ab":
        assert run(["tag-edit", f"{name}.jpg", "--add", f"said-of-{name}", "-q"]) == 0
    return tmp_path


def tags(capsys: Out, name: str) -> list[str]:
    return list(info(capsys, name)["user_tags"])


def info(capsys: Out, name: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["info", name, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def swap(one: str, other: str) -> None:
    for source, target in ((one, "kept"), (other, one), ("kept", other)):
        os.rename(source, target)


def same_size(root: Path) -> None:
    """Make the two photos equally large, and scan them so."""
    size = max(path.stat().st_size for path in root.glob("*.jpg"))
    for path in sorted(root.glob("*.jpg")):
        path.write_bytes(path.read_bytes().ljust(size, b"\0"))
        os.utime(path, ns=(path.stat().st_mtime_ns - 10**13, path.stat().st_mtime_ns - 10**13))
    assert run(["scan", "-q"]) == 0


@pytest.mark.parametrize("equal", [False, True], ids=["other sizes", "one size"])
def test_after_a_swap_words_go_to_the_picture_that_is_there_now(root: Path, capsys: Out, equal: bool) -> None:
    if equal:
        same_size(root)
    swap("a.jpg", "b.jpg")
    capsys.readouterr()
    assert run(["rate", "5", "a.jpg"]) == 0
    assert "2 photos have changed places" in capsys.readouterr().err
    assert (tags(capsys, "a.jpg"), tags(capsys, "b.jpg")) == (["said-of-b"], ["said-of-a"])
    assert run(["tag-edit", "a.jpg", "--add", "said-of-b-at-a", "-q"]) == 0
    assert run(["scan", "-q"]) == 0
    assert (tags(capsys, "a.jpg"), tags(capsys, "b.jpg")) == (["said-of-b", "said-of-b-at-a"], ["said-of-a"])
    assert (info(capsys, "a.jpg")["rating"], info(capsys, "b.jpg")["rating"]) == (5, None)


def test_without_a_gate_sizes_tell(root: Path, capsys: Out) -> None:
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    swap("a.jpg", "b.jpg")
    assert run(["rate", "5", "a.jpg", "-q"]) == 0
    assert tags(capsys, "a.jpg") == ["said-of-b"]
    assert run(["scan", "-q"]) == 0
    assert (tags(capsys, "a.jpg"), tags(capsys, "b.jpg")) == (["said-of-b"], ["said-of-a"])
    assert (info(capsys, "a.jpg")["rating"], info(capsys, "b.jpg")["rating"]) == (5, None)


def test_words_said_of_a_picture_that_took_anothers_place_stay_with_it(root: Path, capsys: Out) -> None:
    (root / "old").mkdir()
    (root / "a.jpg").rename(root / "old/a.jpg")
    make.jpeg(root / "a.jpg", size=(80, 80), seed=9)
    assert run(["rate", "5", "a.jpg", "-q"]) == 0
    assert run(["scan", "-q"]) == 0
    assert (tags(capsys, "old/a.jpg"), info(capsys, "old/a.jpg")["rating"]) == (["said-of-a"], None)
    assert (tags(capsys, "a.jpg"), info(capsys, "a.jpg")["rating"]) == ([], 5)


def test_three_that_changed_places_in_a_circle(root: Path, capsys: Out) -> None:
    make.jpeg(root / "c.jpg", size=(64, 60), seed=3)
    assert run(["scan", "-q"]) == 0
    assert run(["tag-edit", "c.jpg", "--add", "said-of-c", "-q"]) == 0
    swap("a.jpg", "b.jpg")
    swap("a.jpg", "c.jpg")  # a is c now, b is a, c is b
    assert run(["rate", "5", "a.jpg", "-q"]) == 0
    assert run(["scan", "-q"]) == 0
    assert [tags(capsys, f"{name}.jpg") for name in "abc"] == [["said-of-c"], ["said-of-a"], ["said-of-b"]]
    assert [info(capsys, f"{name}.jpg")["rating"] for name in "abc"] == [5, None, None]


@pytest.mark.parametrize("change", ["edited", "retouched"])
def test_an_edited_photo_keeps_its_words(root: Path, capsys: Out, change: str) -> None:
    if change == "edited":
        make.jpeg(root / "a.jpg", size=(64, 48), seed=1, taken="2024:05:01 11:11:11", make="Canon")
    else:
        make.jpeg(root / "a.jpg", size=(60, 40), seed=1)
    assert run(["rate", "5", "a.jpg", "-q"]) == 0
    assert run(["scan", "-q"]) == 0
    assert (tags(capsys, "a.jpg"), info(capsys, "a.jpg")["rating"]) == (["said-of-a"], 5)


def test_a_library_in_order_costs_no_reading(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistaken, "read_image", lambda *_: pytest.fail("an image was read"))
    monkeypatch.setattr(mistaken, "walk", lambda *_: pytest.fail("the library was walked"))
    assert run(["rate", "5", "a.jpg", "b.jpg", "-q"]) == 0


def test_new_images_elsewhere_are_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phototag import fsio

    make.jpeg(root / "new/n.jpg", size=(200, 100), seed=5)
    swap("a.jpg", "b.jpg")
    real = fsio.read_bytes
    read: list[str] = []

    def noted(path: str) -> bytes:
        read.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(fsio, "read_bytes", noted)
    assert run(["rate", "5", "a.jpg", "-q"]) == 0
    assert "n.jpg" not in read
    assert "a.jpg" in read
