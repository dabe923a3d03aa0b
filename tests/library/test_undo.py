"""Undo: what an operation still owns goes back, what was changed since stays, on any machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phototag import fingerprint, fsio
from phototag.errors import PhototagError, UsageError, WriteError
from phototag.library import decide as decide_module
from phototag.library import journal, lookup, moves, pending, sidecars, trash, undo
from phototag.library.decide import Edit, decide, finish_unfinished
from phototag.library.operation import IMAGE, Moved, Operation
from phototag.library.tree import Tree
from phototag.sidecar.model import CONTENT, ID, Content
from tests.library.replicas import Replica
from tests.library.test_decide import failing


def test_undo_restores_what_was_there_before(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 2)
    a.rate("x.jpg", 5)
    report = undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") == 2
    assert report.operation.undoes == report.undone.id
    undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") is None
    with pytest.raises(UsageError, match="nothing to undo"):
        undo.undo(a.tree, a.clock)


def test_redo_is_the_undo_of_the_undo(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    first = a.rate("x.jpg", 5)
    undone = undo.undo(a.tree, a.clock).operation
    undo.undo(a.tree, a.clock, undone.id)
    assert a.rating("x.jpg") == 5
    assert first.id not in journal.undone_by(journal.operations(a.tree))
    undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") is None


def test_a_bulk_operation_is_undone_at_once_and_later_edits_are_listed(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    rels = [a.image(f"{n}.jpg") for n in range(12)]
    bulk = a.decide(*(Edit(IMAGE + rel, "user", "rating", 1) for rel in rels))
    a.rate("3.jpg", 5)
    report = undo.undo(a.tree, a.clock, bulk.id[:14])
    assert [kept.target for kept in report.kept] == ["image:3.jpg"]
    assert report.operation.change_count == 11
    assert a.rating("3.jpg") == 5
    assert a.rating("4.jpg") is None


def test_an_operation_is_undone_once(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    first = a.rate("x.jpg", 5)
    undo.undo(a.tree, a.clock)
    with pytest.raises(PhototagError, match="already undone"):
        undo.undo(a.tree, a.clock, first.id)


def test_nothing_left_to_undo_is_an_error(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    first = a.rate("x.jpg", 1)
    a.rate("x.jpg", 2)
    with pytest.raises(PhototagError, match="changed since"):
        undo.undo(a.tree, a.clock, first.id)
    assert a.rating("x.jpg") == 2


def test_an_emptied_trash_is_the_reason_that_is_given(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")

    def thrown_away(operation: str) -> list[Moved]:
        return trash.discard(a.tree, [("x.jpg", b"")], operation)

    gone = decide(a.tree, a.clock, command="duplicates", summary="x", edits=[], moves=thrown_away)
    fsio.remove_tree(os.path.join(a.tree.folder, "trash"))
    with pytest.raises(PhototagError, match="it is no longer in the trash"):
        undo.undo(a.tree, a.clock, gone.id)


def test_an_ambiguous_or_unknown_reference_is_refused(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 1)
    a.rate("x.jpg", 2)
    with pytest.raises(UsageError, match="2 operations"):
        undo.undo(a.tree, a.clock, "0")
    with pytest.raises(UsageError, match="no operation"):
        undo.undo(a.tree, a.clock, "zz")


def test_undo_from_another_machine_follows_a_moved_picture(tmp_path: Path) -> None:
    a = Replica(tmp_path, "a")
    b = Replica(tmp_path, "b", skew_ms=-86_400_000)
    a.scanned("x.jpg")
    a.rate("x.jpg", 5)
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    (b.root / "deep").mkdir()
    for name in ("x.jpg", "x.jpg.phototag"):
        (b.root / name).rename(b.root / "deep" / name)
    report = undo.undo(b.tree, b.clock)
    assert b.rating("deep/x.jpg") is None
    assert report.operation.device == b.clock.device
    assert report.undone.device == a.clock.device


def test_undo_does_not_bring_back_what_was_purged(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    first = a.tag("x.jpg", "secret")
    a.tag("x.jpg", "secret", 0)
    a.decide(Edit(IMAGE + "x.jpg", "P", "utag/r1", None), command="purge")
    assert a.tags("x.jpg") == {}
    for operation in (first, journal.operations(a.tree)[1]):
        with pytest.raises(PhototagError):
            undo.undo(a.tree, a.clock, operation.id)
    with pytest.raises(PhototagError):
        undo.undo(a.tree, a.clock)
    assert a.tags("x.jpg") == {}


def test_history_of_a_picture_follows_it_and_tells_copies_apart(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg", b"one")
    a.scanned("y.jpg", b"two")
    a.rate("x.jpg", 1)
    a.rate("y.jpg", 2)
    for name in ("x.jpg", "x.jpg.phototag"):
        (a.root / name).rename(a.root / name.replace("x", "z"))
    a.rate("z.jpg", 3)
    assert [entry.change.new_value for entry in undo.history(a.tree, "z.jpg")] == [b"\x03", b"\x01"]
    assert [entry.change.new_value for entry in undo.history(a.tree, "y.jpg")] == [b"\x02"]


def test_a_redo_by_a_device_whose_clock_is_years_behind_counts(tmp_path: Path) -> None:
    def said(stamp: int, undoes: str = "") -> Operation:
        return Operation(stamp, b"\x01" * 6, "test", "test", undoes=undoes)

    first = said(10**6)
    undone = said(10, first.id)
    redone = said(11, undone.id)
    assert journal.undone_by([first, undone]) == {first.id: undone.id}
    assert journal.undone_by([first, redone, undone]) == {undone.id: redone.id}


def apart(tmp_path: Path) -> tuple[Replica, Operation, Operation]:
    """Return a device on which two words about one field have met, and both: the other device's is the later."""
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=10**7)
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    ours, theirs = a.rate("x.jpg", 5), b.rate("x.jpg", 3)
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    sidecars.write(a.tree, "x.jpg", b.sidecar("x.jpg"))
    assert a.rating("x.jpg") == 3
    return a, ours, theirs


def test_what_was_said_apart_and_lost_comes_back_when_the_later_word_is_undone(tmp_path: Path) -> None:
    a, ours, theirs = apart(tmp_path)
    undone = undo.undo(a.tree, a.clock, theirs.id).operation
    assert a.rating("x.jpg") == 5
    undo.undo(a.tree, a.clock, undone.id)
    assert a.rating("x.jpg") == 3
    again = journal.undone_by(journal.operations(a.tree))
    assert theirs.id not in again
    undo.undo(a.tree, a.clock, theirs.id)
    undo.undo(a.tree, a.clock, ours.id)
    assert a.rating("x.jpg") is None


def test_what_was_said_apart_and_undone_there_does_not_come_back(tmp_path: Path) -> None:
    a, ours, theirs = apart(tmp_path)
    with pytest.raises(PhototagError, match="changed since"):
        undo.undo(a.tree, a.clock, ours.id)
    undo.undo(a.tree, a.clock, theirs.id)
    undo.undo(a.tree, a.clock, ours.id)
    a.rate("x.jpg", 1)
    undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") is None


def test_what_was_said_of_an_exact_copy_does_not_come_back(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel in ("x.jpg", "y.jpg"):
        a.scanned(rel)
    a.rate("x.jpg", 5)
    a.rate("y.jpg", 3)
    undo.undo(a.tree, a.clock)
    assert (a.rating("x.jpg"), a.rating("y.jpg")) == (5, None)


def test_an_undo_brings_back_nothing_that_was_purged(tmp_path: Path) -> None:
    from phototag.library import purge

    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    b.rate("x.jpg", 3)
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    purge.purge(a.tree, a.clock, "user", command="purge", summary="ratings")
    a.rate("x.jpg", 5)
    undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") is None


def move(a: Replica, source: str, target: str) -> None:
    """Move an image with its sidecar, as a person does."""
    (a.root / target).parent.mkdir(parents=True, exist_ok=True)
    for end in ("", ".phototag"):
        (a.root / f"{source}{end}").rename(a.root / f"{target}{end}")


def copied(a: Replica, source: str, target: str) -> None:
    """Copy an image; a scan then gives it what is said of the other."""
    (a.root / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(a.root / source, a.root / target)
    moves.relink(a.tree)


def test_a_photo_that_moved_is_told_from_its_exact_copy_by_its_name(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("z.jpg"), 5)
    copied(a, "z.jpg", "copy-for-print.jpg")
    move(a, "z.jpg", "sub/z.jpg")
    undo.undo(a.tree, a.clock)
    assert (a.rating("sub/z.jpg"), a.rating("copy-for-print.jpg")) == (None, 5)


def test_a_copy_of_the_same_name_that_never_heard_of_it_is_not_meant(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("backup/z.jpg")
    a.rate(a.scanned("z.jpg"), 5)
    move(a, "z.jpg", "renamed.jpg")
    undo.undo(a.tree, a.clock)
    assert (a.rating("renamed.jpg"), a.rating("backup/z.jpg")) == (None, None)
    assert a.sidecar("backup/z.jpg").register("user", "rating") is None


def test_a_photo_whose_word_was_changed_since_is_not_taken_for_a_copy_that_kept_it(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    first = a.rate(a.scanned("z.jpg"), 5)
    copied(a, "z.jpg", "copy.jpg")
    a.rate("z.jpg", 3)
    move(a, "z.jpg", "sub/z.jpg")
    with pytest.raises(PhototagError, match="changed since"):
        undo.undo(a.tree, a.clock, first.id)
    assert (a.rating("sub/z.jpg"), a.rating("copy.jpg")) == (3, 5)


def test_where_nothing_tells_exact_copies_apart_it_is_undone_in_each(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("z.jpg"), 5)
    copied(a, "z.jpg", "copy.jpg")
    move(a, "z.jpg", "other.jpg")
    undone = undo.undo(a.tree, a.clock).operation
    assert [touched.target for touched in undone.touched] == ["image:copy.jpg", "image:other.jpg"]
    assert (a.rating("other.jpg"), a.rating("copy.jpg")) == (None, None)


def test_what_a_crash_left_undone_goes_to_the_photo_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    a.scanned("z.jpg")
    copied(a, "z.jpg", "a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(decide_module, "_carry_out", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            a.rate("z.jpg", 4)
    move(a, "z.jpg", "sub/z.jpg")
    finish_unfinished(a.tree, a.clock)
    assert (a.rating("sub/z.jpg"), a.rating("a.jpg")) == (4, None)


def test_where_photos_moved_to_is_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    rels = [a.scanned(f"old/{n}.jpg", b"%d" % n) for n in range(12)]
    a.decide(*(Edit(IMAGE + rel, "user", "rating", 1) for rel in rels))
    (a.root / "old").rename(a.root / "new")
    passes = []
    real = lookup.pictures

    def pictures(tree: Tree) -> Iterator[tuple[str, bytes, bytes]]:
        passes.append(tree)
        return real(tree)

    monkeypatch.setattr(lookup, "pictures", pictures)
    undo.undo(a.tree, a.clock)
    assert [a.rating(rel.replace("old", "new")) for rel in rels] == [None] * 12
    assert len(passes) == 1


def synced(one: Replica, other: Replica, *paths: str) -> None:
    """Bring files over, and the journal."""
    for path in (".phototag/journal", *paths):
        source, target = one.root / path, other.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)


@pytest.mark.parametrize("skew_ms", [0, -86_400_000])
@pytest.mark.parametrize("before", [True, False], ids=["older sidecars", "no sidecars"])
def test_what_the_journal_says_is_undone_where_the_sidecars_have_not_arrived(
    tmp_path: Path, skew_ms: int, before: bool
) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=skew_ms)
    rels = [a.scanned(f"{n}.jpg", b"%d" % n) for n in range(3)]
    if before:
        a.tag("1.jpg", "wrong", 0)
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    if not before:
        for rel in rels:
            (b.root / f"{rel}.phototag").unlink()
    wrong = a.decide(*(Edit(IMAGE + rel, "utag", "wrong", 1) for rel in rels))
    synced(a, b, "0.jpg.phototag")
    report = undo.undo(b.tree, b.clock, wrong.id)
    assert report.kept == ()
    for rel in rels[1:]:
        sidecars.write(b.tree, rel, a.sidecar(rel))  # it arrives
    assert [b.tags(rel).get("wrong") for rel in rels] == [None, 0 if before else None, None]
    undo.undo(b.tree, b.clock, report.operation.id)
    assert [b.tags(rel)["wrong"] for rel in rels] == [1, 1, 1]


def test_a_later_word_that_has_not_arrived_is_not_undone(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=10**7)
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    first = a.rate("x.jpg", 5)
    a.rate("x.jpg", 3)
    synced(a, b)
    with pytest.raises(PhototagError, match="changed since"):
        undo.undo(b.tree, b.clock, first.id)


def test_what_was_purged_meanwhile_does_not_come_by_the_journal(tmp_path: Path) -> None:
    from phototag.library import purge

    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    said = a.tag("x.jpg", "secret")
    synced(a, b)
    purge.purge(b.tree, b.clock, "utag", command="purge", summary="tags")
    with pytest.raises(PhototagError, match="purged since"):
        undo.undo(b.tree, b.clock, said.id)


def test_the_history_follows_a_photo_whose_metadata_was_edited_and_whose_folder_was_renamed(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("old/x.jpg", b"one"), 5)
    copied(a, "old/x.jpg", "copy.jpg")
    edited(a, "old/x.jpg", b"one, with a caption")
    move(a, "old/x.jpg", "new/x.jpg")
    assert [entry.change.new_value for entry in undo.history(a.tree, "new/x.jpg")] == [b"\x05"]
    edited(a, "copy.jpg", b"one, in sepia")
    a.rate("new/x.jpg", 1)
    assert [entry.change.new_value for entry in undo.history(a.tree, "copy.jpg")] == [b"\x05"]


def edited(a: Replica, rel: str, data: bytes) -> None:
    """Change an image in its place, and scan it."""
    document = a.sidecar(rel)
    a.image(rel, data)
    digest = fingerprint.content_hash(data)
    document.set_machine(ID, CONTENT, Content(digest, digest, len(data), 4, 3, "jpeg"))
    sidecars.write(a.tree, rel, document)


def test_what_cannot_be_written_is_left_alone_and_the_rest_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    rels = [a.scanned(rel, rel.encode()) for rel in ("damaged.jpg", "ro/x.jpg", "y.jpg")]
    a.decide(*(Edit(IMAGE + rel, "user", "rating", 5) for rel in rels))
    (a.root / "damaged.jpg.phototag").write_bytes(b"junk")
    locked = str(a.root / "ro")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != locked and real(path, mode))
    report = undo.undo(a.tree, a.clock)
    assert [(kept.target, kept.why.partition(": ")[2]) for kept in report.kept] == [
        ("image:damaged.jpg", "not a phototag file: the first bytes are wrong"),
        ("image:ro/x.jpg", "permission denied"),
    ]
    assert (a.rating("ro/x.jpg"), a.rating("y.jpg")) == (5, None)


def test_what_failed_and_was_undone_is_not_carried_out_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    rels = [a.scanned(rel, rel.encode()) for rel in ("x.jpg", "y.jpg")]
    a.rate("x.jpg", 1)
    with monkeypatch.context() as patch:
        failing(patch, "x.jpg")
        with pytest.raises(WriteError):
            a.decide(*(Edit(IMAGE + rel, "user", "rating", 5) for rel in rels))
        with pytest.raises(WriteError):
            undo.undo(a.tree, a.clock)
        assert a.rating("y.jpg") is None
    finish_unfinished(a.tree, a.clock)
    assert (a.rating("x.jpg"), a.rating("y.jpg"), pending.left(a.tree)) == (1, None, ())
