"""Building segments out of folders: in this process while there is little to read, else in several."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterable
from typing import IO

import msgspec

from phototag import garbage, workers
from phototag.errors import PhototagError
from phototag.ids import random_hex
from phototag.index.manifest import SegmentInfo
from phototag.index.segment import SegmentWriter
from phototag.index.source import FolderJob, read_into
from phototag.sidecar.registers import Document

_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""One allocator for everything in a worker: 50 MB less than Arrow's own beside the system's, and quicker."""
ALONE_BELOW = 4_000
"""Sidecars that are read in this process: starting others costs 0.4 s."""

Progress = Callable[[int], None]
"""Told how many more images are done."""


class Start(msgspec.Struct, frozen=True):
    """The first message to a worker."""

    folder: bytes
    segment: str
    purges: bytes


class Done(msgspec.Struct, frozen=True):
    """The last message of a worker: its segment, or why there is none."""

    segment: SegmentInfo | None = None
    error: str = ""
    hint: str | None = None


def new_segment_name() -> str:
    """Return a name that no segment has had."""
    return f"segment-{random_hex(6)}"


def build(
    folder: str, jobs: Iterable[FolderJob], purges: Document, *, progress: Progress | None = None, workers: int = 0
) -> list[SegmentInfo]:
    """Read all ``jobs`` into new segments in ``folder``; several where there is much to read. Raises PhototagError.

    ``workers`` is the number of processes, 0: one a core, at least two so that one waits for the disk while the
    other decodes.
    """
    stream = iter(jobs)
    first: list[FolderJob] = []
    total = 0
    for work in stream:
        first.append(work)
        total += len(work.wanted.sidecars)
        if total >= ALONE_BELOW:
            break
    if total < ALONE_BELOW:
        return build_here(folder, first, purges, progress=progress) if first else []
    count = workers or min(4, max(2, os.cpu_count() or 2))
    return _build_in_processes(folder, itertools.chain(first, stream), purges, progress or (lambda n: None), count)


def build_here(
    folder: str, jobs: Iterable[FolderJob], purges: Document, *, progress: Progress | None = None
) -> list[SegmentInfo]:
    """Read all ``jobs`` into one new segment, in this process."""
    writer = SegmentWriter(folder, new_segment_name())
    try:
        with garbage.uncollected():
            for work in jobs:
                read_into(writer, work, purges)
                if progress is not None:
                    progress(len(work.wanted.sidecars))
        return [writer.finish()]
    except BaseException:
        with contextlib.suppress(PhototagError):
            writer.abandon()
        raise


def send(pipe: IO[bytes], value: object) -> None:
    """Write one message, as MessagePack."""
    workers.send(pipe, msgspec.msgpack.encode(value))


def _build_in_processes(
    folder: str, jobs: Iterable[FolderJob], purges: Document, progress: Progress, count: int
) -> list[SegmentInfo]:
    """Hand the folders out to worker processes as each gets free; every worker writes its own segment."""
    tasks: queue.Queue[FolderJob | None] = queue.Queue(maxsize=4 * count)
    stop = threading.Event()
    hands = [_Hand(folder, purges, tasks, progress, stop) for _ in range(count)]
    for hand in hands:
        hand.start()
    try:
        for work in jobs:
            while not stop.is_set():
                with contextlib.suppress(queue.Full):
                    tasks.put(work, timeout=0.2)
                    break
        for _ in hands:
            while not stop.is_set():
                with contextlib.suppress(queue.Full):
                    tasks.put(None, timeout=0.2)
                    break
    except BaseException:
        stop.set()
        raise
    finally:
        for hand in hands:
            hand.join()
    for hand in hands:
        if hand.failure is not None:
            raise hand.failure
    return [hand.done.segment for hand in hands if hand.done is not None and hand.done.segment is not None]


class _Hand(threading.Thread):
    """One worker process and the thread that feeds it."""

    def __init__(
        self,
        folder: str,
        purges: Document,
        tasks: queue.Queue[FolderJob | None],
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self.start_message = Start(os.fsencode(folder), new_segment_name(), purges.encode())
        self.tasks, self.progress, self.stop = tasks, progress, stop
        self.done: Done | None = None
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with workers.started("phototag.index.worker", _LEAN) as worker:
                self._talk(worker.jobs, worker.answers)
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread
            self.failure = error
        if self.failure is not None:
            self.stop.set()

    def _talk(self, pipe: IO[bytes], answers: IO[bytes]) -> None:
        try:
            send(pipe, self.start_message)
            waiting = 0
            while (work := self._next()) is not None:
                send(pipe, work)
                waiting += 1
                if waiting > 2:  # keep two folders in flight, so that the worker never waits for us
                    waiting -= self._acknowledged(answers)
            if self.stop.is_set():
                return  # the closed pipe tells the worker to give up
            send(pipe, None)
            while waiting:
                waiting -= self._acknowledged(answers)
            last = workers.receive(answers)
        except BrokenPipeError as error:
            raise PhototagError("a worker that reads sidecars stopped", hint="run the command again") from error
        if last is None:
            raise PhototagError("a worker that reads sidecars stopped", hint="run the command again")
        self.done = msgspec.msgpack.decode(last, type=Done)
        if self.done.error:
            raise PhototagError(self.done.error, hint=self.done.hint)

    def _next(self) -> FolderJob | None:
        while not self.stop.is_set():
            with contextlib.suppress(queue.Empty):
                return self.tasks.get(timeout=0.2)
        return None

    def _acknowledged(self, answers: IO[bytes]) -> int:
        data = workers.receive(answers)
        if data is None:
            raise BrokenPipeError
        answer = msgspec.msgpack.decode(data, type=int | Done)
        if isinstance(answer, Done):
            raise PhototagError(answer.error, hint=answer.hint)
        self.progress(answer)
        return 1
