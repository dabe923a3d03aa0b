"""What the report says, gathered from the index and one run: plain values, nothing about HTML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.clustering.listing import why_none
from phototag.index.clusters import NOISE, Membership
from phototag.index.reader import NO_INT, Index
from phototag.library import runs
from phototag.library.cluster_names import names_without_places
from phototag.library.runs import RunDocument
from phototag.report.bars import Bar, bars
from phototag.report.choose import examples, outlying
from phototag.report.colours import colour
from phototag.report.times import Histogram, Moments, histogram, years

Ints = npt.NDArray[np.integer[Any]]

STRIPS = ("gps", "faces", "people")
NO_DAY = -(1 << 31)
"""The day of a photo without a date."""


class Photo(msgspec.Struct, frozen=True):
    """One photo as a page shows it."""

    row: int
    name: str
    date: str
    """``2024-05-01``; empty where unknown."""
    key: str
    """First 16 hex of the content hash: the name of its thumbnail. Empty where it has none."""
    path: str
    """Relative to the library's root."""
    ratio: float
    """Width over height."""


class Part(msgspec.Struct, frozen=True):
    """One of the finer clusters inside a cluster."""

    name: str
    size: int
    photos: list[Photo]


class ClusterPage(msgspec.Struct, frozen=True):
    """Everything that is shown of one cluster; number -1 is what belongs to none."""

    number: int
    label: str
    size: int
    share: float
    """Of all photos of the report, in [0, 1]."""
    colour: str
    years: str
    terms: list[Bar]
    times: Histogram | None
    places: list[Bar]
    people: list[Bar]
    parts: list[Part]
    examples: list[Photo]
    outlying: list[Photo]
    rows: Ints
    """All its photos, oldest first, those without a date at the end."""

    @property
    def slug(self) -> str:
        """Return the name of its first page."""
        return "none" if self.number == NOISE else f"{self.number:04d}"


class Collection(msgspec.Struct, frozen=True):
    """The whole report."""

    title: str
    photos: int
    clusters: list[ClusterPage]
    """The largest first."""
    none: ClusterPage
    years: str
    made: str
    """When the run was made, ``2026-01-31``."""
    method: str
    keys: list[str]
    """Key of the thumbnail of each row of the index, empty where there is none."""
    map_rows: Ints
    """Rows that have a place on the map."""
    map_at: npt.NDArray[np.float32]
    map_labels: Ints
    days: npt.NDArray[np.int64]
    """Days since 1970 of each row, NO_DAY unknown."""
    why_none: str = ""
    """Why there is no cluster, where there is none."""


class _Called(msgspec.Struct, frozen=True):
    """What clusters are called in the report, by number."""

    clusters: dict[int, str]
    leaves: dict[int, str]


class Source:
    """Looks photos up in the index; columns are fetched once."""

    def __init__(self, index: Index) -> None:
        self.index = index
        contents = index.column("content").to_pylist()
        self.keys = ["" if content is None else content.hex()[:16] for content in contents]
        self.width, self.height = index.numbers("width"), index.numbers("height")
        taken = index.numbers("taken")
        self.known = taken != NO_INT
        self.taken = np.where(self.known, taken, 0).astype("datetime64[us]")
        self.days = np.where(self.known, taken // 86_400_000_000, NO_DAY).astype(np.int64)

    def photo(self, row: int) -> Photo:
        """Return one photo."""
        path = self.index.path(row)
        width, height = max(int(self.width[row]), 0), max(int(self.height[row]), 0)
        date = str(self.taken[row].astype("datetime64[D]")) if self.known[row] else ""
        ratio = width / height if width and height else 1.5
        return Photo(row, os.path.basename(path), date, self.keys[row], path, min(max(ratio, 0.4), 2.5))

    def dates(self, rows: Ints) -> Moments:
        """Return when those of ``rows`` were taken that have a date."""
        found: Moments = self.taken[rows][self.known[rows]]
        return found

    def photos(self, rows: Sequence[int] | Ints) -> list[Photo]:
        """Return many photos."""
        return [self.photo(int(row)) for row in rows]


def gather(index: Index, membership: Membership, *, title: str, strip: Sequence[str] = ()) -> Collection:
    """Return everything the report says about a run, without what ``strip`` (of STRIPS) asks to leave out."""
    source, document = Source(index), membership.document
    labels = np.where(index.alive, membership.labels, -2)
    rows = np.flatnonzero(labels >= NOISE)
    called = _called(document, strip)
    pages = [
        _page(source, membership, labels, number, len(rows), called, strip) for number in sorted(document.clusters)
    ]
    none = _page(source, membership, labels, NOISE, len(rows), called, strip)
    at = membership.columns.at
    placed = rows[np.isfinite(at[rows]).all(axis=1)]
    return Collection(
        title=title,
        photos=len(rows),
        clusters=sorted((page for page in pages if page.size), key=lambda page: -page.size),
        none=none,
        years=years(source.dates(rows)),
        made=str(np.datetime64(document.run.created_ms, "ms").astype("datetime64[D]")),
        method=document.run.method,
        keys=source.keys,
        map_rows=placed,
        map_at=at[placed],
        map_labels=labels[placed],
        days=source.days,
        why_none="" if document.clusters else _why_none(membership),
    )


def _why_none(membership: Membership) -> str:
    pictures = sum(part.n for part in runs.members(membership.tree, membership.run))
    said = why_none(membership.document.run, pictures)
    return f"{said[0].upper()}{said[1:]}."


def _called(document: RunDocument, strip: Sequence[str]) -> _Called:
    """Return what the clusters of both levels are called."""
    if "gps" in strip:
        said = {number: label for number in document.clusters if (label := document.labelled(number))}
        return _Called(names_without_places(document.clusters, said), names_without_places(document.leaves, {}))
    return _Called(
        {number: document.label(number) for number in document.clusters},
        {number: leaf.name for number, leaf in document.leaves.items()},
    )


def _page(
    source: Source,
    membership: Membership,
    labels: Ints,
    number: int,
    total: int,
    called: _Called,
    strip: Sequence[str],
) -> ClusterPage:
    index, document = source.index, membership.document
    rows = np.flatnonzero(labels == number)
    rows = rows[np.lexsort((rows, source.days[rows], ~source.known[rows]))]
    known = index.vectors(document.run.space).has[rows]
    vectors = index.vectors(document.run.space).halves(rows[known])
    cluster = document.clusters.get(number)
    if cluster is None:
        label, terms = "In no cluster", []
    else:
        label = called.clusters[number]
        terms = [Bar(term, f"{weight:.0%}", weight / cluster.terms[0][1]) for term, weight in cluster.terms]
    return ClusterPage(
        number=number,
        label=label,
        size=len(rows),
        share=len(rows) / max(total, 1),
        colour=colour(number),
        years=years(source.dates(rows)),
        terms=terms,
        times=histogram(source.dates(rows)),
        places=[] if "gps" in strip else _places(index, rows),
        people=[] if {"people", "faces"} & set(strip) else _people(index, rows),
        parts=_parts(source, membership, number, called),
        examples=source.photos(rows[known][examples(vectors)]),
        outlying=source.photos(rows[known][outlying(vectors)]) if cluster is not None else [],
        rows=rows,
    )


def _parts(source: Source, membership: Membership, number: int, called: _Called) -> list[Part]:
    """Return the finer clusters of a theme, where there are several."""
    document = membership.document
    if document.run.level == runs.LEAF or number == NOISE:
        return []
    inside = [leaf for leaf in sorted(document.leaves) if document.leaves[leaf].theme == number]
    if len(inside) < 2:
        return []
    parts = []
    for leaf in inside:
        rows = np.flatnonzero((membership.columns.leaf == leaf) & source.index.alive)
        best = rows[np.argsort(-membership.columns.leaf_strength[rows], kind="stable")]
        if len(rows):
            parts.append(Part(called.leaves[leaf], len(rows), source.photos(best[:8])))
    return parts


def _places(index: Index, rows: Ints) -> list[Bar]:
    cities, countries = index.codes("city"), index.codes("country")
    found: dict[tuple[str, str], int] = {}
    for city, country in zip(cities.codes[rows].tolist(), countries.codes[rows].tolist(), strict=True):
        if city >= 0:
            place = cities.values[city], countries.values[country] if country >= 0 else ""
            found[place] = found.get(place, 0) + 1
    return bars(found)


def _people(index: Index, rows: Ints) -> list[Bar]:
    found: dict[tuple[str, str], int] = {}
    if not index.faces.by_row:
        return []
    for row in rows.tolist():
        for name in index.faces.people_in(row):
            found[name, ""] = found.get((name, ""), 0) + 1
    return bars(found)
