"""``Shelf``: the library as the viewer sees it. Holds the open index, reopens it when a scan elsewhere has changed it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.errors import LibraryError, PhototagError, UsageError
from phototag.index.manifest import NAME, index_folder
from phototag.index.reader import NO_INT
from phototag.index.staleness import documents_stamp
from phototag.search.ask import ask
from phototag.search.facets import Facets, facets
from phototag.search.filters import both, select
from phototag.search.find import list_images
from phototag.search.suggestions import meant
from phototag.search.terms import parse_terms
from phototag.serve.present import grouping
from phototag.serve.question import Question

if TYPE_CHECKING:
    from phototag.handle import Library
    from phototag.index.clusters import Membership
    from phototag.index.reader import Index
    from phototag.index.record import ImageRecord
    from phototag.search.language import Asked
    from phototag.search.semantic import Semantics

T = TypeVar("T")

LOOK_AGAIN_S = 0.5
"""At most this often is the manifest looked at."""
LOOK_AROUND_S, LOOK_AROUND_SHARE = 10.0, 0.05
"""At most this often are the library's folders: sidecars that a sync program brings tell no index. Looking at many
folders far away takes no more than this share of the time."""
ANSWERS_KEPT = 16
"""Questions whose answers are kept, so that paging costs nothing: 4 bytes an image each."""
DAY_US = 86_400_000_000
FIRST_DEPTH = 2000
"""Rows sorted for a first page; more are when somebody scrolls that far."""
MEANT_LIMIT = 200
"""So many photos at most are found by meaning alone: every photo is a little like any word."""
RANKED_LIMIT = 600
"""Results of a search by relevance: further down nothing is relevant."""


class Answer(msgspec.Struct, frozen=True):
    """The first rows that answer a question, in order, and how many there are in all."""

    rows: npt.NDArray[np.integer[Any]]
    total: int
    scores: npt.NDArray[np.floating[Any]] | None = None

    def holds(self, stop: int) -> bool:
        """Say whether everything before ``stop`` is here."""
        return len(self.rows) >= min(stop, self.total)


class Counts(msgspec.Struct, frozen=True):
    """How many of the photos at hand have each value."""

    facets: Facets
    ratings: dict[int, int]
    """Best first; -1 is rejected."""


class Shelf:
    """One library, open for looking. Safe to use from several threads."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.tree = library.tree
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._looked = 0.0
        self._around = 0.0
        """When the folders are to be looked at."""
        self._looking = False
        self._state: tuple[Index | None, Membership | None] = (None, None)
        self._number = 0
        """Of the state: answers to questions are kept as long as it stands."""
        self._answers: OrderedDict[tuple[int, Question], Answer] = OrderedDict()
        self._counts: OrderedDict[tuple[int, Question], Counts] = OrderedDict()

    def index(self) -> Index:
        """Return the index as it is on disk now."""
        with self._lock:
            now = time.monotonic()
            if self._index is None:
                self._looked, self._around = now, now + LOOK_AROUND_S
                self._index, self._stamp = self.library.index(), self._index_stamp()
            elif now - self._looked > LOOK_AGAIN_S and not self._looking:
                self._looked = now
                if self._index_stamp() != self._stamp:
                    self._index, self._stamp = self.library.index(), self._index_stamp()
                elif now >= self._around:
                    self._looking = True
                    threading.Thread(target=self._look_around, daemon=True).start()
            return self._index

    def _look_around(self) -> None:
        """Bring the index up to date with sidecars that came without a command; meanwhile the old one answers."""
        begun, found = time.monotonic(), None
        try:
            with contextlib.suppress(PhototagError, OSError):  # what is open goes on; commands say what is wrong
                found = self.library.index()
        finally:
            with self._lock:
                if found is not None:
                    self._index, self._stamp = found, self._index_stamp()
                now = time.monotonic()
                self._around = now + max(LOOK_AROUND_S, (now - begun) / LOOK_AROUND_SHARE)
                self._looking = False

    def _now(self) -> tuple[Index, int]:
        """Return the index as it is on disk now and the number of its state.

        Clusters are no part of the index: another run or another label makes another state of the same index.
        """
        index = self.index()
        clusters = index.clusters.current()
        with self._lock:
            if self._state[0] is not index or self._state[1] is not clusters:
                self._state = (index, clusters)
                self._number += 1
                self._answers.clear()
                self._counts.clear()
            return index, self._number

    def answer(self, question: Question, stop: int) -> tuple[Index, Answer]:
        """Return the index and the rows of it that answer ``question``, those before ``stop`` at least.

        Raises UsageError for a question that makes no sense.
        """
        index, state = self._now()
        kept = self._kept(self._answers, (state, question))
        if kept is None or not kept.holds(stop):
            depth = FIRST_DEPTH
            while depth < stop:
                depth *= 8
            kept = self._ask(index, question, depth)
            self._keep(self._answers, (state, question), kept)
        return index, kept

    def page(self, question: Question, offset: int, limit: int) -> tuple[list[ImageRecord], int]:
        """Return ``limit`` records from ``offset`` on, and how many there are in all."""
        index, found = self.answer(question, offset + limit)
        rows = found.rows[offset : offset + limit]
        scores = None if found.scores is None else found.scores[offset : offset + limit].tolist()
        return list(index.records(rows.tolist(), scores)), found.total

    def place(self, question: Question, rel: str, at: int) -> int:
        """Return where the image ``rel`` stands in the answer, -1 where it does not; ``at`` is where it stood.

        Where the library has changed since, it is looked for among the rows around.
        """
        if at < 0:
            return -1
        index, found = self.answer(question, at + FIRST_DEPTH)
        row = index.row_of(rel)
        if row is None or (at < len(found.rows) and found.rows[at] == row):
            return -1 if row is None else at
        places = np.flatnonzero(found.rows == row)
        return int(places[0]) if len(places) else -1

    def grouping(self, question: Question) -> int:
        """Return the headings that suit a list by date (``present.grouping``), judged by its first photos."""
        index, found = self.answer(question, FIRST_DEPTH)
        rows = found.rows[:FIRST_DEPTH]
        taken = index.numbers("taken")[rows]
        days = (taken[taken != NO_INT] // DAY_US).astype("datetime64[D]")
        years, months = (np.unique(days.astype(f"datetime64[{unit}]"), return_counts=True)[1].tolist() for unit in "YM")
        return grouping(years, months)

    def counts(self, question: Question) -> Counts:
        """Return how often each value occurs among everything that answers ``question``."""
        index, state = self._now()
        kept = self._kept(self._counts, (state, question))
        if kept is None:
            kept = self._count(index, question)
            self._keep(self._counts, (state, question), kept)
        return kept

    def meant(self, question: Question) -> list[str]:
        """Return filters near to those of ``question`` that no photo of the library passes."""
        return meant(self.index(), both(question.filters, question.asked.filters))

    def record(self, rel: str) -> ImageRecord | None:
        """Return the record of the image at ``rel``, None where it is not in the library."""
        index = self.index()
        row = index.row_of(rel)
        return None if row is None else index.record(row)

    def _ask(self, index: Index, question: Question, depth: int) -> Answer:
        asked = self._asked(question)
        ranks = bool(asked.ranking or asked.like)
        found = ask(
            index,
            asked,
            question.filters,
            locate=self._locate,
            k=RANKED_LIMIT if ranks else depth,
            sort=question.sort or "-taken",
            semantics=self.semantics,
        )
        if ranks and question.sort:
            return Answer(_ordered(index, found.rows, question.sort), found.total)
        return Answer(found.rows, found.total, found.scores)

    def _asked(self, question: Question) -> Asked:
        asked = question.asked
        for term in parse_terms(asked.text) if asked.text else ():
            if term.is_image:  # it would be read from anywhere on the disk
                raise UsageError("a path means nothing here", hint="write like:PATH, or open a photo: 'More like this'")
        return msgspec.structs.replace(asked, like=(*asked.like, question.like)) if question.like else asked

    def _locate(self, path: str) -> str:
        """Return a picture's path in the library; in the viewer paths begin at the library's root."""
        try:
            return self.tree.relative(os.path.join(self.tree.root, path))
        except LibraryError as error:
            raise UsageError("the photo to compare with is not in this library") from error

    @cached_property
    def semantics(self) -> Semantics:
        """Return what understands words, where a model for it is installed; its encoders stay open."""
        from phototag.library.defaults import default_model
        from phototag.search.semantic import Semantics

        default = default_model(self.tree, "embedder")
        return Semantics(self.tree.settings, default=default, notify=self.library.notify, depth=MEANT_LIMIT)

    def _count(self, index: Index, question: Question) -> Counts:
        asked = self._asked(question)
        if asked.ranking or asked.like:
            _, found = self.answer(question, RANKED_LIMIT)
            mask = np.zeros(index.size, np.bool_)
            mask[found.rows] = True
        else:
            mask = select(index, both(question.filters, asked.filters))
        rating = index.numbers("rating")[mask]
        stars = {value: int((rating == value).sum()) for value in (5, 4, 3, 2, 1, -1)}
        return Counts(facets(index, mask), {value: count for value, count in stars.items() if count})

    def _kept(self, shelf: OrderedDict[tuple[int, Question], T], key: tuple[int, Question]) -> T | None:
        with self._lock:
            if key in shelf:
                shelf.move_to_end(key)
            return shelf.get(key)

    def _keep(self, shelf: OrderedDict[tuple[int, Question], T], key: tuple[int, Question], value: T) -> None:
        with self._lock:
            shelf[key] = value
            while len(shelf) > ANSWERS_KEPT:
                shelf.popitem(last=False)

    def _index_stamp(self) -> tuple[tuple[int, int], ...] | None:
        """Return what changes with the index, and with the documents that it is read together with."""
        try:
            found = os.stat(os.path.join(index_folder(self.tree), NAME))
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_ino), *documents_stamp(self.tree)


def _ordered(index: Index, rows: npt.NDArray[np.integer[Any]], sort: str) -> npt.NDArray[np.uint32]:
    """Return ``rows`` in another order than relevance."""
    everything = list_images(index, sort=sort).rows
    mask = np.zeros(index.size, np.bool_)
    mask[rows] = True
    return everything[mask[everything]]
