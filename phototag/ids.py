"""Stamps, device ids and random ids: how one edit is told from another without a clock that anyone trusts."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import msgspec

STAMP_LIMIT = 1 << 62
"""Stamps at or above this are refused: room for milliseconds << 16 until the year 6429, and never a sign bit."""

DEVICE_BYTES = 6
MACHINE = b""
"""The device of a register that a machine computed: equal results on two machines are then equal bytes."""

_DEVICE_TEXT = re.compile(r"[0-9a-f]{12}\Z")


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Clock(msgspec.Struct, frozen=True):
    """Who is speaking and when: the device id (6 bytes) and a source of milliseconds, replaceable in tests."""

    device: bytes
    now_ms: Callable[[], int] = now_ms

    def stamp_after(self, highest_seen: int) -> int:
        """Return a stamp for a person's edit made after seeing ``highest_seen``.

        ``max(now_ms << 16, highest_seen + 1)``: an edit made after seeing a value wins whatever the clock skew
        (hybrid logical clock, Kulkarni et al. 2014).
        """
        return max(self.now_ms() << 16, highest_seen + 1)


def stamp_ms(stamp: int) -> int:
    """Return the milliseconds since 1970 held in a person's ``stamp``."""
    return stamp >> 16


def random_hex(count: int) -> str:
    """Return ``count`` random bytes as lower-case hex."""
    return os.urandom(count).hex()


def new_device() -> bytes:
    """Return a fresh device id: 6 random bytes, not derived from hardware or host name."""
    return os.urandom(DEVICE_BYTES)


def is_device_text(text: str) -> bool:
    """Say whether ``text`` is a device id in hex, as journal folders are named."""
    return _DEVICE_TEXT.match(text) is not None
