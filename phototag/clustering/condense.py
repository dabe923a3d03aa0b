"""From a minimum spanning tree to clusters at two levels, with hdbscan's own tree functions.

Campello, Moulavi, Sander 2013 (the condensed tree, excess of mass) and 2015 (GLOSH outlier scores), as kept by the
hdbscan library.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.clustering.protocol import EOM, LEAF, NOISE, Clustering, Options, Vectors
from phototag.errors import MissingExtraError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

ONE_SUBJECT = 0.95
"""Cosine to the middle from which photos of a collection without any structure still count as one cluster."""
SAME_PICTURE = 0.995
LUMP = 0.3
"""Share of a collection above which a theme is split where it can be."""
CONTRAST = 1.02
"""How many times denser (median, in 1 / distance) a cluster must be than where it was cut out of its parent.

Directions at random split at 1.000 to 1.01, clusters of photos at 1.05 to 4.
"""


def from_edges(edges: npt.NDArray[np.float64], vectors: Vectors, options: Options) -> Clustering:
    """Return the clusters of a spanning tree: ``edges`` (n - 1, 3) are from, to, distance. Raises MissingExtraError."""
    try:
        from hdbscan import _hdbscan_linkage as linkage
        from hdbscan import _hdbscan_tree as trees
    except ImportError as error:
        raise MissingExtraError("clustering", "cluster") from error
    ordered = np.ascontiguousarray(edges[np.argsort(edges[:, 2], kind="stable")], np.float64)
    # Identical photos are at distance 0: a tiny one keeps their density finite.
    ordered[:, 2] = np.maximum(ordered[:, 2], 1e-6)
    return from_condensed(trees.condense_tree(linkage.label(ordered), options.min_size), vectors, options)


def from_condensed(condensed: npt.NDArray[np.void], vectors: Vectors, options: Options) -> Clustering:
    """Return both levels of hdbscan's ``condensed`` tree over ``vectors`` (n, d)."""
    from hdbscan import _hdbscan_tree as trees

    if not (condensed["child_size"] > 1).any():
        return _one_or_none(vectors, options)
    stability = trees.compute_stability(condensed)
    themes, theme_probabilities = _flat(trees, condensed, _without_lumps(condensed, stability, len(vectors)), EOM)
    labels, probabilities = _flat(trees, condensed, stability, LEAF)
    lost = (themes == NOISE) & (labels != NOISE)  # a cluster goes with the theme that did not stand out
    labels, probabilities = by_size(np.where(lost, NOISE, labels)), np.where(lost, np.float32(0.0), probabilities)
    outliers = np.clip(np.nan_to_num(trees.outlier_scores(condensed)), 0.0, 1.0).astype(np.float32)
    return Clustering(labels, probabilities, themes, theme_probabilities, outliers, parents_of(labels, themes), options)


def all_noise(n: int, options: Options) -> Clustering:
    """Return the clustering in which nothing belongs together."""
    labels, zeros = np.full(n, NOISE, np.int32), np.zeros(n, np.float32)
    return Clustering(labels, zeros, labels.copy(), zeros.copy(), np.ones(n, np.float32), (), options)


def all_alike(vectors: Vectors, options: Options) -> Clustering | None:
    """Return one cluster where every photo is almost the same picture: its tree would only split grain."""
    few = np.asarray(vectors[:: max(1, len(vectors) // 4096)], np.float32)
    if _alike(few).min() < SAME_PICTURE:
        return None
    return _one_or_none(vectors, options)


def _one_or_none(vectors: Vectors, options: Options) -> Clustering:
    """Return one cluster where most photos show the same thing (a burst, one subject), none otherwise.

    A tree without a split cannot tell one cluster from none: density has nothing to compare with. A cosine can.
    """
    alike = _alike(np.asarray(vectors, np.float32))
    inside = alike >= ONE_SUBJECT
    if inside.sum() < max(options.min_size, 0.5 * len(alike)):
        return all_noise(len(alike), options)
    labels = np.where(inside, 0, NOISE).astype(np.int32)
    strength = np.where(inside, np.clip(alike, 0.0, 1.0), 0.0).astype(np.float32)
    outliers = np.clip(1.0 - alike, 0.0, 1.0).astype(np.float32)
    return Clustering(labels, strength, labels.copy(), strength.copy(), outliers, (0,), options)


def _alike(full: Floats) -> Floats:
    """Return (n,) cosines of ``full`` (n, d) to their middle."""
    middle = full.mean(axis=0)
    cosines: Floats = full @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    return cosines


def parents_of(labels: Ints, themes: Ints) -> tuple[int, ...]:
    """Return the theme of each leaf cluster: a leaf lies whole in one theme, so any member tells."""
    found, first = np.unique(labels, return_index=True)
    return tuple(int(themes[at]) for label, at in zip(found, first, strict=True) if label != NOISE)


def _flat(
    trees: ModuleType, condensed: npt.NDArray[np.void], stability: dict[int, float], level: str
) -> tuple[Ints, Floats]:
    # get_clusters changes the stabilities it is given.
    labels, probabilities, _ = trees.get_clusters(condensed, dict(stability), level)
    faint = np.isin(labels, _faint(condensed, labels))
    kept = np.where(faint, NOISE, labels)
    return by_size(kept), np.where(kept == NOISE, 0.0, probabilities).astype(np.float32)


def _without_lumps(condensed: npt.NDArray[np.void], stability: dict[int, float], n: int) -> dict[int, float]:
    """Return ``stability`` with nothing to gain for a node that holds most photos and can be split.

    Where clusters are loose, excess of mass prefers one lump of nearly everything to the clusters in it: true of the
    density, useless to a person.
    """
    inner = condensed[condensed["child_size"] > 1]
    lumps = set(inner["child"][inner["child_size"] > LUMP * n].tolist()) & set(inner["parent"].tolist())
    return {node: 0.0 if node in lumps else value for node, value in stability.items()}


def _faint(condensed: npt.NDArray[np.void], labels: npt.NDArray[np.integer[Any]]) -> list[int]:
    """Return the clusters that are hardly denser than what they were cut out of: splits of chance, not of content."""
    inner = condensed[condensed["child_size"] > 1]
    up = dict(zip(inner["child"].tolist(), inner["parent"].tolist(), strict=True))
    size = dict(zip(inner["child"].tolist(), inner["child_size"].tolist(), strict=True))
    birth = dict(zip(inner["child"].tolist(), inner["lambda_val"].tolist(), strict=True))
    points = condensed[condensed["child_size"] == 1]
    leaving, home = np.zeros(len(labels)), np.zeros(len(labels), np.int64)
    leaving[points["child"]], home[points["child"]] = points["lambda_val"], points["parent"]
    order = np.argsort(labels, kind="stable")
    found, starts = np.unique(labels[order], return_index=True)
    faint = []
    for label, members in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        if label == NOISE:
            continue
        node = int(home[members[0]])
        while size.get(node, 0) < len(members) and node in up:  # up to the node that holds them all
            node = up[node]
        if np.median(leaving[members]) < CONTRAST * birth.get(node, 0.0):
            faint.append(label)
    return faint


def by_size(labels: npt.NDArray[np.integer[Any]]) -> Ints:
    """Return ``labels`` renumbered from the largest cluster to the smallest, ties by first member."""
    found, first, at, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    ranked = sorted((-count, begin, old) for old, (begin, count) in enumerate(zip(first, counts, strict=True)))
    table = np.full(len(found), NOISE, np.int32)
    clusters = [old for _, _, old in ranked if found[old] != NOISE]
    table[clusters] = np.arange(len(clusters))
    renamed: Ints = table[at]
    return renamed
