"""The journal: whole frames are read, torn and damaged ones are stepped over, nothing is rewritten."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag import fsio
from phototag.errors import WriteError
from phototag.library import journal
from phototag.library.operation import Operation
from tests.library.replicas import Replica


def operation(number: int) -> Operation:
    return Operation(number << 16, b"\x01" * 6, "test", f"number {number}")


THREE = b"".join(journal.frame(operation(n)) for n in (1, 2, 3))
SIZE = len(journal.frame(operation(1)))


def test_frames_come_back() -> None:
    assert list(journal.read_frames(THREE)) == [operation(1), operation(2), operation(3)]
    assert journal.damaged_bytes(THREE) == 0


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(THREE)))
def test_a_torn_tail_costs_only_the_torn_frame(end: int) -> None:
    assert [op.summary for op in journal.read_frames(THREE[:end])] == [f"number {n + 1}" for n in range(end // SIZE)]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(THREE) * 8 - 1))
def test_a_flipped_bit_costs_only_its_frame(bit: int) -> None:
    data = bytearray(THREE)
    data[bit // 8] ^= 1 << (bit % 8)
    read = [op.summary for op in journal.read_frames(bytes(data))]
    whole = [f"number {n + 1}" for n in range(3) if n != bit // 8 // SIZE]
    assert read == whole
    assert journal.damaged_bytes(bytes(data)) == SIZE


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash_and_hide_nothing_after_them(junk: bytes) -> None:
    assert [op.stamp for op in journal.read_frames(junk + THREE)][-3:] == [1 << 16, 2 << 16, 3 << 16]


def test_writing_goes_on_after_a_torn_tail(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 1)
    (log,) = (a.root / ".phototag/journal").rglob("*.log")
    whole = log.read_bytes()
    log.write_bytes(whole + whole[: len(whole) // 2])
    a.rate("x.jpg", 2)
    assert log.read_bytes().startswith(whole + whole[: len(whole) // 2])
    assert len(journal.operations(a.tree)) == 2
    assert a.rating("x.jpg") == 2


def test_a_full_disk_leaves_no_trace_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 1)
    (log,) = (a.root / ".phototag/journal").rglob("*.log")
    whole = log.read_bytes()
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 20:
            return real(fd, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        patch.setattr(fsio, "append", _append_by_pieces)
        with pytest.raises(WriteError, match="disk is full"):
            a.rate("x.jpg", 2)
    assert log.read_bytes() == whole
    assert a.rating("x.jpg") == 1


def _append_by_pieces(path: str, data: bytes) -> None:
    """Write a first piece, then find the disk full: what a real one does in the middle of a frame."""
    with open(path, "ab") as file:
        file.write(data[:20])
    raise fsio.explain(OSError(errno.ENOSPC, "No space left on device"), path)


def test_a_log_of_a_cloned_device_is_read_too(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    first = a.rate("x.jpg", 1)
    (log,) = (a.root / ".phototag/journal").rglob("*.log")
    copy = log.with_name(log.name.replace(".log", ".sync-conflict-20240501-101500-ABCDEFG.log"))
    copy.write_bytes(log.read_bytes() + journal.frame(operation(7)))
    assert {op.id for op in journal.operations(a.tree)} == {first.id, operation(7).id}


def test_logs_are_kept_by_month(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.image("x.jpg")
    a.rate("x.jpg", 1)
    a.wall.at_ms += 40 * 86_400_000
    a.rate("x.jpg", 2)
    names = [log.name for log in sorted((a.root / ".phototag/journal").rglob("*.log"))]
    assert names == ["2023-11.log", "2023-12.log"]
    assert [op.touched[0].changes[0].new_value for op in journal.operations(a.tree)] == [b"\x02", b"\x01"]
    assert journal.tail(a.tree, a.clock.device, (names[0], 0))[-1] == journal.operations(a.tree)[0]
