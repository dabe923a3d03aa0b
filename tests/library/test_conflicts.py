"""Conflict copies: all of them joined, none lost, damaged bytes kept, another picture's words not mixed in."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from phototag import fsio
from phototag.fsio import batch
from phototag.library import conflicts, documents, joining, relayout, sidecars, tidy
from phototag.library.conflicts import Resolved
from phototag.library.decide import Edit
from phototag.library.operation import DOC
from phototag.library.walk import walk
from phototag.sidecar import codec
from phototag.sidecar.registers import Document
from tests.library.replicas import Replica

INFIXES = (
    ".sync-conflict-20240501-101500-ABCDEFG",
    ".sync-conflict-20240501-101500-ABCDEFG.sync-conflict-20240502-101500-HIJKLMN",
    ".variant-1a2b",
    " (Ada's conflicted copy 2024-05-01)",
    " (conflicted copy 2024-05-01 101500)",
    "_conflict-20240501-101500",
)


def resolve(a: Replica) -> Resolved:
    return conflicts.resolve(a.tree, conflicts.find(a.tree))


def conflicting(tmp_path: Path, infix: str = INFIXES[0], name: str = "x.jpg") -> Replica:
    """Return a device that rated ``name``, beside a copy on which another tagged it."""
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=3_600_000)
    a.scanned(name)
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    a.rate(name, 4)
    b.tag(name, "beach")
    shutil.copy(b.root / f"{name}.phototag", a.root / f"{name}{infix}.phototag")
    return a


@pytest.mark.parametrize("infix", INFIXES)
def test_both_sides_are_there_and_the_copy_is_gone(tmp_path: Path, infix: str) -> None:
    a = conflicting(tmp_path, infix)
    assert resolve(a) == Resolved(1)
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (4, {"beach": 1})
    assert sorted(os.listdir(a.root)) == [".phototag", "x.jpg", "x.jpg.phototag"]
    assert resolve(a) == Resolved(0)


def test_both_sides_resolving_offline_end_in_the_same_bytes(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    a.rate("x.jpg", 4)
    b.rate("x.jpg", 2)
    ours, theirs = ((side.root / "x.jpg.phototag").read_bytes() for side in (a, b))
    for side, other in ((a, theirs), (b, ours)):
        (side.root / f"x.jpg{INFIXES[0]}.phototag").write_bytes(other)
        resolve(side)
    assert (a.root / "x.jpg.phototag").read_bytes() == (b.root / "x.jpg.phototag").read_bytes()


def test_a_copy_without_its_base_becomes_the_base(tmp_path: Path) -> None:
    a = conflicting(tmp_path)
    (a.root / "x.jpg.phototag").unlink()
    assert resolve(a) == Resolved(1)
    assert a.tags("x.jpg") == {"beach": 1}


def test_a_copy_of_another_picture_is_parked_not_mixed_in(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg", b"a dog")
    b.scanned("x.jpg", b"a cat")
    b.tag("x.jpg", "cat")
    before = (a.root / "x.jpg.phototag").read_bytes()
    shutil.copy(b.root / "x.jpg.phototag", a.root / f"x.jpg{INFIXES[0]}.phototag")
    done = resolve(a)
    assert [kept.reason for kept in done.kept_aside] == ["about another picture: kept in .phototag/orphans for relink"]
    assert (a.root / "x.jpg.phototag").read_bytes() == before
    (name,) = documents.list_documents(a.tree, "orphans")
    parked = documents.read_document(a.tree, name)
    assert parked is not None
    assert parked.get("utag", "cat", int) == 1


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        (b"", "empty"),
        (b"junk", "first bytes"),
        (b"<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n", "conflict markers"),
        (codec.encode({})[: -0 or 20], "cut short"),
    ],
)
def test_a_damaged_copy_is_kept_aside(tmp_path: Path, junk: bytes, reason: str) -> None:
    a = conflicting(tmp_path)
    copy = a.root / f"x.jpg{INFIXES[0]}.phototag"
    copy.write_bytes(junk)
    done = resolve(a)
    (kept,) = done.kept_aside
    assert reason in kept.reason
    assert (a.root / kept.path).read_bytes() == junk
    assert not copy.exists()
    assert a.rating("x.jpg") == 4


def test_a_damaged_base_is_kept_aside_and_the_copy_takes_its_place(tmp_path: Path) -> None:
    a = conflicting(tmp_path)
    (a.root / "x.jpg.phototag").write_bytes(b"torn")
    done = resolve(a)
    assert done.joined == 1
    assert (a.root / done.kept_aside[0].path).read_bytes() == b"torn"
    assert a.tags("x.jpg") == {"beach": 1}


@pytest.mark.parametrize("side", ["base", "copy"])
def test_a_newer_version_is_left_alone(tmp_path: Path, side: str) -> None:
    a = conflicting(tmp_path)
    copy = a.root / f"x.jpg{INFIXES[0]}.phototag"
    newer = a.root / "x.jpg.phototag" if side == "base" else copy
    newer.write_bytes(codec.encode({}, version=2))
    before = {path.name: path.read_bytes() for path in a.root.glob("*.phototag") if path.is_file()}
    done = resolve(a)
    assert done.joined == 0
    assert "newer" in done.kept_aside[0].reason
    assert {path.name: path.read_bytes() for path in a.root.glob("*.phototag") if path.is_file()} == before


def test_a_pointer_to_annexed_content_is_left_alone(tmp_path: Path) -> None:
    a = conflicting(tmp_path)
    copy = a.root / f"x.jpg{INFIXES[0]}.phototag"
    copy.write_bytes(b"/annex/objects/SHA256E-s10--00.phototag\n")
    done = resolve(a)
    assert (done.joined, copy.exists()) == (0, True)
    assert "pointer" in done.kept_aside[0].reason


def test_documents_and_the_tree_layout_and_the_overlay_are_resolved_too(tmp_path: Path) -> None:
    a = Replica(tmp_path, "a")
    documents.set_layout(a.tree, "tree")
    a.scanned("2024/x.jpg")
    a.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    other = Document()
    other.put("utag", "beach", 1 << 50, b"\x02" * 6, b"\x01")
    other.put("person", "alias", 1 << 50, b"\x02" * 6, b"\xa1A")
    for base in (".phototag/people/1", ".phototag/sidecars/2024/x.jpg"):
        (a.root / f"{base}{INFIXES[0]}.phototag").write_bytes(other.encode())
    assert resolve(a) == Resolved(2)
    person = documents.read_document(a.tree, "people/1")
    assert person is not None
    assert (person.get("person", "name", str), person.get("person", "alias", str)) == ("Ada", "A")
    assert a.tags("2024/x.jpg") == {"beach": 1}
    b = Replica(tmp_path, "b", read_only=True)
    b.scanned("y.jpg")
    path = Path(sidecars.path_to_write(b.tree, "y.jpg"))
    path.with_name(f"y.jpg{INFIXES[0]}.phototag").write_bytes(other.encode())
    assert resolve(b) == Resolved(1)
    assert b.tags("y.jpg") == {"beach": 1}


@pytest.mark.parametrize("layout", ["beside", "tree"])
def test_what_was_said_in_the_place_of_another_layout_is_joined(tmp_path: Path, layout: str) -> None:
    """One device moves the sidecars while another edits one: sync tools let the edited file return in its old place."""
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    documents.set_layout(a.tree, "tree" if layout == "beside" else "beside")
    for name in ("d/x.jpg", "e/y.jpg"):
        a.scanned(name, name.encode())
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    for name in ("d/x.jpg", "e/y.jpg"):
        b.tag(name, "beach")
        a.rate(name, 4)
    relayout.move(a.tree, layout)
    for name in ("d/x.jpg", "e/y.jpg"):
        old = os.path.relpath(b.tree.sidecar(name), b.root)
        (a.root / old).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(b.root / old, a.root / old)
    (a.root / "e/y.jpg").unlink()  # the photo is gone here: what is said of it waits
    assert tidy.tidy(a.tree, list(walk(a.tree)), set()).resolved.joined == 2
    assert (a.rating("d/x.jpg"), a.tags("d/x.jpg")) == (4, {"beach": 1})
    assert a.tags("e/y.jpg") == {"beach": 1}
    assert list(conflicts.find(a.tree)) == []


def test_copies_in_the_mirror_of_a_folder_that_was_renamed_are_joined(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    documents.set_layout(a.tree, "tree")
    a.scanned("d/x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    a.rate("d/x.jpg", 4)
    b.tag("d/x.jpg", "beach")
    shutil.copy(b.tree.sidecar("d/x.jpg"), a.root / f".phototag/sidecars/d/x.jpg{INFIXES[0]}.phototag")
    (a.root / "d").rename(a.root / "e")
    assert tidy.tidy(a.tree, list(walk(a.tree)), {"e/x.jpg"}).relinked.moved == 1
    assert (a.rating("e/x.jpg"), a.tags("e/x.jpg")) == (4, {"beach": 1})
    assert os.listdir(a.root / ".phototag/sidecars/d") == []


def test_many_copies_of_one_file_and_many_files(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for n in range(30):
        rel = a.scanned(f"{n}.jpg", b"%d" % n)
        for m in range(10):
            other = Document()
            other.put("utag", f"t{m}", 1 << 50, bytes([m]) * 6, b"\x01")
            infix = f".sync-conflict-2024050{m}-101500-ABCDEFG"
            (a.root / f"{rel}{infix}.phototag").write_bytes(other.encode())
    assert resolve(a) == Resolved(300)
    assert all(len(a.tags(f"{n}.jpg")) == 10 for n in range(30))
    assert len(os.listdir(a.root)) == 61


def test_a_crash_while_resolving_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = conflicting(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(fsio, "remove_all", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            resolve(a)
    assert (a.root / f"x.jpg{INFIXES[0]}.phototag").exists()
    assert resolve(a) == Resolved(1)
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (4, {"beach": 1})


def adoptable(tmp_path: Path) -> tuple[Replica, Path, Path]:
    """Return a device that said nothing, with the paths of its sidecar and of a copy on which another tagged it."""
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    b.tag("x.jpg", "beach")
    copy = a.root / f"x.jpg{INFIXES[0]}.phototag"
    shutil.copy(b.root / "x.jpg.phototag", copy)
    os.utime(copy, (1, 1))
    return a, a.root / "x.jpg.phototag", copy


def test_a_copy_that_holds_the_whole_join_takes_the_place_of_its_base(tmp_path: Path) -> None:
    a, base, copy = adoptable(tmp_path)
    before = copy.stat()
    assert resolve(a) == Resolved(1)
    assert (base.stat().st_ino, copy.exists()) == (before.st_ino, False)
    assert base.stat().st_mtime > before.st_mtime  # sync tools that look at size and mtime must see the change
    assert a.tags("x.jpg") == {"beach": 1}


@pytest.mark.parametrize("how", ["link", "mode"])
def test_a_copy_that_is_a_link_or_has_another_mode_does_not_take_the_place_itself(tmp_path: Path, how: str) -> None:
    a, base, copy = adoptable(tmp_path)
    if how == "link":
        copy.rename(tmp_path / "elsewhere")
        copy.symlink_to(tmp_path / "elsewhere")
    else:
        copy.chmod(0o600)
    before = base.stat().st_mode
    assert resolve(a) == Resolved(1)
    assert (base.is_symlink(), base.stat().st_mode, copy.exists()) == (False, before, False)
    assert a.tags("x.jpg") == {"beach": 1}


@pytest.mark.parametrize("which", ["base", "copy"])
def test_what_a_sync_tool_writes_meanwhile_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    a, base, copy = adoptable(tmp_path)
    late = sidecars.read(a.tree, "x.jpg")
    assert late is not None
    late.set_person("utag", "late", 1, a.clock)
    arrived = tmp_path / "arrived"
    arrived.write_bytes(late.encode())
    real = fsio.sync_filesystem

    def sync(path: str) -> None:
        real(path)
        if arrived.exists():
            arrived.replace(base if which == "base" else copy)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "sync_filesystem", sync)
        first = resolve(a)
    assert a.tags("x.jpg") == ({"beach": 1, "late": 1} if which == "base" else {"beach": 1})
    assert (first.joined, copy.exists()) == ((1, False) if which == "base" else (0, True))
    resolve(a)
    assert a.tags("x.jpg") == {"beach": 1, "late": 1}
    assert not copy.exists()


def test_a_copy_stays_when_the_base_that_held_its_words_was_replaced(tmp_path: Path) -> None:
    a = Replica(tmp_path, "a")
    a.scanned("x.jpg")
    base, copy = (a.root / f"x.jpg{infix}.phototag" for infix in ("", INFIXES[0]))
    older = base.read_bytes()
    a.tag("x.jpg", "beach")
    shutil.copy(base, copy)
    with contextlib.closing(joining.Batch(a.tree, Document())) as batch:
        batch.add(next(conflicts.find(a.tree)))
        fsio.write_atomic(str(base), older)  # a sync tool brings the version of before
        assert batch.finish() == 0
    assert copy.exists()
    assert resolve(a) == Resolved(1)
    assert a.tags("x.jpg") == {"beach": 1}
