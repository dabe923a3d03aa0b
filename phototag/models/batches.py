"""Batches that shrink when the device is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def in_halves(
    run: Callable[[Sequence[In]], list[Out]], batch: Sequence[In], is_full: Callable[[Exception], bool]
) -> list[Out]:
    """Return ``run(batch)``; when the device is full, run both halves instead, down to single items.

    Results are concatenated in order. An item that does not fit alone raises what ``run`` raised.
    """
    try:
        return run(batch)
    except Exception as error:
        if len(batch) < 2 or not is_full(error):
            raise
    middle = len(batch) // 2
    return [*in_halves(run, batch[:middle], is_full), *in_halves(run, batch[middle:], is_full)]
