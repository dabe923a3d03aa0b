"""Which photos stand for a cluster, and which lie furthest out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

EXAMPLES = 12
OUTLYING = 6
CANDIDATES = 240
CENTRAL = 0.5
"""Share of a cluster, nearest to its middle, that examples are taken from."""

Vectors = npt.NDArray[np.floating[Any]]


def examples(vectors: Vectors, count: int = EXAMPLES) -> npt.NDArray[np.int64]:
    """Return up to ``count`` rows of ``vectors`` (n, d): the one in the middle, then central ones unlike those chosen."""
    if not len(vectors):
        return np.zeros(0, np.int64)
    order = np.argsort(-_to_middle(vectors), kind="stable")
    central = order[: min(CANDIDATES, max(count, round(CENTRAL * len(order))))]
    full = np.asarray(vectors[central], np.float32)
    chosen = [0]
    nearest = full @ full[0]
    while len(chosen) < min(count, len(central)):
        nearest[chosen] = np.inf
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, full @ full[chosen[-1]])
    return central[chosen]


def outlying(vectors: Vectors, count: int = OUTLYING) -> npt.NDArray[np.int64]:
    """Return the rows furthest from the middle, furthest first; none of a handful."""
    if len(vectors) < 3 * count:
        return np.zeros(0, np.int64)
    return np.argsort(_to_middle(vectors), kind="stable")[:count]


def _to_middle(vectors: Vectors) -> npt.NDArray[np.float32]:
    """Return (n,) cosines to the middle, in steps: a cluster may be the whole collection."""
    middle = np.zeros(vectors.shape[1], np.float64)
    for at in range(0, len(vectors), 65_536):
        middle += np.asarray(vectors[at : at + 65_536], np.float32).sum(axis=0)
    unit = (middle / max(float(np.linalg.norm(middle)), 1e-9)).astype(np.float32)
    parts = [np.asarray(vectors[at : at + 65_536], np.float32) @ unit for at in range(0, len(vectors), 65_536)]
    return np.concatenate(parts)
