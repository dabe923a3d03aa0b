"""Promise ``saved_or_error``: a decision is on disk or an error was shown, wherever the machine fails or dies.

Every system call that changes the disk is numbered; the test fails or dies at each in turn, then runs the next
command and looks: everything is as before the decision or as after it, never between, never damaged.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phototag import fsio
from phototag.errors import WriteError
from phototag.library import decide, journal, undo
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from tests.faults.steps import Faults, Killed
from tests.library.replicas import Replica


def prepared(folder: Path, count: int) -> tuple[Replica, list[str]]:
    a = Replica(folder)
    rels = [a.scanned(f"{n:02}.jpg", b"%d" % n) for n in range(count)]
    for rel in rels:
        a.rate(rel, 1)
    return a, rels


def ratings(a: Replica, rels: list[str]) -> set[int | None]:
    return {a.rating(rel) for rel in rels}


def rate_all(a: Replica, rels: list[str], rating: int) -> None:
    a.decide(*(Edit(IMAGE + rel, "user", "rating", rating) for rel in rels))


def steps(tmp_path: Path, fault: Callable[[], BaseException], count: int) -> Iterator[tuple[Replica, list[str], bool]]:
    """Yield (replica, images, whether the decision failed) with the fault at each step in turn, until it is past."""
    at = 1
    while True:
        a, rels = prepared(tmp_path / str(at), count)
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, fault, at)
            failed = False
            try:
                rate_all(a, rels, 5)
            except (Killed, WriteError):
                failed = True
        yield a, rels, failed
        if faults.count < at:
            assert not failed
            return
        at += 1


@pytest.mark.parametrize("count", [1, 9], ids=["one image", "bulk"])
def test_killed_between_any_two_steps_the_next_command_finishes(tmp_path: Path, count: int) -> None:
    seen = set()
    for a, rels, _ in steps(tmp_path, Killed, count):
        finished = decide.finish_unfinished(a.tree, a.clock)
        found = ratings(a, rels)
        assert found in ({1}, {5}), "half a decision"
        assert (found == {5}) == (len(journal.operations(a.tree)) == count + 1)
        if finished:
            assert found == {5}
        seen |= found
        undo.undo(a.tree, a.clock)
    assert seen == {1, 5}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_a_failing_disk_is_an_error_and_never_half_a_decision(tmp_path: Path, code: int) -> None:
    failures = 0
    for a, rels, failed in steps(tmp_path, lambda: OSError(code, os.strerror(code)), 2):
        failures += failed
        decide.finish_unfinished(a.tree, a.clock)
        found = ratings(a, rels)
        assert found in ({1}, {5})
        assert failed or found == {5}, "no error was shown, so it must be saved"
        for temp in a.root.rglob("*.tmp"):
            assert fsio.is_temp_name(temp.name)
    assert failures >= 5


def test_the_error_says_what_to_do(tmp_path: Path) -> None:
    a, rels = prepared(tmp_path, 1)
    with pytest.MonkeyPatch.context() as patch:
        Faults(patch, lambda: OSError(errno.ENOSPC, "No space left on device"), 1)
        with pytest.raises(WriteError, match="the disk is full") as caught:
            rate_all(a, rels, 5)
    assert caught.value.exit_code == 1
    assert "run the command again" in (caught.value.hint or "")
