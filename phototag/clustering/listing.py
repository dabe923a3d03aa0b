"""Runs and their clusters as commands, the viewer and the report show them."""

from __future__ import annotations

import datetime as dt

import msgspec
import numpy as np

from phototag.index.clusters import ABSENT, NOISE
from phototag.index.reader import Index
from phototag.library import runs
from phototag.library.runs import RunDocument
from phototag.library.tree import Tree


class ClusterItem(msgspec.Struct, frozen=True):
    """One cluster of a run."""

    id: int
    size: int
    """Images that are in it now, with those assigned later."""
    label: str
    """What it is called: a person's label, else its name."""
    name: str
    """Given by the machine."""
    terms: tuple[tuple[str, float], ...]
    labelled: bool
    """A person said so, in this run or in one before it."""
    carried: float | None
    """Overlap with the cluster that the label came from, where it was carried over."""
    assigned: int
    """Of ``size``, those that joined after the run."""
    parts: tuple[int, ...]
    """Numbers of the clusters of the finer level in it; empty at that level itself."""
    theme: int | None
    """Number of the cluster of the coarser level that holds it; null at that level itself."""


class ChangesItem(msgspec.Struct, frozen=True):
    """What became of the clusters of an earlier run; numbers of clusters, old before new."""

    matches: tuple[tuple[int, int, int, float], ...]
    """(old, new, images in both, overlap)."""
    splits: tuple[tuple[int, tuple[int, ...]], ...]
    merges: tuple[tuple[tuple[int, ...], int], ...]
    gone: tuple[int, ...]
    fresh: tuple[int, ...]


class DiffItem(msgspec.Struct, frozen=True):
    """What became of the clusters of one run in another."""

    old: str
    new: str
    changes: ChangesItem


class RunItem(msgspec.Struct, frozen=True):
    """One run with its clusters."""

    run: str
    clusters: list[ClusterItem]
    noise: int
    """Images that belong to no cluster."""
    new: int
    """Images that the run does not know yet."""
    method: str
    level: str
    embedder: str
    scope: str
    created: str
    """ISO 8601, UTC."""
    current: bool
    parent: str | None
    changes: ChangesItem


class RunLine(msgspec.Struct, frozen=True):
    """One run in the list of runs."""

    run: str
    created: str
    current: bool
    method: str
    level: str
    embedder: str
    scope: str
    images: int
    clusters: int
    noise: int


def run_item(index: Index, document: RunDocument) -> RunItem:
    """Return one run as it stands with the images of ``index``."""
    membership = index.clusters.of(document)
    alive = index.alive
    labels = membership.labels[alive]
    later = membership.columns.joined_later[alive]
    count = max(document.clusters, default=-1) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    joined = np.bincount(labels[(labels >= 0) & later], minlength=count)
    return RunItem(
        run=document.id,
        clusters=[_item(document, n, int(sizes[n]), int(joined[n])) for n in sorted(document.clusters)],
        noise=int((labels == NOISE).sum()),
        new=int((labels == ABSENT).sum()),
        method=document.run.method,
        level=document.run.level,
        embedder=document.run.space,
        scope=document.run.scope,
        created=when(document),
        current=runs.current(index.tree) == document.id,
        parent=document.run.parent or None,
        changes=changes_item(document.changes),
    )


def changes_item(changes: runs.Changes) -> ChangesItem:
    """Return changes with every key, also where nothing changed."""
    return ChangesItem(*msgspec.structs.astuple(changes))


def run_lines(tree: Tree) -> list[RunLine]:
    """Return every run, the newest first. Raises FormatError where one is damaged."""
    current = runs.current(tree)
    found = [runs.read(tree, one) for one in reversed(runs.run_ids(tree))]
    return [
        RunLine(
            run=one.id,
            created=when(one),
            current=one.id == current,
            method=one.run.method,
            level=one.run.level,
            embedder=one.run.space,
            scope=one.run.scope,
            images=one.run.photos,
            clusters=len(one.clusters),
            noise=one.run.noise,
        )
        for one in found
    ]


def why_none(run: runs.Run, pictures: int) -> str:
    """Say why a run has no cluster, and what may help; ``pictures`` are distinct ones: exact copies count once."""
    least = int(run.parameters.get("min_size", 0))
    if pictures == 1 < run.photos:
        return f"all {run.photos} photos are copies of one picture: there is nothing to group"
    if pictures < least:
        some = "one photo is" if pictures == 1 else f"{pictures} different photos are"
        return f"{some} too few: a cluster has {least} at least"
    return f"no cluster of {least} or more stands out: try a smaller --min-size, or more photos"


def when(document: RunDocument) -> str:
    """Return when a run was made, ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(document.run.created_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _item(document: RunDocument, number: int, size: int, assigned: int) -> ClusterItem:
    cluster = document.clusters[number]
    carried = document.carried.get(number)
    fine = document.run.level == runs.LEAF
    return ClusterItem(
        id=number,
        size=size,
        label=document.label(number),
        name=cluster.name,
        terms=cluster.terms,
        labelled=bool(document.labelled(number)),
        carried=carried.overlap if carried is not None and number not in document.labels else None,
        assigned=assigned,
        parts=() if fine else tuple(n for n in sorted(document.leaves) if document.leaves[n].theme == number),
        theme=cluster.theme if fine else None,
    )
