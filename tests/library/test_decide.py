"""The one road for decisions: journaled, carried out, idempotent, never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phototag.errors import FormatError, UsageError, WriteError
from phototag.handle import Library
from phototag.ids import MACHINE
from phototag.library import decide, documents, journal, moves, pending, targets
from phototag.library.decide import Edit
from phototag.library.operation import DOC, IMAGE
from phototag.library.tree import Tree
from phototag.sidecar import codec
from phototag.sidecar.registers import Document
from phototag.upkeep import health
from tests import make
from tests.library.replicas import Replica


def test_a_decision_is_in_the_journal_and_in_the_sidecar(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("2024/x.jpg")
    operation = a.rate("2024/x.jpg", 4)
    assert a.rating("2024/x.jpg") == 4
    assert journal.operations(a.tree) == [operation]
    assert (a.root / "2024/x.jpg.phototag").exists()
    register = a.sidecar("2024/x.jpg").register("user", "rating")
    assert register is not None
    assert register.device == a.clock.device


def test_saying_the_same_again_is_no_operation(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 4)
    again = a.rate("x.jpg", 4)
    assert not again.touched
    assert len(journal.operations(a.tree)) == 1
    assert a.rate("x.jpg", None).touched != ()  # clearing is news
    assert a.rate("x.jpg", None).touched == ()


def test_a_bulk_decision_is_one_operation(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    rels = [a.image(f"{n:03}.jpg") for n in range(20)]
    operation = a.decide(*(Edit(IMAGE + rel, "utag", "beach", 1) for rel in rels))
    assert operation.change_count == 20
    assert len(journal.operations(a.tree)) == 1
    assert all(a.tags(rel) == {"beach": 1} for rel in rels)


def test_a_library_document_is_decided_the_same_way(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    document = documents.read_document(a.tree, "people/1")
    assert document is not None
    assert document.get("person", "name", str) == "Ada"
    assert documents.list_documents(a.tree, "people") == ["people/1"]


def test_an_import_is_the_owners_word_with_the_files_time_and_no_device(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.decide(Edit(IMAGE + "x.jpg", "utag", "old", 1, imported_ms=1_000_000_000_000))
    register = a.sidecar("x.jpg").register("utag", "old")
    assert register is not None
    assert (register.device, register.stamp, register.by_person) == (MACHINE, 1_000_000_000_000 << 16, True)
    a.tag("x.jpg", "old", 0)
    late = a.decide(Edit(IMAGE + "x.jpg", "utag", "old", 1, imported_ms=1_000_000_000_000))
    assert late.touched == ()  # an older file does not overrule a newer word
    assert a.tags("x.jpg") == {"old": 0}


def test_unfinished_work_is_finished_by_the_next_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(decide, "_carry_out", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            a.rate("x.jpg", 4)
    assert not (a.root / "x.jpg.phototag").exists()
    assert [op.command for op in decide.finish_unfinished(a.tree, a.clock)] == ["test"]
    assert a.rating("x.jpg") == 4
    assert decide.finish_unfinished(a.tree, a.clock) == []


def test_unfinished_work_follows_a_picture_that_moved_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(decide, "_carry_out", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            a.rate("x.jpg", 4)
    (a.root / "new").mkdir()
    for name in ("x.jpg", "x.jpg.phototag"):
        (a.root / name).rename(a.root / "new" / name)
    decide.finish_unfinished(a.tree, a.clock)
    assert a.rating("new/x.jpg") == 4
    assert not (a.root / "x.jpg.phototag").exists()


def test_rolling_forward_twice_or_late_overrules_nothing(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 4)
    a.rate("x.jpg", 5)
    before = (a.root / "x.jpg.phototag").read_bytes()
    os.unlink(
        Path(a.settings.state_dir).joinpath("writers", os.listdir(Path(a.settings.state_dir) / "writers")[0], "done")
    )
    assert len(decide.finish_unfinished(a.tree, a.clock)) == 1
    assert (a.root / "x.jpg.phototag").read_bytes() == before


def test_an_image_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    with pytest.raises(UsageError, match=r"no image nowhere\.jpg"):
        a.rate("nowhere.jpg", 1)
    assert journal.operations(a.tree) == []


def test_a_dangling_link_is_an_image(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    (a.root / "annexed.jpg").symlink_to(".git/annex/objects/nowhere")
    a.rate("annexed.jpg", 2)
    assert a.rating("annexed.jpg") == 2


def test_a_damaged_sidecar_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.image("y.jpg")
    (a.root / "y.jpg.phototag").write_bytes(b"junk")
    with pytest.raises(FormatError, match=r"y\.jpg\.phototag"):
        a.decide(Edit(IMAGE + "x.jpg", "user", "rating", 1), Edit(IMAGE + "y.jpg", "user", "rating", 1))
    assert journal.operations(a.tree) == []
    assert not (a.root / "x.jpg.phototag").exists()
    assert (a.root / "y.jpg.phototag").read_bytes() == b"junk"


def test_any_summary_can_be_written_down(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    edit = Edit(IMAGE + "x.jpg", "user", "rating", 5)
    summary = os.fsdecode(b"caf\xe9") + "\n\x1b[31m"
    decide.decide(a.tree, a.clock, command="test", summary=summary, edits=[edit])
    assert [op.summary for op in journal.operations(a.tree)] == ["caf\\xe9\\n\\x1b[31m"]


def test_names_that_are_not_utf8_are_decided_about_and_undone(tmp_path: Path) -> None:
    from phototag.library import undo

    a = Replica(tmp_path)
    rel = a.image(os.fsdecode(b"caf\xe9.jpg"))
    operation = a.rate(rel, 3)
    assert operation.touched[0].target == IMAGE + rel
    assert a.rating(rel) == 3
    undo.undo(a.tree, a.clock)
    assert a.rating(rel) is None


def test_an_operation_is_later_than_everything_it_changed_and_than_the_one_before(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    ahead = Document()
    ahead.put("user", "rating", 1 << 60, b"\x09" * 6, b"\x01")
    from phototag.library import sidecars

    sidecars.write(a.tree, "x.jpg", ahead)
    first = a.rate("x.jpg", 2)
    second = a.tag("x.jpg", "t")
    assert first.stamp == (1 << 60) + 1
    assert second.stamp > first.stamp
    assert a.rating("x.jpg") == 2
    assert second.at.year <= 9999


def refused(a: Replica, *edits: Edit, match: str) -> None:
    """Decide, which must be refused before anything is written."""
    before = {path: path.read_bytes() for path in a.root.rglob("*") if path.is_file()}
    with pytest.raises((WriteError, FormatError), match=match):
        a.decide(*edits)
    assert {path: path.read_bytes() for path in a.root.rglob("*") if path.is_file()} == before


def test_nothing_is_said_where_one_folder_cannot_be_written(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel in ("ro/r.jpg", "z.jpg"):
        a.image(rel, rel.encode())
    (a.root / "ro").chmod(0o555)
    try:
        for images in ("ro/r.jpg", "ro/r.jpg z.jpg"):
            rated = make.phototag("rate", "5", *images.split(), cwd=a.root, check=False, bound_by_permissions=True)
            assert rated.returncode == 1
            assert "ro/r.jpg.phototag: permission denied" in rated.stderr
            assert "make the folder writable" in rated.stderr
        for line in ("rate 4 z.jpg", "scan", "undo", "doctor --fix", "sync resolve --apply"):
            done = make.phototag(*line.split(), cwd=a.root, bound_by_permissions=True)
            assert "cannot write" not in done.stderr
    finally:
        (a.root / "ro").chmod(0o755)
    assert [op.command for op in journal.operations(a.tree)] == ["undo", "rate"]


def test_nothing_is_said_where_a_sidecar_is_a_link_or_of_a_newer_version(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    rels = [a.image(rel) for rel in ("linked.jpg", "newer.jpg", "well.jpg")]
    edits = {rel: Edit(IMAGE + rel, "user", "rating", 5) for rel in rels}
    a.rate("linked.jpg", 1)
    (a.root / "linked.jpg.phototag").rename(a.root / "object")
    (a.root / "linked.jpg.phototag").symlink_to("object")
    (a.root / "newer.jpg.phototag").write_bytes(codec.encode({}, version=2))
    refused(a, edits["well.jpg"], edits["linked.jpg"], match=r"linked\.jpg\.phototag is a symbolic link")
    refused(a, edits["well.jpg"], edits["newer.jpg"], match=r"newer\.jpg\.phototag: format version 2 is newer")
    a.decide(edits["well.jpg"])
    assert a.rating("well.jpg") == 5


def failing(monkeypatch: pytest.MonkeyPatch, rel: str) -> None:
    """Make it known only when it is tried that the sidecar of ``rel`` cannot be written."""

    def save(tree: Tree, target: str, document: Document, *, sync: bool = True) -> bool:
        if target == IMAGE + rel:
            raise WriteError(f"cannot write {rel}: it is broken")
        return targets.save(tree, target, document, sync=sync)

    monkeypatch.setattr(decide, "save", save)


@pytest.mark.parametrize("count", [2, 9])
def test_one_document_that_fails_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    a = Replica(tmp_path)
    rels = [a.image(f"{n}.jpg", b"%d" % n) for n in range(count)]
    with monkeypatch.context() as patch:
        failing(patch, "0.jpg")
        with pytest.raises(WriteError, match=r"cannot write 0\.jpg"):
            a.decide(*(Edit(IMAGE + rel, "user", "rating", 5) for rel in rels))
        assert [a.rating(rel) for rel in rels[1:]] == [5] * (count - 1)
        assert not (a.root / "0.jpg.phototag").exists()
        assert a.rate("1.jpg", 4).touched
        assert decide.finish_unfinished(a.tree, a.clock) == []
        assert [left.names for left in pending.left(a.tree)] == [(b"image:0.jpg",)]
        (problem,) = health.examine(a.tree)
        assert (problem.path, problem.mend) == ("0.jpg", "phototag doctor --fix")
        assert "in the journal only" in problem.what
        told: list[str] = []
        Library(a.tree, notify=told.append).begin()
        assert [text.partition(",")[0] for text in told] == ["1 file is still not as earlier commands want"]
    assert len(decide.finish_unfinished(a.tree, a.clock)) == 1
    assert (a.rating("0.jpg"), a.rating("1.jpg"), pending.left(a.tree)) == (5, 4, ())
    assert list(health.examine(a.tree)) == []


def test_what_was_said_of_a_photo_that_moved_before_it_was_written_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Replica(tmp_path)
    a.image("in/x.jpg", b"one")
    with monkeypatch.context() as patch:
        patch.setattr(decide, "_carry_out", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            a.rate("in/x.jpg", 4)
    (a.root / "in/x.jpg").rename(a.root / "y.jpg")
    a.image("in/x.jpg", b"another")
    decide.finish_unfinished(a.tree, a.clock)
    moves.relink(a.tree)
    assert a.rating("y.jpg") == 4
    assert not (a.root / "in/x.jpg.phototag").exists()
