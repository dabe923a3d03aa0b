"""``Row``: one line of the table; and the timing that every script shares."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One measured figure against its target."""

    name: str
    value: float
    limit: float
    unit: str = "x"
    """``x``: ratio to the peer; else what ``value`` and ``limit`` are in."""
    at_least: bool = False
    """The value must reach the limit, rather than stay below it."""
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Say whether the target is met."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call took."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def side_by_side(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    runs: int = 5,
    before: Callable[[], object] | None = None,
) -> tuple[float, float, float]:
    """Return the medians (seconds ours, seconds theirs, ratio pair by pair) of ``runs`` alternating runs.

    The ratio is taken within each pair, so that a drifting machine does not decide it. ``before`` runs ahead of each.
    """
    pairs: list[tuple[float, float]] = []
    for _ in range(runs):
        pair = []
        for call in (ours, theirs):
            if before is not None:
                before()
            pair.append(seconds(call))
        pairs.append((pair[0], pair[1]))
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    return mine, other, statistics.median(a / b for a, b in pairs)


def process(command: Sequence[str]) -> Callable[[], object]:
    """Return a call that runs ``command`` to its end, its output thrown away."""
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def largest_child_mib() -> float:
    """Return the peak resident memory of the largest process that this one started and that has ended, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
