"""New photos join the nearest cluster, within its own radius."""

from __future__ import annotations

import numpy as np

from phototag.clustering.assign import assign, middles
from phototag.clustering.protocol import NOISE
from tests.clustering.made import clustered


def test_held_out_photos_join_their_cluster() -> None:
    vectors, fine, _ = clustered(1500, noise=0.1)
    known, new = slice(0, 1200), slice(1200, 1500)
    found = assign(vectors[new], middles(vectors[known], fine[known]))
    inside = fine[new] >= 0
    assert (found.labels[inside] == fine[new][inside]).mean() > 0.85
    assert (found.labels[~inside] == NOISE).mean() > 0.9
    assert ((found.probabilities == 0) == (found.labels == NOISE)).all()


def test_the_middle_is_certain_and_the_edge_is_not() -> None:
    vectors, fine, _ = clustered(800, noise=0.0)
    found = middles(vectors, fine)
    assert np.allclose(assign(found.middles, found).probabilities, 1.0, atol=1e-3)
    assert (assign(vectors, found).probabilities.max() < 1.0).all()


def test_a_tight_cluster_takes_nothing_from_afar() -> None:
    tight = np.tile(np.eye(4, dtype=np.float32)[:1], (10, 1))
    found = middles(tight, np.zeros(10, np.int64))
    far = np.array([[0.9, np.sqrt(1 - 0.81), 0, 0]], np.float32)
    assert assign(far, found).labels.tolist() == [NOISE]
    assert assign(tight[:1], found).labels.tolist() == [0]


def test_no_clusters_and_no_photos() -> None:
    none = middles(np.zeros((3, 4), np.float32), np.full(3, NOISE))
    assert assign(np.eye(4, dtype=np.float32), none).labels.tolist() == [NOISE] * 4
    assert len(assign(np.zeros((0, 4), np.float32), none).labels) == 0
