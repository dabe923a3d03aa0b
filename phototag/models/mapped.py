"""A graph file split without copying it: the small part to parse, and weights that ONNX Runtime maps where they lie.

ONNX Runtime reads the weights of a file through protobuf, copies them, and repacks them for its kernels: half a second
for a text tower of 250 MB, of which one query uses a tenth. ``slim`` gives the same graph with each large weight named
as external data at its offset in the very same file (onnx.proto3, ``TensorProto.external_data``), which is mapped.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

_GRAPH, _INITIALIZER = 7, 5
"""Field numbers: ``ModelProto.graph``, ``GraphProto.initializer``."""
_RAW_DATA, _EXTERNAL_DATA, _DATA_LOCATION = 9, 13, 14
"""Of ``TensorProto``."""
_EXTERNAL = 1
_SMALL = 4096
"""Weights up to so many bytes stay in the graph: shapes and scalars are read while it is loaded."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def slim(path: str) -> bytes:
    """Return the graph at ``path`` without its large weights. Raises ValueError where it is no graph, OSError."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        name = os.path.basename(path).encode()
        parts = []
        for field, begin, inside, end in _fields(data, 0, len(data)):
            if field == _GRAPH:
                parts.append(_message(_GRAPH, _slim_graph(data, inside, end, name)))
            else:
                parts.append(data[begin:end])
        return b"".join(parts)


def _slim_graph(data: mmap.mmap, start: int, stop: int, name: bytes) -> bytes:
    parts = []
    for field, begin, inside, end in _fields(data, start, stop):
        if field == _INITIALIZER and end - inside > _SMALL:
            parts.append(_message(_INITIALIZER, _slim_tensor(data, inside, end, name)))
        else:
            parts.append(data[begin:end])
    return b"".join(parts)


def _slim_tensor(data: mmap.mmap, start: int, stop: int, name: bytes) -> bytes:
    parts = []
    for field, begin, inside, end in _fields(data, start, stop):
        if field != _RAW_DATA:
            parts.append(data[begin:end])
            continue
        entries = {b"location": name, b"offset": b"%d" % inside, b"length": b"%d" % (end - inside)}
        for key, value in entries.items():
            parts.append(_message(_EXTERNAL_DATA, _message(1, key) + _message(2, value)))
        parts.append(_number(_DATA_LOCATION << 3 | _VARINT) + _number(_EXTERNAL))
    return b"".join(parts)


def _fields(data: mmap.mmap, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Give (field number, where it begins, where its content begins, where it ends) of a protobuf message."""
    while at < stop:
        begin = at
        key, at = _varint(data, at, stop)
        kind = key & 7
        if kind == _VARINT:
            inside, at = at, _varint(data, at, stop)[1]
        elif kind == _BYTES:
            length, inside = _varint(data, at, stop)
            at = inside + length
        elif kind in (_FIXED32, _FIXED64):
            inside, at = at, at + (4 if kind == _FIXED32 else 8)
        else:
            raise ValueError(f"no protobuf at byte {begin}")
        if at > stop:
            raise ValueError(f"cut short at byte {begin}")
        yield key >> 3, begin, inside, at


def _varint(data: mmap.mmap, at: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while at < stop and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(f"no number at byte {at}")


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(field: int, content: bytes) -> bytes:
    return _number(field << 3 | _BYTES) + _number(len(content)) + content
