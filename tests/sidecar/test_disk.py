"""Sidecars on disk: joined just before the rename, refused with a way forward, damaged bytes kept."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from phototag import fsio
from phototag.errors import FormatError, NewerVersionError, WriteError
from phototag.ids import Clock
from phototag.sidecar import codec, disk, naming
from phototag.sidecar.registers import Document

CLOCK = Clock(b"\x01" * 6)


def tagged(tag: str) -> Document:
    document = Document()
    document.set_person("utag", tag, 1, CLOCK)
    return document


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.jpg.phototag")


def test_write_joins_with_what_is_there(path: str) -> None:
    assert disk.write(path, tagged("a"))
    both = tagged("b")
    assert disk.write(path, both)
    assert both.keys("utag") == ["a", "b"]
    assert not disk.write(path, both)
    found = disk.read(path)
    assert found is not None
    assert found.keys("utag") == ["a", "b"]


def test_a_version_that_slips_in_before_the_rename_is_joined(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fsio.lock_folder
    slipped: list[bool] = []

    def late(folder: str) -> AbstractContextManager[None]:
        if not slipped:
            slipped.append(True)
            disk.write(path, tagged("slipped in"))
        return real(folder)

    monkeypatch.setattr(fsio, "lock_folder", late)
    disk.write(path, tagged("a"))
    found = disk.read(path)
    assert found is not None
    assert found.keys("utag") == ["a", "slipped in"]


def test_many_writers_at_once_lose_nothing(path: str) -> None:
    threads = [threading.Thread(target=disk.write, args=(path, tagged(f"{n:02}"))) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = disk.read(path)
    assert found is not None
    assert found.keys("utag") == [f"{n:02}" for n in range(24)]
    assert os.listdir(os.path.dirname(path)) == ["x.jpg.phototag"]


def test_mode_is_kept(path: str) -> None:
    disk.write(path, tagged("a"))
    os.chmod(path, 0o640)
    disk.write(path, tagged("b"))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640


def test_a_link_is_reported_not_replaced(path: str, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(tagged("a").encode())
    os.symlink("real", path)
    with pytest.raises(WriteError, match="symbolic link") as caught:
        disk.write(path, tagged("b"))
    assert "git annex unannex" in (caught.value.hint or "")
    assert os.path.islink(path)


def test_a_dangling_link_is_absent_content_not_an_absent_sidecar(path: str) -> None:
    os.symlink(".git/annex/objects/nowhere", path)
    with pytest.raises(FormatError, match="content is not here") as caught:
        disk.read(path)
    assert caught.value.reason == "pointer"


def a_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(os.path.dirname(path)):
        made.bind(os.path.basename(path))  # the whole path may be longer than a socket's may


@pytest.mark.parametrize("make_odd", [os.mkfifo, os.mkdir, a_socket])
def test_what_is_no_file_is_an_error_not_a_wait(path: str, make_odd: Callable[[str], None]) -> None:
    make_odd(path)
    with pytest.raises(OSError, match="it is no file") as caught:
        disk.read(path)
    assert "move it away" in disk.advice(caught.value)


def test_no_file_is_none(path: str) -> None:
    assert disk.read(path) is None
    assert disk.read(path + "/below") is None


@pytest.mark.parametrize(
    ("data", "reason", "way"),
    [
        (b"", "empty", "restore"),
        (b"junk that is no sidecar at all, of any kind", "magic", "restore"),
        (b"<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n", "conflict-markers", "phototag sync"),
        (b"/annex/objects/SHA256E-s1--00\n", "pointer", "git annex get"),
        (codec.encode({})[:20], "length", "restore"),
    ],
)
def test_each_damage_has_its_reason_its_path_and_a_way_forward(path: str, data: bytes, reason: str, way: str) -> None:
    Path(path).write_bytes(data)
    with pytest.raises(FormatError) as caught:
        disk.read(path)
    assert caught.value.reason == reason
    assert path in str(caught.value)
    assert way in (caught.value.hint or "")
    with pytest.raises(FormatError):
        disk.write(path, tagged("a"))
    assert Path(path).read_bytes() == data


def test_a_newer_version_is_read_and_never_rewritten(path: str) -> None:
    newer = codec.encode(tagged("a").body, version=2)
    Path(path).write_bytes(newer)
    found = disk.read(path)
    assert found is not None
    assert found.keys("utag") == ["a"]
    for document in (found, tagged("b")):
        with pytest.raises(NewerVersionError, match="newer"):
            disk.write(path, document)
    assert Path(path).read_bytes() == newer


def test_damaged_bytes_are_kept_aside_once(path: str) -> None:
    for _ in range(2):
        Path(path).write_bytes(b"junk")
        kept = disk.set_aside(path)
        assert Path(kept).read_bytes() == b"junk"
        assert not os.path.exists(path)
    assert len(os.listdir(os.path.dirname(path))) == 1
    long = os.path.join(os.path.dirname(path), naming.sidecar_name("é" * 120 + ".jpg"))
    Path(long).write_bytes(b"junk")
    assert len(os.path.basename(disk.set_aside(long)).encode()) <= naming.NAME_LIMIT


def test_a_huge_file_is_refused_without_reading_it_all(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(FormatError):
        disk.read(path)
