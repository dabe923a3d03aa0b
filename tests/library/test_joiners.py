"""Joining in several processes: the same bytes and the same answer as in one, and nothing lost when one is killed."""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from phototag import workers
from phototag.errors import PhototagError, WriteError
from phototag.library import conflicts, joiners, joining_worker, sidecars
from phototag.library.conflicts import Resolved
from phototag.library.joining import Conflict
from phototag.library.tree import Tree
from phototag.sidecar import codec
from phototag.sidecar.registers import Document
from tests.library.replicas import Replica

INFIX = ".sync-conflict-2024050{}-101500-ABCDEFG.phototag"
ODD_NAME = os.fsdecode(b"caf\xe9 \n.jpg")
"""A name that is not UTF-8."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joiners, "PART", 4)
    monkeypatch.setattr(joiners, "ALONE_BELOW", 8)


def library(folder: Path, count: int = 12) -> Replica:
    """Return a device with two copies of each sidecar, some damaged or about another picture, in a big folder and a small one."""
    a = Replica(folder)
    for n in range(count):
        name = ODD_NAME if n == 0 else f"small/{n}.jpg" if n < 4 else f"{n}.jpg"
        rel = a.scanned(name, b"%d" % n)
        a.rate(rel, n % 5 + 1)
        for m in range(2):
            (a.root / (rel + INFIX.format(m))).write_bytes(said(f"t{m}", m))
    (a.root / ("5.jpg" + INFIX.format(1))).write_bytes(b"torn")
    (a.root / "7.jpg.phototag").write_bytes(b"torn")
    (a.root / ("9.jpg" + INFIX.format(0))).write_bytes(codec.encode({}, version=2))
    other = Replica(folder, "other")
    other.scanned("cat.jpg", b"a cat")
    (a.root / ("8.jpg" + INFIX.format(1))).write_bytes((other.root / "cat.jpg.phototag").read_bytes())
    (a.root / (ODD_NAME + INFIX.format(2))).write_bytes(b"")
    return a


def said(tag: str, device: int) -> bytes:
    document = Document()
    document.put("utag", tag, 1 << 50, bytes([device + 1]) * 6, b"\x01")
    return document.encode()


def resolve(a: Replica, processes: int) -> Resolved:
    tree = msgspec.structs.replace(a.tree, settings=msgspec.structs.replace(a.settings, threads=processes))
    return conflicts.resolve(tree, conflicts.find(tree))


def files(a: Replica) -> dict[str, bytes]:
    """Return {path: bytes} of the library, but for the journal: it holds when the test wrote."""
    found = (path for path in a.root.rglob("*") if path.is_file() and "journal" not in path.parts)
    return {str(path.relative_to(a.root)): path.read_bytes() for path in found}


@contextlib.contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield the ids of the processes that are started."""
    pids: list[int] = []
    real = workers.started

    @contextlib.contextmanager
    def started(module: str) -> Iterator[workers.Worker]:
        with real(module) as worker:
            pids.append(worker.pid)
            yield worker

    with monkeypatch.context() as patch:
        patch.setattr(workers, "started", started)
        yield pids


def test_any_number_of_processes_leaves_the_same_bytes_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    made = library(tmp_path / "made")
    for processes in (1, 2, 4):
        a = Replica(tmp_path / str(processes))
        shutil.copytree(made.root, a.root, dirs_exist_ok=True)
        with watched(monkeypatch) as pids:
            done = resolve(a, processes)
        assert len(pids) == (0 if processes == 1 else processes)
        kept = [(one.path, one.reason.replace(str(a.root), "")) for one in done.kept_aside]
        results.append((done.joined, kept, files(a)))
    first, *others = results
    assert first[0] == 22
    assert [os.path.basename(path).partition(".phototag")[0] for path, _ in first[1]] == [
        "5.jpg.sync-conflict-20240501-101500-ABCDEFG",
        "7.jpg",
        "8.jpg.sync-conflict-20240501-101500-ABCDEFG",
        "9.jpg.sync-conflict-20240500-101500-ABCDEFG",
        os.path.basename(ODD_NAME) + ".sync-conflict-20240502-101500-ABCDEFG",
    ]
    assert others == [first, first]


def test_few_copies_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    for m in range(7):
        (a.root / ("x.jpg" + INFIX.format(m))).write_bytes(said(f"t{m}", m))
    with watched(monkeypatch) as pids:
        assert resolve(a, 2) == Resolved(7)
    assert pids == []


def test_a_part_ends_only_between_bases() -> None:
    def conflict(n: int, copies: int) -> Conflict:
        return Conflict(str(n), tuple(f"{n}.{m}" for m in range(copies)))

    some = [conflict(n, copies) for n, copies in enumerate((1, 1, 9, 4, 1))]
    assert list(joiners._parts(some)) == [some[:3], some[3:4], some[4:]]


def gathered(a: Replica, name: str) -> set[str]:
    """Return the tags that the sidecar of ``name`` and its copies hold together."""
    found = set(a.tags(name)) if (a.root / f"{name}.phototag").exists() else set()
    for path in a.root.glob(f"{name}.sync-conflict-*.phototag"):
        with contextlib.suppress(FileNotFoundError):
            found |= set(Document.decode(path.read_bytes()).keys("utag"))
    return found


def many(folder: Path, count: int = 150) -> Replica:
    a = Replica(folder)
    for n in range(count):
        a.scanned(f"{n}.jpg", b"%d" % n)
        (a.root / f"{n}.jpg.phototag").write_bytes(
            sidecars_join(a, f"{n}.jpg", Document.decode(said("ours", 0))).encode()
        )
        for m in range(2):
            (a.root / (f"{n}.jpg" + INFIX.format(m))).write_bytes(said(f"t{m}", m))
    return a


def sidecars_join(a: Replica, rel: str, other: Document) -> Document:
    document = sidecars.read(a.tree, rel)
    assert document is not None
    return document.join(other)


@pytest.mark.parametrize("number", range(6))
def test_a_worker_killed_at_a_random_moment_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    a = many(tmp_path)

    def killing(tree: Tree) -> Iterator[Conflict]:
        """Kill a worker between two parts, at work on its last one or done with it; another is still to come for it."""
        for n, conflict in enumerate(conflicts.find(tree)):
            if n == 4 + 24 * number:
                time.sleep(random.Random(number).random() * 0.004)
                os.kill(pids[number % 2], signal.SIGKILL)
            yield conflict

    tree = msgspec.structs.replace(a.tree, settings=msgspec.structs.replace(a.settings, threads=2))
    with watched(monkeypatch) as pids, pytest.raises(PhototagError, match="was stopped"):
        conflicts.resolve(tree, killing(tree))
    assert len(pids) == 2
    left = list(a.root.glob("*.sync-conflict-*"))
    assert left
    assert all(gathered(a, f"{n}.jpg") == {"ours", "t0", "t1"} for n in range(150))
    assert resolve(a, 2) == Resolved(len(left))
    assert all(a.tags(f"{n}.jpg") == {"ours": 1, "t0": 1, "t1": 1} for n in range(150))
    assert not list(a.root.glob("*.sync-conflict-*"))


def test_ctrl_c_lets_workers_finish_their_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = many(tmp_path)

    def interrupted(tree: Tree) -> Iterator[Conflict]:
        for n, conflict in enumerate(conflicts.find(tree)):
            if n == 60:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
            yield conflict

    tree = msgspec.structs.replace(a.tree, settings=msgspec.structs.replace(a.settings, threads=2))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may ignore it
    try:
        with watched(monkeypatch) as pids, pytest.raises(KeyboardInterrupt):
            conflicts.resolve(tree, interrupted(tree))
    finally:
        signal.signal(signal.SIGINT, before)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    left = list(a.root.glob("*.sync-conflict-*"))
    assert 180 <= len(left) < 300
    assert len(left) % 4 == 0  # whole parts
    assert not [path for path in a.root.iterdir() if path.name.endswith(".tmp")]
    assert resolve(a, 2) == Resolved(len(left))
    assert all(a.tags(f"{n}.jpg") == {"ours": 1, "t0": 1, "t1": 1} for n in range(150))


def test_a_failure_in_a_worker_is_the_callers(tmp_path: Path) -> None:
    a = many(tmp_path, 10)
    before = files(a)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file can grow: as on a full disk, and for root too
    try:
        with pytest.raises(WriteError):
            resolve(a, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(a) == before
    assert resolve(a, 2) == Resolved(20)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (WriteError("full", hint="free some"), joiners.Done(error="full", hint="free some", unwritten=True)),
        (PhototagError("odd"), joiners.Done(error="odd")),
        (ValueError("odd"), joiners.Done(error="joining conflict copies failed: ValueError: odd")),
    ],
)
def test_a_worker_tells_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, answer: joiners.Done
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(joining_worker, "join_here", fail)
    jobs, answers = io.BytesIO(), io.BytesIO()
    for message in (joiners.Start(Replica(tmp_path).tree, Document().encode()), [Conflict("a", ("b",))]):
        workers.send(jobs, joiners.pack(message))
    jobs.seek(0)
    joining_worker.serve(jobs, answers)
    answers.seek(0)
    assert joiners.unpack(workers.receive(answers) or b"", joiners.Done) == answer
