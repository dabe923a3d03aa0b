"""Two photos that look alike and are not the same: frames of a burst, a bracket, a series, a RAW file and its JPEG.

What the camera wrote tells them from copies: a copy, scaled or encoded again, keeps the camera and the moment, and in
the folder of its original the number.
"""

from __future__ import annotations

import functools
import os
import re
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.index.reader import NO_INT, Index

RAW = "raw"
CLOCK_STEP_US = 15 * 60 * 1_000_000
"""Time zones lie whole quarters of an hour apart: such a difference is a clock that was set right, in one copy."""
DAY_US = 24 * 3600 * 1_000_000
"""No two places' clocks differ by so much that a camera at noon every day would be one clock set right."""
_SECOND_US = 1_000_000
SAME_SECOND_BITS = 8
"""Pictures of one camera, size and second, numbered apart, are frames of a burst unless this few bits differ."""
MOST_IN_A_SECOND = 100
"""A camera that counted on by no more than this took the two in one second; one saved anew has a number far away."""
MOST_MISSING = 10
"""Numbers of a series in a folder follow each other without a greater step: photos that were deleted leave gaps."""


class Shot(msgspec.Struct, frozen=True):
    """What the camera wrote about one image."""

    path: str
    format: str
    size_px: tuple[int, int]
    camera: str
    taken_us: int | None
    settings: tuple[float, ...]
    """Exposure in seconds, f-number, ISO; 0 where not known."""
    frames: int = 1
    """More than one in an animation, and in a TIFF of several pages."""
    run: int = -1
    """Which files its folder numbers on without a great gap; -1: none."""


class Name(NamedTuple):
    """What the name of a file says of its place in a series: ``2024/IMG_0001.jpg``."""

    folder: str
    stem: str
    numbers: tuple[str, ...]
    """All of two digits and more."""
    series: tuple[str, int, str] | None
    """What stands before the counter, its digits, and what stands after; None without a counter."""
    counter: int


class Shots:
    """The shots of the images ``rows`` of an open index."""

    def __init__(self, index: Index, rows: npt.NDArray[np.int64]) -> None:
        self._index = index
        self._known: dict[int, Shot] = {}
        self._numbers, self._series, self._counters, self._runs = np.full((4, index.size), -1, np.int32)
        self._read_names(rows)

    def __getitem__(self, row: int) -> Shot:
        """Return what the camera wrote about the image ``row``."""
        if row not in self._known:
            self._known[row] = self._shot(row)
        return self._known[row]

    def differ(self, one: int, other: int, bits: int) -> bool:
        """Say whether two images whose perceptual hashes differ in ``bits`` were two shots rather than one."""
        return differ(self[one], self[other], bits)

    def in_series(self, one: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which of ``rows`` time and number tell from ``one``; of ``differ`` the part that is quick."""
        taken, cameras = self._index.numbers("taken"), self._index.codes("camera").codes
        known = (taken[rows] != NO_INT) & (cameras[rows] >= 0) & (taken[one] != NO_INT) & (cameras[one] >= 0)
        apart_us = np.where(known, np.abs(taken[rows] - taken[one]), 0)
        numbers = self._numbers[rows]
        renumbered = (numbers >= 0) & (self._numbers[one] >= 0) & (numbers != self._numbers[one])
        same_camera = cameras[rows] == cameras[one]
        clock = same_camera & (apart_us % CLOCK_STEP_US == 0) & (apart_us < DAY_US) & ~renumbered
        counted = np.where(
            self._series[rows] == self._series[one], np.abs(self._counters[rows] - self._counters[one]), 0
        )
        at_once = same_camera & (apart_us == 0) & (counted <= MOST_IN_A_SECOND)
        numbered = np.where(known, at_once, (self._runs[rows] == self._runs[one]) & (self._runs[one] >= 0))
        found: npt.NDArray[np.bool_] = ((apart_us > 0) & ~clock) | ((counted > 0) & numbered)
        return found

    def _read_names(self, rows: npt.NDArray[np.int64]) -> None:
        """Take from the names what tells images apart, as numbers that can be compared."""
        codes: dict[object, int] = {}
        folders = np.zeros(len(rows), np.int32)
        for at, (row, path) in enumerate(zip(rows.tolist(), self._index.paths(rows), strict=True)):
            name = name_of(path)
            folders[at] = codes.setdefault(name.folder, len(codes))
            if name.numbers:
                self._numbers[row] = codes.setdefault(name.numbers, len(codes))
            if name.series:
                self._series[row], self._counters[row] = codes.setdefault(name.series, len(codes)), name.counter
        series, counters = self._series[rows], self._counters[rows]
        order = np.lexsort((counters, series, folders))
        order = order[series[order] >= 0]
        steps = np.abs(np.diff(np.stack([folders, series, counters])[:, order]))
        self._runs[rows[order]] = np.cumsum(np.append(0, (steps > [[0], [0], [MOST_MISSING]]).any(axis=0)))[
            : len(order)
        ]

    def _shot(self, row: int) -> Shot:
        index = self._index
        taken = int(index.numbers("taken")[row])
        width, height = (max(0, int(index.numbers(name)[row])) for name in ("width", "height"))
        iso = int(index.numbers("iso")[row])
        exposure_s, fnumber = (float(np.nan_to_num(index.numbers(name)[row])) for name in ("exposure_s", "fnumber"))
        return Shot(
            index.path(row),
            self._text("format", row),
            (width, height),
            self._text("camera", row),
            None if taken == NO_INT else taken,
            (exposure_s, fnumber, float(max(0, iso))),
            max(1, int(index.numbers("frames")[row])),
            int(self._runs[row]),
        )

    def _text(self, column: str, row: int) -> str:
        codes, values = self._index.codes(column)
        return values[codes[row]] if codes[row] >= 0 else ""


def differ(one: Shot, other: Shot, bits: int) -> bool:
    """Say whether two images whose perceptual hashes differ in ``bits`` were two shots rather than one."""
    if (one.format == RAW) != (other.format == RAW):
        return True  # a RAW file is the negative: its JPEG is no copy of it, wherever the two lie
    if one.frames > 1 or other.frames > 1:
        return True  # the hash sees the first: an animation is not that picture, nor another animation that begins so
    a, b = name_of(one.path), name_of(other.path)
    if one.format == RAW and _are_made_of_one(a, b):
        return True
    if not one.camera or not other.camera or one.taken_us is None or other.taken_us is None:
        # Nothing tells when. What counts on in a folder is a series: frames of a film, a roll of scanned negatives.
        return one.run == other.run >= 0 and counted(a, b) > 0
    same_camera, apart_us = one.camera == other.camera, abs(one.taken_us - other.taken_us)
    if apart_us and not (same_camera and _is_clock(apart_us) and not _numbered_apart(a, b)):
        return True  # a burst, a series, a time-lapse: one camera takes one picture at a time
    if not same_camera:
        return False
    if any(a != b for a, b in zip(one.settings, other.settings, strict=True) if a and b):
        return True  # a bracket of exposures
    if apart_us:
        return False
    if 0 < counted(a, b) <= MOST_IN_A_SECOND:
        return True  # a burst, a stack of focus: hashes of such frames may well be equal
    # Many cameras write whole seconds, and take several pictures in one.
    whole = one.taken_us % _SECOND_US == 0
    return whole and one.size_px == other.size_px and _numbered_apart(a, b) and bits > SAME_SECOND_BITS


@functools.lru_cache(maxsize=1 << 12)
def name_of(path: str) -> Name:
    """Return what the name of the file at ``path`` says."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0].casefold()
    found = list(_NUMBER.finditer(stem))
    numbers = tuple(match[0] for match in found)
    if not found or len(found[-1][0]) > _MOST_DIGITS:
        return Name(folder, stem, numbers, None, 0)
    last = found[-1]
    return Name(folder, stem, numbers, (stem[: last.start()], len(last[0]), stem[last.end() :]), int(last[0]))


_NUMBER = re.compile(r"[0-9]{2,}")
"""Two digits at least: ``IMG_1 (2)`` and ``IMG_1-3`` are copies, and versions of one photo."""
_MOST_DIGITS = 7
"""Of a counter; more are a date, or a name that a service gave."""
_MADE = re.compile(r"[-_ ]+(?!copy\b)[a-z].*")
"""What a program appends to the name of a RAW file for another that it makes of it: ``IMG_1-HDR``, ``IMG_1-Enhanced-NR``."""


def counted(one: Name, other: Name) -> int:
    """Return how far the counters of two names lie apart; 0 where the names do not belong to one series."""
    return abs(one.counter - other.counter) if one.series is not None and one.series == other.series else 0


def _numbered_apart(one: Name, other: Name) -> bool:
    """Say whether the names carry different numbers: ``IMG_0001`` and ``IMG_0002``, not ``IMG_0001`` and its ``(1)``."""
    return bool(one.numbers) and bool(other.numbers) and one.numbers != other.numbers


def _is_clock(apart_us: int) -> bool:
    """Say whether two moments may be one, by clocks of two time zones."""
    return apart_us % CLOCK_STEP_US == 0 and apart_us < DAY_US


def _are_made_of_one(one: Name, other: Name) -> bool:
    """Say whether two RAW files are one shot kept in two ways (CR2 and DNG), or one was made of the other (HDR)."""
    if one.stem == other.stem:
        return one.folder == other.folder
    short, long = sorted((one.stem, other.stem), key=len)
    return long.startswith(short) and _MADE.fullmatch(long[len(short) :]) is not None
