"""Finding words in a column of `` one two `` texts: one pass over the mapped bytes, no index of terms.

A word is then a substring with a space on each side, and a search is a ``memmem`` over some tens of megabytes for a
million images: 20 ms, and nothing to build or keep.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phototag.index.opened import Segment


class Found(NamedTuple):
    """Rows with a word, and how often each has it."""

    rows: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.int64]


class Words:
    """One column of padded words across the segments of an index."""

    def __init__(self, segments: Sequence[Segment], bases: Sequence[int], column: str) -> None:
        self._parts = []
        for segment, base in zip(segments, bases, strict=True):
            for chunk in segment.images.column(column).chunks:
                _, offsets, data = chunk.buffers()
                if data is not None:
                    ends = np.frombuffer(offsets, np.int32, count=len(chunk) + 1, offset=chunk.offset * 4)
                    self._parts.append((base, segment.alive, ends, data))

    def find(self, word: str, *, begins: bool = False) -> Found:
        """Return the images that have the folded ``word``, or with ``begins`` a word that begins so."""
        needle = re.compile(re.escape(f" {word}" if begins else f" {word} ").encode())
        rows = []
        for base, alive, ends, data in self._parts:
            view = memoryview(data)[: int(ends[-1])]
            hits = np.fromiter((m.start() for m in needle.finditer(view)), np.int64)
            at = np.searchsorted(ends, hits, "right") - 1
            at = at[(at >= 0) & (hits >= ends[0])]
            rows.append(at[alive[at]].astype(np.uint32) + np.uint32(base))
        if not rows:
            return Found(np.zeros(0, np.uint32), np.zeros(0, np.int64))
        unique, counts = np.unique(np.concatenate(rows), return_counts=True)
        return Found(unique, counts)

    def lengths(self, size: int) -> npt.NDArray[np.int32]:
        """Return the number of bytes of each of ``size`` rows: the length of a document, for ranking."""
        out = np.zeros(size, np.int32)
        for base, alive, ends, _ in self._parts:
            out[base : base + len(alive)] = np.diff(ends)
        return out
