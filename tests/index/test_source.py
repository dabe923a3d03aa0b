"""Sidecars that cannot be read, or not yet."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from phototag.index import listing
from phototag.index.manifest import load
from phototag.index.refresh import refresh
from phototag.index.staleness import is_stale
from phototag.library.tree import Tree
from tests.index import sidecars_made as made


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return {name: errno} of sidecars that cannot be opened now (0: that can be, but not read)."""
    refused: dict[str, int] = {}
    opened: set[int] = set()
    real_open, real_read = os.open, os.read

    def fake_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if refused.get(path):
            raise OSError(refused[path], os.strerror(refused[path]))
        fd = real_open(path, flags, mode, dir_fd=dir_fd)
        opened.discard(fd)
        if path in refused:
            opened.add(fd)
        return fd

    def fake_read(fd: int, size: int) -> bytes:
        if fd in opened:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real_read(fd, size)

    monkeypatch.setattr(listing, "RACY_NS", 0)
    monkeypatch.setattr(os, "open", fake_open)
    monkeypatch.setattr(os, "read", fake_read)
    return refused


@pytest.mark.parametrize("when", ["at first", "when it changed"])
@pytest.mark.parametrize("reason", [errno.EACCES, 0])
def test_a_sidecar_that_could_not_be_read_is_read_when_it_can_be(
    tmp_path: Path, unreadable: dict[str, int], reason: int, when: str
) -> None:
    """Nothing tells that it can: neither its own time nor that of its folder changes."""
    tree = made.library(tmp_path)
    for rel in ("a/x.jpg", "a/y.jpg", "b/z.jpg"):
        made.add(tree, rel)
    if when != "at first":
        refresh(tree)
    made.add(tree, "a/x.jpg", user={"rating": 4})
    unreadable["x.jpg.phototag"] = reason
    refresh(tree)
    assert "cannot be read" in str(made.contents(made.opened(tree))["a/x.jpg"][0].trouble)
    manifest = load(tree)
    assert manifest is not None
    assert is_stale(tree, manifest)
    assert refresh(tree).changed == 0
    assert load(tree) == manifest  # nothing is written while it stays so
    unreadable.clear()
    assert refresh(tree).changed == 1
    assert made.contents(made.opened(tree))["a/x.jpg"][0].rating == 4
    manifest = load(tree)
    assert manifest is not None
    assert not is_stale(tree, manifest)


def test_a_sidecar_that_is_a_link_to_nothing_is_read_when_there_is_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "RACY_NS", 0)
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg", user={"rating": 4})
    away = Path(tree.sidecar("a/x.jpg")).rename(tmp_path / "elsewhere")
    Path(tree.sidecar("a/x.jpg")).symlink_to(tmp_path / "object")
    refresh(tree)
    assert made.contents(made.opened(tree)) == {}
    before = load(tree)
    refresh(tree)
    assert load(tree) == before
    away.rename(tmp_path / "object")
    refresh(tree)
    assert made.contents(made.opened(tree))["a/x.jpg"][0].rating == 4


def test_what_is_no_file_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "RACY_NS", 0)
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg")
    Path(tree.sidecar("a/x.jpg")).unlink()
    os.mkfifo(tree.sidecar("a/x.jpg"))
    refresh(tree)
    assert "it is no file" in str(made.contents(made.opened(tree))["a/x.jpg"][0].trouble)
    manifest = load(tree)
    assert manifest is not None
    assert not is_stale(tree, manifest)


def test_what_lies_in_the_overlay_alone_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "RACY_NS", 0)
    plain = made.library(tmp_path)
    tree = Tree(plain.root, plain.settings, overlay=True)
    made.add(plain, "a/x.jpg")
    made.add(tree, "a/y.jpg")
    refresh(tree)
    before = load(tree)
    assert refresh(tree, paranoid=True).changed == 0
    assert load(tree) == before
