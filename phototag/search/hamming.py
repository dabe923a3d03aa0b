"""What hangs together among 256-bit hashes by pairs that differ in few bits, without comparing all pairs.

Bit sampling (Indyk and Motwani, "Approximate nearest neighbors", STOC 1998): hashes that agree in a random sample of
about log2(n) bits are compared, once for each of ``SAMPLES`` samples. The work grows as n log n. Of pairs 16 bits
apart one in 10^8 is missed among a million hashes, at the very limit of 31 bits one in 140. Multi-index hashing
(Norouzi et al. 2012), which misses none, took as long at 100,000 and five times as long at a million;
``faiss.IndexBinaryMultiHash`` forty times as long at 100,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.search.disjoint import Sets

SAMPLES = 64
ALL_BELOW = 2048
"""Up to so many hashes all pairs are compared: a tenth of a second."""

_BITS, _WORDS = 256, 4
_SEED = 1
"""Fixed, so that the same library gives the same answer everywhere."""
_BLOCK = 1 << 20
"""Pairs compared at once: 60 MB of working memory."""
_FIRST_BLOCK = 1 << 14
"""Fewer at first: they may show that all the others hang together."""

Hashes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]


def connected(hashes: Hashes, radius: int) -> Ids:
    """Return for each of ``hashes``, (n, 32) uint8, the first one that it hangs together with, (n,); often itself.

    Those hang together that differ in at most ``radius`` bits, and what hangs together with either. What does is not
    compared again: in a time-lapse every frame is near every other.
    """
    words = _words(hashes)
    labels = np.arange(len(hashes))
    for key in _keys(hashes):
        for one, other in _within_runs(key, labels):
            apart = labels[one] != labels[other]
            first, second = _near(words, one[apart], other[apart], radius)
            if len(first):
                labels = _joined(labels, first, second)
    return labels


def distance(one: Hashes, many: Hashes) -> npt.NDArray[np.int64]:
    """Return in how many bits each of ``many``, (n, 32), differs from ``one``, (32,)."""
    differing = one.view(np.uint64) ^ np.ascontiguousarray(many).view(np.uint64)
    bits: npt.NDArray[np.int64] = _popcount(differing).sum(axis=1, dtype=np.int64)
    return bits


def _words(hashes: Hashes) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64).reshape(len(hashes), _WORDS).T.copy()


def _near(words: npt.NDArray[np.uint64], one: Ids, other: Ids, radius: int) -> tuple[Ids, Ids]:
    """Return those of the pairs that differ in at most ``radius`` bits."""
    # Two words of four tell nearly all strangers: they differ in 64 bits of 128, give or take 6.
    likely = _bits(words[:2], one, other) <= radius
    first, second = one[likely], other[likely]
    near = _bits(words, first, second) <= radius
    return first[near], second[near]


def _joined(labels: Ids, first: Ids, second: Ids) -> Ids:
    """Return ``labels`` after each ``first`` was joined with its ``second``; the smaller label stays."""
    count = len(labels)
    pairs = np.unique(labels[first] * count + labels[second])
    names, at = np.unique(np.stack(np.divmod(pairs, count)), return_inverse=True)
    sets = Sets(len(names))
    for one, other in at.reshape(2, -1).T.tolist():
        sets.join(one, other)
    to = np.arange(count)
    for members in sets.all():
        to[names[members]] = names[members[0]]
    return to[labels]


def _keys(hashes: Hashes) -> Iterator[Ids]:
    """Yield samples of the bits, (n,) each: hashes with the same are to be compared."""
    count = len(hashes)
    if count <= ALL_BELOW:
        yield np.zeros(count, np.int64)
        return
    columns = np.ascontiguousarray(hashes.T)
    rng = np.random.default_rng(_SEED)
    for _ in range(SAMPLES):
        key = np.zeros(count, np.int64)
        for bit in rng.choice(_BITS, count.bit_length(), replace=False):
            key = key << 1 | (columns[bit >> 3] >> (bit & 7) & 1)
        yield key


def _within_runs(key: Ids, labels: Ids) -> Iterator[tuple[Ids, Ids]]:
    """Yield the pairs of places with equal ``key`` and other ``labels``, a block at a time."""
    order = np.lexsort((labels, key))
    ends, group_ends = _ends(key[order]), _ends(labels[order], key[order])
    at = np.flatnonzero(group_ends < ends)
    partners = (ends - group_ends)[at]
    sums = np.cumsum(partners)
    begin, block = 0, _FIRST_BLOCK
    while begin < len(at):
        before = int(sums[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(sums, before + block, "right")))
        some = partners[begin:end]
        one = np.repeat(at[begin:end], some)
        ahead = np.arange(len(one)) - np.repeat(sums[begin:end] - some - before, some)
        yield order[one], order[np.repeat(group_ends[at[begin:end]], some) + ahead]
        begin, block = end, min(4 * block, _BLOCK)


def _ends(*columns: Ids) -> Ids:
    """Return for each place where the run of equal values that it is in ends."""
    count = len(columns[0])
    changes = np.zeros(max(0, count - 1), np.bool_)
    for column in columns:
        changes |= column[1:] != column[:-1]
    stops = np.append(np.flatnonzero(changes) + 1, count)
    return np.repeat(stops, np.diff(stops, prepend=0))


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
