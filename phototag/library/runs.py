"""Documents of cluster runs: written once, by one ``cluster``; only labels and the choice of the current run change.

``runs/<id>`` holds what was done and what came out; ``runs/<id>/members-NNNN`` who belongs where, in columns (a
document holds at most 8 MiB); ``runs/<id>/assigned-<hash>`` the photos that joined later.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from phototag import ids
from phototag.errors import FormatError, UsageError
from phototag.library.documents import LIBRARY, list_documents, read_document, write_document
from phototag.library.tree import Tree
from phototag.sidecar.model import Value
from phototag.sidecar.registers import Document

KIND = "runs"
RUN, LEAF, EOM, CARRIED, LABEL, CHANGE, MEMBERS = "run", "leaf", "eom", "carried", "label", "change", "members"
"""Sections. ``leaf`` and ``eom`` are the two levels, keys cluster numbers; ``label`` is the owner's word."""
CURRENT = "current"
V1 = "v1"
PART = 100_000
"""Photos in one ``members`` document: 4.2 MB."""


class Run(Value, frozen=True):
    """``run/v1``: what was done."""

    method: str
    level: str
    """``eom`` or ``leaf``: the level whose clusters are meant when a person says "cluster"."""
    space: str
    """Embedding space ``<model>@<rev>#<params8>``."""
    created_ms: int
    photos: int
    noise: int
    """Photos that belong to no cluster at ``level``."""
    parameters: dict[str, int]
    scope: str = ""
    """The filter that chose the photos; empty: all."""
    parent: str = ""
    """The run that was current before, whose labels were carried over."""
    also: tuple[str, ...] = ()
    """Other runs whose labels were, where machines had clustered apart."""


class Cluster(Value, frozen=True):
    """``leaf/<n>`` or ``eom/<n>``: one cluster, numbered from the largest."""

    size: int
    name: str
    """Given by the machine; no two of a level are equal."""
    terms: tuple[tuple[str, float], ...] = ()
    """Words that tell it apart, with weights."""
    theme: int = -1
    """Of a leaf: the ``eom`` cluster that holds it."""
    medoid: bytes = b""
    """Birth id of the photo nearest to the middle."""
    place: str = ""
    """The part of the name that is a place, so that it can be left out where places are to be kept private."""


class Carried(Value, frozen=True):
    """``carried/<n>``: a label that an earlier run's cluster had."""

    label: str
    cluster: int
    """Its number in that run."""
    overlap: float
    """Jaccard overlap of the members, in [0, 1]."""
    run: str = ""
    """That run, where it is not the parent."""


class Changes(Value, frozen=True):
    """``change/v1``: how the parent's clusters became these."""

    matches: tuple[tuple[int, int, int, float], ...] = ()
    """(old, new, photos in both, overlap)."""
    splits: tuple[tuple[int, tuple[int, ...]], ...] = ()
    merges: tuple[tuple[tuple[int, ...], int], ...] = ()
    gone: tuple[int, ...] = ()
    fresh: tuple[int, ...] = ()


class Members(Value, frozen=True):
    """``members/v1``: n photos in columns, little-endian; -1 is noise; u16 fractions are value / 65535."""

    n: int
    birth: bytes
    """16 bytes a photo."""
    content: bytes
    """First 8 bytes of the content hash a photo: an edited copy has the same birth and another content."""
    leaf: bytes
    """i32."""
    eom: bytes
    """i32."""
    leaf_strength: bytes
    """u16."""
    eom_strength: bytes
    """u16."""
    outlier: bytes
    """u16."""
    x: bytes = b""
    """u16, place on the map; empty where the photo has none."""
    y: bytes = b""


class RunDocument(msgspec.Struct, frozen=True):
    """One run as read."""

    id: str
    run: Run
    leaves: Mapping[int, Cluster]
    themes: Mapping[int, Cluster]
    carried: Mapping[int, Carried]
    labels: Mapping[int, str]
    """The owner's word; empty: cleared, so that neither a carried label nor anything else stands but the name."""
    changes: Changes
    stamps: Mapping[int, int] = {}
    """When that was said (``ids``)."""

    @property
    def clusters(self) -> Mapping[int, Cluster]:
        """Return the clusters at the run's level."""
        return self.leaves if self.run.level == LEAF else self.themes

    def label(self, number: int) -> str:
        """Return what cluster ``number`` is called: the owner's label, the carried one, else its automatic name."""
        if number in self.labels:
            return self.labels[number] or self.clusters[number].name
        if number in self.carried:
            return self.carried[number].label
        return self.clusters[number].name

    def labelled(self, number: int) -> str:
        """Return the label that a person gave, here or in an earlier run; empty where none did."""
        if number in self.labels:
            return self.labels[number]
        return self.carried[number].label if number in self.carried else ""


def new_id(now_ms: int) -> str:
    """Return a fresh run id that sorts by time: ``20260131-142500-1f3a``."""
    at = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
    return f"{at:%Y%m%d-%H%M%S}-{ids.random_hex(2)}"


def write(
    tree: Tree,
    run_id: str,
    run: Run,
    *,
    leaves: Sequence[Cluster],
    themes: Sequence[Cluster],
    carried: Mapping[int, Carried],
    changes: Changes,
    members: Iterable[Members],
) -> None:
    """Write a whole run: members first, so that a run document never names what is not there. Raises WriteError."""
    for number, part in enumerate(members):
        _write_members(tree, f"{KIND}/{run_id}/members-{number:04d}", part)
    document = Document()
    document.set_machine(RUN, V1, run)
    document.set_machine(CHANGE, V1, changes)
    for section, clusters in ((LEAF, leaves), (EOM, themes)):
        for number, cluster in enumerate(clusters):
            document.set_machine(section, str(number), cluster)
    for number, label in carried.items():
        document.set_machine(CARRIED, str(number), label)
    write_document(tree, f"{KIND}/{run_id}", document)


def write_assigned(tree: Tree, run_id: str, part: Members) -> None:
    """Add photos that joined ``run_id`` after it was made. Raises WriteError."""
    import xxhash

    name = xxhash.xxh3_64_hexdigest(part.birth + part.content)
    _write_members(tree, f"{KIND}/{run_id}/assigned-{name}", part)


def read(tree: Tree, run_id: str) -> RunDocument:
    """Return one run. Raises UsageError where there is none, FormatError where it is damaged."""
    found = find(tree, run_id)
    if found is None:
        raise UsageError(f"there is no cluster run {run_id}", hint="see the runs: phototag clusters runs")
    return found


def find(tree: Tree, run_id: str) -> RunDocument | None:
    """Return one run, None where it is not here. Raises FormatError where it is damaged."""
    found = read_document(tree, f"{KIND}/{run_id}")
    run = None if found is None else found.get(RUN, V1, Run)
    if found is None or run is None:
        return None
    labels = {int(key): value for key, value in found.items(LABEL, str) if key.isdecimal()}
    said = {number: found.register(LABEL, str(number)) for number in labels}
    return RunDocument(
        run_id,
        run,
        {int(key): value for key, value in found.items(LEAF, Cluster)},
        {int(key): value for key, value in found.items(EOM, Cluster)},
        {int(key): value for key, value in found.items(CARRIED, Carried)},
        labels,
        found.get(CHANGE, V1, Changes) or Changes(),
        {number: register.stamp for number, register in said.items() if register is not None},
    )


def current(tree: Tree) -> str:
    """Return the id of the current run, empty where there is none."""
    document = read_document(tree, LIBRARY)
    return "" if document is None else document.get(RUN, CURRENT, str) or ""


def stand_in(tree: Tree) -> RunDocument | None:
    """Return the run that stands for a current one which is not here: the newest with clusters, None where none is."""
    for run_id in reversed(run_ids(tree)):
        with contextlib.suppress(FormatError, OSError):
            found = find(tree, run_id)
            if found is not None and found.clusters:
                return found
    return None


def none_here(tree: Tree) -> UsageError:
    """Return the error that says why there are no clusters. Raises FormatError where the current run is damaged."""
    run_id = current(tree)
    if run_id and find(tree, run_id) is None:
        return UsageError(awaited(run_id), hint="sync first, or make another: phototag cluster")
    return UsageError("there are no clusters yet", hint="make some: phototag cluster")


def awaited(run_id: str) -> str:
    """Return what is said of the current run where it is not here."""
    return f"the current cluster run {run_id} has not arrived yet"


def run_ids(tree: Tree) -> list[str]:
    """Return the ids of all runs, oldest first."""
    return [name.removeprefix(f"{KIND}/") for name in list_documents(tree, KIND)]


def members(tree: Tree, run_id: str) -> list[Members]:
    """Return the photos of a run as it was made."""
    return _parts(tree, run_id, "members-")


def assigned(tree: Tree, run_id: str) -> list[Members]:
    """Return the photos that joined a run later."""
    return _parts(tree, run_id, "assigned-")


def _parts(tree: Tree, run_id: str, prefix: str) -> list[Members]:
    folder = f"{KIND}/{run_id}"
    names = [name for name in list_documents(tree, folder) if name.startswith(f"{folder}/{prefix}")]
    found = (read_document(tree, name) for name in names)
    parts = (None if document is None else document.get(MEMBERS, V1, Members) for document in found)
    return [part for part in parts if part is not None]


def _write_members(tree: Tree, name: str, part: Members) -> None:
    document = Document()
    document.set_machine(MEMBERS, V1, part)
    write_document(tree, name, document)
