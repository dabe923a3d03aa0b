"""The map: a place in the plane for every photo, alike ones close together. Deterministic for a seed.

UMAP's objective (McInnes et al. 2018) in plain numpy, so that a map needs no compiler: neighbours pull along the
fuzzy graph, random others push. Large collections lay out a sample and put the rest among its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.clustering.protocol import Vectors
from phototag.index.neighbours import Neighbours, nearest

SAMPLE = 6_000
"""Photos that are laid out one by one: about 5 s. The rest joins them."""
STEP = 2_048
"""Photos that are compared with the sample at once: 50 MB."""
NEIGHBOURS = 15
EPOCHS = 250
BATCHES = 4
PUSHES = 5
"""Random others that push a photo for each neighbour that pulls it."""
CURVE_A, CURVE_B = 1.577, 0.895
"""UMAP's curve for min_dist 0.1."""
LONGEST_STEP = 4.0

Points = npt.NDArray[np.float32]


def place(vectors: Vectors, *, seed: int = 0, threads: int = 0) -> Points:
    """Return (n, 2) positions in [0, 1] for ``vectors`` (n, d), rows L2-normalised."""
    n = len(vectors)
    if n < 3:
        return np.linspace(0.4, 0.6, 2 * n, dtype=np.float32).reshape(n, 2)
    rng = np.random.default_rng(seed)
    rows = np.arange(n) if n <= SAMPLE else np.sort(rng.choice(n, SAMPLE, replace=False))
    sample = np.asarray(vectors[rows], np.float32)
    neighbours = nearest(sample, NEIGHBOURS, seed=seed, threads=threads)
    laid = _lay_out(_principal(sample), neighbours, rng)
    if n > SAMPLE:
        laid = _among_sample(vectors, rows, laid, rng)
    return fit_square(laid)


def fit_square(points: npt.NDArray[np.floating[Any]]) -> Points:
    """Return ``points`` (n, 2) moved and scaled into [0, 1], proportions kept; a few far ones are held at the border."""
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    span = max(float((high - low).max()), 1e-9)
    middle = (low + high) / 2
    fitted: Points = np.clip((points - middle) / (1.04 * span) + 0.5, 0.0, 1.0).astype(np.float32)
    return fitted


def _principal(sample: Points) -> Points:
    """Return the two leading principal components, small: where the layout starts."""
    centred = sample - sample.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = centred @ directions[:, -2:][:, ::-1]
    if flat.shape[1] < 2:
        flat = np.hstack([flat, np.zeros_like(flat)])
    # The sign of an eigenvector is free: fix it, so that the map does not flip between machines.
    flat = flat * np.sign(flat[np.argmax(np.abs(flat), axis=0), [0, 1]] + 1e-12)
    start: Points = (10.0 * flat / max(float(np.abs(flat).max()), 1e-9)).astype(np.float32)
    return start


def _lay_out(start: Points, neighbours: Neighbours, rng: np.random.Generator) -> Points:
    at = start + rng.normal(0.0, 1e-2, start.shape).astype(np.float32)
    source, target, weight = _fuzzy_edges(neighbours)
    for epoch in range(EPOCHS):
        rate = np.float32(1.0 - epoch / EPOCHS)
        chosen = np.flatnonzero(rng.random(len(weight), np.float32) < weight)
        rng.shuffle(chosen)
        for part in np.array_split(chosen, BATCHES):
            at += rate * _forces(at, source[part], target[part], rng)
    return at


def _forces(
    at: Points, source: npt.NDArray[np.int32], target: npt.NDArray[np.int32], rng: np.random.Generator
) -> Points:
    """Return the sum of the pulls along edges and of the pushes from random others, (n, 2)."""
    n = len(at)
    gap = at[source] - at[target]
    square = np.einsum("ij,ij->i", gap, gap)
    slope = (-2.0 * CURVE_A * CURVE_B) * square ** (CURVE_B - 1.0) / (1.0 + CURVE_A * square**CURVE_B)
    pull = np.clip(np.where(square > 0, slope, 0.0)[:, None] * gap, -LONGEST_STEP, LONGEST_STEP)
    pushed = np.repeat(source, PUSHES)
    others = rng.integers(0, n, len(pushed))
    apart = at[pushed] - at[others]
    square = np.einsum("ij,ij->i", apart, apart)
    slope = 2.0 * CURVE_B / ((0.001 + square) * (1.0 + CURVE_A * square**CURVE_B))
    push = np.clip(slope[:, None] * apart, -LONGEST_STEP, LONGEST_STEP)
    who = np.concatenate([source, target, pushed])
    total = np.empty_like(at)
    for axis in (0, 1):
        total[:, axis] = np.bincount(
            who, weights=np.concatenate([pull[:, axis], -pull[:, axis], push[:, axis]]), minlength=n
        )
    # All forces of a batch act at once: hold a photo with many neighbours to the step of one.
    return np.clip(total, -LONGEST_STEP, LONGEST_STEP)


def _fuzzy_edges(
    neighbours: Neighbours,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return (source, target, weight in (0, 1]) of UMAP's fuzzy graph, both directions united, each edge once."""
    ids, distances = neighbours.ids, neighbours.distances
    n, k = ids.shape
    beyond = np.maximum(distances - distances[:, :1], 0.0)
    low, high = np.zeros(n), np.full(n, 8.0)
    for _ in range(32):
        width = (low + high) / 2
        much = np.exp(-beyond / width[:, None]).sum(axis=1) > np.log2(k + 1)
        high, low = np.where(much, width, high), np.where(much, low, width)
    strength = np.exp(-beyond / np.maximum(high, 1e-6)[:, None]).ravel()
    source, target = np.repeat(np.arange(n), k), ids.ravel().astype(np.int64)
    edge = np.minimum(source, target) * n + np.maximum(source, target)
    order = np.argsort(edge, kind="stable")
    edge, strength = edge[order], strength[order]
    unique, first = np.unique(edge, return_index=True)
    # An edge stands once or twice: a + b - ab, with b = 0 where only one end names the other.
    absent = 1.0 - strength
    united = 1.0 - np.multiply.reduceat(absent, first)
    return (
        (unique // n).astype(np.int32),
        (unique % n).astype(np.int32),
        np.maximum(united, 1.0 / EPOCHS).astype(np.float32),
    )


def _among_sample(vectors: Vectors, rows: npt.NDArray[np.int64], laid: Points, rng: np.random.Generator) -> Points:
    """Place every photo: the sample where it is, each other between the three of the sample that are most like it."""
    full = _between(vectors, np.asarray(vectors[rows], np.float32), laid)
    full += rng.normal(0.0, 0.08, full.shape).astype(np.float32)  # those with the same three would hide each other
    full[rows] = laid
    return full


def place_among(vectors: Vectors, known: Vectors, at: Points, *, seed: int = 0) -> Points:
    """Return places for new ``vectors`` (n, d) on a map where ``known`` (m, d) are ``at`` (m, 2), NaN where not."""
    placed = np.flatnonzero(np.isfinite(at).all(axis=1))
    if not len(placed):
        return np.full((len(vectors), 2), 0.5, np.float32)
    if len(placed) > SAMPLE:
        placed = np.sort(np.random.default_rng(seed).choice(placed, SAMPLE, replace=False))
    return _between(vectors, np.asarray(known[placed], np.float32), at[placed])


def _between(vectors: Vectors, sample: Points, laid: Points) -> Points:
    """Return for each of ``vectors`` a place between the three of ``sample`` that are most like it."""
    few = min(3, len(sample))
    full = np.empty((len(vectors), 2), np.float32)
    for at in range(0, len(vectors), STEP):
        cosines = np.asarray(vectors[at : at + STEP], np.float32) @ sample.T
        best = np.empty((len(cosines), few), np.int64)
        near = np.empty((len(cosines), few), np.float32)
        every = np.arange(len(cosines))
        for rank in range(few):  # three passes of argmax take a tenth of the time of one partition
            best[:, rank] = cosines.argmax(axis=1)
            near[:, rank] = cosines[every, best[:, rank]]
            cosines[every, best[:, rank]] = -np.inf
        weight = np.exp(20.0 * (near - near.max(axis=1, keepdims=True)))
        weight /= weight.sum(axis=1, keepdims=True)
        full[at : at + STEP] = np.einsum("ij,ijk->ik", weight, laid[best])
    return full
