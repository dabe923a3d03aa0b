"""``stats``: distributions over the library; places apart from what models labelled and what the owner said."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.search.facets import Facet, facets, text_counts, top

KINDS = ("label", "user", "geo", "camera", "person")


class Totals(msgspec.Struct, frozen=True):
    """The library in numbers."""

    images: int
    present: int
    bytes: int
    """Of the images that are known, present or not."""
    dated: int
    placed: int
    rated: int
    captioned: int
    faces: int
    people: int
    damaged: int
    """Sidecars that cannot be read."""


class StatsReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """``stats --json``: the totals, and one list for each kind that was asked for."""

    totals: Totals
    label: list[Facet] | None = None
    """Machine tags that count, by images."""
    user: list[Facet] | None = None
    """The owner's own tags."""
    geo: list[Facet] | None = None
    """``City, CC``."""
    camera: list[Facet] | None = None
    person: list[Facet] | None = None
    years: list[Facet] | None = None


def stats(index: Index, kinds: tuple[str, ...] = (), *, limit: int | None = None) -> StatsReport:
    """Return totals and the distributions of ``kinds`` (all where none is named). Raises UsageError."""
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"no statistics of kind {kind!r}", hint=f"one of {', '.join(KINDS)}")
    keep = index.alive
    every = facets(index, keep)
    user = {tag: len(said.present) for tag, said in index.tags.user.items()}
    lists = {
        "label": _labels(index, keep, limit),
        "user": top(user, limit),
        "geo": top(_places(index, keep), limit),
        "camera": top(text_counts(index, "camera", keep), limit),
        "person": every.people[:limit],
    }
    chosen = {kind: found for kind, found in lists.items() if not kinds or kind in kinds}
    return StatsReport(_totals(index), **chosen, years=every.years if not kinds else None)


def _labels(index: Index, keep: npt.NDArray[np.bool_], limit: int | None) -> list[Facet]:
    """Count machine tags: an image that only its owner tagged so does not count."""
    counts = index.tags.counts(keep)
    for tag in index.tags.user:
        counts[tag] = int(keep[index.tags.by_machine(tag)].sum())
    return top(counts, limit)


def _places(index: Index, keep: npt.NDArray[np.bool_]) -> dict[str, int]:
    cities, countries = index.codes("city"), index.codes("country")
    pairs = np.stack([cities.codes[keep], countries.codes[keep]], axis=1)
    pairs = pairs[(pairs >= 0).any(axis=1)]
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    names = {}
    for (city, country), count in zip(found.tolist(), counts.tolist(), strict=True):
        parts = [cities.values[city] if city >= 0 else "", countries.values[country] if country >= 0 else ""]
        names[", ".join(part for part in parts if part)] = count
    return names


def _totals(index: Index) -> Totals:
    alive = index.alive
    sizes = index.numbers("size")[alive]
    ratings = index.numbers("rating")[alive]
    return Totals(
        images=index.count,
        present=int(index.present.sum()),
        bytes=int(sizes[sizes > 0].sum()),
        dated=int((index.known("taken") & alive).sum()),
        placed=int((index.known("lat") & alive).sum()),
        rated=int((ratings > 0).sum()),
        captioned=int((index.known("caption") & alive).sum()),
        faces=int(index.numbers("faces")[alive].sum()),
        people=len(set(index.faces.names)),
        damaged=int((index.known("trouble") & alive).sum()),
    )
