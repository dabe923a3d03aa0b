"""Pairs of 256-bit hashes that differ in few bits, without comparing all pairs.

Bit sampling (Indyk and Motwani, "Approximate nearest neighbors", STOC 1998): hashes that agree in a random sample of
about log2(n) bits are compared, once for each of ``SAMPLES`` samples. The work grows as n log n. Of pairs 16 bits
apart one in 10^8 is missed among a million hashes, at the very limit of 31 bits one in 140. Multi-index hashing
(Norouzi et al. 2012), which misses none, took as long at 100,000 and five times as long at a million;
``faiss.IndexBinaryMultiHash`` forty times as long at 100,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SAMPLES = 64
ALL_BELOW = 2048
"""Up to so many hashes all pairs are compared: a tenth of a second."""

_BITS, _WORDS = 256, 4
_SEED = 1
"""Fixed, so that the same library gives the same answer everywhere."""
_BLOCK = 1 << 20
"""Pairs compared at once: 60 MB of working memory."""

Hashes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]


class Pairs(NamedTuple):
    """Each pair once, ``first`` < ``second``, in order."""

    first: Ids
    second: Ids
    bits: npt.NDArray[np.int64]
    """In how many bits they differ."""


def pairs_within(hashes: Hashes, radius: int) -> Pairs:
    """Return the pairs of ``hashes``, (n, 32) uint8, that differ in at most ``radius`` bits."""
    words = np.ascontiguousarray(hashes).view(np.uint64).reshape(len(hashes), _WORDS).T.copy()
    found: list[npt.NDArray[np.int64]] = []
    for one, other in _candidates(hashes):
        # Two words of four tell nearly all strangers: they differ in 64 bits of 128, give or take 6.
        likely = _bits(words[:2], one, other) <= radius
        first, second = one[likely], other[likely]
        bits = _bits(words, first, second)
        near = bits <= radius
        found.append(np.stack([np.minimum(first, second), np.maximum(first, second), bits])[:, near])
    if not found:
        return Pairs(*np.zeros((3, 0), np.int64))
    return Pairs(*np.unique(np.concatenate(found, axis=1), axis=1))


def distance(one: Hashes, many: Hashes) -> npt.NDArray[np.int64]:
    """Return in how many bits each of ``many``, (n, 32), differs from ``one``, (32,)."""
    differing = one.view(np.uint64) ^ np.ascontiguousarray(many).view(np.uint64)
    bits: npt.NDArray[np.int64] = _popcount(differing).sum(axis=1, dtype=np.int64)
    return bits


def _candidates(hashes: Hashes) -> Iterator[tuple[Ids, Ids]]:
    """Yield pairs to compare, a block at a time; a pair may come several times."""
    count = len(hashes)
    if count <= ALL_BELOW:
        yield from _within_runs(np.zeros(count, np.int64))
        return
    columns = np.ascontiguousarray(hashes.T)
    rng = np.random.default_rng(_SEED)
    for _ in range(SAMPLES):
        key = np.zeros(count, np.int64)
        for bit in rng.choice(_BITS, count.bit_length(), replace=False):
            key = key << 1 | (columns[bit >> 3] >> (bit & 7) & 1)
        yield from _within_runs(key)


def _within_runs(key: Ids) -> Iterator[tuple[Ids, Ids]]:
    """Yield the pairs of places with equal ``key``."""
    order = np.argsort(key)
    ordered = key[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(key)])
    counts = np.diff(np.append(starts, len(key)))
    at = np.flatnonzero(np.repeat(counts, counts) > 1)
    partners = np.repeat(starts + counts, counts)[at] - at - 1
    sums = np.cumsum(partners)
    begin = 0
    while begin < len(at):
        before = int(sums[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(sums, before + _BLOCK, "right")))
        some = partners[begin:end]
        one = np.repeat(at[begin:end], some)
        ahead = np.arange(len(one)) - np.repeat(sums[begin:end] - some - before, some)
        yield order[one], order[one + 1 + ahead]
        begin = end


def _bits(words: npt.NDArray[np.uint64], first: Ids, second: Ids) -> npt.NDArray[np.int64]:
    total = np.zeros(len(first), np.int64)
    for word in words:
        total += _popcount(word[first] ^ word[second])
    return total


def _table() -> npt.NDArray[np.uint8]:
    bits = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16)
    counts: npt.NDArray[np.uint8] = bits.sum(axis=1, dtype=np.uint8)
    return counts


def _popcount(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Return the number of bits set in each value."""
    count: Any = getattr(np, "bitwise_count", None)  # since NumPy 2.0
    if count is not None:
        counted: npt.NDArray[np.uint8] = count(values)
        return counted
    parts = _table()[np.ascontiguousarray(values).view(np.uint16)]
    summed: npt.NDArray[np.uint8] = parts.reshape(*values.shape, 4).sum(axis=-1, dtype=np.uint8)
    return summed
