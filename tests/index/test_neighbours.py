"""Neighbours by lists against the exact answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from phototag.index import neighbours
from phototag.index.neighbours import nearest
from tests.clustering.made import clustered


def test_exact_neighbours_are_the_nearest_and_not_oneself() -> None:
    vectors, _, _ = clustered(300)
    found = nearest(vectors, 5)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    assert np.array_equal(found.ids, np.argsort(-cosines, axis=1)[:, :5])
    assert np.allclose(found.distances, np.sqrt(2 - 2 * np.sort(cosines, axis=1)[:, ::-1][:, :5]), atol=1e-3)


def recall(found: npt.NDArray[np.int32], exact: npt.NDArray[np.int32]) -> float:
    """Return the mean share of exact neighbours that were found."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, exact, strict=True)]))


def test_lists_find_almost_all() -> None:
    vectors, _, _ = clustered(4000, dim=96)
    exact = nearest(vectors, 10)
    found = nearest(vectors, 10, exact_below=0, seed=1)
    assert recall(found.ids, exact.ids) > 0.95
    assert not (found.ids == np.arange(4000)[:, None]).any()
    assert (np.diff(found.distances, axis=1) >= -1e-6).all()


def test_lists_are_the_same_every_time() -> None:
    vectors, _, _ = clustered(2000)
    one, two = (nearest(vectors, 8, exact_below=0, seed=5, threads=1) for _ in range(2))
    assert np.array_equal(one.ids, two.ids)


def test_a_giant_list_of_look_alikes_is_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "GIANT", 128)
    monkeypatch.setattr(neighbours, "CANDIDATES_AT_MOST", 512)
    vectors, _, _ = clustered(1000)
    vectors[:700] = vectors[0]
    found = nearest(vectors, 6, exact_below=0)
    assert (found.ids >= 0).all()
    assert (found.distances[:700] < 1e-2).all()


@pytest.mark.parametrize(("n", "k", "expected"), [(0, 5, 0), (1, 5, 0), (2, 5, 1), (4, 9, 3)])
def test_few_vectors(n: int, k: int, expected: int) -> None:
    found = nearest(clustered(60)[0][:n], k)
    assert found.ids.shape == (n, expected)


def test_progress_reaches_the_end() -> None:
    told: list[tuple[int, int]] = []
    nearest(clustered(2000)[0], 4, exact_below=0, progress=lambda done, n: told.append((done, n)))
    assert told[-1] == (2000, 2000)
