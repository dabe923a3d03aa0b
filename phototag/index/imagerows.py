"""The rows of the table of images as records need them: one at a time, or many at once where many are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from phototag.index import columns
from phototag.index.opened import Segment

TOGETHER = 1024
"""Rows read at once, some hundred kilobytes."""
_FEW = 256
"""Rows up to which each is read by itself: importing pyarrow's functions takes longer."""

_COLUMNS = (
    "path",
    "path_bytes",
    "birth",
    "content",
    "size",
    "width",
    "height",
    "rating",
    "title",
    "caption",
    "city",
    "region",
    "country",
    "lat",
    "lon",
    "camera",
    "faces",
    "present",
    "trouble",
)
TAKEN = "taken"
"""Microseconds, as ``spelling.taken_text`` reads them."""


def read(places: Sequence[tuple[Segment, int]]) -> Iterator[dict[str, Any]]:
    """Yield the columns of the image at each of ``places``, its segment and local row, with nulls as None."""
    if len(places) <= _FEW:
        for segment, local in places:
            yield _one(segment, local)
        return
    numbers = {segment: number for number, segment in enumerate(dict.fromkeys(segment for segment, _ in places))}
    own: list[list[int]] = [[] for _ in numbers]
    for segment, local in places:
        own[numbers[segment]].append(local)
    rows = [_several(segment, own[number]) for segment, number in numbers.items()]
    for segment, _ in places:
        yield next(rows[numbers[segment]])


def _one(segment: Segment, local: int) -> dict[str, Any]:
    values = {name: segment.images.column(name)[local].as_py() for name in _COLUMNS}
    taken = segment.images.column(TAKEN)[local]
    return values | {TAKEN: taken.value if taken.is_valid else None}


def _several(segment: Segment, locals_: Sequence[int]) -> Iterator[dict[str, Any]]:
    found = segment.images.select([*_COLUMNS, TAKEN]).take(columns.rows_of(np.array(locals_, np.uint32)))
    taken = found.column(TAKEN).cast(pa.int64()).to_pylist()
    lists = [found.column(name).to_pylist() for name in _COLUMNS]
    names = (*_COLUMNS, TAKEN)
    return (dict(zip(names, row, strict=True)) for row in zip(*lists, taken, strict=True))
