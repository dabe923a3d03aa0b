"""The images nearest to a direction, in an order that does not hang on how the index came to be.

Copies have equal vectors. Which rows they have depends on what was refreshed when, and what a search makes of them on
which way it found them: so scores are computed once more, in one way, and equal ones are sorted by path.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.index.reader import Index
from phototag.index.vectors import Nearest, VectorSpace

Floats = npt.NDArray[np.float32]

_SPARE = 8
"""More images than are wanted, to see where equal ones end; where they do not, four times as many, and so on."""
_NOISE = 1e-5
"""By so much the score that a search finds may differ from the one computed here."""
_BATCH = 4096


def nearest(index: Index, space: str, direction: Floats, k: int, *, keep: npt.NDArray[np.bool_]) -> Nearest:
    """Return the ``k`` images of the mask ``keep`` nearest to ``direction`` (d,), best first, equal ones by path."""
    vectors = index.vectors(space)
    if k <= 0:
        return vectors.search(direction, 0, keep=keep)
    asked = k + _SPARE
    while True:
        rows = vectors.search(direction, asked, keep=keep).rows
        scores = _cosines(vectors, rows, direction)
        least = np.sort(scores)[::-1][k - 1 : k]
        if len(rows) < asked or scores.min() < least[0] - _NOISE:
            break
        asked *= 4
    ordered = index.in_order(rows, -scores, 0, k)
    by_row = np.argsort(rows)
    return Nearest(ordered, scores[by_row[np.searchsorted(rows, ordered, sorter=by_row)]])


def _cosines(vectors: VectorSpace, rows: npt.NDArray[np.uint32], direction: Floats) -> Floats:
    """Return the cosine of each of ``rows``, the same for equal vectors."""
    wanted = direction.astype(np.float64)
    found = np.empty(len(rows), np.float32)
    for first in range(0, len(rows), _BATCH):
        part = slice(first, first + _BATCH)
        found[part] = (vectors.get(rows[part]) * wanted).sum(axis=1)
    return found
