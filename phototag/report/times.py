"""When the photos of a cluster were taken: bars by month, year, decade or century, and the labels that fit below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.report.bars import Bar
from phototag.wording import count_text

Moments = npt.NDArray[np.datetime64]

MONTHS_MOST, BARS_MOST = 48, 40
"""Photos of fewer months than this are shown by month; of up to so many years by year, and so on."""
FAR_YEARS, FEW_SHARE = 100, 0.05
"""Dates so far from all others, and so few, are mistakes of a camera: one of the year 9999 would squeeze the rest."""
WIDTHS = {"narrow": 7, "medium": 13, "wide": 24}
"""Labels that fit below the bars, by the width of the page (report.css)."""
COLUMNS_LEAST = 12
STEPS, MONTH_STEPS, YEARS = (1, 2, 5, 10, 20, 50), (1, 2, 3, 6), (12,)
"""Of labels: years, decades and centuries; months of one year; months of several."""


class Tick(msgspec.Struct, frozen=True):
    """A label below the bars."""

    column: int
    """From 1 on."""
    text: str
    widths: str
    """Those of WIDTHS at which there is room for it, as classes of the style sheet."""


class Histogram(msgspec.Struct, frozen=True):
    """Photos by month, year, decade or century."""

    unit: str
    bars: list[Bar]
    first: str
    last: str
    ticks: list[Tick]
    left_out: str = ""
    """What is said of photos whose dates are too far from all others."""


def histogram(taken: Moments) -> Histogram | None:
    """Return the bars of the dates ``taken``; None where nothing is dated."""
    if len(taken) < 2:
        return None
    months = _months(taken)
    kept = _near(months)
    near = months[kept]
    unit, size = _unit(near)
    steps = near // size
    first, last = int(steps[0]), int(steps[-1])
    if unit == "month":
        first, last = first // 12 * 12, last // 12 * 12 + 11  # whole years, so that summers stand at the same place
    counts = np.bincount(steps - first, minlength=last - first + 1).tolist()
    names = [_name(unit, step * size) for step in range(first, last + 1)]
    highest = max(counts)
    bars = [Bar(name, f"{count:,}", count / highest) for name, count in zip(names, counts, strict=True)]
    return Histogram(unit, bars, names[0], names[-1], _ticks(unit, first, names), _left_out(months, kept))


def years(taken: Moments) -> str:
    """Return ``2019`` or ``2019–2024``, without dates too far from all others; empty where nothing is dated."""
    if not len(taken):
        return ""
    months = _months(taken)
    near = months[_near(months)] // 12
    first, last = f"{near[0]:04}", f"{near[-1]:04}"
    return first if first == last else f"{first}–{last}"


def _months(taken: Moments) -> npt.NDArray[np.int64]:
    """Return the months of ``taken`` since the year 0, sorted."""
    found: npt.NDArray[np.int64] = np.sort(taken.astype("datetime64[M]").astype(np.int64)) + 1970 * 12
    return found


def _near(months: npt.NDArray[np.int64]) -> slice:
    """Return which of ``months`` (sorted) are not far from all others."""
    n = len(months)
    few = max(1, int(n * FEW_SHARE))
    ends = np.flatnonzero(np.diff(months) > FAR_YEARS * 12) + 1
    start = max((int(at) for at in ends if at <= few), default=0)
    stop = min((int(at) for at in ends if n - at <= few), default=n)
    return slice(start, stop) if stop - start > n / 2 else slice(0, n)


def _unit(months: npt.NDArray[np.int64]) -> tuple[str, int]:
    """Return the unit that makes a readable number of bars, and its months."""
    span = int(months[-1] - months[0])
    if span < MONTHS_MOST:
        return "month", 1
    for unit, years in (("year", 1), ("decade", 10)):
        if span < BARS_MOST * years * 12:
            return unit, years * 12
    return "century", 1200


def _name(unit: str, month: int) -> str:
    year = month // 12
    if unit == "month":
        return f"{year:04}-{month % 12 + 1:02}"
    return f"{year:04}" if unit == "year" else f"{year}s" if unit == "decade" else f"{year}-{year + 99}"


def _ticks(unit: str, first: int, names: Sequence[str]) -> list[Tick]:
    """Return the labels: as many as fit at each width, at round numbers."""
    columns = max(len(names), COLUMNS_LEAST)
    steps = STEPS if unit != "month" else MONTH_STEPS if len(names) <= 12 else YEARS
    widths: dict[int, list[str]] = {}
    for width, most in WIDTHS.items():
        step = next((step for step in steps if step * most >= columns), steps[-1])
        for at in range(len(names)):
            if (first + at) % step == 0 and (columns - at) * most >= columns:  # else it would stand out of the page
                widths.setdefault(at, []).append(width)
    return [Tick(at + 1, _text(unit, names[at]), " ".join(widths[at])) for at in sorted(widths)]


def _text(unit: str, name: str) -> str:
    if unit == "month":
        return name[:4] if name.endswith("-01") else name[5:]
    return name.partition("-")[0]


def _left_out(months: npt.NDArray[np.int64], kept: slice) -> str:
    far: Any = np.concatenate([months[: kept.start], months[kept.stop :]]) // 12
    if not len(far):
        return ""
    years = list(dict.fromkeys(far.tolist()))
    dated = str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"
    return f"{count_text(len(far), 'photo')} dated {dated} {'is' if len(far) == 1 else 'are'} left out here."
