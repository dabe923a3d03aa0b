"""Undo: what an operation still owns goes back, what was changed since stays, on any machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from phototag import fsio
from phototag.errors import PhototagError, UsageError
from phototag.library import journal, sidecars, trash, undo
from phototag.library.decide import Edit, decide
from phototag.library.operation import IMAGE, Moved, Operation
from tests.library.replicas import Replica


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
