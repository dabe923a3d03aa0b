"""The words of photos, for their clusters' names: tags that count, cities, months, latitudes, from the index."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.clustering.naming import Words
from phototag.index.reader import NO_INT, Index

BUILTIN = "builtin"


def words_of(index: Index, rows: npt.NDArray[np.integer[Any]]) -> Words:
    """Return the words of ``rows`` of ``index``; photo i of the result is ``rows[i]``."""
    position = np.full(index.size, -1, np.int64)
    position[rows] = np.arange(len(rows))
    vocabulary = _vocabulary(index)
    photos, tags, scores = [], [], []
    for code, tag in enumerate(vocabulary):
        posting = index.tags.posting(tag)
        at = position[posting.rows]
        mine = at >= 0
        photos.append(at[mine])
        tags.append(np.full(int(mine.sum()), code, np.int32))
        scores.append(posting.scores[mine])
    cities = index.codes("city")
    return Words(
        [tag.rpartition("/")[2] for tag in vocabulary],
        np.concatenate([*photos, np.zeros(0, np.int64)]),
        np.concatenate([*tags, np.zeros(0, np.int32)]),
        np.concatenate([*scores, np.zeros(0, np.float32)]),
        cities.values,
        cities.codes[rows],
        _months(index.numbers("taken")[rows]),
        index.numbers("lat")[rows],
    )


def _vocabulary(index: Index) -> list[str]:
    """Return the tags that may name clusters: those of models that see, and the owner's.

    The built-in analyser knows colours, light and shapes; its words stand in only where no other model tagged.
    """
    by_model = index.tags.labels_by_model()
    seeing = set().union(*(labels for model, labels in by_model.items() if model != BUILTIN))
    return sorted(seeing | index.tags.user.keys()) if seeing else index.tags.labels()


def _months(taken_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    known = taken_us != NO_INT
    months = np.zeros(len(taken_us), np.int64)
    months[known] = taken_us[known].astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return months
