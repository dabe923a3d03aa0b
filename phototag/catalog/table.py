"""Images as one Arrow table: what DuckDB, Polars and pandas read without a copy (docs/python.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag.index.reader import Index

Rows = npt.NDArray[np.uint32]

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("id", pa.string()),
        ("content", pa.string()),
        ("size", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("taken", pa.timestamp("us")),
        ("rating", pa.int8()),
        ("title", pa.string()),
        ("caption", pa.string()),
        ("city", pa.string()),
        ("region", pa.string()),
        ("country", pa.string()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("camera", pa.string()),
        ("faces", pa.int32()),
        ("present", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("tag_scores", pa.list_(pa.float32())),
        ("user_tags", pa.list_(pa.string())),
        ("people", pa.list_(pa.string())),
        ("cluster", pa.int32()),
        ("path_bytes", pa.binary()),
    ]
)
"""``tags`` are those that count, a model's or the owner's, best first, with ``tag_scores`` beside them (1: the owner).

``path_bytes`` is there where ``path`` is not UTF-8 and so cannot say it.
"""

SCORE = pa.field("score", pa.float32())
_MADE = ("id", "content", "tags", "tag_scores", "user_tags", "people", "cluster")


def table(index: Index, rows: Rows, scores: npt.NDArray[np.float32] | None = None) -> pa.Table:
    """Return the images of ``rows``, each at most once, in that order; with ``scores`` as the last column."""
    at = pa.array(rows)
    columns = {
        name: index.column(name).take(at).cast(SCHEMA.field(name).type) for name in SCHEMA.names if name not in _MADE
    }
    columns["id"] = pa.array([_hex(birth) for birth in index.column("birth").take(at).to_pylist()], pa.string())
    hashes = index.column("content").take(at).to_pylist()
    columns["content"] = pa.array([_hex(content, "xxh3-128:") for content in hashes], pa.string())
    place = np.full(index.size, -1, np.int64)
    place[rows] = np.arange(len(rows))
    columns["tags"], columns["tag_scores"] = _tags(index, place, len(rows))
    said = [(tag, user.present) for tag, user in sorted(index.tags.user.items())]
    columns["user_tags"] = _lists([tag for tag, _ in said], *_pairs([found for _, found in said], place), len(rows))
    people = [index.faces.people_in(int(row)) for row in rows] if index.faces.by_row else [[]] * len(rows)
    columns["people"] = pa.array(people, pa.list_(pa.string()))
    columns["cluster"] = _clusters(index, rows)
    made = pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
    return made if scores is None else made.append_column(SCORE, pa.array(scores, pa.float32()))


def _hex(value: bytes | None, prefix: str = "") -> str | None:
    return None if value is None else prefix + value.hex()


def _tags(index: Index, place: npt.NDArray[np.int64], count: int) -> tuple[pa.Array, pa.Array]:
    """Return the tags of each image and their scores, best first."""
    labels = sorted(index.tags.counts(place >= 0))
    postings = [index.tags.posting(label) for label in labels]
    places, codes = _pairs([posting.rows for posting in postings], place)
    scores = np.concatenate(
        [posting.scores[place[posting.rows] >= 0] for posting in postings] or [np.zeros(0, np.float32)]
    )
    order = np.lexsort((codes, -scores, places))
    offsets = _offsets(places, count)
    return (
        pa.ListArray.from_arrays(offsets, pa.array(labels, pa.string()).take(pa.array(codes[order]))),
        pa.ListArray.from_arrays(offsets, pa.array(scores[order], pa.float32())),
    )


def _pairs(rows_of: Iterable[Rows], place: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return where each wanted image stands, and the number of the label it has; by label."""
    places = [place[rows] for rows in rows_of]
    kept = [found[found >= 0] for found in places]
    codes = [np.full(len(found), code, np.int32) for code, found in enumerate(kept)]
    return np.concatenate(kept or [np.zeros(0, np.int64)]), np.concatenate(codes or [np.zeros(0, np.int32)])


def _lists(labels: Sequence[str], places: npt.NDArray[Any], codes: npt.NDArray[Any], count: int) -> pa.Array:
    order = np.lexsort((codes, places))
    named = pa.array(labels, pa.string()).take(pa.array(codes[order]))
    return pa.ListArray.from_arrays(_offsets(places, count), named)


def _offsets(places: npt.NDArray[Any], count: int) -> pa.Array:
    counts = np.bincount(places, minlength=count) if len(places) else np.zeros(count, np.int64)
    return pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), pa.int32())


def _clusters(index: Index, rows: Rows) -> pa.Array:
    """Return the cluster of each image in the current run, null where it is in none."""
    membership = index.clusters.current()
    if membership is None:
        return pa.nulls(len(rows), pa.int32())
    labels = membership.labels[rows]
    return pa.array(labels, pa.int32(), mask=labels < 0)
