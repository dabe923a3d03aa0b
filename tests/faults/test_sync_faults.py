"""Killed or failing at any step of joining, moving, purging or carrying sidecars: the next run ends as if nothing was."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phototag import workers
from phototag.errors import WriteError
from phototag.library import (
    conflicts,
    decide,
    documents,
    joiners,
    joining_worker,
    journal,
    lock,
    moves,
    purge,
    relayout,
)
from phototag.library.decide import Edit
from phototag.library.operation import DOC
from phototag.sidecar.registers import Document
from tests.faults.steps import Faults, Killed
from tests.library.replicas import Replica

COPY = ".sync-conflict-20240501-101500-ABCDEFG.phototag"


def conflicting(folder: Path) -> Replica:
    a, b = Replica(folder, "a"), Replica(folder, "b")
    for name in ("x.jpg", "y.jpg"):
        a.scanned(name, name.encode())
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    for name in ("x.jpg", "y.jpg"):
        a.rate(name, 4)
        b.tag(name, "beach")
        shutil.copy(b.root / f"{name}.phototag", a.root / f"{name}{COPY}")
    return a


def one_sided(folder: Path) -> Replica:
    """Return a device with two copies: one takes its base's place as it is, one has no base any more."""
    a = conflicting(folder)
    for name in ("x.jpg", "y.jpg"):
        (a.root / f"{name}.phototag").unlink()
    a.scanned("x.jpg", b"x.jpg")
    return a


def resolved(a: Replica) -> object:
    conflicts.resolve(a.tree, conflicts.find(a.tree))
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")], files(a)


def resolved_by_worker(a: Replica) -> object:
    """Let the worker's own loop resolve, here, so that it can be hit at every step."""
    jobs, answers = io.BytesIO(), io.BytesIO()
    for message in (joiners.Start(a.tree, Document().encode()), list(conflicts.find(a.tree))):
        workers.send(jobs, joiners.pack(message))
    jobs.seek(0)
    with lock.writing(a.tree):  # as the parent does
        joining_worker.serve(jobs, answers)
    answers.seek(0)
    done = joiners.unpack(workers.receive(answers) or b"", joiners.Done)
    if done.error:
        raise WriteError(done.error)
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")], files(a)


def moved(folder: Path) -> Replica:
    a = Replica(folder)
    for n, name in enumerate(("x.jpg", "y.jpg", "z.jpg")):
        a.rate(a.scanned(name, b"x" * (n + 1)), n + 1)
    for old, new in (("x.jpg", "t"), ("y.jpg", "x.jpg"), ("t", "y.jpg"), ("z.jpg", "new.jpg")):
        (a.root / old).rename(a.root / new)
    return a


def relinked(a: Replica) -> object:
    moves.relink(a.tree)
    return [a.rating(name) for name in ("x.jpg", "y.jpg", "new.jpg")], files(a)


def secret(folder: Path) -> Replica:
    a = Replica(folder)
    for name in ("x.jpg", "y.jpg"):
        a.tag(a.scanned(name, name.encode()), "secret")
        a.rate(name, 2)
    return a


def purged(a: Replica) -> object:
    decide.finish_unfinished(a.tree, a.clock)
    if not documents.list_documents(a.tree, "purge"):
        purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
    purge.apply_purges(a.tree, a.clock)
    assert not [path for path in a.root.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")]


def laid_out(a: Replica) -> object:
    relayout.move(a.tree, "tree")
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")], files(a)


def overlaid(folder: Path) -> Replica:
    a = secret(folder)
    documents.ensure_library(a.tree, a.clock)
    above = Replica(folder, read_only=True)
    above.rate("x.jpg", 5)
    above.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    return a


def pushed(a: Replica) -> object:
    relayout.push(a.tree)
    assert documents.overlays(a.tree) == []
    ops = [(operation.command, operation.change_count) for operation in journal.operations(a.tree)]
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")], ops, sorted(documents_of(a))


def mirrored(folder: Path) -> Replica:
    a = secret(folder)
    relayout.move(a.tree, "tree")
    return a


def laid_back(a: Replica) -> object:
    relayout.move(a.tree, "beside")
    return [(a.rating(name), a.tags(name)) for name in ("x.jpg", "y.jpg")], files(a)


def documents_of(a: Replica) -> list[str]:
    """Return our files, the library's own id left open: it is a random one."""
    return [path.replace(a.tree.name or "-", "<id>") for path in files(a) if path.endswith(".phototag")]


def files(a: Replica) -> list[str]:
    return sorted(p.relative_to(a.root).as_posix() for p in a.root.rglob("*") if p.is_file() and p.suffix != ".tmp")


@pytest.mark.parametrize(
    "code",
    [None, errno.ENOSPC, errno.EROFS, errno.EACCES],
    ids=["killed", "disk full", "read-only", "closed"],
)
@pytest.mark.parametrize(
    ("prepare", "work"),
    [
        (conflicting, resolved),
        (one_sided, resolved),
        (conflicting, resolved_by_worker),
        (one_sided, resolved_by_worker),
        (moved, relinked),
        (secret, purged),
        (secret, laid_out),
        (mirrored, laid_back),
        (overlaid, pushed),
    ],
    ids=[
        "resolve",
        "resolve one-sided",
        "by a worker",
        "by a worker, one-sided",
        "relink",
        "purge",
        "move",
        "move back",
        "push",
    ],
)
def test_the_next_run_ends_as_if_nothing_had_happened(
    tmp_path: Path, prepare: Callable[[Path], Replica], work: Callable[[Replica], Any], code: int | None
) -> None:
    expected = work(prepare(tmp_path / "undisturbed"))
    at, failed = 1, True
    while failed:
        a = prepare(tmp_path / str(at))
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, lambda: Killed() if code is None else OSError(code, os.strerror(code)), at)
            if code == errno.EROFS:  # not of one part that is mounted so, which would cost that part alone
                patch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
            # One file that is closed is told, and the rest is done: not yet what it should be.
            with contextlib.suppress(Killed, WriteError, *([AssertionError] if code == errno.EACCES else [])):
                work(a)
        failed = faults.count >= at
        assert work(a) == expected, f"after a fault at step {at}"
        at += 1
    assert at > (4 if prepare is one_sided else 10)  # a copy that takes its base's place is one step
