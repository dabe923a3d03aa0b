"""Several rankings made one: reciprocal rank fusion (Cormack, Clarke & Buettcher 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]

FLAT = 60
"""The larger, the less the first places stand out (the paper's k)."""


class Fused(NamedTuple):
    """Rows of any of the rankings with their scores in (0, 1]: 1 is first in all of them."""

    rows: Rows
    scores: npt.NDArray[np.float32]


def fuse(rankings: Sequence[Rows]) -> Fused:
    """Return the rows of ``rankings`` (each best first), scored by the sum of 1 / (60 + rank)."""
    rows = np.unique(np.concatenate([np.zeros(0, np.uint32), *rankings])).astype(np.uint32)
    scores = np.zeros(len(rows))
    for ranking in rankings:
        scores[np.searchsorted(rows, ranking)] += (FLAT + 1) / (FLAT + 1 + np.arange(len(ranking)))
    return Fused(rows, (scores / max(1, len(rankings))).astype(np.float32))
