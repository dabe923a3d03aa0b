"""Vectors with a known answer: themes of clusters of uneven size, with noise between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.clustering.naming import Words

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def clustered(
    n: int, *, dim: int = 64, themes: int = 6, each: int = 3, noise: float = 0.08, seed: int = 0
) -> tuple[Floats, Ints, Ints]:
    """Return (vectors (n, dim), fine labels, coarse labels); -1 is noise."""
    rng = np.random.default_rng(seed)
    count = themes * each
    tops = unit(rng.standard_normal((themes, dim)))
    centres = unit(np.repeat(tops, each, axis=0) + 0.7 * unit(rng.standard_normal((count, dim))))
    shares = rng.uniform(0.5, 3.0, count)
    fine = rng.choice(count, size=n, p=shares / shares.sum())
    spread = rng.uniform(0.25, 0.5, count)
    vectors = centres[fine] + rng.standard_normal((n, dim)) * (spread[fine] / dim**0.5)[:, None]
    lost = rng.random(n) < noise
    vectors[lost] = rng.standard_normal((int(lost.sum()), dim))
    fine = np.where(lost, -1, fine)
    return unit(vectors).astype(np.float32), fine, np.where(fine < 0, -1, fine // each)


def unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``rows`` with length 1."""
    made: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made


def words(
    tags: list[list[str]], *, places: list[str] | None = None, months: list[int] | None = None, south: bool = False
) -> Words:
    """Return the words of photos that carry ``tags``, all with score 1."""
    vocabulary = sorted({tag for own in tags for tag in own})
    pairs = [(row, vocabulary.index(tag)) for row, own in enumerate(tags) for tag in own]
    names = sorted(set(places or []) - {""})
    return Words(
        vocabulary,
        np.array([row for row, _ in pairs], np.int64),
        np.array([tag for _, tag in pairs], np.int64),
        np.ones(len(pairs)),
        names,
        np.array([names.index(place) if place else -1 for place in places or [""] * len(tags)]),
        np.array(months or [0] * len(tags)),
        np.full(len(tags), -34.0 if south else np.nan),
    )
