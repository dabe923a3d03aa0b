"""A segment opened for reading: its tables mapped into memory, nothing read before it is asked for."""

from __future__ import annotations

import mmap
import os
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag.index import columns
from phototag.index.manifest import IndexDamagedError, SegmentInfo, VectorInfo, check_file
from phototag.index.parts import FOLDERS_FILE, FolderPart
from phototag.index.spelling import path_columns

_parts_decoder = msgspec.msgpack.Decoder(list[FolderPart])


class Segment:
    """One segment. Rows are counted from 0 in it."""

    def __init__(self, parent: str, info: SegmentInfo, *, thorough: bool = False) -> None:
        """Open the segment; with ``thorough`` every byte is checked. Raises IndexDamagedError."""
        self.info = info
        self.folder = os.path.join(parent, info.name)
        self._tables: dict[str, pa.Table] = {}
        self._codes: dict[str, npt.NDArray[np.uint8]] = {}
        self._maps: dict[str, mmap.mmap] = {}
        for stamp in info.files:
            check_file(self.folder, stamp, thorough=thorough)

    @cached_property
    def dead(self) -> npt.NDArray[np.uint32]:
        """Return the rows that do not count any more, sorted."""
        return np.frombuffer(self.info.dead, np.uint32)

    @cached_property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows that count."""
        mask = np.ones(self.info.rows, np.bool_)
        mask[self.dead] = False
        return mask

    def table(self, name: str) -> pa.Table:
        """Return the table ``<name>.arrow``, mapped."""
        if name not in self._tables:
            path = os.path.join(self.folder, name + ".arrow")
            try:
                self._tables[name] = pa.ipc.open_file(pa.memory_map(path)).read_all()
            except (OSError, pa.ArrowInvalid) as error:
                raise IndexDamagedError(f"the index is damaged: {name}.arrow cannot be read") from error
        return self._tables[name]

    def map_all(self) -> None:
        """Map every table now: what is mapped stays readable when a refresh removes the files."""
        for stamp in self.info.files:
            if stamp.name.endswith(".arrow"):
                self.table(stamp.name.removesuffix(".arrow"))
        for vectors in (*self.info.vectors, *self.info.face_vectors):
            self.codes(vectors)
        self._map(FOLDERS_FILE)

    @property
    def images(self) -> pa.Table:
        """Return the table of images."""
        return self.table("images")

    def array(self, table: str, column: str) -> npt.NDArray[Any]:
        """Return a column without nulls as a numpy array, without a copy."""
        held = self.table(table).column(column)
        return columns.values(held.chunk(0)) if held.num_chunks else np.zeros(0, columns.dtype_of(held.type))

    def codes(self, vectors: VectorInfo) -> npt.NDArray[np.uint8]:
        """Return the (n, 2 * dim) bytes of a vector file, mapped."""
        if vectors.file not in self._codes:
            self._codes[vectors.file] = self._map_codes(vectors)
        return self._codes[vectors.file]

    def _map_codes(self, vectors: VectorInfo) -> npt.NDArray[np.uint8]:
        if vectors.count == 0:
            return np.zeros((0, 2 * vectors.dim), np.uint8)
        mapped = self._map(vectors.file)
        skip = len(mapped) - vectors.count * vectors.dim * 2  # FAISS's own header
        if skip < 0:
            raise IndexDamagedError(f"the index is damaged: {vectors.file} is cut short")
        flat = np.frombuffer(mapped, np.uint8, count=vectors.count * vectors.dim * 2, offset=skip)
        return flat.reshape(vectors.count, 2 * vectors.dim)

    def will_need(self, vectors: VectorInfo) -> None:
        """Have the system read a vector file ahead: mapped page by page a cold gigabyte takes 7 s, not 1."""
        if vectors.count and hasattr(mmap, "MADV_WILLNEED"):
            self._map(vectors.file).madvise(mmap.MADV_WILLNEED)

    def vector_rows(self, vectors: VectorInfo) -> npt.NDArray[np.uint32]:
        """Return the row of each vector."""
        return self.array(vectors.file.removesuffix(".faiss"), "row")

    def parts(self) -> list[FolderPart]:
        """Return where the rows of each folder lie, with the listings this segment holds."""
        try:
            return _parts_decoder.decode(self._map(FOLDERS_FILE))
        except msgspec.DecodeError as error:
            raise IndexDamagedError(f"the index is damaged: {FOLDERS_FILE} cannot be read") from error

    def _map(self, name: str) -> mmap.mmap:
        """Return a file of the segment, mapped once and kept."""
        if name not in self._maps:
            try:
                with open(os.path.join(self.folder, name), "rb") as file:
                    self._maps[name] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise IndexDamagedError(f"the index is damaged: {name} cannot be read") from error
        return self._maps[name]

    @cached_property
    def ranges(self) -> dict[bytes, list[tuple[int, int]]]:
        """Return (first row, count) of the parts of each folder."""
        found: dict[bytes, list[tuple[int, int]]] = {}
        for part in self.parts():
            if part.count:
                found.setdefault(part.rel, []).append((part.first, part.count))
        return found

    def rows_in(self, rel: str) -> dict[str, int]:
        """Return {path: row} of the images of one folder that count."""
        found: dict[str, int] = {}
        for first, count in self.ranges.get(os.fsencode(rel), ()):
            part = self.images.select(["path", "path_bytes"]).slice(first, count)
            for offset, (text, raw) in enumerate(
                zip(part.column(0).to_pylist(), part.column(1).to_pylist(), strict=True)
            ):
                if self.alive[first + offset]:
                    found[text if raw is None else os.fsdecode(raw)] = first + offset
        return found

    def row_of(self, path: str) -> int | None:
        """Return the row of the image at ``path`` (relative to the root), None where it has none."""
        wanted = path_columns(path)
        for first, count in self.ranges.get(os.fsencode(os.path.dirname(path)), ()):
            for row in columns.find(self.images.column("path").chunk(0), wanted[0], first, count):
                if bool(self.alive[row]) and self.images.column("path_bytes")[row].as_py() == wanted[1]:
                    return row
        return None
