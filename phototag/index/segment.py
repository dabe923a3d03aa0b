"""Writing one segment: rows are added folder by folder, then the tables are laid out and written."""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag import fsio
from phototag.index import schema
from phototag.index.effective_faces import FaceRow, effective_faces
from phototag.index.facts import Facts, bare, facts, is_fresh, owner_tags, tags_fault, vector_fault
from phototag.index.manifest import FileStamp, SegmentInfo, VectorInfo, stamp_file
from phototag.index.parts import FOLDERS_FILE, FolderPart
from phototag.index.vectorfile import VectorWriter
from phototag.index.view import SidecarView

BATCH_ROWS = 2048


class TagColumn:
    """The growing tags of one model space."""

    __slots__ = ("counts", "ids", "labels", "rows", "scores")

    def __init__(self) -> None:
        self.rows, self.counts, self.labels = array("I"), array("I"), array("I")
        self.scores = bytearray()
        self.ids: dict[str, int] = _Numbering()

    def add(self, row: int, labels: list[str], scores: bytes) -> None:
        """Append the tags of one image."""
        self.rows.append(row)
        self.counts.append(len(labels))
        self.labels.extend(map(self.ids.__getitem__, labels))
        self.scores += scores

    def arrays(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
        """Return row, label id and score of every tag, by row."""
        rows = np.repeat(np.frombuffer(self.rows, np.uint32), np.frombuffer(self.counts, np.uint32))
        return rows, np.frombuffer(self.labels, np.uint32), np.frombuffer(self.scores, "<u2")


class _Numbering(dict[str, int]):
    """Numbers texts in the order they are first asked for."""

    def __missing__(self, key: str) -> int:
        self[key] = number = len(self)
        return number


class SegmentWriter:
    """One segment being built in its own folder; nothing refers to it until the manifest does."""

    def __init__(self, parent: str, name: str) -> None:
        self.name = name
        self.folder = os.path.join(parent, name)
        fsio.make_folder(self.folder)
        self.rows = 0
        self.parts: list[FolderPart] = []
        self.tags: dict[str, TagColumn] = defaultdict(TagColumn)
        self.user_tags: list[tuple[int, str, int]] = []
        self.faces: list[tuple[int, FaceRow]] = []
        self._vectors: dict[str, VectorWriter] = {}
        self._face_vectors: dict[str, VectorWriter] = {}
        self._pending: list[Facts] = []
        self._batches: list[pa.RecordBatch] = []
        self._files: list[str] = []

    def add_bare(self, path: str, *, present: bool, trouble: str) -> None:
        """Append an image whose sidecar cannot be read."""
        self._append(bare(path, present=present, trouble=trouble))

    def add(self, path: str, view: SidecarView, *, present: bool, trouble: str = "") -> None:
        """Append an image as its sidecar describes it."""
        row = self.rows
        faults = [trouble] if trouble else []
        if view.mtag:
            faults += self._add_tags(row, view)
        if view.emb:
            faults += self._add_vectors(row, view)
        if view.utag:
            self.user_tags.extend((row, tag, value) for tag, value in owner_tags(view).items())
        count = 0
        if view.observations or view.claims:
            found = effective_faces(view)
            count = sum(face.counts for face in found)
            self._add_faces(row, found)
        self._append(facts(path, view, present=present, faces=count, trouble="; ".join(faults)))

    def add_table(self, table: pa.Table) -> None:
        """Append rows that come from another segment, as they are."""
        self._flush()
        self._batches.extend(table.to_batches())
        self.rows += table.num_rows

    def vector_writer(self, space: str, dim: int, *, of_faces: bool = False) -> VectorWriter:
        """Return the file that takes the vectors of ``space``."""
        writers, stem = (self._face_vectors, "face-vectors") if of_faces else (self._vectors, "vectors")
        if space not in writers:
            writers[space] = VectorWriter(os.path.join(self.folder, f"{stem}-{len(writers)}.faiss"), dim)
        return writers[space]

    def finish(self) -> SegmentInfo:
        """Write every table and return what the manifest says of this segment. Raises WriteError."""
        try:
            return self._finish()
        except OSError as error:
            raise fsio.explain(error, self.folder) from error

    def abandon(self) -> None:
        """Give up: close and remove what was written."""
        for writer in (*self._vectors.values(), *self._face_vectors.values()):
            writer.abandon()
        fsio.remove_tree(self.folder)

    def _append(self, row: Facts) -> None:
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= BATCH_ROWS:
            self._flush()

    def _add_tags(self, row: int, view: SidecarView) -> list[str]:
        """Append the tags of every model; return what is wrong with those that had to be left out."""
        faults: list[str] = []
        for space, slot in view.mtag.items():  # type: ignore[union-attr]
            value = slot.value
            if value is None or not is_fresh(value.src, view):
                continue
            if fault := tags_fault(space, value):
                faults.append(fault)
                continue
            self.tags[space].add(row, value.labels, value.scores)
        return faults

    def _add_vectors(self, row: int, view: SidecarView) -> list[str]:
        """Append the vectors of every model; return what is wrong with those that had to be left out."""
        faults: list[str] = []
        for space, slot in view.emb.items():  # type: ignore[union-attr]
            value = slot.value
            if value is None or not is_fresh(value.src, view):
                continue
            if fault := vector_fault(space, value):
                faults.append(fault)
                continue
            writer = self.vector_writer(space, value.d)
            if writer.dim != value.d:
                faults.append(f"emb/{space} has {value.d} dimensions, others {writer.dim}")
                continue
            writer.add(row, value.v)
        return faults

    def _add_faces(self, row: int, found: list[FaceRow]) -> None:
        for face in found:
            if face.space and face.vector and len(face.vector) % 2 == 0:
                writer = self.vector_writer(face.space, len(face.vector) // 2, of_faces=True)
                if writer.dim * 2 == len(face.vector):
                    writer.add(len(self.faces), face.vector)
            self.faces.append((row, face))

    def _flush(self) -> None:
        if self._pending:
            columns = zip(*self._pending, strict=True)
            arrays = [
                pa.array(column, type=pa.string() if field.type == schema.TEXT else field.type).cast(field.type)
                if field.type == schema.TEXT
                else pa.array(column, type=field.type)
                for column, field in zip(columns, schema.IMAGES, strict=True)
            ]
            self._batches.append(pa.record_batch(arrays, schema=schema.IMAGES))
            self._pending.clear()

    def _finish(self) -> SegmentInfo:
        self._flush()
        self._write("images.arrow", one_batch(pa.Table.from_batches(self._batches, schema=schema.IMAGES)))
        self._batches.clear()
        spaces = list(self.tags)
        for number, space in enumerate(spaces):
            self._write_tags(number, self.tags.pop(space))
        self._write("user-tags.arrow", self._user_tag_table())
        self._write("faces.arrow", self._face_table())
        vectors = [self._close_vectors(space, writer) for space, writer in self._vectors.items()]
        face_vectors = [self._close_vectors(space, writer) for space, writer in self._face_vectors.items()]
        path = os.path.join(self.folder, FOLDERS_FILE)
        fsio.write_atomic(path, msgspec.msgpack.encode(self.parts))
        self._files.append(path)
        stamps: list[FileStamp] = [stamp_file(path) for path in self._files]
        fsio.sync_folder(self.folder)
        return SegmentInfo(self.name, self.rows, len(self.faces), spaces, vectors, face_vectors, stamps)

    def _close_vectors(self, space: str, writer: VectorWriter) -> VectorInfo:
        writer.close()
        self._files.append(writer.path)
        name = os.path.basename(writer.path)
        rows = pa.array(np.frombuffer(writer.rows, np.uint32))
        self._write(name.replace(".faiss", ".arrow"), pa.table([rows], schema=schema.VECTOR_ROWS))
        return VectorInfo(space, name, writer.dim, len(writer.rows))

    def _write_tags(self, number: int, column: TagColumn) -> None:
        rows, labels, scores = column.arrays()
        names = pa.array(list(column.ids), type=pa.string())
        tags = pa.DictionaryArray.from_arrays(pa.array(labels.view(np.int32)), names)
        self._write(f"tags-{number}.arrow", pa.table([rows, tags, scores], schema=schema.TAGS))
        # A stable sort by label keeps rows ascending inside each; 16-bit keys are radix-sorted.
        keys = labels.astype(np.uint16) if len(names) <= 1 << 16 else labels
        order = np.argsort(keys, kind="stable")
        self._write(f"postings-{number}.arrow", pa.table([rows[order], scores[order]], schema=schema.POSTINGS))
        counts = np.bincount(labels, minlength=len(names)).astype(np.int64)
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)[:-1]]) if len(names) else counts
        self._write(f"labels-{number}.arrow", pa.table([names, first, counts], schema=schema.LABELS))

    def _user_tag_table(self) -> pa.Table:
        rows, tags, values = zip(*self.user_tags, strict=True) if self.user_tags else ((), (), ())
        columns = [pa.array(rows, pa.uint32()), pa.array(tags, pa.string()).dictionary_encode(), list(values)]
        return pa.table(columns, schema=schema.USER_TAGS)

    def _face_table(self) -> pa.Table:
        columns: dict[str, list[Any]] = {name: [] for name in schema.FACES.names}
        for row, face in self.faces:
            values = (
                row,
                f"{face.space}/{face.nth}" if face.nth >= 0 else f"claim/{face.claim}",
                face.space,
                face.nth,
                face.claim,
                face.box,
                face.det,
                face.quality,
                face.person,
                face.name,
                face.by,
                face.state,
            )
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
        arrays = [
            pa.array(values, pa.string()).dictionary_encode()
            if field.type == schema.TEXT
            else pa.array(values, field.type)
            for values, field in zip(columns.values(), schema.FACES, strict=True)
        ]
        return pa.table(arrays, schema=schema.FACES)

    def _write(self, name: str, table: pa.Table) -> None:
        path = os.path.join(self.folder, name)
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self._files.append(path)


def one_batch(table: pa.Table) -> pa.Table:
    """Return ``table`` with one chunk a column and one dictionary, so that columns are single buffers."""
    return table.unify_dictionaries().combine_chunks()
