"""The clusters of the current run as a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phototag.errors import UsageError
from phototag.library import runs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from phototag.index.reader import Index


def cluster_mask(index: Index, number: int) -> npt.NDArray[np.bool_]:
    """Return the images of cluster ``number`` of the current run, -1 for those in none. Raises UsageError."""
    membership = index.clusters.current()
    if membership is None:
        raise runs.none_here(index.tree)
    if number != -1 and number not in membership.document.clusters:
        count = len(membership.document.clusters)
        raise UsageError(
            f"there is no cluster {number}; the current run has {count}", hint="see them: phototag clusters"
        )
    mask: npt.NDArray[Any] = (membership.labels == number) & index.alive
    return mask


def category_mask(index: Index, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return the images of the clusters of the current run that are called one of ``names``, whatever its case and accents are made of.

    Raises UsageError where there is no run, or no cluster is called so.
    """
    import numpy as np

    from phototag.library.relink import folded

    membership = index.clusters.current()
    if membership is None:
        raise runs.none_here(index.tree)
    labels = {number: folded(membership.document.label(number)) for number in membership.document.clusters}
    wanted: list[int] = []
    for name in names:
        found = [number for number, label in labels.items() if label == folded(name)]
        if not found:
            raise UsageError(f"no cluster is called {name!r}", hint="see them: phototag clusters")
        wanted += found
    mask: npt.NDArray[Any] = np.isin(membership.labels, wanted) & index.alive
    return mask


def cluster_counts(index: Index, keep: npt.NDArray[np.bool_]) -> list[tuple[int, str, int]]:
    """Return (number, label, images) of the clusters among the images of a mask, largest first; noise left out."""
    import numpy as np

    membership = index.clusters.current()
    if membership is None:
        return []
    labels = membership.labels[keep]
    counts = np.bincount(labels[labels >= 0])
    ranked = sorted((-int(count), number) for number, count in enumerate(counts) if count)
    return [
        (number, membership.document.label(number), -count)
        for count, number in ranked
        if number in membership.document.clusters
    ]
