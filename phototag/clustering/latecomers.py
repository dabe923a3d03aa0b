"""Photos that came after a run join its clusters, marked as having joined later; nothing is clustered again."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.clustering import layout2d
from phototag.clustering.assign import Assigned, assign, middles
from phototag.clustering.protocol import NOISE
from phototag.clustering.run import as_u16, distinct
from phototag.clustering.scope import parse_scope
from phototag.errors import PhototagError
from phototag.index.clusters import ABSENT, Membership
from phototag.index.reader import Index
from phototag.library import runs
from phototag.search.filters import select

Ints = npt.NDArray[np.integer[Any]]


class Joined(msgspec.Struct, frozen=True):
    """What ``assign`` did."""

    run: str
    assigned: int
    """Photos that joined a cluster."""
    noise: int
    """New photos that no cluster reaches."""
    clusters: dict[int, int]
    """{cluster: photos that joined it}."""


def assign_new(index: Index, membership: Membership) -> Joined:
    """Give every photo that the run does not know its nearest cluster, and write that down. Raises PhototagError."""
    document = membership.document
    space = index.vectors(document.run.space)
    if not len(space):
        raise PhototagError(
            f"no photo has an embedding of {document.run.space} any more", hint="cluster again: phototag cluster"
        )
    if not (membership.labels != ABSENT).any():
        raise PhototagError(
            f"no photo of the run {document.id} is here to join",
            hint="wait until all of the library has arrived here (sync), or cluster again: phototag cluster",
        )
    mask = space.has & (membership.labels == ABSENT)
    if document.run.scope:
        mask &= select(index, parse_scope(document.run.scope))
    rows = np.flatnonzero(mask)
    if not len(rows):
        return Joined(membership.run, 0, 0, {})
    first, copies = distinct(index, rows)
    labels = _join(index, membership, rows[first])
    everyone = labels[copies]
    found, counts = np.unique(everyone[everyone >= 0], return_counts=True)
    return Joined(
        membership.run,
        int((everyone >= 0).sum()),
        int((everyone < 0).sum()),
        dict(zip(found.tolist(), counts.tolist(), strict=True)),
    )


def _join(index: Index, membership: Membership, new: Ints) -> Ints:
    """Write down where the pictures ``new`` belong, in as many documents as they need; return their labels."""
    document, columns = membership.document, membership.columns
    space = index.vectors(document.run.space)
    # Those who joined later do not move the middles: assigning twice is assigning once.
    old = np.flatnonzero(space.has & (columns.eom != ABSENT) & ~columns.joined_later)
    known = space.halves(old)
    eom_middles, leaf_middles = middles(known, columns.eom[old]), middles(known, columns.leaf[old])
    labels = []
    for begin in range(0, len(new), runs.PART):
        rows = new[begin : begin + runs.PART]
        vectors = space.halves(rows)
        eom = assign(vectors, eom_middles)
        leaf = _within(assign(vectors, leaf_middles), eom, document)
        at = layout2d.place_among(vectors, known, columns.at[old])
        runs.write_assigned(index.tree, membership.run, _part(index, rows, leaf, eom, at))
        labels.append(leaf.labels if document.run.level == runs.LEAF else eom.labels)
    return np.concatenate(labels)


def _part(index: Index, rows: Ints, leaf: Assigned, eom: Assigned, at: npt.NDArray[np.float32]) -> runs.Members:
    birth, content = index.clusters.pictures(rows)
    return runs.Members(
        n=len(rows),
        birth=birth,
        content=content,
        leaf=leaf.labels.astype("<i4").tobytes(),
        eom=eom.labels.astype("<i4").tobytes(),
        leaf_strength=as_u16(leaf.probabilities),
        eom_strength=as_u16(eom.probabilities),
        outlier=as_u16(1.0 - eom.probabilities),
        x=as_u16(at[:, 0]),
        y=as_u16(at[:, 1]),
    )


def _within(leaf: Assigned, eom: Assigned, document: runs.RunDocument) -> Assigned:
    """Return the leaf clusters, left out where they are not of the theme that was found."""
    theme = np.array([document.leaves[n].theme for n in sorted(document.leaves)] + [NOISE], np.int32)
    agrees = (leaf.labels >= 0) & (theme[leaf.labels] == eom.labels)
    return Assigned(np.where(agrees, leaf.labels, NOISE), np.where(agrees, leaf.probabilities, np.float32(0.0)))
