"""Documents of cluster runs: written once, by one ``cluster``; only labels and the choice of the current run change.

``runs/<id>`` holds what was done and what came out; ``runs/<id>/members-NNNN`` who belongs where, in columns (a
document holds at most 8 MiB); ``runs/<id>/assigned-<hash>`` the photos that joined later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from phototag import ids
from phototag.errors import UsageError
from phototag.library.documents import LIBRARY, list_documents, read_document, write_document
from phototag.library.tree import Tree
from phototag.sidecar.model import Value
from phototag.sidecar.registers import Document

KIND = "runs"
RUN, LEAF, EOM, CARRIED, LABEL, CHANGE, MEMBERS = "run", "leaf", "eom", "carried", "label", "change", "members"
"""Sections. ``leaf`` and ``eom`` are the two levels, keys cluster numbers; ``label`` is the owner's word."""
CURRENT = "current"
V1 = "v1"
BEFORE_PLACE, BEFORE_SEASON = " · ", " in "
"""How an automatic name is put together: words, place, season."""
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
    """Its number in the parent run."""
    overlap: float
    """Jaccard overlap of the members, in [0, 1]."""


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
    labels: Mapping[int, str | None]
    """The owner's word; None: cleared, so that neither a carried label nor anything else stands but the name."""
    changes: Changes

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

    def labels_without_places(self) -> dict[int, str]:
        """Return ``label`` of every cluster with the places left out of automatic names; what a person wrote stays."""
        return names_without_places(self.clusters, {n: said for n in self.clusters if (said := self.labelled(n))})

    def labelled(self, number: int) -> str:
        """Return the label that a person gave, here or in an earlier run; empty where none did."""
        if number in self.labels:
            return self.labels[number] or ""
        return self.carried[number].label if number in self.carried else ""


def names_without_places(clusters: Mapping[int, Cluster], said: Mapping[int, str]) -> dict[int, str]:
    """Return what clusters of one level are called, with the places left out of automatic names.

    Names that differed by their place alone get a number. ``said`` is what a person calls clusters: that stays.
    """
    bare = [n for n in clusters if n not in said]
    names = numbered([name_without_place(n, clusters[n]) for n in bare], taken=said.values())
    return dict(zip(bare, names, strict=True)) | dict(said)


def name_without_place(number: int, cluster: Cluster) -> str:
    """Return the automatic name of a cluster without the place in it: its season, words or number where that was all."""
    if not cluster.place:
        return cluster.name
    words, found, rest = cluster.name.partition(f"{BEFORE_PLACE}{cluster.place}")
    if found:
        return words + rest
    season = cluster.name.removeprefix(cluster.place).partition(BEFORE_SEASON)[2]
    return season or ", ".join(term for term, _ in cluster.terms[:2]) or f"group {number}"


def numbered(names: Sequence[str], *, taken: Iterable[str] = ()) -> list[str]:
    """Return ``names`` with a number after those that are still equal, or equal to one of ``taken``."""
    seen = {name.casefold() for name in taken}
    wanted = {name.casefold() for name in names}
    result = []
    for name in names:
        candidate, serial = name, 1
        while candidate.casefold() in seen or (serial > 1 and candidate.casefold() in wanted):
            serial += 1
            candidate = f"{name} {serial}"
        seen.add(candidate.casefold())
        result.append(candidate)
    return result


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
    found = read_document(tree, f"{KIND}/{run_id}")
    run = None if found is None else found.get(RUN, V1, Run)
    if found is None or run is None:
        raise UsageError(f"there is no cluster run {run_id}", hint="see the runs: phototag clusters runs")
    labels = {int(key): found.get(LABEL, key, str) for key in found.keys(LABEL) if key.isdecimal()}
    return RunDocument(
        run_id,
        run,
        {int(key): value for key, value in found.items(LEAF, Cluster)},
        {int(key): value for key, value in found.items(EOM, Cluster)},
        {int(key): value for key, value in found.items(CARRIED, Carried)},
        labels,
        found.get(CHANGE, V1, Changes) or Changes(),
    )


def current(tree: Tree) -> str:
    """Return the id of the current run, empty where there is none."""
    document = read_document(tree, LIBRARY)
    return "" if document is None else document.get(RUN, CURRENT, str) or ""


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
