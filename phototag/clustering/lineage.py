"""What a new run takes over from those before it: the run it follows, and the labels of all whose word it must hear.

Two machines may cluster apart: then there are runs that the current one does not go back to, with labels of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.clustering import carry
from phototag.errors import FormatError, UsageError
from phototag.index.clusters import Membership
from phototag.index.reader import Index
from phototag.library import runs
from phototag.library.runs import RunDocument
from phototag.library.tree import Tree

Ints = npt.NDArray[np.integer[Any]]
Here = Mapping[str, RunDocument]
"""The runs on this machine by id."""


class Word(NamedTuple):
    """What a person called a cluster, and when; an empty text: the label was cleared."""

    text: str
    stamp: int


class Taken(msgspec.Struct, frozen=True):
    """What a new run takes over."""

    carried: dict[int, runs.Carried]
    changes: runs.Changes
    """What became of the clusters of its parent."""
    also: tuple[str, ...]
    """Other runs whose labels were heard."""


class Apart(NamedTuple):
    """A run that the current one does not go back to, and the labels in it that the current one has not heard."""

    run: str
    labels: list[str]


def parent_of(index: Index, scope: str) -> Membership | None:
    """Return the run to follow: the current one, or the newest before it with clusters and the same scope.

    One folder clustered in between does not cost the labels of the whole library.
    """
    current = index.clusters.current()
    found = current
    while found is not None and (found.document.run.scope != scope or not found.document.clusters):
        before = found.document.run.parent
        try:
            # A parent is older: its id is smaller.
            found = index.clusters.of(runs.read(index.tree, before)) if "" < before < found.run else None
        except (FormatError, UsageError, OSError):
            found = None  # not here (sync), or damaged
    return found or current


def take_over(index: Index, parent: Membership | None, scope: str, labels: Ints, rows: Ints) -> Taken:
    """Return what a run takes over whose photos ``rows`` are in the clusters ``labels``.

    Of what people said about the same cluster in several runs the later word counts.
    """
    here = runs_here(index.tree)
    changes, also = runs.Changes(), []
    offers: dict[int, tuple[Word, runs.Carried]] = {}
    heard: set[Word] = set()
    if parent is not None:
        words = words_in(parent.document, here)
        heard = set(words.values())
        found = _compared(parent, labels, rows) or carry.Changes((), (), (), (), ())
        changes = stored(found)
        for match in found.matches:
            if match.old in words:
                word = words[match.old]
                offers[match.new] = word, runs.Carried(word.text, match.old, match.overlap)
    for document in _apart(here, None if parent is None else parent.document, scope):
        words = {number: word for number, word in words_in(document, here).items() if word not in heard}
        other = _compared(index.clusters.of(document), labels, rows) if words else None
        if other is None:
            continue  # nothing new in it, or who belongs where has not arrived
        also.append(document.id)
        for match in other.matches:
            if match.old not in words:
                continue
            word = words[match.old]
            if match.new not in offers or word.stamp > offers[match.new][0].stamp:
                offers[match.new] = word, runs.Carried(word.text, match.old, match.overlap, document.id)
    carried = {number: label for number, (word, label) in sorted(offers.items()) if word.text}
    return Taken(carried, changes, tuple(also))


def unheard(tree: Tree, document: RunDocument) -> list[Apart]:
    """Return the runs with labels that ``document`` has not heard of; the next run of its scope will."""
    here = runs_here(tree)
    heard = set(words_in(document, here).values())
    found = []
    for other in _apart(here, document, document.run.scope):
        words = words_in(other, here)
        labels = [words[number].text for number in sorted(words) if words[number] not in heard and words[number].text]
        if labels:
            found.append(Apart(other.id, labels))
    return found


def runs_here(tree: Tree) -> Here:
    """Return the runs on this machine, without those that are damaged."""
    found = {}
    for run_id in runs.run_ids(tree):
        try:
            document = runs.find(tree, run_id)
        except (FormatError, OSError):
            continue  # doctor reports it
        if document is not None:
            found[run_id] = document
    return found


def words_in(document: RunDocument, here: Here) -> dict[int, Word]:
    """Return what people call the clusters of a run, as they say it now, wherever its labels came from."""
    found = {number: _word(document, number, here) for number in document.clusters}
    return {number: word for number, word in found.items() if word is not None}


def stored(found: carry.Changes) -> runs.Changes:
    """Return changes as a run document keeps them."""
    return runs.Changes(
        tuple((m.old, m.new, m.shared, m.overlap) for m in found.matches),
        tuple((s.old, s.new) for s in found.splits),
        tuple((m.old, m.new) for m in found.merges),
        found.gone,
        found.fresh,
    )


def _word(document: RunDocument, number: int, here: Here) -> Word | None:
    """Return what a person calls a cluster: here, else where it came from, be it said there after this run was made."""
    kept: Word | None = None
    seen: set[tuple[str, int]] = set()
    while (document.id, number) not in seen:
        seen.add((document.id, number))
        made = document.run.created_ms << 16
        if number in document.labels:
            return Word(document.labels[number], document.stamps.get(number, made))
        carried = document.carried.get(number)
        if carried is not None and kept is None:
            kept = Word(carried.label, made)
        before = here.get(carried.run or document.run.parent if carried is not None else document.run.parent)
        old = carried.cluster if carried is not None else _before(document, number)
        if before is None or old not in before.clusters:
            break
        document, number = before, old
    return kept


def _before(document: RunDocument, number: int) -> int:
    """Return the parent's cluster that a cluster goes on from, -1 where there is none."""
    return next((old for old, new, _, _ in document.changes.matches if new == number), -1)


def _apart(here: Here, document: RunDocument | None, scope: str) -> list[RunDocument]:
    """Return the last run of each line of the same scope that ``document`` does not go back to."""
    heard = set(_line(here, document))
    others = [one for one in here.values() if one.id not in heard and one.run.scope == scope and one.clusters]
    followed = {before for one in others for before in (one.run.parent, *one.run.also)}
    return [one for one in others if one.id not in followed]


def _line(here: Here, document: RunDocument | None) -> Iterator[str]:
    """Yield the ids of a run and of all that it goes back to."""
    waiting, seen = [] if document is None else [document.id], set[str]()
    while waiting:
        run_id = waiting.pop()
        if run_id in seen:
            continue
        seen.add(run_id)
        yield run_id
        if run_id in here:
            waiting += [here[run_id].run.parent, *here[run_id].run.also]


def _compared(before: Membership, labels: Ints, rows: Ints) -> carry.Changes | None:
    """Return what became of the clusters of a run, None where it knows none of the photos."""
    old = before.labels[rows]
    known = old >= -1
    return carry.compare(old[known], labels[known]) if known.any() else None
