"""How pictures look: perceptual hashes that differ in few bits, confirmed by the embedding.

The limits are measured on transformed photos (benchmarks/duplicates.py, docs/duplicates.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.index.reader import Index
from phototag.search import hamming
from phototag.search.disjoint import Sets

WHOLE_BITS = 31
"""Hashes of whole pictures may differ in so many bits."""
INNER_BITS = 24
"""As many where one is of what a frame encloses: the embedding sees the frame, so it cannot confirm those."""
MIN_COSINE = 0.8
"""Of the embeddings of two whole pictures."""
UNCONFIRMED_BITS = 12
"""Bits for pictures without an embedding."""
UNLIKE = 1 << 20
"""Stands for the bits between pictures that do not look the same."""

Ids = npt.NDArray[np.int64]


class Looks:
    """Hashes and embeddings of the images in ``rows``, by their place among them."""

    def __init__(self, index: Index, rows: Ids) -> None:
        self._rows = rows
        self._whole, self._inner = (_hashes(index, name, rows) for name in ("phash", "phash_inner"))
        self._has_inner = np.asarray(self._inner.any(axis=1))
        self._vectors = index.vectors(index.spaces[0]) if index.spaces else None

    def alike(self) -> list[list[int]]:
        """Return the sets of pictures that hang together by their hashes; a picture like no other is left out."""
        kinds = (self._whole, self._inner)
        owners = np.concatenate([np.flatnonzero(hashes.any(axis=1)) for hashes in kinds])
        if not len(owners):
            return []
        values, at = np.unique(np.concatenate([h[h.any(axis=1)] for h in kinds]), axis=0, return_inverse=True)
        sets = Sets(len(self._rows))
        first: dict[int, int] = {}
        for value, owner in zip(at.reshape(-1).tolist(), owners.tolist(), strict=True):
            sets.join(first.setdefault(value, owner), owner)
        together = hamming.connected(values, max(WHOLE_BITS, INNER_BITS))
        for value, other in enumerate(together.tolist()):
            sets.join(first[value], first[other])
        return [members for members in sets.all() if len(members) > 1]

    def bits(self, one: int, others: Ids) -> Ids:
        """Return in how many bits ``others`` differ from ``one``, ``UNLIKE`` where they do not look the same."""
        whole = hamming.distance(self._whole[one], self._whole[others])
        framed = hamming.distance(self._whole[one], self._inner[others])
        framed[~self._has_inner[others]] = UNLIKE
        if self._has_inner[one]:
            for hashes, known in ((self._whole, True), (self._inner, self._has_inner[others])):
                again = hamming.distance(self._inner[one], hashes[others])
                framed = np.minimum(framed, np.where(known, again, UNLIKE))
        framed[framed > INNER_BITS] = UNLIKE
        whole[whole > WHOLE_BITS] = UNLIKE
        to_confirm = np.flatnonzero(whole < framed)
        whole[to_confirm[~self._confirmed(one, others[to_confirm], whole[to_confirm])]] = UNLIKE
        return np.minimum(whole, framed)

    def _confirmed(self, one: int, others: Ids, bits: Ids) -> npt.NDArray[np.bool_]:
        few: npt.NDArray[np.bool_] = bits <= UNCONFIRMED_BITS
        if self._vectors is None or not len(others):
            return few
        mine, theirs = self._vectors.get(self._rows[[one]])[0], self._vectors.get(self._rows[others])
        known = theirs.any(axis=1) & bool(mine.any())
        alike: npt.NDArray[np.bool_] = np.where(known, theirs @ mine >= MIN_COSINE, few)
        return alike


def _hashes(index: Index, column: str, rows: Ids) -> npt.NDArray[np.uint8]:
    """Return (n, 32) hashes, zeros where there is none."""
    found = index.column(column).take(rows).to_pylist()
    none = bytes(32)
    return np.frombuffer(b"".join(one or none for one in found), np.uint8).reshape(len(rows), 32)
