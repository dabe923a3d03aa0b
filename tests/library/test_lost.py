"""Words that one side's copy put over the other's come back from the journals, and nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phototag.errors import FormatError
from phototag.handle import Library
from phototag.library import conflicts, documents, journal, lost, moves, purge, undo
from phototag.library.decide import Edit
from phototag.library.operation import DOC
from phototag.sidecar import codec
from phototag.upkeep import health
from tests.library.replicas import Replica


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Replica, Replica]:
    """Two devices that said something of one photo each, apart."""
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    for side in (a, b):
        side.scanned("x.jpg")
        lost.catch_up(side.tree, side.clock.device)
    a.tag("x.jpg", "beach")
    b.tag("x.jpg", "grandma")
    return a, b


def put_over(source: Replica, target: Replica) -> None:
    """Copy the whole library as rsync does: a file of one name is replaced, nothing is deleted."""
    shutil.copytree(source.root, target.root, dirs_exist_ok=True)


def found(a: Replica) -> list[str]:
    return [one.target for one in lost.lost(a.tree)]


def test_what_a_copy_overwrote_comes_back_on_both_sides(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    put_over(a, b)
    put_over(b, a)
    for side in sides:
        assert (side.tags("x.jpg"), found(side)) == ({"beach": 1}, ["image:x.jpg"])
        assert lost.restore(side.tree, list(lost.lost(side.tree))).count == 1
        assert (side.tags("x.jpg"), found(side)) == ({"beach": 1, "grandma": 1}, [])
    assert (a.root / "x.jpg.phototag").read_bytes() == (b.root / "x.jpg.phototag").read_bytes()


def test_a_command_that_writes_brings_it_back_once(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    put_over(a, b)
    put_over(b, a)
    for side in sides:
        assert lost.catch_up(side.tree, side.clock.device).count == 1
        assert side.tags("x.jpg") == {"beach": 1, "grandma": 1}
        assert lost.catch_up(side.tree, side.clock.device).count == 0


def test_nothing_is_read_where_no_journal_grew(sides: tuple[Replica, Replica], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = sides
    put_over(b, a)
    lost.catch_up(a.tree, a.clock.device)
    a.tag("x.jpg", "own")
    monkeypatch.setattr(journal, "operations", lambda tree: pytest.fail("the journals were read"))
    monkeypatch.setattr(journal, "operations_in", lambda *_: pytest.fail("a journal was read"))
    assert lost.catch_up(a.tree, a.clock.device).count == 0


def test_a_photo_that_was_deleted_and_comes_again_begins_anew(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    put_over(b, a)
    lost.catch_up(a.tree, a.clock.device)
    (a.root / "x.jpg.phototag").unlink()
    b.rate(b.scanned("x.jpg"), 3)
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    a.scanned("x.jpg")
    assert lost.catch_up(a.tree, a.clock.device).count == 1
    assert (a.tags("x.jpg"), a.rating("x.jpg")) == ({}, 3)


def test_a_library_seen_for_the_first_time_is_taken_as_it_is(sides: tuple[Replica, Replica], tmp_path: Path) -> None:
    a, _ = sides
    late = Replica(tmp_path, "late")
    put_over(a, late)
    assert lost.catch_up(late.tree, late.clock.device).count == 0


def test_a_document_of_the_library_comes_back_too(sides: tuple[Replica, Replica]) -> None:
    a, _ = sides
    a.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    (a.root / ".phototag/people/1.phototag").unlink()
    assert [(one.path, one.mend) for one in health.examine(a.tree) if "journal" in one.what] == [
        (".phototag/people/1.phototag", "phototag sync resolve --apply")
    ]
    assert health.mend(a.tree) == 1
    assert documents.list_documents(a.tree, "people") == ["people/1"]
    assert found(a) == []


def test_what_was_undone_stays_undone(sides: tuple[Replica, Replica]) -> None:
    a, _ = sides
    before = (a.root / "x.jpg.phototag").read_bytes()
    undo.undo(a.tree, a.clock)
    (a.root / "x.jpg.phototag").write_bytes(before)
    lost.restore(a.tree, list(lost.lost(a.tree)))
    assert a.tags("x.jpg") == {}


def test_what_was_purged_stays_gone(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    assert found(a) == []
    assert lost.catch_up(a.tree, a.clock.device).count == 0
    assert a.tags("x.jpg") == {}


def test_words_stay_away_from_another_picture_at_their_old_place(sides: tuple[Replica, Replica]) -> None:
    a, _ = sides
    (a.root / "x.jpg").rename(a.root / "z.jpg")
    moves.relink(a.tree)
    assert found(a) == []
    a.scanned("x.jpg", b"another")
    assert found(a) == []


def test_words_of_a_copy_that_went_stay_away_from_the_one_that_is_left(sides: tuple[Replica, Replica]) -> None:
    a, _ = sides
    a.scanned("copy.jpg")
    for name in ("x.jpg", "x.jpg.phototag"):
        (a.root / name).unlink()
    assert found(a) == []


def test_words_from_before_the_first_scan_need_one_that_is_still_there(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.tag("x.jpg", "one")
    first = (a.root / "x.jpg.phototag").read_bytes()
    a.tag("x.jpg", "two")
    (a.root / "x.jpg.phototag").write_bytes(first)
    a.scanned("x.jpg")
    assert found(a) == ["image:x.jpg"]
    (a.root / "x.jpg.phototag").unlink()
    a.scanned("x.jpg", b"another")
    assert found(a) == []


def test_damage_and_newer_versions_are_left_alone(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    put_over(b, a)
    path = a.root / "x.jpg.phototag"
    path.write_bytes(codec.encode(codec.decode(path.read_bytes()), version=codec.VERSION + 1))
    assert found(a) == []
    path.write_bytes(b"junk")
    assert found(a) == []
    with pytest.raises(FormatError):
        a.sidecar("x.jpg")


def test_a_reader_that_cannot_write_the_library_leaves_it_to_those_that_can(
    sides: tuple[Replica, Replica], tmp_path: Path
) -> None:
    a, b = sides
    reader = Replica(tmp_path, "a", read_only=True)
    put_over(b, a)
    assert lost.catch_up(reader.tree, b"reader").count == 0


def test_a_command_says_what_it_restored(sides: tuple[Replica, Replica]) -> None:
    a, b = sides
    put_over(b, a)
    told: list[str] = []
    library = Library(a.tree, notify=told.append)
    library.__dict__["clock"] = a.clock
    library.begin()
    assert told == ["restored what the journal knows and 1 file had lost in a copy"]
    assert conflicts.resolve(a.tree, conflicts.find(a.tree)).joined == 0
