"""A bounded, ordered pipeline: files are read ahead, worked on in threads, and handed back in their order.

Memory is bounded by ``budget_bytes`` of files in flight and ``ahead`` items, whatever the library's size. Order is
kept so that batches, and so the bytes of what is written, do not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import msgspec

from phototag.errors import ImageError, PhototagError

Item = TypeVar("Item")
Raw = TypeVar("Raw")
Out = TypeVar("Out")

READERS = 4
"""Threads that only read: they hide the latency of a NAS (162 us a cold file serially, 101 with four)."""


class Bounds(msgspec.Struct, frozen=True):
    """How much may be in flight."""

    threads: int
    ahead: int
    budget_bytes: int = 256 << 20


def bounds(threads: int = 0) -> Bounds:
    """Return bounds for ``threads`` workers, 0 for one a core."""
    count = (
        threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads or os.cpu_count() or 1
    )
    return Bounds(count, ahead=4 * count + 8)


class Outcome(msgspec.Struct, Generic[Item, Out], frozen=True):
    """What became of one item: a result, or the error that stopped it."""

    item: Item
    result: Out | None
    error: Exception | None = None


def run(
    items: Iterable[tuple[Item, int]],
    read: Callable[[Item], Raw],
    work: Callable[[Item, Raw], Out],
    limits: Bounds,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome[Item, Out]]:
    """Yield an outcome for each (item, bytes it will take), in order; after ``stop()`` no new item is begun.

    ``read`` and ``work`` run in threads; an exception of either becomes the item's outcome, never the run's.
    """
    with (
        ThreadPoolExecutor(READERS, thread_name_prefix="read") as readers,
        ThreadPoolExecutor(limits.threads, thread_name_prefix="work") as workers,
    ):
        flying: deque[tuple[Item, int, Future[Out]]] = deque()
        in_flight = 0
        source = iter(items)
        waiting = next(source, None)
        try:
            while waiting is not None or flying:
                while waiting is not None and not stop() and _fits(waiting[1], in_flight, len(flying), limits):
                    item, size = waiting
                    reading = readers.submit(read, item)
                    flying.append((item, size, workers.submit(_work, work, item, reading)))
                    in_flight += size
                    waiting = next(source, None)
                if not flying:
                    return  # stopped
                item, size, future = flying.popleft()
                try:
                    outcome = Outcome(item, future.result())
                except Exception as error:  # noqa: BLE001 - a poisoned image costs itself, not the run
                    outcome = Outcome[Item, Out](item, None, error)
                in_flight -= size
                yield outcome
        finally:
            for _, _, future in flying:
                future.cancel()


def _fits(size: int, in_flight: int, count: int, limits: Bounds) -> bool:
    """Say whether one more item fits; a single item over the budget goes through alone."""
    return count == 0 or (count < limits.ahead and in_flight + size <= limits.budget_bytes)


def _work(work: Callable[[Item, Raw], Out], item: Item, reading: Future[Raw]) -> Out:
    return work(item, reading.result())


def infer_each(infer: Callable[[Sequence[Item]], Sequence[Out]], batch: Sequence[Item]) -> list[Out | Exception]:
    """Return the result or the error of each item of ``batch``; a failing batch is halved down to the culprit.

    A PhototagError that is not about an image (damaged weights, no such device) is about the model: it is raised.
    """
    if not batch:
        return []
    try:
        return list(infer(batch))
    except Exception as error:  # whatever a runtime throws at one image
        if isinstance(error, PhototagError) and not isinstance(error, ImageError):
            raise
        if len(batch) == 1:
            return [error]
        half = len(batch) // 2
        return infer_each(infer, batch[:half]) + infer_each(infer, batch[half:])
