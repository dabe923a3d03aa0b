"""The ``umap`` method: FAISS neighbours -> UMAP -> HDBSCAN. Slower than ``graph``; it also places photos on a map.

umap-learn compiles itself with numba when first used in a process, 15 to 30 s that have nothing to do with the
photos, so the person is told.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.clustering import condense
from phototag.clustering.graph import GraphMethod
from phototag.clustering.protocol import Clustering, Notify, Options, Vectors, silent
from phototag.errors import MissingExtraError
from phototag.index.neighbours import Neighbours, nearest

NEIGHBOURS = 15
DIM = 5
"""Dimensions that HDBSCAN sees: more keep more structure, fewer are denser (the library's own advice is 2 to 10)."""
FEWEST = 4 * NEIGHBOURS
"""Below this there is no neighbourhood to learn from and the graph is clustered directly."""


class UmapMethod:
    """Clusters in a low-dimensional UMAP embedding."""

    name = "umap"
    needs = (*GraphMethod.needs, "umap")

    def fit(self, vectors: Vectors, options: Options, *, notify: Notify = silent) -> Clustering:
        """Return the clusters of ``vectors`` (n, d). Raises MissingExtraError, UsageError."""
        n = len(vectors)
        options = options.settled(n)
        if n < FEWEST:
            notify(f"below {FEWEST} photos UMAP has nothing to learn from: clustering their neighbour graph directly")
            return GraphMethod().fit(vectors, options, notify=notify)
        if (alike := condense.all_alike(vectors, options)) is not None:
            return alike
        notify(f"finding the nearest neighbours of {n:,} photos")
        neighbours = nearest(vectors, NEIGHBOURS - 1, seed=options.seed, threads=options.threads)
        low = embed(vectors, neighbours, dim=DIM, seed=options.seed, notify=notify)
        notify("building the tree of clusters")
        with quiet():
            from hdbscan import HDBSCAN

            model = HDBSCAN(
                min_cluster_size=options.min_size,
                min_samples=options.min_samples,
                core_dist_n_jobs=options.threads or 1,
            ).fit(low.astype(np.float64))
        return condense.from_condensed(model.condensed_tree_.to_numpy(), vectors, options)


def embed(
    vectors: Vectors,
    neighbours: Neighbours,
    *,
    dim: int,
    seed: int,
    min_dist: float = 0.0,
    notify: Notify = silent,
) -> npt.NDArray[np.float32]:
    """Return the UMAP embedding (n, dim) of ``vectors`` from their NEIGHBOURS - 1 neighbours. Raises MissingExtraError."""
    notify("compiling UMAP for this machine (about 20 s, once a run)")
    with quiet():
        try:
            from umap import UMAP
        except ImportError as error:
            raise MissingExtraError("the umap method", "cluster") from error
        own = np.arange(len(vectors), dtype=np.int32)[:, None]
        ids = np.hstack([own, neighbours.ids])
        distances = np.hstack([np.zeros((len(vectors), 1), np.float32), neighbours.distances])
        notify(f"projecting {len(vectors):,} photos with UMAP")
        model = UMAP(
            n_neighbors=ids.shape[1],
            n_components=dim,
            min_dist=min_dist,
            metric="euclidean",
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(ids, distances),
        )
        low: Any = model.fit_transform(np.asarray(vectors, np.float32))
    return np.nan_to_num(np.asarray(low, np.float32))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what umap, numba, sklearn and hdbscan are known to warn about here, and nothing else."""
    with warnings.catch_warnings():
        for message in (
            r"precomputed_knn\[2\]",  # we never transform new photos
            r"n_jobs value",
            r"Graph is not fully connected",  # expected: clusters
            r"Spectral initialisation failed",  # it then starts from random points, seeded
            r"Embedding a total of",
            r"'force_all_finite' was renamed",
            r"Tensorflow not installed",
        ):
            warnings.filterwarnings("ignore", message=message)
        warnings.filterwarnings("ignore", category=SyntaxWarning, module=r"hdbscan|umap|pynndescent")
        warnings.filterwarnings("ignore", category=ImportWarning, module=r"umap")
        yield
