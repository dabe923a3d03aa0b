"""The one writer: whole or not at all, nothing left behind, errors a person can act on."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from phototag import fsio
from phototag.errors import WriteError
from phototag.fsio import files


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if fsio.is_temp_name(name)]


def test_writes_and_says_whether_bytes_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    assert fsio.write_atomic(path, b"one")
    inode = os.stat(path).st_ino
    assert not fsio.write_atomic(path, b"one")
    assert os.stat(path).st_ino == inode
    assert fsio.write_atomic(path, b"two")
    assert Path(path).read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_keeps_the_mode_of_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    fsio.write_atomic(str(path), b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_before_replace_may_give_newer_bytes(tmp_path: Path) -> None:
    answers = [b"joined", None]
    fsio.write_atomic(str(tmp_path / "a"), b"mine", before_replace=lambda: answers.pop(0))
    assert (tmp_path / "a").read_bytes() == b"joined"
    assert not answers


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_a_failing_system_call_leaves_the_old_file_and_no_temp(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        if call == "write":
            patch.setattr(files, "keep_owner", fail)  # the last step before bytes go into the temp file
        else:
            patch.setattr(os, call, fail)
        with pytest.raises(WriteError) as caught:
            fsio.write_atomic(str(path), b"new")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "word"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission"), (errno.EIO, "")],
)
def test_errors_say_what_and_what_to_do(code: int, word: str) -> None:
    error = fsio.explain(OSError(code, os.strerror(code)), "/x/caf\udce9")
    assert word in str(error)
    assert "caf\\xe9" in str(error)


def test_create_exclusive_lets_the_first_win(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    assert fsio.create_exclusive(path, b"first")
    assert not fsio.create_exclusive(path, b"second")
    assert Path(path).read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


def test_move_replaces_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    with pytest.raises(WriteError):
        fsio.move(str(tmp_path / "a"), str(tmp_path / "b"))
    fsio.move(str(tmp_path / "a"), str(tmp_path / "c"))
    assert (tmp_path / "c").read_text() == "a"
    assert (tmp_path / "b").read_text() == "b"


def test_append_and_truncate(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    fsio.append(path, b"one")
    fsio.append(path, b"two")
    fsio.truncate(path, 4)
    assert Path(path).read_bytes() == b"onet"


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    fsio.remove(str(tmp_path / "none"))
    fsio.remove_tree(str(tmp_path / "none"))


def test_a_folder_that_is_missing_is_an_error_not_a_loop(tmp_path: Path) -> None:
    with pytest.raises(WriteError):
        fsio.write_atomic(str(tmp_path / "none" / "a"), b"x")


def test_sync_filesystem_flushes_quietly(tmp_path: Path) -> None:
    fsio.sync_filesystem(str(tmp_path))


@pytest.mark.parametrize("first", ["all of it", "the lock"])
def test_a_temp_file_swept_before_its_writer_locked_it_is_made_again(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    sweepers: list[int] = []

    def late(fd: int, how: int) -> None:
        if not sweepers:
            (name,) = leftovers(tmp_path)
            sweepers.append(os.open(tmp_path / name, os.O_RDWR))
            real(sweepers[0], how)
            if first == "all of it":
                os.unlink(tmp_path / name)
                os.close(sweepers[0])
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    batch = fsio.Batch()
    batch.stage(str(tmp_path / "a"), b"new")
    if first == "the lock":
        assert len(leftovers(tmp_path)) == 2
        swept = min(leftovers(tmp_path), key=lambda name: os.stat(tmp_path / name).st_size)
        os.unlink(tmp_path / swept)
        os.close(sweepers[0])
    assert batch.commit() == []
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_a_batch_frees_what_it_replaced_and_leaves_no_file_open(tmp_path: Path) -> None:
    names = [f"{nth}.phototag" for nth in range(12)]
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "folder").mkdir()

    def open_here() -> list[str]:
        shown = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
        targets = [os.readlink(link) for link in shown if os.path.lexists(link)]
        return [target for target in targets if target.startswith(str(tmp_path))]

    batch = fsio.Batch()
    for name in names:
        batch.stage(str(tmp_path / name), b"new")
    assert len(open_here()) == len(names)
    assert batch.commit() == []
    assert open_here() == []
    batch.stage(str(tmp_path / "folder"), b"cannot take a folder's place")
    with pytest.raises(WriteError):
        batch.commit()
    assert open_here() == []
    assert {(tmp_path / name).read_bytes() for name in names} == {b"new"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zo\u00eb \u5bcc\u58eb\u5c71.jpg", "Zo\u00eb \u5bcc\u58eb\u5c71.jpg"),
        (os.fsdecode(b"latin\xe9.jpg"), "latin\\xe9.jpg"),
        ("two\nlines\t.jpg", "two\\nlines\\t.jpg"),
        ("\x1b[31mred\x9b.jpg", "\\x1b[31mred\\x9b.jpg"),
        ("gpj.\u202ehot.exe", "gpj.\\u202ehot.exe"),
    ],
)
def test_what_is_shown_moves_no_cursor(name: str, shown: str) -> None:
    assert fsio.display(name) == shown
    assert fsio.display(shown) == shown
