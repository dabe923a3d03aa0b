"""What the Arrow files of a segment hold (docs/architecture.md, "The index")."""

from __future__ import annotations

import pyarrow as pa

TEXT = pa.dictionary(pa.int32(), pa.string())
"""Text with few distinct values."""

IMAGES = pa.schema(
    [
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("birth", pa.binary()),
        ("content", pa.binary()),
        ("pixels", pa.binary()),
        ("size", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("format", TEXT),
        ("frames", pa.int32()),
        ("taken", pa.timestamp("us")),
        ("offset_min", pa.int16()),
        ("rating", pa.int8()),
        ("flag", TEXT),
        ("title", pa.string()),
        ("caption", pa.string()),
        ("city", TEXT),
        ("region", TEXT),
        ("country", TEXT),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("camera", TEXT),
        ("lens", TEXT),
        ("iso", pa.int32()),
        ("exposure_s", pa.float32()),
        ("fnumber", pa.float32()),
        ("focal_mm", pa.float32()),
        ("focal35_mm", pa.int32()),
        ("burst", pa.string()),
        ("phash", pa.binary(32)),
        ("phash_inner", pa.binary(32)),
        ("faces", pa.int32()),
        ("present", pa.bool_()),
        ("trouble", pa.string()),
        ("text_words", pa.string()),
        ("path_words", pa.string()),
    ]
)
"""One row an image. ``taken`` is local time; ``offset_min`` its distance from UTC where the camera knew it."""

TAGS = pa.schema([("row", pa.uint32()), ("tag", pa.dictionary(pa.int32(), pa.string())), ("score", pa.uint16())])
"""Machine tags of one model space, by row, best first; score = value / 65535, every one above the storage floor."""

POSTINGS = pa.schema([("row", pa.uint32()), ("score", pa.uint16())])
"""The same by tag, then row; ``LABELS`` says where each tag begins."""

LABELS = pa.schema([("tag", pa.string()), ("first", pa.int64()), ("count", pa.int64())])

USER_TAGS = pa.schema([("row", pa.uint32()), ("tag", pa.dictionary(pa.int32(), pa.string())), ("value", pa.int8())])
"""The owner's tags: 1 present, 0 removed, -1 a machine's tag rejected."""

FACES = pa.schema(
    [
        ("row", pa.uint32()),
        ("key", pa.string()),
        ("space", TEXT),
        ("nth", pa.int32()),
        ("claim", pa.string()),
        ("box", pa.binary()),
        ("det", pa.float32()),
        ("quality", pa.float32()),
        ("person", TEXT),
        ("name", pa.string()),
        ("by", TEXT),
        ("state", pa.int8()),
    ]
)
"""Faces that count: detections joined with claims. ``by`` is ``owner`` or ``auto``; ``person`` an id."""

VECTOR_ROWS = pa.schema([("row", pa.uint32())])
"""Row of each vector of one space (of a face space: the row in ``faces``)."""
