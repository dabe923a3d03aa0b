"""Clustering against UMAP + HDBSCAN on vectors with a known answer: time of a fresh process, memory, quality.

``python -m benchmarks.cluster [N...]``; ``--million`` adds a run over 1,000,000 for its memory. Every method runs in a
process of its own with an empty numba cache, seeded, all imports counted; making the vectors is not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.row import Row, peak_mib

DIM, MIN_SIZE, MIN_SAMPLES = 512, 20, 5


class Done(msgspec.Struct, frozen=True):
    """What one process reports."""

    seconds: float
    peak_mib: float
    ari: float
    """Adjusted Rand index against the finest truth, of the better level."""
    coarse: float
    """The same of the themes against the coarse truth."""
    clusters: int


def rows(sizes: tuple[int, ...] = (5_000, 100_000), *, million: bool = False) -> list[Row]:
    """Measure the sizes."""
    made: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            path = os.path.join(folder, f"{n}.npz")
            write(path, n)
            peer = run("plain" if n <= 20_000 else "faiss", path)
            graph, ours = run("graph", path), run("umap", path)
            limit = 0.15 if n <= 20_000 else 0.35
            name, detail = f"cluster {n:,} x {DIM}", f"{graph.seconds:.1f} s, UMAP + HDBSCAN {peer.seconds:.1f} s"
            made.append(Row(f"{name}, graph", graph.seconds / peer.seconds, limit, detail=detail))
            made.append(Row(f"{name}, graph, memory", graph.peak_mib, 1500, unit="MiB"))
            detail = f"ARI {graph.ari:.3f}, UMAP + HDBSCAN {peer.ari:.3f}; themes {graph.coarse:.3f}, {peer.coarse:.3f}"
            made.append(Row(f"{name}, graph, quality", graph.ari / peer.ari, 0.95, at_least=True, detail=detail))
            detail = f"{ours.seconds:.1f} s; ARI {ours.ari:.3f}"
            made.append(Row(f"{name}, umap", ours.seconds / peer.seconds, 1.1, detail=detail))
            made.append(
                Row(f"{name}, graph, three seeds alike", run("seeds", path).ari, 0.95, unit="ARI", at_least=True)
            )
        if million:
            path = os.path.join(folder, "million.npz")
            write(path, 1_000_000)
            found = run("graph", path)
            detail = f"{found.seconds:.0f} s; ARI {found.ari:.3f}"
            made.append(
                Row(f"cluster 1,000,000 x {DIM}, graph, memory", found.peak_mib, 6000, unit="MiB", detail=detail)
            )
    return made


def write(path: str, n: int, seed: int = 0) -> None:
    """Write vectors as the index holds them (half floats) with their fine and coarse truth.

    Themes of several clusters, of very unequal size (Pareto), each in a low-dimensional patch of its own, a tenth noise
    between them.
    """
    rng = np.random.default_rng(seed)
    themes, each, inner = max(12, round(n**0.5 / 6)), 4, 12
    tops = _unit(rng.standard_normal((themes, DIM)))
    centres = _unit(np.repeat(tops, each, axis=0) + 0.6 * _unit(rng.standard_normal((themes * each, DIM))))
    shares = rng.pareto(2.0, len(centres)) + 0.5
    fine = rng.choice(len(centres), size=n, p=shares / shares.sum())
    vectors = np.empty((n, DIM), np.float16)
    for number, centre in enumerate(centres):
        members = np.flatnonzero(fine == number)
        patch = rng.standard_normal((inner, DIM)) * (0.5 / (inner * DIM) ** 0.5)
        made = centre + rng.standard_normal((len(members), inner)) @ patch
        vectors[members] = _unit(made + rng.standard_normal(made.shape) * (0.3 / DIM**0.5))
    noise = np.flatnonzero(rng.random(n) < 0.1)
    ends = rng.integers(0, len(centres), (2, len(noise)))
    mixed = 0.5 * centres[ends[0]] + 0.5 * centres[ends[1]]
    vectors[noise] = _unit(mixed + rng.standard_normal(mixed.shape) * (0.6 / DIM**0.5))
    fine[noise] = -1
    np.savez(path, vectors=vectors, fine=fine, coarse=np.where(fine < 0, -1, fine // each))


def run(method: str, path: str) -> Done:
    """Run one method in a process of its own."""
    with tempfile.TemporaryDirectory() as cold:
        env = {**os.environ, "NUMBA_CACHE_DIR": cold}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.cluster", "--method", method, path],
            env=env,
            check=True,
            capture_output=True,
        )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Done)


def measure(method: str, path: str) -> Done:
    """Cluster in this process and report."""
    data = np.load(path)
    vectors, fine, coarse = data["vectors"], data["fine"], data["coarse"]
    begun = time.perf_counter()
    if method == "seeds":
        return _stability(vectors, begun)
    labels, themes = {"graph": _ours, "umap": _ours, "plain": _peer, "faiss": _peer}[method](method, vectors)
    seconds, peak = time.perf_counter() - begun, peak_mib()
    from sklearn.metrics import adjusted_rand_score as ari

    better = max(ari(fine, labels), ari(fine, themes))
    return Done(seconds, peak, float(better), float(ari(coarse, themes)), int(themes.max()) + 1)


def _stability(vectors: npt.NDArray[np.float16], begun: float) -> Done:
    """Return the mean pairwise ARI of the themes of three seeds."""
    from itertools import combinations

    from sklearn.metrics import adjusted_rand_score as ari

    from phototag.clustering.protocol import Options
    from phototag.clustering.run import METHODS

    options = [Options(min_size=MIN_SIZE, min_samples=MIN_SAMPLES, seed=seed) for seed in range(3)]
    found = [METHODS["graph"].fit(vectors, one).themes for one in options]
    alike = float(np.mean([ari(one, other) for one, other in combinations(found, 2)]))
    return Done(time.perf_counter() - begun, peak_mib(), alike, alike, int(found[0].max()) + 1)


def _ours(method: str, vectors: npt.NDArray[np.float16]) -> tuple[Any, Any]:
    from phototag.clustering.protocol import Options
    from phototag.clustering.run import METHODS

    found = METHODS[method].fit(vectors, Options(min_size=MIN_SIZE, min_samples=MIN_SAMPLES))
    return found.labels, found.themes


def _peer(method: str, vectors: npt.NDArray[np.float16]) -> tuple[Any, Any]:
    """UMAP + HDBSCAN as their manuals have it; with ``faiss`` the neighbours come from an inverted file."""
    import warnings

    warnings.simplefilter("ignore")
    full = vectors.astype(np.float32)
    known = _faiss_neighbours(full) if method == "faiss" else (None, None, None)
    from hdbscan import HDBSCAN
    from umap import UMAP

    low = UMAP(
        n_neighbors=15,
        n_components=5,
        min_dist=0.0,
        metric="cosine" if method == "plain" else "euclidean",
        random_state=0,
        precomputed_knn=known,
    ).fit_transform(full)
    model = HDBSCAN(min_cluster_size=MIN_SIZE, min_samples=MIN_SAMPLES).fit(low)
    return model.labels_, model.labels_


def _faiss_neighbours(full: npt.NDArray[np.float32]) -> tuple[Any, Any]:
    import faiss

    lists = round(4 * len(full) ** 0.5)
    index = faiss.index_factory(DIM, f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
    assert isinstance(index, faiss.IndexIVF)
    index.train(full[: 40 * lists])
    index.add(full)
    index.nprobe = 16
    cosines, ids = index.search(full, 15)
    return ids, np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosines))


def _unit(made: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows: npt.NDArray[np.float64] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return rows


def main() -> None:
    """Print the rows, or be one measured process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    if options.method:
        print(json.dumps(msgspec.to_builtins(measure(options.method, options.what[0]))))
        return
    sizes = tuple(int(n) for n in options.what) or (5_000, 100_000)
    for row in rows(sizes, million=options.million):
        print(
            f"{'ok  ' if row.passed else 'MISS'} {row.name:48} {row.value:8.2f} (limit {row.limit:g} {row.unit})  {row.detail}"
        )


if __name__ == "__main__":
    main()
