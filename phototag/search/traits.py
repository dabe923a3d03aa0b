"""What an image has and is: the masks behind ``has:`` and ``is:``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.imaging.formats import RAW
from phototag.index.reader import NO_INT, Index

Mask = npt.NDArray[np.bool_]
Trait = Callable[[Index], Mask]

WIDE = 2.0
"""From this ratio of its sides on a picture is a panorama."""


def has(index: Index, fact: str) -> Mask:
    """Return the images of which ``fact`` is known. Raises UsageError where there is no such fact."""
    return _pick(_HAS, "has", fact)(index)


def is_a(index: Index, kind: str) -> Mask:
    """Return the images that are a ``kind``. Raises UsageError where there is no such kind."""
    return _pick(_IS, "is", kind)(index)


def rows_mask(index: Index, rows: Any) -> Mask:
    """Return a mask over all rows that holds ``rows``."""
    mask = np.zeros(index.size, np.bool_)
    mask[np.asarray(rows, np.int64)] = True
    return mask


def _pick(traits: Mapping[str, Trait], what: str, name: str) -> Trait:
    trait = traits.get(name.casefold())
    if trait is None:
        raise UsageError(f"{what}:{name} is not something to ask for", hint=f"one of {', '.join(sorted(traits))}")
    return trait


def _clustered(index: Index) -> Mask:
    membership = index.clusters.current()
    if membership is None:
        return np.zeros(index.size, np.bool_)
    mask: Mask = membership.labels >= 0
    return mask


def _embedded(index: Index) -> Mask:
    mask = np.zeros(index.size, np.bool_)
    for space in index.spaces:
        mask |= index.vectors(space).has
    return mask


def _duplicated(index: Index) -> Mask:
    from phototag.search import duplicates

    groups = [group for group in duplicates.find(index, index.alive) if group.others]
    return rows_mask(index, [row for group in groups for row in (group.keep, *group.others)])


def _raw(index: Index) -> Mask:
    codes, values = index.codes("format")
    mask: Mask = np.array([value == RAW for value in values] + [False], np.bool_)[codes]
    return mask


def _shaped(keep: Callable[[Any, Any], Any]) -> Trait:
    """Return the trait of pictures whose width and height ``keep`` wants; unread ones have no shape."""

    def mask(index: Index) -> Mask:
        width, height = index.numbers("width"), index.numbers("height")
        shaped: Mask = (width > 0) & (height > 0) & keep(width, height)
        return shaped

    return mask


def _tagged(tag: str) -> Trait:
    return lambda index: index.tags.mask(tag)


_HAS: dict[str, Trait] = {
    "caption": lambda index: index.known("caption"),
    "camera": lambda index: index.codes("camera").codes >= 0,
    "cluster": _clustered,
    "date": lambda index: index.numbers("taken") != NO_INT,
    "faces": lambda index: index.numbers("faces") > 0,
    "gps": lambda index: ~np.isnan(index.numbers("lat")),
    "people": lambda index: rows_mask(index, list(index.faces.by_row)),
    "place": lambda index: index.codes("country").codes >= 0,
    "rating": lambda index: index.numbers("rating") != NO_INT,
    "title": lambda index: index.known("title"),
    "trouble": lambda index: index.known("trouble"),
    "vector": _embedded,
}

_IS: dict[str, Trait] = {
    "absent": lambda index: ~index.flags("present"),
    "document": _tagged("document"),
    "drawing": _tagged("drawing"),
    "duplicate": _duplicated,
    "landscape": _shaped(lambda width, height: width > height),
    "panorama": _shaped(lambda width, height: np.maximum(width, height) >= WIDE * np.minimum(width, height)),
    "portrait": _shaped(lambda width, height: height > width),
    "present": lambda index: index.flags("present"),
    "raw": _raw,
    "rejected": lambda index: index.numbers("rating") == -1,
    "scan": _tagged("scan"),
    "screenshot": _tagged("screenshot"),
    "square": _shaped(lambda width, height: width == height),
}
