"""Both methods: quality against a known answer, determinism, stability, odd collections."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from phototag.clustering.graph import GraphMethod
from phototag.clustering.protocol import NOISE, Clustering, ClusterMethod, Options
from phototag.clustering.umap import UmapMethod
from phototag.errors import UsageError
from tests.clustering.made import clustered, unit

METHODS = [GraphMethod(), UmapMethod()]


def ari(one: object, other: object) -> float:
    """Return the adjusted Rand index."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(one, other))


def check(found: Clustering, n: int) -> None:
    """Assert what holds for every clustering."""
    for labels, strength in ((found.labels, found.probabilities), (found.themes, found.theme_probabilities)):
        assert labels.shape == strength.shape == (n,)
        assert ((strength >= 0) & (strength <= 1)).all()
        assert (strength[labels == NOISE] == 0).all()
        sizes = np.bincount(labels[labels >= 0])
        assert (np.diff(sizes) <= 0).all(), "clusters are numbered by size"
        assert (sizes >= found.options.min_size).all()
    assert ((found.outliers >= 0) & (found.outliers <= 1)).all()
    assert len(found.parents) == found.labels.max(initial=-1) + 1
    for number, parent in enumerate(found.parents):
        assert set(found.themes[found.labels == number].tolist()) == {parent}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_method_finds_what_was_made(method: ClusterMethod) -> None:
    vectors, fine, coarse = clustered(900)
    found = method.fit(vectors, Options(min_size=12))
    check(found, 900)
    assert max(ari(fine, found.labels), ari(fine, found.themes)) > 0.8
    assert ari(coarse, found.themes) > 0.3


def test_the_graph_is_as_good_as_umap_and_hdbscan() -> None:
    """Quality >= 0.95 x plain umap + hdbscan with the same parameters (issue 6)."""
    from phototag.clustering.umap import quiet

    vectors, fine, _ = clustered(1200, seed=3)
    with quiet():  # importing umap warns too, in the process that does it first
        from hdbscan import HDBSCAN
        from umap import UMAP

        low = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0, n_jobs=1)
        plain = HDBSCAN(min_cluster_size=15, min_samples=5).fit(low.fit_transform(vectors)).labels_
    found = GraphMethod().fit(vectors, Options(min_size=15, min_samples=5))
    assert ari(fine, found.themes) >= 0.95 * ari(fine, plain)


def test_the_same_seed_gives_the_same_clusters() -> None:
    vectors, _, _ = clustered(600)
    first, second = (GraphMethod().fit(vectors, Options(seed=7, threads=1)) for _ in range(2))
    for column in ("labels", "themes", "probabilities", "outliers"):
        assert np.array_equal(getattr(first, column), getattr(second, column))


def test_seeds_agree_with_each_other() -> None:
    """Stability: mean pairwise ARI across seeds, with the neighbours found by lists, where a seed matters."""
    from phototag.index.neighbours import nearest

    vectors, _, _ = clustered(3000)
    runs = []
    for seed in range(3):
        options = Options(seed=seed, threads=2).settled(3000)
        neighbours = nearest(vectors, options.neighbours, seed=seed, exact_below=100)
        runs.append(GraphMethod().fit_neighbours(vectors, neighbours, options).themes)
    assert np.mean([ari(a, b) for a, b in combinations(runs, 2)]) > 0.95


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 20])
def test_small_collections(method: ClusterMethod, n: int) -> None:
    vectors, _, _ = clustered(60)
    check(method.fit(vectors[:n], Options()), n)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_identical_photos_are_one_cluster(method: ClusterMethod) -> None:
    vectors = np.tile(clustered(60)[0][:1], (80, 1))
    found = method.fit(vectors, Options())
    check(found, 80)
    assert set(found.themes.tolist()) == {0}


def test_nothing_alike_is_all_noise_or_little_else() -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((300, 256))).astype(np.float32)
    found = GraphMethod().fit(vectors, Options(min_size=15))
    check(found, 300)
    assert (found.labels >= 0).sum() < 0.5 * 300


def test_far_groups_without_a_link_are_found_apart() -> None:
    """Groups larger than k leave the neighbour graph in pieces."""
    rng = np.random.default_rng(0)
    centres = np.eye(8)
    vectors = unit(np.repeat(centres, 50, axis=0) + 0.01 * rng.standard_normal((400, 8))).astype(np.float32)
    found = GraphMethod().fit(vectors, Options(min_size=20))
    assert ari(np.repeat(np.arange(8), 50), found.themes) > 0.99


def test_loose_clusters_do_not_end_up_in_one_lump() -> None:
    """Excess of mass would take nearly everything for one theme here."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((200, 64))
    of = (rng.random(6000) ** 2 * 200).astype(int)
    vectors = unit(centres[of] + 0.95 * rng.standard_normal((6000, 64))).astype(np.float32)
    found = GraphMethod().fit(vectors, Options(min_size=30))
    check(found, 6000)
    inside = found.themes >= 0
    assert np.bincount(found.themes[inside]).max() <= 0.3 * 6000
    assert ari(of[inside], found.themes[inside]) > 0.7


def test_half_floats_are_taken_as_they_are() -> None:
    vectors, fine, _ = clustered(500)
    found = GraphMethod().fit(vectors.astype(np.float16), Options(min_size=12))
    assert ari(fine, found.themes) > 0.7


def test_a_cluster_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 2"):
        GraphMethod().fit(clustered(60)[0], Options(min_size=1))


def test_a_chosen_size_is_kept() -> None:
    settled = Options(min_size=7).settled(10_000)
    assert settled.min_size == 7
    assert settled.neighbours >= settled.min_samples


def test_umap_says_what_takes_so_long() -> None:
    said: list[str] = []
    UmapMethod().fit(clustered(200)[0], Options(), notify=said.append)
    assert any("compiling" in text for text in said)
