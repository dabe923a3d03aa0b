"""One folder that cannot be written: what would be done in it is told and waits; everything else is done."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phototag.errors import WriteError
from phototag.library import conflicts, documents, lost, moves, purge, relayout, sidecars
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from phototag.sidecar.model import USER
from phototag.upkeep import health
from tests.library.replicas import Replica
from tests.locking import locked

COPY = "x.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag"


@contextlib.contextmanager
def shut(device: Replica) -> Iterator[None]:
    """Hold the folder ``shut`` of ``device``'s library against writing."""
    with locked(device.root / "shut"):
        yield


@pytest.fixture
def a(tmp_path: Path) -> Replica:
    device = Replica(tmp_path, "a")
    device.scanned("shut/x.jpg", b"a picture")
    device.scanned("open/x.jpg", b"another picture")
    return device


def other(a: Replica, tmp_path: Path) -> Replica:
    """Return a second device with its own copy of the library."""
    b = Replica(tmp_path, "b")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    return b


def said(device: Replica, name: str) -> str:
    return (device.root / "shut" / name).read_text(errors="replace")


def test_conflict_copies_in_it_wait(a: Replica, tmp_path: Path) -> None:
    b = other(a, tmp_path)
    for folder in ("shut", "open"):
        b.tag(f"{folder}/x.jpg", "sea")
        shutil.copy(b.root / folder / "x.jpg.phototag", a.root / folder / COPY)
    with shut(a):
        done = conflicts.resolve(a.tree, conflicts.find(a.tree))
        assert (done.joined, [one.path for one in done.kept_aside]) == (1, [f"shut/{COPY}"])
        assert "permission denied" in done.kept_aside[0].reason
        assert (a.tags("open/x.jpg"), a.tags("shut/x.jpg")) == ({"sea": 1}, {})
    assert conflicts.resolve(a.tree, conflicts.find(a.tree)).joined == 1
    assert a.tags("shut/x.jpg") == {"sea": 1}


def test_a_copy_about_another_picture_waits_where_it_cannot_be_parked(a: Replica) -> None:
    copy = a.root / "open" / COPY
    shutil.copy(a.root / "shut/x.jpg.phototag", copy)
    shutil.copy(a.root / "open/x.jpg.phototag", a.root / "shut" / COPY)
    a.tag("open/x.jpg", "sea")
    (a.root / ".phototag/orphans").mkdir()
    with locked(a.root / ".phototag/orphans"):
        done = conflicts.resolve(a.tree, conflicts.find(a.tree))
        assert (done.joined, [one.path for one in done.kept_aside]) == (0, [f"open/{COPY}", f"shut/{COPY}"])
        assert "permission denied" in done.kept_aside[0].reason
        assert copy.exists()
    assert conflicts.resolve(a.tree, conflicts.find(a.tree)).joined == 2
    assert not copy.exists()


@pytest.mark.parametrize("layout", ["tree", "beside"])
def test_another_layout_is_taken_by_the_others(a: Replica, layout: str) -> None:
    for rel in ("open/x.jpg", "shut/x.jpg"):
        a.tag(rel, "sea")
    if layout == "beside":
        relayout.move(a.tree, "tree")
    with shut(a):
        done = relayout.move(a.tree, layout)
        assert done.carried == 1
        ((path, why),) = done.failed
        assert path.endswith("shut/x.jpg.phototag")
        assert "permission denied" in why
        assert a.tags("open/x.jpg") == {"sea": 1}
    assert relayout.move(a.tree, layout) == relayout.Carried(1)
    assert a.tags("open/x.jpg") == a.tags("shut/x.jpg") == {"sea": 1}


def test_what_an_overlay_says_of_it_waits(a: Replica, tmp_path: Path) -> None:
    documents.ensure_library(a.tree, a.clock)
    reader = Replica(tmp_path, read_only=True)
    for rel in ("open/x.jpg", "shut/x.jpg"):
        reader.tag(rel, "sea")
    with shut(a):
        done = relayout.push(a.tree)
        assert [path.endswith("shut/x.jpg.phototag") for path, _ in done.failed] == [True]
        assert a.tags("open/x.jpg") == {"sea": 1}
    assert relayout.push(a.tree).failed == ()
    assert a.tags("shut/x.jpg") == {"sea": 1}


def test_moves_into_it_wait(a: Replica) -> None:
    for rel in ("open/y.jpg", "open/z.jpg"):
        a.tag(a.scanned(rel, rel.encode()), "sea")
    (a.root / "open/y.jpg").rename(a.root / "shut/y.jpg")
    (a.root / "open/z.jpg").rename(a.root / "open/w.jpg")
    with shut(a):
        done = moves.relink(a.tree)
        assert (done.moved, [rel for rel, _ in done.failed]) == (1, ["open/y.jpg"])
        assert "permission denied" in done.failed[0][1]
        assert a.tags("open/w.jpg") == a.tags("open/y.jpg") == {"sea": 1}
    assert moves.relink(a.tree).moved == 1
    assert a.tags("shut/y.jpg") == {"sea": 1}


def test_an_exact_copy_in_it_waits(a: Replica) -> None:
    a.tag("open/x.jpg", "sea")
    shutil.copy(a.root / "open/x.jpg", a.root / "shut/copy.jpg")
    with shut(a):
        done = moves.relink(a.tree)
        assert (done.copied, [rel for rel, _ in done.failed]) == (0, ["open/x.jpg"])
    assert moves.relink(a.tree).copied == 1
    assert a.tags("shut/copy.jpg") == {"sea": 1}


def test_pictures_that_changed_places_with_one_in_it_lose_no_word(a: Replica) -> None:
    a.tag("open/x.jpg", "of open")
    a.tag("shut/x.jpg", "of shut")
    one, two = a.root / "open/x.jpg", a.root / "shut/x.jpg"
    held = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(held)
    with shut(a):
        assert {rel for rel, _ in moves.relink(a.tree).failed} >= {"shut/x.jpg"}
        assert a.tags("open/x.jpg") == {"of shut": 1}
    for _ in range(2):
        moves.relink(a.tree)
    assert (a.tags("open/x.jpg"), a.tags("shut/x.jpg")) == ({"of shut": 1}, {"of open": 1})


def test_words_that_a_copy_lost_wait(a: Replica, tmp_path: Path) -> None:
    b = other(a, tmp_path)
    for device in (a, b):
        lost.catch_up(device.tree, device.clock.device)
    for folder in ("shut", "open"):
        b.decide(Edit(f"{IMAGE}{folder}/x.jpg", USER, "rating", 4))
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    with shut(a):
        for count in (1, 0):
            done = lost.catch_up(a.tree, a.clock.device)
            assert (done.count, [shown for shown, _ in done.failed]) == (count, ["shut/x.jpg"])
        assert a.rating("open/x.jpg") == 4
    assert lost.catch_up(a.tree, a.clock.device).count == 1
    assert a.rating("shut/x.jpg") == 4


def test_purged_data_in_it_is_seen_by_nobody_and_named_by_doctor(a: Replica) -> None:
    for folder in ("shut", "open"):
        a.tag(f"{folder}/x.jpg", "verysecret")
    with shut(a):
        purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
        assert a.tags("shut/x.jpg") == {}
        assert "verysecret" in said(a, "x.jpg.phototag")
        assert [one.path for one in health.examine(a.tree) if "purged" in one.what] == ["shut/x.jpg.phototag"]
        assert purge.apply_purges(a.tree, a.clock) == 0
    assert purge.apply_purges(a.tree, a.clock) == 1, "what was left is tried again, without a look at all the rest"
    assert "verysecret" not in said(a, "x.jpg.phototag")
    assert list(health.examine(a.tree)) == []
    assert purge.apply_purges(a.tree, a.clock) == 0


def test_a_full_disk_is_no_such_folder(a: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise WriteError("the disk is full") from OSError(28, "No space left on device")

    (a.root / "open/x.jpg").rename(a.root / "open/y.jpg")
    monkeypatch.setattr(sidecars, "write", full)
    with pytest.raises(WriteError, match="full"):
        moves.relink(a.tree)
