"""Arrow columns as numpy sees them: views of the mapped buffers, without a copy.

pyarrow's own way (``to_numpy``, ``take``, ``fill_null``) imports ``pyarrow.compute`` and, where it is installed,
pandas: 0.15 s that a query in a fresh process does not have to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]

_DTYPES: dict[str, type[np.generic]] = {
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "float": np.float32,
    "double": np.float64,
    "timestamp[us]": np.int64,
}


def dtype_of(kind: pa.DataType) -> type[np.generic]:
    """Return the numpy type of the values of a column of fixed width; of a timestamp its microseconds."""
    return _DTYPES[str(kind)]


def values(array: pa.Array) -> npt.NDArray[Any]:
    """Return the values of a column of fixed width as a view; where null they mean nothing. Booleans are unpacked."""
    data = array.buffers()[1]
    if pa.types.is_boolean(array.type):
        return _bits(data, array)
    kind = np.dtype(dtype_of(array.type))
    if data is None or not len(array):
        return np.zeros(len(array), kind)
    return np.frombuffer(data, kind, count=len(array), offset=array.offset * kind.itemsize)


def valid(array: pa.Array) -> Mask | None:
    """Return which values are not null; None where all are there."""
    if not array.null_count:
        return None
    return _bits(array.buffers()[0], array)


def texts(array: pa.Array, at: npt.NDArray[np.integer[Any]]) -> list[str]:
    """Return the texts of a column of strings at some rows; an empty one where null."""
    ends, data = _strings(array)
    return [str(data[ends[row] : ends[row + 1]], "utf-8") for row in at.tolist()]


def find(array: pa.Array, wanted: str, first: int, count: int) -> Iterator[int]:
    """Yield those of the ``count`` rows from ``first`` on whose text is ``wanted``."""
    ends, data = _strings(array)
    needle = wanted.encode()
    if not needle:  # is at every place, also behind the last
        yield from (first + np.flatnonzero(ends[first : first + count] == ends[first + 1 : first + count + 1])).tolist()
        return
    low, high = int(ends[first]), int(ends[first + count])
    held = bytes(data[low:high])
    at = held.find(needle)
    while at >= 0:
        row = int(np.searchsorted(ends, low + at, "right")) - 1
        if ends[row] == low + at and ends[row + 1] - ends[row] == len(needle):
            yield row
        at = held.find(needle, at + 1)


def heads(array: pa.Array, size: int) -> npt.NDArray[np.uint8]:
    """Return the first ``size`` bytes of each value of a binary column, (n, size); zeros where it is shorter or null."""
    ends, data = _strings(array)
    out = np.zeros((len(array), size), np.uint8)
    lengths = np.diff(ends)
    raw = np.frombuffer(data, np.uint8)
    full = np.flatnonzero(lengths >= size)
    out[full] = raw[ends[:-1][full, None] + np.arange(size)]
    for row in np.flatnonzero((lengths > 0) & (lengths < size)).tolist():
        out[row, : lengths[row]] = raw[ends[row] : ends[row + 1]]
    return out


def rows_of(rows: npt.NDArray[np.uint32]) -> pa.Array:
    """Return row numbers as an Arrow array."""
    return pa.Array.from_buffers(pa.uint32(), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows, np.uint32))])


def _strings(array: pa.Array) -> tuple[npt.NDArray[np.int32], memoryview]:
    """Return where each value begins, one more for the end, and the bytes of all."""
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return np.zeros(len(array) + 1, np.int32), memoryview(b"")
    ends = np.frombuffer(offsets, np.int32, count=len(array) + 1, offset=array.offset * 4)
    return ends, memoryview(b"" if data is None else data)


def _bits(data: pa.Buffer | None, array: pa.Array) -> Mask:
    if data is None or not len(array):
        return np.zeros(len(array), np.bool_)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=array.offset + len(array), bitorder="little")
    return bits[array.offset :].view(np.bool_)
