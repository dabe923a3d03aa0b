"""Images that are symbolic links come and go without a new mtime of their folder: git-annex, a disk that is away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phototag.index import links, listing
from phototag.index.manifest import load
from phototag.index.refresh import refresh
from phototag.index.staleness import is_stale
from phototag.index.verify import verify
from phototag.library.tree import Tree
from phototag.library.walk import walk
from tests.index import sidecars_made as made


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Return a library whose images ``a/0.jpg`` and ``a/1.jpg`` are links; only the first leads somewhere."""
    monkeypatch.setattr(listing, "RACY_NS", 0)
    found = made.library(tmp_path)
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "0").write_bytes(b"content")
    for number in range(2):
        made.add(found, f"a/{number}.jpg", image=False)
        Path(found.path(f"a/{number}.jpg")).symlink_to(tmp_path / "objects" / str(number))
    made.add(found, "b/plain.jpg")
    refresh(found)
    return found


def present(tree: Tree) -> dict[str, bool]:
    return {path: record.present for path, (record, _, _) in made.contents(made.opened(tree)).items()}


def stale(tree: Tree) -> bool:
    manifest = load(tree)
    assert manifest is not None
    return is_stale(tree, manifest)


def test_what_a_link_leads_to_comes_and_goes(tree: Tree, tmp_path: Path) -> None:
    assert present(tree) == {"a/0.jpg": True, "a/1.jpg": False, "b/plain.jpg": True}
    assert not stale(tree)
    (tmp_path / "objects" / "1").write_bytes(b"content")
    assert stale(tree)
    refresh(tree)
    assert present(tree) == {"a/0.jpg": True, "a/1.jpg": True, "b/plain.jpg": True}
    (tmp_path / "objects" / "0").unlink()
    assert stale(tree)
    refresh(tree)
    assert present(tree) == {"a/0.jpg": False, "a/1.jpg": True, "b/plain.jpg": True}
    assert not stale(tree)
    assert verify(tree).ok


def test_a_refresh_that_finds_the_links_as_they_were_writes_nothing(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load(tree)
    monkeypatch.setattr("phototag.index.refresh.list_folder", lambda *args, **options: pytest.fail("it was listed"))
    refresh(tree)
    assert load(tree) == before


def test_links_that_change_while_they_are_listed_are_listed_again(tree: Tree, tmp_path: Path) -> None:
    folder = next(found for found in walk(tree) if found.rel == "a")
    remembered = links.to_remember(tree, folder)
    assert links.as_remembered(tree, "a", remembered)
    (tmp_path / "objects" / "1").write_bytes(b"content")
    assert not links.as_remembered(tree, "a", remembered)
    assert links.to_remember(tree, folder) == links.UNSURE
    assert not links.as_remembered(tree, "a", links.UNSURE)


def test_a_folder_without_links_costs_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load(tree)
    assert manifest is not None
    assert [rel for rel, seen in manifest.folders.items() if seen.links] == [b"a"]
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail("it was listed"))
    assert links.as_remembered(tree, "b", links.NO_LINKS)
