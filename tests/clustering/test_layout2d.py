"""The map: within the square, alike photos together, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.clustering import layout2d
from tests.clustering.made import clustered


def nearest_is_kin(at: np.ndarray, labels: np.ndarray) -> float:
    """Return how often the nearest photo on the map is of the same cluster."""
    gap = ((at[:, None] - at[None]) ** 2).sum(axis=2)
    np.fill_diagonal(gap, np.inf)
    inside = labels >= 0
    return float((labels[gap.argmin(axis=1)] == labels)[inside].mean())


def test_alike_photos_lie_together() -> None:
    vectors, fine, _ = clustered(500)
    at = layout2d.place(vectors)
    assert at.shape == (500, 2)
    assert at.min() >= 0
    assert at.max() <= 1
    assert nearest_is_kin(at, fine) > 0.9


def test_the_map_is_the_same_every_time() -> None:
    vectors, _, _ = clustered(200)
    assert np.array_equal(layout2d.place(vectors, seed=4), layout2d.place(vectors, seed=4))


def test_a_large_collection_joins_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout2d, "SAMPLE", 200)
    vectors, fine, _ = clustered(600)
    assert nearest_is_kin(layout2d.place(vectors), fine) > 0.8


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_a_handful_of_photos(n: int) -> None:
    at = layout2d.place(clustered(60)[0][:n])
    assert at.shape == (n, 2)
    assert np.isfinite(at).all()


def test_identical_photos_do_not_break_the_map() -> None:
    at = layout2d.place(np.tile(clustered(60)[0][:1], (50, 1)))
    assert np.isfinite(at).all()
