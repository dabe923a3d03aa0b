"""Layouts and overlays: sidecars are carried whole, edits that arrive in the old place are not lost."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import msgspec
import pytest

from phototag.cli.main import run
from phototag.errors import PhototagError
from phototag.handle import Library
from phototag.library import conflicts, decide, documents, journal, moves, recovery, relayout, sidecars, tidy
from phototag.library.decide import Edit
from phototag.library.operation import DOC
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.sidecar.registers import Document
from phototag.upkeep import health
from tests import make
from tests.library.replicas import Replica


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_there_and_back_again(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    long = "é" * 120 + ".jpg"
    for n, rel in enumerate(["x.jpg", "2024/y.jpg", f"2024/deep/{long}"]):
        a.rate(a.scanned(rel, b"%d" % n), n + 1)
    before = {path: (a.root / path).read_bytes() for path in files(a.root) if path[0] != "."}
    assert relayout.move(a.tree, "tree") == relayout.Carried(3)
    assert a.tree.layout == "tree"
    assert [path for path in files(a.root) if path[0] != "."] == [p for p in before if not p.endswith(".phototag")]
    assert [a.rating(rel) for rel in ("x.jpg", "2024/y.jpg", f"2024/deep/{long}")] == [1, 2, 3]
    assert relayout.move(a.tree, "tree") == relayout.Carried(0)
    assert relayout.move(a.tree, "beside") == relayout.Carried(3)
    assert {path: (a.root / path).read_bytes() for path in files(a.root) if path[0] != "."} == before
    assert not (a.root / ".phototag/sidecars").exists()


def test_an_edit_that_arrives_in_the_old_place_is_joined(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg"), 4)
    late = a.sidecar("x.jpg")
    relayout.move(a.tree, "tree")
    late.put("utag", "beach", 1 << 60, b"\x02" * 6, b"\x01")
    (a.root / "x.jpg.phototag").write_bytes(late.encode())
    assert relayout.move(a.tree, "tree") == relayout.Carried(1)
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (4, {"beach": 1})


def test_a_damaged_sidecar_stays_and_is_named(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    (a.root / "x.jpg.phototag").write_bytes(b"junk")
    done = relayout.move(a.tree, "tree")
    assert (done.carried, done.failed[0][0]) == (0, "x.jpg.phototag")
    assert (a.root / "x.jpg.phototag").read_bytes() == b"junk"


def writable(a: Replica) -> Tree:
    return documents.open_tree(str(a.root), msgspec.structs.replace(a.settings, read_only=False))


def test_an_overlay_reads_as_both_and_is_pushed_later(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("d/x.jpg"), 4)
    documents.ensure_library(a.tree, a.clock)
    before = {path: (a.root / path).read_bytes() for path in files(a.root)}
    a.settings = msgspec.structs.replace(a.settings, read_only=True)
    a.tag("d/x.jpg", "beach")
    a.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    assert (a.rating("d/x.jpg"), a.tags("d/x.jpg")) == (4, {"beach": 1})
    assert {path: (a.root / path).read_bytes() for path in files(a.root)} == before, "nothing in the library changed"
    with pytest.raises(PhototagError, match="still cannot be written"):
        relayout.push(a.tree)
    tree = writable(a)
    assert documents.overlays(tree) != []
    done = relayout.push(tree)
    assert done.failed == ()
    assert documents.overlays(tree) == []
    a.settings = tree.settings
    assert (a.rating("d/x.jpg"), a.tags("d/x.jpg")) == (4, {"beach": 1})
    assert documents.list_documents(a.tree, "people") == ["people/1"]
    assert len(journal.operations(a.tree)) == 3
    a.rate("d/x.jpg", 5)
    assert len(journal.operations(a.tree)) == 4


def test_an_overlay_of_a_folder_that_was_never_a_library(tmp_path: Path) -> None:
    a = Replica(tmp_path, read_only=True)
    (a.root / ".phototag").rmdir()
    a.image("x.jpg")
    tree = documents.ensure_library(a.tree, a.clock)
    assert tree.name
    a.rate("x.jpg", 3)
    assert files(a.root) == ["x.jpg"]
    assert documents.find_library(str(a.root), a.settings) == str(a.root)
    assert a.tree.name == tree.name
    relayout.push(writable(a))
    a.settings = msgspec.structs.replace(a.settings, read_only=False)
    assert (a.rating("x.jpg"), a.tree.name) == (3, tree.name)


def test_a_library_that_cannot_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    monkeypatch.setenv("PHOTOTAG_READ_ONLY", "1")
    assert run(["rate", "4", str(a.root / "x.jpg")]) == 0
    assert "cannot be written: sidecars go to the overlay" in capsys.readouterr().err
    monkeypatch.setenv("PHOTOTAG_READ_ONLY", "0")
    assert run(["log", "--library", str(a.root)]) == 0
    assert "phototag sidecar push" in capsys.readouterr().err
    assert run(["sidecar", "push", "--apply", str(a.root)]) == 0
    assert a.rating("x.jpg") == 4


def test_permissions_choose_the_overlay(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    before = (a.root / "x.jpg.phototag").read_bytes()
    a.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        rated = make.phototag("rate", "4", a.root / "x.jpg", bound_by_permissions=True)
        told = make.phototag("info", a.root / "x.jpg", "--json", "-q", bound_by_permissions=True)
    finally:
        a.root.chmod(stat.S_IRWXU)
    assert "cannot be written: sidecars go to the overlay" in rated.stderr
    assert json.loads(told.stdout)["rating"] == 4
    assert (a.root / "x.jpg.phototag").read_bytes() == before


def test_a_read_only_file_system_chooses_the_overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert a.tree.overlay
    assert sidecars.path_to_write(a.tree, "x.jpg").startswith(a.settings.data_dir)


def test_move_is_a_plan_until_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    assert run(["sidecar", "move", "--layout", "tree", str(a.root)]) == 0
    assert capsys.readouterr().out == "x.jpg.phototag\n1 to carry; do it with --apply\n"
    assert (a.root / "x.jpg.phototag").exists()
    assert run(["sidecar", "move", "--layout", "tree", "--apply", str(a.root)]) == 0
    assert not (a.root / "x.jpg.phototag").exists()
    assert Document.decode((a.root / ".phototag/sidecars/x.jpg.phototag").read_bytes()).body


def test_what_was_pushed_is_not_carried_out_again(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    documents.ensure_library(a.tree, a.clock)
    here = Replica(tmp_path, read_only=True)
    here.rate("x.jpg", 3)
    here.tag("x.jpg", "beach")
    relayout.push(a.tree)
    for rating in (4, 5):
        a.rate("x.jpg", rating)
        assert decide.finish_unfinished(a.tree, a.clock) == []
    assert len(journal.operations(a.tree)) == 4
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (5, {"beach": 1})


@pytest.mark.parametrize("read_only", [True, False])
def test_what_was_left_undone_is_finished_wherever_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    """A share is writable today and not tomorrow: the library and its overlay have journals of their own."""
    sides = {False: Replica(tmp_path), True: Replica(tmp_path, read_only=True)}
    sides[False].scanned("x.jpg")
    documents.ensure_library(sides[False].tree, sides[False].clock)
    for rating in (1, 2, 3):
        sides[not read_only].rate("x.jpg", rating)
    with monkeypatch.context() as patch:
        patch.setattr(decide, "_carry_out", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sides[read_only].rate("x.jpg", 5)
    side = sides[read_only]
    assert [op.command for op in decide.finish_unfinished(side.tree, side.clock)] == ["test"]
    assert side.rating("x.jpg") == 5


def swapped_on_the_nas(tmp_path: Path) -> tuple[Replica, Replica]:
    """A reader says something of picture A in its overlay; then A moves to z.jpg, and B to a.jpg."""
    nas, reader = Replica(tmp_path), Replica(tmp_path, read_only=True)
    nas.scanned("a.jpg", b"picture A")
    nas.scanned("b.jpg", b"picture B!")
    reader.scanned("a.jpg", b"picture A")
    reader.tag("a.jpg", "grandma")
    for old, new in (("a.jpg", "z.jpg"), ("b.jpg", "a.jpg")):
        (nas.root / old).rename(nas.root / new)
    assert moves.relink(nas.tree).moved == 2
    return nas, reader


def test_an_overlay_about_the_picture_that_was_there_is_not_read_as_of_this_one(tmp_path: Path) -> None:
    _, reader = swapped_on_the_nas(tmp_path)
    assert reader.tags("a.jpg") == {}
    index = Library(reader.tree).index()
    row = index.row_of("a.jpg")
    assert row is not None
    record = index.record(row)
    assert (record.user_tags, record.trouble) == ([], "its sidecar in the overlay is about another picture")


def test_a_scan_brings_words_in_an_overlay_to_where_their_picture_is(tmp_path: Path) -> None:
    _, reader = swapped_on_the_nas(tmp_path)
    assert [one.path for one in health.examine(reader.tree) if one.mend == "phototag relink"] == ["a.jpg"]
    found = tidy.tidy(reader.tree, list(walk(reader.tree)), {"a.jpg", "z.jpg"})
    assert list(found.notices()) == [
        "a.jpg: what the overlay said of it was about another picture, and is kept for that one"
    ]
    assert (reader.tags("a.jpg"), reader.tags("z.jpg")) == ({}, {"grandma": 1})
    assert [one for one in health.examine(reader.tree) if one.mend == "phototag relink"] == []


def test_what_is_said_of_a_picture_makes_an_overlay_about_another_give_way(tmp_path: Path) -> None:
    _, reader = swapped_on_the_nas(tmp_path)
    document = reader.sidecar("a.jpg")
    document.put("utag", "dog", 1 << 50, b"\x02" * 6, b"\x01")
    sidecars.write(reader.tree, "a.jpg", document)
    assert reader.tags("a.jpg") == {"dog": 1}
    moves.relink(reader.tree)
    assert (reader.tags("a.jpg"), reader.tags("z.jpg")) == ({"dog": 1}, {"grandma": 1})


def test_a_word_without_ids_goes_to_the_picture_that_is_there(tmp_path: Path) -> None:
    _, reader = swapped_on_the_nas(tmp_path)
    reader.tag("a.jpg", "dog")
    assert reader.tags("a.jpg") == {"dog": 1}
    moves.relink(reader.tree)
    assert (reader.tags("a.jpg"), reader.tags("z.jpg")) == ({"dog": 1}, {"grandma": 1})


def test_a_command_makes_an_overlay_about_another_picture_give_way_first(tmp_path: Path) -> None:
    _, reader = swapped_on_the_nas(tmp_path)
    told: list[str] = []
    Library(reader.tree, notify=told.append).begin(["a.jpg"])
    assert told == ["a.jpg: what the overlay said of it was about another picture, and is kept for that one"]
    assert not Path(reader.tree.overlay_sidecar("a.jpg")).exists()


def test_an_overlay_about_another_picture_is_pushed_to_that_one(tmp_path: Path) -> None:
    nas, _ = swapped_on_the_nas(tmp_path)
    assert relayout.push(nas.tree).parked == 1
    assert (nas.tags("a.jpg"), nas.tags("z.jpg")) == ({}, {"grandma": 1})
    assert documents.list_documents(nas.tree, "orphans") == []


@pytest.mark.parametrize("right", ["beside", "tree"])
def test_a_move_between_layouts_joins_no_two_pictures(tmp_path: Path, right: str) -> None:
    """Sidecars of two pictures for one place; that of the image there may be either."""
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    a.tag(a.scanned("a.jpg", b"picture A"), "wordA")
    (a.root / "a.jpg").rename(a.root / "z.jpg")
    documents.set_layout(a.tree, "beside")
    a.tag(a.scanned("a.jpg", b"picture B!"), "wordB")
    if right == "tree":
        (a.root / "a.jpg").rename(a.root / "y.jpg")
        (a.root / "z.jpg").rename(a.root / "a.jpg")
    assert relayout.move(a.tree, "tree") == relayout.Carried(1, parked=1)
    assert a.tags("a.jpg") == ({"wordB": 1} if right == "beside" else {"wordA": 1})
    assert a.tags("z.jpg" if right == "beside" else "y.jpg") == ({"wordA": 1} if right == "beside" else {"wordB": 1})
    assert documents.list_documents(a.tree, "orphans") == []


def test_an_overlay_is_found_again_when_two_libraries_became_one(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.ensure_library(a.tree, a.clock)
    reader = Replica(tmp_path, read_only=True)
    reader.tag(a.scanned("x.jpg"), "grandma")
    other = Document()
    other.set_machine("id", "library", "f" * 32)  # the greater: it wins
    (a.root / ".phototag/library.sync-conflict-20240501-101500-ABCDEFG.phototag").write_bytes(other.encode())
    assert conflicts.resolve(a.tree, conflicts.find(a.tree)).joined == 1
    assert a.tree.name == "f" * 32
    assert reader.tags("x.jpg") == {"grandma": 1}
    reader.rate("x.jpg", 3)
    assert relayout.push(a.tree).failed == ()
    assert (a.tags("x.jpg"), a.rating("x.jpg"), documents.overlays(a.tree)) == ({"grandma": 1}, 3, [])


def test_an_overlay_is_found_again_when_the_folder_became_a_library(tmp_path: Path) -> None:
    reader = Replica(tmp_path, read_only=True)
    (reader.root / ".phototag").rmdir()
    documents.ensure_library(reader.tree, reader.clock)
    reader.rate(reader.image("x.jpg"), 3)
    nas = Replica(tmp_path)
    documents.ensure_library(nas.tree, nas.clock)
    assert reader.rating("x.jpg") == 3
    relayout.push(nas.tree)
    assert nas.rating("x.jpg") == 3


def test_a_library_that_is_made_anew_keeps_its_id_and_its_overlay(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    name = documents.ensure_library(a.tree, a.clock).name
    reader = Replica(tmp_path, read_only=True)
    reader.tag(a.scanned("x.jpg"), "grandma")
    (a.root / ".phototag/library.phototag").write_bytes(b"junk")
    assert [one for one, _ in recovery.mend_documents(str(a.root), a.settings)] == ["library"]
    assert a.tree.name == name
    assert reader.tags("x.jpg") == {"grandma": 1}


def test_a_second_overlay_is_told_of(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.ensure_library(a.tree, a.clock)
    reader = Replica(tmp_path, read_only=True)
    reader.rate(a.scanned("x.jpg"), 3)
    at_path = msgspec.structs.replace(reader.tree, overlay_name="").overlay_root
    Path(at_path, ".phototag").mkdir(parents=True)
    told: list[str] = []
    settings = {"read_only": True, "data_dir": reader.settings.data_dir}
    Library.open(str(a.root), notify=told.append, **settings)
    assert told[1:] == ["it has another overlay, which is not read before: phototag sidecar push"]


def test_a_folder_behind_a_link_moves_too_and_waits_while_its_disk_is_away(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    (tmp_path / "usb/sub").mkdir(parents=True)
    (a.root / "link").symlink_to(tmp_path / "usb")
    for rel in ("link/z.jpg", "link/sub/y.jpg"):
        a.rate(a.scanned(rel, rel.encode()), 3)
    assert relayout.move(a.tree, "tree") == relayout.Carried(2)
    assert files(tmp_path / "usb") == ["sub/y.jpg", "z.jpg"]
    (tmp_path / "usb").rename(tmp_path / "unplugged")
    assert [path for path, _ in relayout.move(a.tree, "beside").failed] == [
        ".phototag/sidecars/link/z.jpg.phototag",
        ".phototag/sidecars/link/sub/y.jpg.phototag",
    ]
    (tmp_path / "unplugged").rename(tmp_path / "usb")
    assert relayout.move(a.tree, "beside") == relayout.Carried(2)
    assert [a.rating(rel) for rel in ("link/z.jpg", "link/sub/y.jpg")] == [3, 3]
