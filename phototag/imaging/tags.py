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
BLOCK_LIMIT = 1 << 20
ENTRY_LIMIT = 1024

_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_SIZES = {2: 1, 5: 8, 7: 1, 10: 8, 129: 1} | {kind: struct.calcsize("<" + code) for kind, code in _CODES.items()}
_TEXT, _BYTES, _RATIONAL, _SIGNED_RATIONAL, _UTF8 = 2, 7, 5, 10, 129
_PLAIN = (_TEXT, _BYTES, _UTF8)
"""Kinds whose bytes are handed out as they stand; 129 came with EXIF 3.0."""
_BLOCKS = frozenset({0x02BC, 0x83BB})
"""XMP and IPTC: blocks with a format of their own, handed out as bytes whatever kind of number the file calls them."""
_BIG = 43
"""The version of a BigTIFF: 64-bit offsets and counts."""

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
        big = struct.unpack_from(self.order + "H", data, 2)[0] == _BIG
        self._offset = struct.Struct(self.order + ("Q" if big else "I"))
        self._count = struct.Struct(self.order + ("Q" if big else "H"))
        self._entry = struct.Struct(self.order + ("HHQ8s" if big else "HHI4s"))
        self.first: int = self._offset.unpack_from(data, 8 if big else 4)[0]

    def read(self, at: int, wanted: Mapping[int, str] | frozenset[int]) -> dict[int, Value]:
        """Return the values of the ``wanted`` tags of the directory at ``at``; the first of a doubled tag."""
        data, found = self.data, {}
        first, step = at + self._count.size, self._entry.size
        if not 0 < at <= len(data) - self._count.size:
            return {}
        count = min(self._count.unpack_from(data, at)[0], ENTRY_LIMIT, (len(data) - first) // step)
        for tag, kind, number, inline in self._entry.iter_unpack(data[first : first + step * count]):
            if tag in wanted and tag not in found:
                value = self._value(tag, kind, number, inline)
                if value is not None:
                    found[tag] = value
        return found

    def _value(self, tag: int, kind: int, number: int, inline: bytes) -> Value | None:
        width = _SIZES.get(kind)
        if width is None or number == 0:
            return None
        size = width * number
        plain = kind in _PLAIN or tag in _BLOCKS
        if size <= len(inline):
            raw = inline[:size]
        else:
            start = self._offset.unpack(inline)[0]
            limit = BLOCK_LIMIT if tag in _BLOCKS else VALUE_LIMIT
            raw = self.data[start : start + min(size, limit)]
            if len(raw) < size and not (plain and raw):
                raw = raw[: len(raw) // width * width]
                if not raw or size <= limit:
                    return None
        if plain:
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
