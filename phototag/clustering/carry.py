"""What became of the clusters of an earlier run: Hungarian assignment on shared members (Kuhn 1955).

A label carries over only where both runs agree on most of the members they share; a split or a merge is reported
and left to a person.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.errors import MissingExtraError

CARRY_FROM = 0.5
"""Jaccard overlap of the shared members from which two clusters count as the same."""
PART_FROM = 0.25
"""Share of a cluster that counts as a part of it in a split or a merge."""


class Match(msgspec.Struct, frozen=True):
    """One old cluster and the new one it lives on in."""

    old: int
    new: int
    shared: int
    """Photos in both."""
    overlap: float
    """Jaccard overlap among the photos that both runs know, in [0, 1]."""


class Split(msgspec.Struct, frozen=True):
    """An old cluster whose members are now in several."""

    old: int
    new: tuple[int, ...]


class Merge(msgspec.Struct, frozen=True):
    """A new cluster that took the members of several old ones."""

    old: tuple[int, ...]
    new: int


class Changes(msgspec.Struct, frozen=True):
    """How the clusters of one run became those of another."""

    matches: tuple[Match, ...]
    splits: tuple[Split, ...]
    merges: tuple[Merge, ...]
    gone: tuple[int, ...]
    """Old clusters that no new one continues, nor is made of."""
    fresh: tuple[int, ...]
    """New clusters that continue none."""


def compare(old: npt.NDArray[np.integer[Any]], new: npt.NDArray[np.integer[Any]]) -> Changes:
    """Return what became of the clusters ``old`` in ``new``: two labels for each photo that both runs know, -1 noise.

    Clusters are 0 .. max; one without shared members is gone or fresh. Raises MissingExtraError.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise MissingExtraError("comparing cluster runs", "cluster") from error
    shared = _overlap(old, new)
    sizes_old, sizes_new = _sizes(old, shared.shape[0]), _sizes(new, shared.shape[1])
    jaccard = shared / np.maximum(sizes_old[:, None] + sizes_new[None, :] - shared, 1)
    rows, columns = linear_sum_assignment(jaccard, maximize=True)
    matches = tuple(
        Match(int(a), int(b), int(shared[a, b]), round(float(jaccard[a, b]), 4))
        for a, b in zip(rows, columns, strict=True)
        if jaccard[a, b] >= CARRY_FROM
    )
    splits = _splits(shared, sizes_old, sizes_new)
    merges = tuple(Merge(found.new, found.old) for found in _splits(shared.T, sizes_new, sizes_old))
    seen_old = {m.old for m in matches} | {s.old for s in splits} | {one for m in merges for one in m.old}
    seen_new = {m.new for m in matches} | {m.new for m in merges} | {one for s in splits for one in s.new}
    return Changes(
        matches,
        splits,
        merges,
        tuple(one for one in range(shared.shape[0]) if one not in seen_old),
        tuple(one for one in range(shared.shape[1]) if one not in seen_new),
    )


def _overlap(old: npt.NDArray[np.integer[Any]], new: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    shared = np.zeros((int(old.max(initial=-1)) + 1, int(new.max(initial=-1)) + 1), np.int64)
    both = (old >= 0) & (new >= 0)
    np.add.at(shared, (old[both], new[both]), 1)
    return shared


def _sizes(labels: npt.NDArray[np.integer[Any]], count: int) -> npt.NDArray[np.int64]:
    return np.bincount(labels[labels >= 0], minlength=count)


def _splits(
    shared: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], other_sizes: npt.NDArray[np.int64]
) -> tuple[Split, ...]:
    """Return each row whose members went to two or more columns that they make up for the most part."""
    of_row = shared / np.maximum(sizes[:, None], 1)
    of_column = shared / np.maximum(other_sizes[None, :], 1)
    part = (of_row >= PART_FROM) & (of_column >= CARRY_FROM)
    return tuple(
        Split(int(row), tuple(int(column) for column in np.flatnonzero(part[row])))
        for row in np.flatnonzero(part.sum(axis=1) >= 2)
    )
