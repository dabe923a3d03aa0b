"""New photos join the nearest cluster of a run without clustering again: nearest middle, within its own radius."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.clustering.protocol import NOISE, Vectors

RADIUS_QUANTILE = 0.95
"""A cluster reaches as far from its middle as this share of its own members."""
STEP = 4_096


class Middles(msgspec.Struct, frozen=True):
    """Where the clusters of a run are and how far they reach."""

    middles: npt.NDArray[np.float32]
    """(clusters, d), rows L2-normalised."""
    nearest_cosine: npt.NDArray[np.float32]
    """(clusters,) lowest cosine to the middle that still belongs."""


class Assigned(msgspec.Struct, frozen=True):
    """Where each new photo went."""

    labels: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float32]
    """(n,) 1 at the middle, 0.5 at the edge of the cluster; 0 for noise."""


def middles(vectors: Vectors, labels: npt.NDArray[np.integer[Any]]) -> Middles:
    """Return the middles of clusters 0 .. max(labels) of ``vectors`` (n, d)."""
    count, dim = int(labels.max(initial=-1)) + 1, vectors.shape[1]
    centres = np.zeros((count, dim), np.float32)
    reach = np.ones(count, np.float32)
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(count + 1))
    for number in range(count):
        members = np.asarray(vectors[order[starts[number] : starts[number + 1]]], np.float32)
        if len(members) == 0:
            continue
        mean = members.mean(axis=0)
        centres[number] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        reach[number] = np.quantile(members @ centres[number], 1.0 - RADIUS_QUANTILE)
    return Middles(centres, reach)


def medoids(vectors: Vectors, labels: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Return for each cluster 0 .. max(labels) the member nearest to its middle."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(int(labels.max(initial=-1)) + 2))
    found = np.zeros(len(starts) - 1, np.int64)
    for number in range(len(found)):
        members = order[starts[number] : starts[number + 1]]
        full = np.asarray(vectors[members], np.float32)
        found[number] = members[int(np.argmax(full @ full.mean(axis=0)))]
    return found


def assign(vectors: Vectors, found: Middles) -> Assigned:
    """Return the cluster of each of ``vectors`` (n, d), NOISE where none reaches it."""
    n = len(vectors)
    labels = np.full(n, NOISE, np.int32)
    probabilities = np.zeros(n, np.float32)
    if len(found.middles) == 0:
        return Assigned(labels, probabilities)
    for at in range(0, n, STEP):
        cosines = np.asarray(vectors[at : at + STEP], np.float32) @ found.middles.T
        best = np.argmax(cosines, axis=1)
        cosine = cosines[np.arange(len(best)), best]
        edge = found.nearest_cosine[best]
        inside = cosine >= edge - 1e-4  # f16 storage: a member at the very edge stays one
        span = np.maximum(1.0 - edge, 1e-3)
        strength = np.clip(1.0 - 0.5 * (1.0 - cosine) / span, 0.5, 1.0)
        labels[at : at + STEP] = np.where(inside, best, NOISE)
        probabilities[at : at + STEP] = np.where(inside, strength, 0.0)
    return Assigned(labels, probabilities)
