"""Two photos that look alike and are not the same: frames of a burst, a bracket, a RAW file and its JPEG.

What the camera wrote tells them from copies: a copy, scaled or encoded again, keeps the camera and the moment.
"""

from __future__ import annotations

import os
import re

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.index.reader import NO_INT, Index

RAW = "raw"
CLOCK_STEP_US = 15 * 60 * 1_000_000
"""Time zones lie whole quarters of an hour apart: such a difference is a clock that was set right, in one copy."""
_SECOND_US = 1_000_000
SAME_SECOND_BITS = 8
"""Pictures of one camera, size and second, numbered apart, are frames of a burst unless this few bits differ."""


class Shot(msgspec.Struct, frozen=True):
    """What the camera wrote about one image."""

    path: str
    format: str
    size_px: tuple[int, int]
    camera: str
    taken_us: int | None
    settings: tuple[float, ...]
    """Exposure in seconds, f-number, ISO; 0 where not known."""


class Shots:
    """The shots of an open index, made when first asked for."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._known: dict[int, Shot] = {}

    def __getitem__(self, row: int) -> Shot:
        """Return what the camera wrote about the image ``row``."""
        if row not in self._known:
            self._known[row] = self._shot(row)
        return self._known[row]

    def differ(self, one: int, other: int, bits: int) -> bool:
        """Say whether two images whose perceptual hashes differ in ``bits`` were two shots rather than one."""
        return differ(self[one], self[other], bits)

    def in_series(self, one: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which of ``rows`` the camera of ``one`` took at another moment; of ``differ`` the part that is quick."""
        taken, cameras = self._index.numbers("taken"), self._index.codes("camera").codes
        if taken[one] == NO_INT or cameras[one] < 0:
            return np.zeros(len(rows), np.bool_)
        known = (taken[rows] != NO_INT) & (cameras[rows] == cameras[one])
        apart = np.where(known, taken[rows] - taken[one], 0)
        series: npt.NDArray[np.bool_] = apart % CLOCK_STEP_US != 0
        return series

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
        )

    def _text(self, column: str, row: int) -> str:
        codes, values = self._index.codes(column)
        return values[codes[row]] if codes[row] >= 0 else ""


def differ(one: Shot, other: Shot, bits: int) -> bool:
    """Say whether two images whose perceptual hashes differ in ``bits`` were two shots rather than one."""
    if (one.format == RAW) != (other.format == RAW):
        return True  # a RAW file is the negative: its JPEG is no copy of it, wherever the two lie
    if _is_pair(one, other):
        return True
    if not one.camera or one.camera != other.camera or one.taken_us is None or other.taken_us is None:
        return False
    apart_us = abs(one.taken_us - other.taken_us)
    if apart_us % CLOCK_STEP_US:
        return True  # a burst, a series: one camera takes one picture at a time
    if any(a != b for a, b in zip(one.settings, other.settings, strict=True) if a and b):
        return True  # a bracket of exposures
    # Many cameras write whole seconds, and take several pictures in one.
    whole = one.taken_us % _SECOND_US == 0
    return (
        apart_us == 0
        and whole
        and one.size_px == other.size_px
        and _numbered_apart(one, other)
        and bits > SAME_SECOND_BITS
    )


def _is_pair(one: Shot, other: Shot) -> bool:
    """Say whether the two are one shot kept as RAW in two ways (CR2 and DNG): same folder and stem."""
    return one.format == RAW and _stem(one) == _stem(other) and _folder(one) == _folder(other)


def _numbered_apart(one: Shot, other: Shot) -> bool:
    """Say whether the names carry different numbers: ``IMG_0001`` and ``IMG_0002``, not ``IMG_0001`` and its ``(1)``."""
    a, b = (re.findall(r"\d{2,}", _stem(shot)) for shot in (one, other))
    return bool(a) and bool(b) and a != b


def _stem(shot: Shot) -> str:
    return os.path.splitext(os.path.basename(shot.path))[0].casefold()


def _folder(shot: Shot) -> str:
    return os.path.dirname(shot.path)
