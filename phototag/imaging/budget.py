"""How many pixels may be decoded at once in this process: large images wait for each other, small ones never notice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from phototag.imaging import formats

BYTES_A_PIXEL = 4
"""Pillow keeps RGB in four bytes."""
BUDGET_PX = 100_000_000
"""0.4 GB: eight 12-megapixel PNGs at once, or one panorama alone."""


class PixelBudget:
    """Lets callers through while the sum of their pixels fits; one that is larger than all of it goes alone."""

    def __init__(self, total_px: int = BUDGET_PX) -> None:
        self._total_px, self._used_px = total_px, 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, count_px: int) -> Iterator[None]:
        """Hold ``count_px`` of the budget while the block runs, waiting for it first."""
        with self._changed:
            self._changed.wait_for(lambda: self._used_px == 0 or self._used_px + count_px <= self._total_px)
            self._used_px += count_px
        try:
            yield
        finally:
            with self._changed:
                self._used_px -= count_px
                self._changed.notify_all()


DECODING = PixelBudget()
"""The budget of this process."""


def decoded_px(data: bytes, fmt: str, width_px: int, height_px: int, side_px: int) -> int:
    """Return about how many pixels of memory decoding takes, for a shorter side of at least ``side_px``.

    A baseline JPEG is scaled by 2, 4 or 8 while it is decoded; a progressive one keeps all its coefficients until
    then (3 bytes a pixel at 4:2:0).
    """
    full_px = width_px * height_px
    if fmt != formats.JPEG:
        return full_px
    factor = next((f for f in (8, 4, 2) if min(width_px, height_px) // f >= side_px), 1)
    progressive = b"\xff\xc2" in data[: 1 << 16]
    return full_px // factor**2 + (full_px * 3 // BYTES_A_PIXEL if progressive else 0)
