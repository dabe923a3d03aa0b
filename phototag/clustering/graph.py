"""The ``graph`` method: nearest neighbours -> mutual reachability -> spanning tree -> condensed tree; no UMAP, no JIT.

HDBSCAN's own definition (Campello et al. 2013) on the graph of nearest neighbours instead of all pairs. Nothing is
projected, so what the vectors say is what is clustered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.clustering import condense
from phototag.clustering.protocol import Clustering, Notify, Options, Vectors, silent
from phototag.errors import MissingExtraError
from phototag.index.neighbours import Neighbours, nearest


class GraphMethod:
    """Clusters straight from the graph of nearest neighbours."""

    name = "graph"
    needs = ("scipy", "hdbscan")

    def fit(self, vectors: Vectors, options: Options, *, notify: Notify = silent) -> Clustering:
        """Return the clusters of ``vectors`` (n, d). Raises MissingExtraError, UsageError."""
        n = len(vectors)
        options = options.settled(n)
        if n < max(options.min_size, 2):
            return condense.all_noise(n, options)
        if (alike := condense.all_alike(vectors, options)) is not None:
            return alike
        notify(f"finding the {options.neighbours} nearest neighbours of {n:,} photos")
        neighbours = nearest(vectors, options.neighbours, seed=options.seed, threads=options.threads)
        return self.fit_neighbours(vectors, neighbours, options, notify=notify)

    def fit_neighbours(
        self, vectors: Vectors, neighbours: Neighbours, options: Options, *, notify: Notify = silent
    ) -> Clustering:
        """Return the clusters, given the neighbours of ``vectors`` and settled options."""
        notify("building the tree of clusters")
        edges = spanning_tree(vectors, neighbours, options)
        return condense.from_edges(edges, vectors, options)


def spanning_tree(vectors: Vectors, neighbours: Neighbours, options: Options) -> npt.NDArray[np.float64]:
    """Return (n - 1, 3) edges (from, to, distance) of a minimum spanning tree over mutual reachability.

    Parts of the graph that no neighbour links are joined where their middles are nearest.
    """
    try:
        from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
    except ImportError as error:
        raise MissingExtraError("clustering", "cluster") from error
    core = neighbours.distances[:, min(options.min_samples, neighbours.k) - 1]
    graph = _reachability(neighbours, core)
    count, part = connected_components(graph, directed=False)
    tree = minimum_spanning_tree(graph).tocoo()
    edges = np.column_stack([tree.row, tree.col, tree.data.astype(np.float64)])
    while count > 1:
        bridges, count, part = _bridge(vectors, core, part, count, options)
        edges = np.vstack([edges, bridges])
    return edges


def _reachability(neighbours: Neighbours, core: npt.NDArray[np.float32]):  # type: ignore[no-untyped-def]  # scipy has no types here
    from scipy.sparse import coo_matrix

    n, k = neighbours.ids.shape
    source = np.repeat(np.arange(n, dtype=np.int32), k)
    target = neighbours.ids.ravel()
    known = target >= 0
    source, target = source[known], target[known]
    reach = np.maximum(neighbours.distances.ravel()[known], np.maximum(core[source], core[target]))
    low, high = np.minimum(source, target), np.maximum(source, target)
    # One entry an edge: scipy would add the two directions up. A stored zero would count as no edge.
    _, once = np.unique(low.astype(np.int64) * n + high, return_index=True)
    return coo_matrix((np.maximum(reach[once], 1e-6), (low[once], high[once])), shape=(n, n)).tocsr()


def _bridge(
    vectors: Vectors, core: npt.NDArray[np.float32], part: npt.NDArray[np.int32], count: int, options: Options
) -> tuple[npt.NDArray[np.float64], int, npt.NDArray[np.int32]]:
    """Join parts to their nearest parts; return the new edges, how many parts are left, and the part of each point."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(count + 1))
    middles = np.stack([_middle(vectors, order[starts[one] : starts[one + 1]]) for one in range(count)])
    near = nearest(middles, min(options.neighbours, count - 1), seed=options.seed, threads=options.threads)
    source = np.repeat(np.arange(count), near.k)
    between = coo_matrix(
        (np.maximum(near.distances.ravel(), 1e-6), (source, near.ids.ravel())), shape=(count, count)
    ).tocsr()
    joined = minimum_spanning_tree(between.maximum(between.T)).tocoo()
    bridges = []
    for one, other in zip(joined.row, joined.col, strict=True):
        here, there = order[starts[one] : starts[one + 1]], order[starts[other] : starts[other + 1]]
        a = _closest(vectors, here, middles[other])
        b = _closest(vectors, there, middles[one])
        gap = float(np.linalg.norm(np.asarray(vectors[a], np.float32) - np.asarray(vectors[b], np.float32)))
        bridges.append((a, b, max(gap, float(core[a]), float(core[b]))))
    left, merged = connected_components(joined, directed=False)
    return np.array(bridges, np.float64).reshape(-1, 3), int(left), merged[part]


def _middle(vectors: Vectors, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    mean: npt.NDArray[np.float32] = np.asarray(vectors[rows], np.float32).mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


def _closest(vectors: Vectors, rows: npt.NDArray[np.int64], to: npt.NDArray[np.float32]) -> int:
    return int(rows[int(np.argmax(np.asarray(vectors[rows], np.float32) @ to))])
