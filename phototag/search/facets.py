"""Facets: of the images at hand, how many have each tag, person, place, camera, year."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.index.reader import NO_INT, Index
from phototag.search.clusters import cluster_counts

_DAY_US = 86_400_000_000


class Facet(msgspec.Struct, frozen=True):
    """One value and how many images have it."""

    value: str
    count: int


class ClusterFacet(msgspec.Struct, frozen=True):
    """One cluster of the current run and how many of the images are in it."""

    id: int
    value: str
    """What it is called."""
    count: int


class Facets(msgspec.Struct, frozen=True):
    """The values of each kind, the most frequent first (years: the latest first)."""

    tags: list[Facet]
    people: list[Facet]
    cities: list[Facet]
    countries: list[Facet]
    cameras: list[Facet]
    years: list[Facet]
    months: list[Facet]
    """``2019-06``; the latest first."""
    clusters: list[ClusterFacet]


def facets(index: Index, keep: npt.NDArray[np.bool_], *, limit: int | None = None) -> Facets:
    """Return the facets of the images of the mask ``keep``, at most ``limit`` values of each kind."""
    years, months = _dates(index, keep)
    people = {
        name: sum(
            int(keep[index.faces.rows_of(person)].sum())
            for person, called in index.faces.names.items()
            if called == name
        )
        for name in set(index.faces.names.values())
    }
    return Facets(
        tags=top(index.tags.counts(keep), limit),
        people=top(people, limit),
        cities=top(text_counts(index, "city", keep), limit),
        countries=top(text_counts(index, "country", keep), limit),
        cameras=top(text_counts(index, "camera", keep), limit),
        years=years[:limit],
        months=months[:limit],
        clusters=[ClusterFacet(*found) for found in cluster_counts(index, keep)[:limit]],
    )


def top(counts: dict[str, int], limit: int | None = None) -> list[Facet]:
    """Return the values with a count, the most frequent first, equal ones by name."""
    ordered = sorted(((value, count) for value, count in counts.items() if count), key=lambda pair: (-pair[1], pair[0]))
    return [Facet(value, count) for value, count in ordered[:limit]]


def text_counts(index: Index, column: str, keep: npt.NDArray[np.bool_]) -> dict[str, int]:
    """Return how many images of ``keep`` have each value of a column with few distinct values."""
    codes, values = index.codes(column)
    counts = np.bincount(codes[keep] + 1, minlength=len(values) + 1)[1:]
    return {value: int(count) for value, count in zip(values, counts, strict=True) if count}


def _dates(index: Index, keep: npt.NDArray[np.bool_]) -> tuple[list[Facet], list[Facet]]:
    taken = index.numbers("taken")[keep]
    months = (taken[taken != NO_INT] // _DAY_US).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if not len(months):
        return [], []
    first = int(months.min())
    counts = np.bincount(months - first)
    by_month = {first + at: int(counts[at]) for at in np.flatnonzero(counts).tolist()}
    by_year: dict[int, int] = {}
    for month, count in by_month.items():
        by_year[month // 12] = by_year.get(month // 12, 0) + count
    return (
        [Facet(f"{1970 + year:04}", count) for year, count in sorted(by_year.items(), reverse=True)],
        [Facet(f"{1970 + m // 12:04}-{m % 12 + 1:02}", count) for m, count in sorted(by_month.items(), reverse=True)],
    )
