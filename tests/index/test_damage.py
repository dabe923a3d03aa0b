"""Promise ``cache_is_disposable``: whatever happens to the index's files, the next answer is right or a clear error."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from phototag import fsio
from phototag.errors import WriteError
from phototag.handle import Library
from phototag.index import listing, manifest
from phototag.index.manifest import IndexDamagedError, index_folder
from phototag.index.reader import Index
from phototag.index.refresh import rebuild, refresh
from phototag.index.verify import verify
from phototag.library.tree import Tree
from tests.index import sidecars_made as made


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = made.library(tmp_path)
    for number in range(12):
        made.add(tree, f"{number % 3}/{number}.jpg", tags={"sea": 0.6 + number / 40, "sky": 0.7}, seed=number)
    refresh(tree)
    made.add(tree, "0/12.jpg", tags={"sea": 0.9}, seed=12, user_tags={"mine": 1})
    refresh(tree)
    return tree


def files(tree: Tree) -> list[Path]:
    """Return the files of the index that are in use."""
    return sorted(path for path in Path(index_folder(tree)).rglob("*") if path.is_file())


def asked(tree: Tree) -> tuple[dict[str, object], list[str]]:
    """Return what a command would answer, and what it said."""
    said: list[str] = []
    return dict(made.contents(Library(tree, notify=said.append).index())), said


def test_every_file_damaged_is_noticed(tree: Tree) -> None:
    truth, _ = asked(tree)
    names = {path.relative_to(index_folder(tree)).as_posix() for path in files(tree)}
    assert len(names) > 10
    for name in sorted(path.name for path in files(tree)):
        target = next(path for path in files(tree) if path.name == name)
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.write_bytes(data)
        answer, said = asked(tree)
        assert answer == truth, name
        assert "damaged" in " ".join(said), name


@pytest.mark.parametrize("how", ["delete", "truncate", "empty", "grow"])
def test_files_lost_or_cut(tree: Tree, how: str) -> None:
    truth, _ = asked(tree)
    for _ in range(8):
        target = random.Random(how).choice(files(tree))
        data = target.read_bytes()
        if how == "delete":
            target.unlink()
        else:
            target.write_bytes({"truncate": data[: len(data) // 2], "empty": b"", "grow": data + b"x"}[how])
        answer, said = asked(tree)
        assert answer == truth
        assert said


def test_the_whole_cache_deleted(tree: Tree) -> None:
    truth, _ = asked(tree)
    fsio.remove_tree(tree.cache)
    answer, said = asked(tree)
    assert (answer, said) == (truth, ["building the index from the sidecars"])
    assert Path(tree.cache, "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_an_index_of_another_version_is_rebuilt(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, _ = asked(tree)
    with monkeypatch.context() as patch:
        patch.setattr(manifest, "VERSION", 999)
        rebuild(tree)
    answer, said = asked(tree)
    assert answer == truth
    assert "the index is of version 999" in said[0]


def test_a_copied_cache_is_checked_and_used(tree: Tree, tmp_path: Path) -> None:
    time.sleep(2 * listing.RACY_NS / 1e9)
    truth, _ = asked(tree)
    for path in files(tree):
        path.write_bytes(path.read_bytes())  # the same bytes, another ctime
    answer, said = asked(tree)
    assert (answer, said) == (truth, [])


def test_an_open_index_outlives_a_rebuild(tree: Tree) -> None:
    index = made.opened(tree)
    truth = made.contents(made.opened(tree))
    made.add(tree, "0/new.jpg", tags={"sea": 0.9}, seed=99)
    rebuild(tree)
    assert made.contents(index) == truth
    assert index.vectors(made.EMBEDDER).search(made.vector(3).astype("f4"), 1).scores[0] == pytest.approx(1, abs=1e-3)


KILLED = """
import sys
from phototag.index.refresh import rebuild, refresh
from tests.index import sidecars_made as made
from pathlib import Path
tree = made.library(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    rebuild(tree)
    refresh(tree, paranoid=True)
"""


def test_killed_at_any_moment(tree: Tree, tmp_path: Path) -> None:
    truth, _ = asked(tree)
    chance = random.Random(7)
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.12)
            process.send_signal(signal.SIGKILL)
        answer, _ = asked(tree)
        assert answer == truth
    refresh(tree)
    assert verify(tree).differences == []
    used = {info.name for info in made.opened(tree).manifest.segments}
    assert {path.name for path in Path(index_folder(tree)).iterdir() if path.is_dir()} == used


def test_two_processes_refresh_at_once(tree: Tree, tmp_path: Path) -> None:
    run = "import sys; from pathlib import Path; from tests.index import sidecars_made as made\n"
    run += "from phototag.index.refresh import rebuild, refresh\ntree = made.library(Path(sys.argv[1]))\n"
    run += "print(flush=True)\nn = 0\nwhile not Path(sys.argv[2]).exists():\n"
    run += " refresh(tree, paranoid=n % 3 == 0)\n if n % 5 == 0: rebuild(tree)\n n += 1\n"
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", run, str(tmp_path), str(stop)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for number in range(12):
            made.add(tree, f"new/{number}.jpg", tags={"sea": 0.8}, seed=number)
            index = Library(tree).index()
            assert index.row_of(f"new/{number}.jpg") is not None
            assert len(set(index.paths(index.alive.nonzero()[0]))) == index.count >= 13 + number
    finally:
        stop.touch()
    assert [process.communicate()[1] for process in running] == [b"", b""]
    refresh(tree)
    assert verify(tree).differences == []


def test_two_threads_of_one_process(tree: Tree) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                refresh(tree, paranoid=True)
                made.opened(tree)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert verify(tree).differences == []


@pytest.mark.parametrize("step", range(6))
def test_a_full_disk_keeps_the_old_index(tree: Tree, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = made.contents(made.opened(tree))
    made.add(tree, "0/new.jpg", tags={"sea": 0.9}, seed=99)
    calls = 0

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    from phototag.index import segment

    real = segment.SegmentWriter._write

    def write(self: segment.SegmentWriter, name: str, table: object) -> None:
        nonlocal calls
        calls += 1
        if calls > step:
            full()
        real(self, name, table)

    monkeypatch.setattr(segment.SegmentWriter, "_write", write)
    with pytest.raises(WriteError, match="the disk is full"):
        refresh(tree)
    monkeypatch.undo()
    assert made.contents(made.opened(tree)) == truth
    used = {info.name for info in made.opened(tree).manifest.segments}
    assert {path.name for path in Path(index_folder(tree)).iterdir() if path.is_dir()} == used
    refresh(tree)
    assert "0/new.jpg" in made.contents(made.opened(tree))


@pytest.mark.parametrize("flush_bytes", [0, 4 << 20])
def test_a_disk_that_is_full_in_the_middle_of_the_vectors(
    tree: Tree, flush_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a real full disk says it: through the library that writes the file, not through fsio."""
    from phototag.index import segment, vectorfile
    from phototag.index.vectorfile import VectorWriter

    truth = made.contents(made.opened(tree))

    class Full(VectorWriter):
        def __init__(self, path: str, dim: int) -> None:
            super().__init__(path, dim)
            self._sink.close()
            self._sink: Any = pa.OSFile("/dev/full", "wb")

    monkeypatch.setattr(vectorfile, "_FLUSH_BYTES", flush_bytes)
    monkeypatch.setattr(segment, "VectorWriter", Full)
    with pytest.raises(WriteError, match="the disk is full"):
        rebuild(tree)
    with pytest.raises(WriteError, match="the disk is full"):
        VectorWriter("/dev/full", 8)
    monkeypatch.undo()
    assert made.contents(made.opened(tree)) == truth


def test_a_full_disk_at_the_commit(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = made.contents(made.opened(tree))
    made.add(tree, "0/new.jpg", tags={"sea": 0.9}, seed=99)

    def full(path: str, data: bytes, **_: object) -> bool:
        raise fsio.explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), path)

    monkeypatch.setattr(fsio, "write_atomic", full)
    with pytest.raises(WriteError, match="the disk is full"):
        rebuild(tree)
    monkeypatch.undo()
    assert made.contents(made.opened(tree)) == truth


def test_a_worker_that_dies_is_an_error(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    from phototag.errors import PhototagError
    from phototag.index import build

    monkeypatch.setattr(build, "ALONE_BELOW", 1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PhototagError, match="a worker that reads sidecars stopped"):
        rebuild(tree)
    monkeypatch.undo()
    assert verify(tree).ok


def test_verify_reads_every_byte(tree: Tree) -> None:
    vectors = next(path for path in files(tree) if path.suffix == ".faiss")
    stamp = vectors.stat()
    data = bytearray(vectors.read_bytes())
    data[-1] ^= 1
    vectors.write_bytes(data)
    os.utime(vectors, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    report = verify(tree)
    assert not report.ok
    assert "not as it was written" in report.differences[0].what
    with pytest.raises(IndexDamagedError):
        Index.open(tree)


def test_a_pipe_or_folder_with_a_sidecars_name_stops_nothing(tree: Tree) -> None:
    for name in ("pipe", "folder"):
        Path(tree.path(f"0/{name}.jpg")).touch()
    os.mkfifo(tree.sidecar("0/pipe.jpg"))
    Path(tree.sidecar("0/folder.jpg")).mkdir()
    refresh(tree)
    index = made.opened(tree)
    assert index.count == 15
    for name in ("pipe", "folder"):
        row = index.row_of(f"0/{name}.jpg")
        assert row is not None
        assert str(index.record(row).trouble).startswith("cannot be read: ")
