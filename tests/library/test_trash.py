"""The trash: an image goes with all that is its own, as one operation, and comes back as it was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from phototag import fingerprint
from phototag.errors import PhototagError, WriteError
from phototag.library import decide, documents, journal, moves, pending, purge, trash, undo
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE, Operation
from phototag.upkeep import health
from tests.library.replicas import Replica
from tests.library.test_decide import failing

LIVE = b"....moov....com.apple.quicktime.content.identifier...."


def discard(a: Replica, *rels: str, edits: tuple[Edit, ...] = (), kept: dict[str, str] | None = None) -> Operation:
    """Move images to the trash."""
    images = [(rel, fingerprint.content_hash((a.root / rel).read_bytes())) for rel in rels]
    return decide.decide(
        a.tree,
        a.clock,
        command="duplicates",
        summary="test",
        edits=edits,
        moves=lambda operation: trash.discard(a.tree, images, operation, kept),
    )


def state(a: Replica) -> dict[str, tuple[bytes, int, int]]:
    """Return bytes, mtime and mode of every file outside the library's folder."""
    found = {}
    for path in sorted(a.root.rglob("*")):
        rel = path.relative_to(a.root)
        if path.is_file() and rel.parts[0] != ".phototag":
            status = path.stat()
            found[str(rel)] = (path.read_bytes(), status.st_mtime_ns, status.st_mode)
    return found


def in_trash(a: Replica) -> set[str]:
    top = a.root / ".phototag" / "trash"
    return {
        str(path.relative_to(top).relative_to(path.relative_to(top).parts[0]))
        for path in top.rglob("*")
        if path.is_file()
    }


def test_an_image_goes_with_sidecar_and_companions_and_comes_back_unchanged(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("s/IMG_1.jpg", b"one")
    for name, data in (("IMG_1.jpg.xmp", b"x"), ("IMG_1.xmp", b"y"), ("IMG_1.AAE", b"z"), ("IMG_1.MOV", LIVE)):
        (a.root / "s" / name).write_bytes(data)
    os.utime(a.root / "s/IMG_1.jpg", ns=(10**18, 10**18))
    (a.root / "s/IMG_1.jpg").chmod(0o640)
    before = state(a)
    operation = discard(a, "s/IMG_1.jpg")
    assert state(a) == {}
    assert in_trash(a) == {
        f"s/{name}"
        for name in ("IMG_1.jpg", "IMG_1.jpg.phototag", "IMG_1.jpg.xmp", "IMG_1.xmp", "IMG_1.AAE", "IMG_1.MOV")
    }
    assert (a.root / f".phototag/trash/{operation.id}/s/IMG_1.jpg").is_file()
    undo.undo(a.tree, a.clock)
    assert state(a) == before
    assert in_trash(a) == set()
    assert not (a.root / ".phototag/trash" / operation.id).exists()


def test_what_belongs_to_a_partner_stays_with_it(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("IMG_1.jpg", b"one")
    a.scanned("IMG_1.NEF", b"raw")
    a.scanned("film.jpg", b"two")
    for name in ("IMG_1.xmp", "IMG_1.NEF.xmp", "film.mov"):
        (a.root / name).write_bytes(b"a film of its own")
    discard(a, "IMG_1.jpg", "film.jpg")
    assert set(state(a)) == {"IMG_1.NEF", "IMG_1.NEF.phototag", "IMG_1.xmp", "IMG_1.NEF.xmp", "film.mov"}


def test_partners_that_go_together_take_the_common_companion_along(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("IMG_1.jpg", b"one")
    a.scanned("IMG_1.NEF", b"raw")
    (a.root / "IMG_1.xmp").write_bytes(b"x")
    before = state(a)
    discard(a, "IMG_1.NEF", "IMG_1.jpg")
    assert state(a) == {}
    undo.undo(a.tree, a.clock)
    assert state(a) == before


def test_words_and_files_are_one_operation(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("keep.jpg", b"one")
    a.scanned("copy.jpg", b"one")
    discard(a, "copy.jpg", edits=(Edit(IMAGE + "keep.jpg", "user", "rating", 4),))
    assert len(journal.operations(a.tree)) == 1
    undone = undo.undo(a.tree, a.clock).operation
    assert a.rating("keep.jpg") is None
    assert (a.root / "copy.jpg").is_file()
    undo.undo(a.tree, a.clock, undone.id)
    assert a.rating("keep.jpg") == 4
    assert not (a.root / "copy.jpg").exists()
    assert in_trash(a) == {"copy.jpg", "copy.jpg.phototag"}


def test_undo_leaves_a_place_that_is_taken_alone_and_says_so(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg", b"one")
    a.scanned("two.jpg", b"two")
    discard(a, "one.jpg", "two.jpg")
    a.image("one.jpg", b"new")
    report = undo.undo(a.tree, a.clock)
    assert [(kept.target, kept.why) for kept in report.kept] == [("image:one.jpg", "another file is there now")]
    assert (a.root / "one.jpg").read_bytes() == b"new"
    assert (a.root / "two.jpg").read_bytes() == b"two"
    assert in_trash(a) == {"one.jpg", "one.jpg.phototag"}


def test_an_emptied_trash_cannot_be_undone(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg")
    discard(a, "one.jpg")
    shutil.rmtree(a.root / ".phototag/trash")
    with pytest.raises(PhototagError, match="left to undo"):
        undo.undo(a.tree, a.clock)


def test_a_sidecar_made_meanwhile_is_joined(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg", b"one")
    a.rate("one.jpg", 3)
    discard(a, "one.jpg")
    a.scanned("other.jpg", b"one")
    shutil.move(a.root / "other.jpg.phototag", a.root / "one.jpg.phototag")
    a.tag("one.jpg", "later")
    undo.undo(a.tree, a.clock, next(op.id for op in journal.operations(a.tree) if op.moves))
    assert (a.rating("one.jpg"), a.tags("one.jpg")) == (3, {"later": 1})


def test_another_device_brings_synced_files_back(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("s/one.jpg", b"one")
    before = state(a)
    discard(a, "s/one.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    undo.undo(b.tree, b.clock)
    assert state(b) == before


def test_sidecars_in_a_tree_of_their_own_go_and_come_back(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    a.scanned("s/one.jpg", b"one")
    sidecar = a.root / ".phototag/sidecars/s/one.jpg.phototag"
    assert sidecar.is_file()
    discard(a, "s/one.jpg")
    assert not sidecar.exists()
    undo.undo(a.tree, a.clock)
    assert sidecar.is_file()


def test_a_library_whose_state_was_lost_does_not_move_restored_files_again(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg", b"one")
    operation = discard(a, "one.jpg")
    shutil.move(a.root / f".phototag/trash/{operation.id}/one.jpg", a.root / "one.jpg")
    shutil.rmtree(a.settings.state_dir)
    decide.finish_unfinished(a.tree, a.clock)
    assert (a.root / "one.jpg").read_bytes() == b"one"


def test_obstacles_are_named(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg")
    (a.root / "link.jpg").symlink_to("one.jpg")
    assert trash.obstacle(a.tree, "one.jpg") == ""
    assert "link" in trash.obstacle(a.tree, "link.jpg")
    assert trash.obstacle(a.tree, "gone.jpg") == "it is not here"


def test_a_purge_reaches_the_trash(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("one.jpg", b"one")
    a.tag("one.jpg", "verysecret")
    a.rate("one.jpg", 3)
    operation = discard(a, "one.jpg")
    assert purge.purge(a.tree, a.clock, "utag", command="test", summary="utag").cleaned == 1
    for path in a.root.rglob("*"):
        assert not path.is_file() or b"verysecret" not in path.read_bytes(), path
    undo.undo(a.tree, a.clock, operation.id)
    assert (a.tags("one.jpg"), a.rating("one.jpg")) == ({}, 3)


def test_what_was_rescued_from_images_that_do_not_come_back_stays(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        a.scanned(rel, rel.encode())
    edits = tuple(Edit(IMAGE + rel, "utag", "grandma", 1) for rel in ("a.jpg", "c.jpg"))
    operation = discard(a, "b.jpg", "d.jpg", edits=edits, kept={"b.jpg": "a.jpg", "d.jpg": "c.jpg"})
    os.unlink(a.root / f".phototag/trash/{operation.id}/b.jpg")
    report = undo.undo(a.tree, a.clock)
    assert (a.tags("a.jpg"), a.tags("c.jpg")) == ({"grandma": 1}, {})
    assert (a.root / "d.jpg").exists()
    assert {(kept.target, kept.why) for kept in report.kept} == {
        ("image:b.jpg", "it is no longer in the trash"),
        ("image:a.jpg", "it came from an image that does not come back"),
    }


@pytest.mark.parametrize("kept", [{"b.jpg": "a.jpg"}, None], ids=["known", "of an older version"])
def test_an_emptied_trash_leaves_nothing_to_undo(tmp_path: Path, kept: dict[str, str] | None) -> None:
    a = Replica(tmp_path)
    for rel in ("a.jpg", "b.jpg"):
        a.scanned(rel, b"one")
    discard(a, "b.jpg", edits=(Edit(IMAGE + "a.jpg", "utag", "grandma", 1),), kept=kept)
    shutil.rmtree(a.root / ".phototag/trash")
    with pytest.raises(PhototagError, match="left to undo: it is no longer in the trash"):
        undo.undo(a.tree, a.clock)
    assert a.tags("a.jpg") == {"grandma": 1}


def test_what_stays_is_followed_where_it_moves(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"a")
    a.scanned("b.jpg", b"b")
    discard(a, "b.jpg", edits=(Edit(IMAGE + "a.jpg", "utag", "grandma", 1),), kept={"b.jpg": "a.jpg"})
    (a.root / "s").mkdir()
    for name in ("a.jpg", "a.jpg.phototag"):
        (a.root / name).rename(a.root / "s" / name)
    undone = undo.undo(a.tree, a.clock).operation
    assert (a.tags("s/a.jpg"), undone.moves[0].kept) == ({}, b"s/a.jpg")
    undo.undo(a.tree, a.clock, undone.id)
    shutil.rmtree(a.root / ".phototag/trash")
    with pytest.raises(PhototagError, match="left to undo"):
        undo.undo(a.tree, a.clock)
    assert a.tags("s/a.jpg") == {"grandma": 1}


def test_a_redo_moves_no_other_picture_to_the_trash(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"one")
    a.scanned("p/b.jpg", b"one")
    discard(a, "p/b.jpg", edits=(Edit(IMAGE + "a.jpg", "user", "rating", 4),), kept={"p/b.jpg": "a.jpg"})
    undone = undo.undo(a.tree, a.clock).operation
    a.image("p/b.jpg", b"another picture")
    with pytest.raises(PhototagError, match="left to undo: it is another picture now"):
        undo.undo(a.tree, a.clock, undone.id)
    assert (a.root / "p/b.jpg").read_bytes() == b"another picture"
    assert a.rating("a.jpg") is None


def test_a_file_where_the_folder_was_is_a_reason_to_stay(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"a")
    a.scanned("p/b.jpg", b"b")
    discard(a, "a.jpg", "p/b.jpg")
    (a.root / "p").rmdir()
    (a.root / "p").write_bytes(b"a file")
    report = undo.undo(a.tree, a.clock)
    assert [kept.target for kept in report.kept] == ["image:p/b.jpg"]
    assert "p is not a folder" in report.kept[0].why
    assert (a.root / "a.jpg").exists()
    assert in_trash(a) == {"p/b.jpg", "p/b.jpg.phototag"}
    a.rate("a.jpg", 5)


def test_an_operation_whose_moves_never_happened_takes_its_words_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"one")
    a.scanned("b.jpg", b"one")
    with monkeypatch.context() as patch:
        patch.setattr(trash, "_move", lambda *_: (_ for _ in ()).throw(WriteError("cannot move")))
        with pytest.raises(WriteError, match="cannot move"):
            discard(a, "b.jpg", edits=(Edit(IMAGE + "a.jpg", "user", "rating", 4),), kept={"b.jpg": "a.jpg"})
        assert a.rating("a.jpg") == 4
        assert [left.moves for left in pending.left(a.tree)] == [(b"b.jpg",)]
        assert ("b.jpg", "could not move it yet") in {
            (one.path, one.what.partition(" ")[2]) for one in health.examine(a.tree)
        }
        undo.undo(a.tree, a.clock)
    assert a.rating("a.jpg") is None
    decide.finish_unfinished(a.tree, a.clock)
    assert ((a.root / "b.jpg").exists(), pending.left(a.tree)) == (True, ())


def test_words_that_cannot_be_given_keep_the_files_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"one")
    a.scanned("b.jpg", b"one")
    with monkeypatch.context() as patch:
        failing(patch, "a.jpg")
        with pytest.raises(WriteError):
            discard(a, "b.jpg", edits=(Edit(IMAGE + "a.jpg", "user", "rating", 4),), kept={"b.jpg": "a.jpg"})
        assert (a.root / "b.jpg").exists()
    decide.finish_unfinished(a.tree, a.clock)
    assert (a.rating("a.jpg"), (a.root / "b.jpg").exists()) == (4, False)


def test_what_comes_back_is_not_joined_with_a_picture_that_was_there_meanwhile(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("p/b.jpg", b"one"), "grandma")
    discard(a, "p/b.jpg")
    a.tag(a.scanned("p/b.jpg", b"another"), "OTHER")
    (a.root / "q").mkdir()
    (a.root / "p/b.jpg").rename(a.root / "q/c.jpg")
    undo.undo(a.tree, a.clock, next(one.id for one in journal.operations(a.tree) if one.moves))
    assert (a.tags("p/b.jpg"), in_trash(a)) == ({"grandma": 1}, set())
    assert moves.relink(a.tree).moved == 1
    assert (a.tags("p/b.jpg"), a.tags("q/c.jpg")) == ({"grandma": 1}, {"OTHER": 1})
