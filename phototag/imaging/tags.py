"""A small, bounded reader of TIFF directories: only the tags that are asked for, no recursion, no seeking back.

About 0.05 ms a photo where Pillow's ``Exif`` takes 0.7 ms (docs: performance). Sizes and counts come from the file
and are never trusted: a value outside the block is left out, a directory is read once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

VALUE_LIMIT = 1 << 16
"""Bytes of one value that are read; nothing we ask for is longer."""
ENTRY_LIMIT = 1024

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_TEXT, _BYTES, _RATIONAL, _SIGNED_RATIONAL = 2, 7, 5, 10

Value = bytes | tuple[Any, ...]
"""Text and undefined: bytes as they stand. Rationals: pairs of int. Numbers: int or float."""


Values = Mapping[int, Value]


class Directory:
    """One TIFF block: where it starts and its byte order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        mark = data[:2]
        if mark == b"II":
            self.order = "<"
        elif mark == b"MM":
            self.order = ">"
        else:
            raise ValueError("not a TIFF block")
        self.first: int = struct.unpack_from(self.order + "I", data, 4)[0]
        self._entry = struct.Struct(self.order + "HHI4s")

    def read(self, at: int, wanted: Mapping[int, str] | frozenset[int]) -> dict[int, Value]:
        """Return the values of the ``wanted`` tags of the directory at ``at``; the first of a doubled tag."""
        data, found = self.data, {}
        if not 0 < at <= len(data) - 2:
            return {}
        count = min(struct.unpack_from(self.order + "H", data, at)[0], ENTRY_LIMIT, (len(data) - at - 2) // 12)
        for tag, kind, number, inline in self._entry.iter_unpack(data[at + 2 : at + 2 + 12 * count]):
            if tag in wanted and tag not in found:
                value = self._value(kind, number, inline)
                if value is not None:
                    found[tag] = value
        return found

    def _value(self, kind: int, number: int, inline: bytes) -> Value | None:
        width = _SIZES.get(kind)
        if width is None or number == 0:
            return None
        size = width * number
        if size <= 4:
            raw = inline[:size]
        else:
            start = struct.unpack(self.order + "I", inline)[0]
            raw = self.data[start : start + min(size, VALUE_LIMIT)]
            if len(raw) < size and (kind not in (_TEXT, _BYTES) or not raw):
                raw = raw[: len(raw) // width * width]
                if not raw or size <= VALUE_LIMIT:
                    return None
        if kind in (_TEXT, _BYTES):
            return raw
        if kind in (_RATIONAL, _SIGNED_RATIONAL):
            flat = struct.unpack(f"{self.order}{len(raw) // 4}{'i' if kind == _SIGNED_RATIONAL else 'I'}", raw)
            return tuple(zip(flat[::2], flat[1::2], strict=True))
        return struct.unpack(f"{self.order}{len(raw) // width}{_CODES[kind]}", raw)


def integer(values: Values, tag: int) -> int | None:
    """Return the first number of a tag as a whole one; None where it is no number."""
    value = values.get(tag)
    if isinstance(value, bytes) or not value:
        return None
    first = value[0]
    if isinstance(first, tuple):
        return first[0] // first[1] if first[1] else None
    return int(first) if math.isfinite(first) else None


def rational(values: Values, tag: int) -> tuple[int, int] | None:
    """Return the first rational exactly as written; None where it is no number."""
    value = values.get(tag)
    if isinstance(value, bytes) or not value:
        return None
    first = value[0]
    if isinstance(first, tuple):
        return first if first[1] else None
    return (first, 1) if isinstance(first, int) else None
