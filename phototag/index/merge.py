"""Merging segments: small ones into one, and dead rows left behind. Nothing is read from the sidecars."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag.errors import PhototagError
from phototag.index.build import new_segment_name
from phototag.index.effective_faces import FaceRow
from phototag.index.manifest import SegmentInfo, Watch
from phototag.index.opened import Segment
from phototag.index.parts import FolderPart
from phototag.index.segment import SegmentWriter

SEGMENTS_AT_MOST = 8
DEAD_AT_MOST = 0.25
"""Share of dead rows above which a segment is written anew."""
SMALL = 0.1
"""Segments below this share of all rows are merged first."""

_NIL = msgspec.Raw(b"\xc0")


def to_merge(segments: list[SegmentInfo]) -> list[SegmentInfo]:
    """Return the segments worth merging now, none while it does not pay."""
    total = sum(segment.rows for segment in segments)
    wasteful = [s for s in segments if s.rows and s.rows - s.alive > DEAD_AT_MOST * s.rows]
    empty = [s for s in segments if not s.alive]
    small = [s for s in segments if s.rows <= SMALL * total]
    if len(segments) > SEGMENTS_AT_MOST:
        chosen = small if len(small) > 1 else sorted(segments, key=lambda s: s.rows)[:SEGMENTS_AT_MOST]
        return [s for s in segments if s in chosen or s in wasteful or s in empty]
    return wasteful


def merge(folder: str, segments: list[Segment], folders: Mapping[bytes, Watch]) -> SegmentInfo:
    """Write the live rows of ``segments`` into one new segment. Raises WriteError."""
    writer = SegmentWriter(folder, new_segment_name())
    try:
        for segment in segments:
            _copy(segment, writer, folders)
        return writer.finish()
    except BaseException:
        with contextlib.suppress(PhototagError):
            writer.abandon()
        raise


def _copy(segment: Segment, writer: SegmentWriter, folders: Mapping[bytes, Watch]) -> None:
    keep = np.flatnonzero(segment.alive)
    new_row = np.full(segment.info.rows, -1, np.int64)
    new_row[keep] = writer.rows + np.arange(len(keep))
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(segment.alive)])
    for part in segment.parts():
        watch = folders.get(part.rel)
        held = watch is not None and watch.segment == segment.info.name and part.listing != _NIL
        count = int(before[part.first + part.count] - before[part.first])
        if held or count:
            first = writer.rows + int(before[part.first])
            writer.parts.append(FolderPart(part.rel, first, count, part.listing if held else _NIL))
    _copy_tags(segment, writer, new_row)
    _copy_faces(segment, writer, new_row)
    for vectors in segment.info.vectors:
        rows = new_row[segment.vector_rows(vectors)]
        _copy_vectors(segment, writer, vectors.space, rows)
    # Last: it moves writer.rows on.
    writer.add_table(segment.images.take(pa.array(keep)))


def _copy_vectors(segment: Segment, writer: SegmentWriter, space: str, rows: npt.NDArray[np.int64]) -> None:
    vectors = next(v for v in segment.info.vectors if v.space == space)
    sink = writer.vector_writer(space, vectors.dim)
    if sink.dim != vectors.dim:
        return
    keep = rows >= 0
    sink.add_many(rows[keep].astype(np.uint32), segment.codes(vectors)[keep])


def _copy_tags(segment: Segment, writer: SegmentWriter, new_row: npt.NDArray[np.int64]) -> None:
    for number, space in enumerate(segment.info.tag_spaces):
        table = segment.table(f"tags-{number}")
        rows = new_row[segment.array(f"tags-{number}", "row").astype(np.int64)]
        keep = rows >= 0
        column = writer.tags[space]
        tags = table.column("tag").chunk(0) if table.num_rows else None
        if tags is None:
            continue
        numbers = np.array([column.ids[label] for label in tags.dictionary.to_pylist()], np.uint32)
        labels = numbers[tags.indices.to_numpy()[keep]]
        column.rows.frombytes(rows[keep].astype(np.uint32).tobytes())
        column.counts.extend(array("I", [1]) * int(keep.sum()))
        column.labels.frombytes(labels.tobytes())
        column.scores += segment.array(f"tags-{number}", "score")[keep].tobytes()
    for row, tag, value in zip(*(segment.table("user-tags").column(i).to_pylist() for i in range(3)), strict=True):
        if new_row[row] >= 0:
            writer.user_tags.append((int(new_row[row]), tag, value))


def _copy_faces(segment: Segment, writer: SegmentWriter, new_row: npt.NDArray[np.int64]) -> None:
    table = segment.table("faces")
    if not table.num_rows:
        return
    new_face = np.full(table.num_rows, -1, np.int64)
    for at, face in enumerate(table.to_pylist()):
        row = int(new_row[face["row"]])
        if row >= 0:
            new_face[at] = len(writer.faces)
            names = [name for name in FaceRow._fields if name != "vector"]
            writer.faces.append((row, FaceRow(**{name: face[name] for name in names}, vector=b"")))
    for vectors in segment.info.face_vectors:
        faces = new_face[segment.vector_rows(vectors)]
        sink = writer.vector_writer(vectors.space, vectors.dim, of_faces=True)
        keep = faces >= 0
        if sink.dim == vectors.dim:
            sink.add_many(faces[keep].astype(np.uint32), segment.codes(vectors)[keep])
