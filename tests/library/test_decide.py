"""The one road for decisions: journaled, carried out, idempotent, never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phototag.errors import FormatError, UsageError
from phototag.ids import MACHINE
from phototag.library import decide, documents, journal
from phototag.library.decide import Edit
from phototag.library.operation import DOC, IMAGE
from phototag.sidecar.registers import Document
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
