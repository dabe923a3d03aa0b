"""The walk: what it finds, what it leaves out, and that odd files never stop it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phototag.errors import LibraryError
from phototag.library.tree import Tree
from phototag.library.walk import Folder, walk
from phototag.settings import load


def listing(root: Path, under: str = "") -> dict[str, Folder]:
    return {folder.rel: folder for folder in walk(Tree(str(root), load(str(root))), under)}


def touch(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def images(root: Path, under: str = "") -> list[str]:
    return [folder.path(name) for folder in listing(root, under).values() for name in folder.images]


def test_finds_images_with_size_and_mtime_sorted(tmp_path: Path) -> None:
    touch(tmp_path / "b.jpg", b"12345")
    touch(tmp_path / "A.JPEG")
    touch(tmp_path / "note.txt")
    touch(tmp_path / "b.jpg.phototag")
    folder = listing(tmp_path)[""]
    assert folder.images == ["A.JPEG", "b.jpg"]
    assert folder.sizes == [1, 5]
    assert folder.mtimes_ns == [os.stat(tmp_path / n).st_mtime_ns for n in folder.images]
    assert folder.sidecars == ["b.jpg.phototag"]
    assert folder.mtime_ns == os.stat(tmp_path).st_mtime_ns


def test_leaves_out_hidden_and_system_folders(tmp_path: Path) -> None:
    for name in (".phototag/sidecars", ".git", "@eaDir", ".stversions", ".hidden", "#recycle"):
        touch(tmp_path / name / "x.jpg")
    touch(tmp_path / "sub" / "y.jpg")
    touch(tmp_path / ".z.jpg")
    assert images(tmp_path) == ["sub/y.jpg"]


def test_ignore_files_apply_to_their_folder_and_below(tmp_path: Path) -> None:
    touch(tmp_path / ".phototagignore", b"*.png\nskip/\n")
    touch(tmp_path / "sub" / ".phototagignore", b"!b.png\n")
    for name in ("a.png", "a.jpg", "sub/b.png", "sub/c.png", "skip/d.jpg"):
        touch(tmp_path / name)
    assert images(tmp_path) == ["a.jpg", "sub/b.png"]
    assert images(tmp_path, "sub") == ["sub/b.png"]


def test_odd_files_are_named_and_cost_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.symlink("nowhere", tmp_path / "dangling.jpg")
    os.symlink("a.jpg", tmp_path / "link.jpg")
    (tmp_path / "folder.jpg").mkdir()
    folder = listing(tmp_path)[""]
    assert folder.images == ["a.jpg", "dangling.jpg", "link.jpg"]
    assert folder.sizes[1] == -1
    assert folder.links == {"dangling.jpg", "link.jpg"}
    assert [problem.rel for problem in folder.problems] == ["pipe.jpg"]


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    with open(raw, "wb") as file:
        file.write(b"x")
    assert os.fsencode(images(tmp_path)[0]) == b"caf\xe9.jpg"


def test_a_linked_folder_outside_is_followed_once_and_inside_never(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    touch(outside / "o.jpg")
    root = tmp_path / "root"
    touch(root / "sub" / "i.jpg")
    os.symlink(outside, root / "out")
    os.symlink(outside, root / "out2")
    os.symlink(root / "sub", root / "again")
    os.symlink(root, root / "sub" / "loop")
    assert images(root) == ["out/o.jpg", "sub/i.jpg"]


def test_a_link_whose_disk_is_away_is_an_empty_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root / "a.jpg")
    for name in ("usb", "again"):
        (root / name).symlink_to(tmp_path / "unplugged")
    (root / "inside").symlink_to(root / "gone")
    (root / "film.mp4").symlink_to(tmp_path / ".git/annex/objects/xx/yy/SHA256E-s9--00.mp4/SHA256E-s9--00.mp4")
    found = listing(root)
    assert sorted(found) == ["", "again"], "of two links to one place one, no file of git-annex, none to the inside"
    assert (found["again"].images, found["again"].problems) == ([], [])


def test_what_lies_behind_a_link_is_named_through_it(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    touch(outside / "sub" / "z.jpg")
    touch(root / "real" / "a.jpg")
    (root / "link").symlink_to(outside)
    (root / "again").symlink_to(root / "real")
    (tmp_path / "other").symlink_to(root)
    tree = Tree(str(tmp_path / "other"), load())
    for at in (root, tmp_path / "other"):
        assert tree.relative(str(at / "link/sub/z.jpg")) == "link/sub/z.jpg"
        assert tree.relative(str(at / "again/a.jpg")) == "real/a.jpg", "a link to the inside is not followed"
        assert tree.relative(str(at)) == ""
    with pytest.raises(LibraryError):
        tree.relative(str(outside / "sub/z.jpg"))


def test_a_missing_folder_is_a_problem_not_an_error(tmp_path: Path) -> None:
    folder = listing(tmp_path, "gone")["gone"]
    assert not folder.images
    assert "cannot read the folder" in folder.problems[0].why


def test_temp_files_of_killed_writers_are_seen(tmp_path: Path) -> None:
    touch(tmp_path / ".syncthing.phototag-0123456789ab.tmp")
    assert listing(tmp_path)[""].temps == [".syncthing.phototag-0123456789ab.tmp"]


def test_a_link_that_leads_in_circles_costs_only_itself(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "loop").symlink_to("loop")
    folder = listing(tmp_path)[""]
    assert folder.images == ["a.jpg"]
    assert [problem.rel for problem in folder.problems] == ["loop.jpg"]


def test_the_documents_of_an_overlay_are_no_sidecar(tmp_path: Path) -> None:
    touch(tmp_path / "library" / "a.jpg")
    tree = Tree(str(tmp_path / "library"), load(data_dir=str(tmp_path / "data")), overlay=True)
    for name in (".phototag/library.phototag", "a.jpg.phototag"):
        touch(Path(tree.overlay_root, name))
    (folder,) = walk(tree)
    assert folder.sidecars == ["a.jpg.phototag"]


def test_an_ignore_file_of_any_editor_and_one_that_is_no_file(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        touch(tmp_path / name)
    touch(tmp_path / ".phototagignore", b"\xef\xbb\xbfa.jpg\r\n")
    os.mkfifo(tmp_path / "sub" / ".phototagignore")
    assert images(tmp_path) == ["b.jpg", "sub/c.jpg"]
