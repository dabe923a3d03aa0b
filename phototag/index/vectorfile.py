"""Vector files: a FAISS fp16 flat index whose codes are the sidecars' own bytes, written as they come.

The half floats of an ``emb`` register are what FAISS's fp16 scalar quantiser stores, so nothing is converted
(0.2 us a vector against 3.2 through float32). The file is a FAISS index file: ``faiss.read_index`` opens it.
"""

from __future__ import annotations

import struct
from array import array
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag import fsio

_HEADER = struct.Struct("<4siqqqBiiifQQQQ")
"""FAISS's: code, dimension, vectors, two unused, trained, metric; quantiser: type, range and its argument, dimension,
bytes a code, length of what it learnt; length of the codes."""
_UNUSED, _INNER_PRODUCT, _FP16 = 1 << 20, 0, 4
_FLUSH_BYTES = 4 << 20


def flat(dim: int) -> Any:
    """Return an empty fp16 flat index: inner product, which is the cosine of normalised vectors."""
    import faiss

    return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def header(dim: int, count: int) -> bytes:
    """Return the bytes that stand before ``count`` codes in a FAISS file of this kind; importing FAISS takes 0.2 s."""
    return _HEADER.pack(
        b"IxSQ", dim, count, _UNUSED, _UNUSED, 1, _INNER_PRODUCT, _FP16, 0, 0.0, dim, 2 * dim, 0, count * 2 * dim
    )


class VectorWriter:
    """One growing vector file; the count is put into its header at the end. Every method raises WriteError."""

    def __init__(self, path: str, dim: int) -> None:
        self.path, self.dim = path, dim
        self.rows = array("I")
        self._pending: list[bytes] = []
        try:
            self._sink = pa.OSFile(path, "wb")
        except OSError as error:
            raise fsio.explain(error, path) from error
        self._write(header(dim, 0))

    def add(self, row: int, codes: bytes) -> None:
        """Append one vector's half floats."""
        self.rows.append(row)
        self._pending.append(codes)
        if len(self._pending) * self.dim * 2 >= _FLUSH_BYTES:
            self._flush()

    def add_many(self, rows: npt.NDArray[np.uint32], codes: npt.NDArray[np.uint8]) -> None:
        """Append many vectors, (n, 2 * dim) bytes."""
        self._flush()
        self.rows.frombytes(rows.astype(np.uint32).tobytes())
        self._write(np.ascontiguousarray(codes).data)

    def close(self) -> None:
        """Write what is pending and the count."""
        self._flush()
        try:
            self._sink.close()
            with pa.memory_map(self.path, "r+") as file:
                file.seek(0)
                file.write(header(self.dim, len(self.rows)))
        except OSError as error:
            raise fsio.explain(error, self.path) from error

    def abandon(self) -> None:
        """Close the file of a segment that will not be used."""
        self._sink.close()

    def _flush(self) -> None:
        if self._pending:
            self._write(b"".join(self._pending))
            self._pending.clear()

    def _write(self, data: bytes | memoryview) -> None:
        try:
            self._sink.write(data)
        except OSError as error:
            raise fsio.explain(error, self.path) from error
