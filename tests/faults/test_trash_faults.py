"""Promises ``originals_untouched`` and ``saved_or_error`` for files that move: killed anywhere, nothing is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from phototag import fingerprint
from phototag.errors import WriteError
from phototag.library import decide, trash, undo
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from tests.faults.steps import Faults, Killed
from tests.library.replicas import Replica
from tests.library.test_trash import in_trash, state

GOING = ("s/copy.jpg", "t/copy.jpg")


def prepared(folder: Path) -> Replica:
    a = Replica(folder)
    a.scanned("keep.jpg", b"one")
    for rel in GOING:
        a.scanned(rel, b"one")
        (a.root / f"{rel}.xmp").write_bytes(b"x")
    a.rate("keep.jpg", 1)
    return a


def discard(a: Replica) -> None:
    images = [(rel, fingerprint.content_hash(b"one")) for rel in GOING]
    decide.decide(
        a.tree,
        a.clock,
        command="duplicates",
        summary="test",
        edits=[Edit(IMAGE + "keep.jpg", "user", "rating", 5)],
        moves=lambda operation: trash.discard(a.tree, images, operation),
    )


def faults(patch: pytest.MonkeyPatch, fault: Callable[[], BaseException], at: int) -> Faults:
    made = Faults(patch, fault, at)
    patch.setattr(os, "rename", made._wrap("rename", os.rename))
    return made


FAULTS = {
    "killed": Killed,
    "disk full": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "read-only": lambda: OSError(errno.EROFS, "Read-only file system"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("what", [discard, lambda a: undo.undo(a.tree, a.clock)], ids=["discard", "undo"])
def test_stopped_between_any_two_steps_the_next_command_finishes(
    tmp_path: Path, fault: Callable[[], BaseException], what: Callable[[Replica], object]
) -> None:
    at, stopped, outcomes = 1, 0, set()
    while True:
        a = prepared(tmp_path / str(at))
        whole = state(a)
        undoing = what is not discard
        if undoing:
            discard(a)
        with pytest.MonkeyPatch.context() as patch:
            met = faults(patch, fault, at)
            try:
                what(a)
            except (Killed, WriteError):
                stopped += 1
        decide.finish_unfinished(a.tree, a.clock)
        now = state(a)
        gone = not any((a.root / rel).exists() for rel in GOING)
        assert gone or all(now[name] == whole[name] for name in whole if name.startswith(("s/", "t/"))), "half of it"
        assert in_trash(a) == ({f"{rel}{end}" for rel in GOING for end in ("", ".phototag", ".xmp")} if gone else set())
        assert a.rating("keep.jpg") == (5 if gone else 1)
        assert now["keep.jpg"] == whole["keep.jpg"]
        outcomes.add(gone)
        if met.count < at:
            assert gone != undoing
            break
        at += 1
    assert outcomes == {True, False}
    assert stopped >= 15


def test_the_first_operation_of_a_device_is_finished_too(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("keep.jpg", b"one")
    for rel in GOING:
        a.scanned(rel, b"one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", _killed)
        with pytest.raises(Killed):
            discard(a)
    assert (a.root / GOING[0]).is_file()
    decide.finish_unfinished(a.tree, a.clock)
    assert not (a.root / GOING[0]).exists()
    assert not (a.root / GOING[1]).exists()


def test_a_file_that_took_the_place_after_the_crash_stays(tmp_path: Path) -> None:
    a = prepared(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", _killed)
        with pytest.raises(Killed):
            discard(a)
    (a.root / GOING[0]).write_bytes(b"another picture")
    decide.finish_unfinished(a.tree, a.clock)
    assert (a.root / GOING[0]).read_bytes() == b"another picture"
    assert not (a.root / GOING[1]).exists()


def _killed(*_: object) -> None:
    raise Killed
