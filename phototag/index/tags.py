"""Tags across the segments of an index: thresholds and the owner's word applied when read.

A tag counts for an image when a model's score is above the tag's threshold or the owner added it, and the owner
neither removed nor rejected it.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.index import columns
from phototag.index.nothing import Output, counting
from phototag.index.opened import Segment
from phototag.index.thresholds import limit_of
from phototag.models.protocols import NONE_FITS, Thresholds
from phototag.sidecar.model import PRESENT, SCORE_SCALE, model_of

T = TypeVar("T")
Rows = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]

CACHED_TAGS = 256
FEW = 0.03
"""Share of images below which their tags are counted image by image rather than tag by tag."""


class Posting(NamedTuple):
    """The images that have one tag."""

    rows: Rows
    """Sorted."""
    scores: npt.NDArray[np.float32]
    """In [0, 1]; 1 where the owner said so."""


class _Space:
    """One model space in one segment."""

    def __init__(self, segment: Segment, number: int, base: int, thresholds: Thresholds) -> None:
        self.segment, self.number, self.base, self.thresholds = segment, number, base, thresholds
        self.model = model_of(segment.info.tag_spaces[number])
        self._limits: dict[int, int] = {}

    @cached_property
    def labels(self) -> list[str]:
        """Return the labels by id."""
        return self.segment.table(f"labels-{self.number}").column("tag").to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def ids(self) -> dict[str, int]:
        """Return the id of each label."""
        return {label: number for number, label in enumerate(self.labels)}

    @cached_property
    def first(self) -> npt.NDArray[np.int64]:
        """Return where the postings of each label begin."""
        return self.segment.array(f"labels-{self.number}", "first")

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Return how many postings each label has, below the threshold too."""
        return self.segment.array(f"labels-{self.number}", "count")

    @cached_property
    def limits(self) -> npt.NDArray[np.int32]:
        """Return the highest stored score of each label that does not count yet."""
        return np.array([limit_of(self.thresholds.of(label)) for label in self.labels], np.int32)

    def posting(self, tag: str) -> Posting | None:
        """Return the rows of ``tag`` in this segment, counted in the whole index."""
        at = self.ids.get(tag)
        if at is None:
            return None
        part = slice(int(self.first[at]), int(self.first[at] + self.counts[at]))
        scores = self.segment.array(f"postings-{self.number}", "score")[part]
        rows = self.segment.array(f"postings-{self.number}", "row")[part]
        keep = scores > limit_of(self.thresholds.of(tag))
        return Posting(rows[keep] + np.uint32(self.base), (scores[keep] / np.float32(SCORE_SCALE)).astype(np.float32))

    def of_row(self, row: int) -> list[tuple[str, float]]:
        """Return the tags of one local row above their thresholds, best first."""
        rows, ids, scores = self._by_row
        low, high = np.searchsorted(rows, np.array([row, row + 1], rows.dtype))  # another type would copy the column
        found = zip(ids[low:high].tolist(), scores[low:high].tolist(), strict=True)
        return [(self.labels[number], score / SCORE_SCALE) for number, score in found if score > self._limit(number)]

    @cached_property
    def _by_row(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
        """Return (local row, label id, score) of all tags, sorted by row."""
        name = f"tags-{self.number}"
        held = self.segment.table(name).column("tag")
        ids = columns.values(held.chunk(0).indices) if held.num_chunks else np.zeros(0, np.int32)
        return self.segment.array(name, "row"), ids, self.segment.array(name, "score")

    def _limit(self, number: int) -> int:
        """Return what ``limits`` has of one label: those of a few images are no reason to compute thousands."""
        found = self._limits.get(number)
        if found is None:
            found = self._limits[number] = limit_of(self.thresholds.of(self.labels[number]))
        return found

    @cached_property
    def on(self) -> Mask:
        """Return which postings are above their threshold, by tag."""
        above: Mask = self.segment.array(f"postings-{self.number}", "score") > np.repeat(self.limits, self.counts)
        return above

    @cached_property
    def fitted(self) -> Mask:
        """Return the local rows to which it gives a tag."""
        counts = self.on
        nothing = self.ids.get(NONE_FITS)
        if nothing is not None:
            counts = counts.copy()
            counts[int(self.first[nothing]) : int(self.first[nothing] + self.counts[nothing])] = False
        mask = np.zeros(self.segment.info.rows, np.bool_)
        mask[self.segment.array(f"postings-{self.number}", "row")[counts]] = True
        return mask

    def counted(self, keep: Mask) -> npt.NDArray[np.int64]:
        """Return how many images of the mask (local rows) each label has."""
        total = np.zeros(len(self.labels), np.int64)
        kept = np.flatnonzero(keep)
        if len(kept) < FEW * len(keep):
            ids, scores = self._tags_of(kept)
            return np.bincount(ids[scores > self.limits[ids]], minlength=len(total)).astype(np.int64)
        used = self.counts > 0
        if used.any():
            good = self.on & keep[self.segment.array(f"postings-{self.number}", "row")]
            total[used] = np.add.reduceat(good.view(np.uint8), self.first[used], dtype=np.int64)
        return total

    def _tags_of(self, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
        """Return label ids and scores of all tags of ``rows``."""
        held, ids, scores = self._by_row
        first = np.searchsorted(held, rows.astype(held.dtype), "left")
        counts = np.searchsorted(held, rows.astype(held.dtype), "right") - first
        begins = np.repeat(first - np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)[:-1]]), counts)
        at = begins + np.arange(len(begins))
        return ids[at], scores[at]


class UserTags(msgspec.Struct, frozen=True):
    """The owner's word about one tag."""

    present: Rows
    denied: Rows
    """Removed or rejected."""


_NO_ROWS = np.zeros(0, np.uint32)


class TagIndex:
    """All tags of an index; rows are counted through all segments."""

    def __init__(
        self, segments: Sequence[Segment], bases: Sequence[int], thresholds: Callable[[str], Thresholds], alive: Mask
    ) -> None:
        self._segments, self._bases, self._alive = segments, bases, alive
        self._spaces = [
            [_Space(segment, i, base, thresholds(space)) for i, space in enumerate(segment.info.tag_spaces)]
            for segment, base in zip(segments, bases, strict=True)
        ]
        self._masks: OrderedDict[str, Mask] = OrderedDict()
        self._postings: OrderedDict[str, Posting] = OrderedDict()
        self._rescored: tuple[float, TagIndex] | None = None

    def from_score(self, least: float) -> TagIndex:
        """Return these tags as they are when a model's tag counts from ``least`` on, whatever its threshold."""
        if self._rescored is None or self._rescored[0] != least:
            below = Thresholds(default=(round(least * SCORE_SCALE) - 1) / SCORE_SCALE)
            self._rescored = least, TagIndex(self._segments, self._bases, lambda space: below, self._alive)
        return self._rescored[1]

    @cached_property
    def user(self) -> Mapping[str, UserTags]:
        """Return the owner's word by tag."""
        said: dict[str, tuple[list[int], list[int]]] = {}
        for segment, base in zip(self._segments, self._bases, strict=True):
            table = segment.table("user-tags")
            held = (table.column(i).to_pylist() for i in range(3))
            for row, tag, value in zip(*held, strict=True):
                if segment.alive[row]:
                    said.setdefault(tag, ([], []))[value != PRESENT].append(base + row)
        return {tag: UserTags(np.array(yes, np.uint32), np.array(no, np.uint32)) for tag, (yes, no) in said.items()}

    @cached_property
    def user_by_row(self) -> Mapping[int, Mapping[str, int]]:
        """Return {row: {tag: 1 present, 0 denied}}."""
        found: dict[int, dict[str, int]] = {}
        for tag, said in self.user.items():
            for row in said.present.tolist():
                found.setdefault(row, {})[tag] = 1
            for row in said.denied.tolist():
                found.setdefault(row, {})[tag] = 0
        return found

    def labels(self) -> list[str]:
        """Return every tag that any image could have, sorted."""
        found = {label for spaces in self._spaces for space in spaces for label in space.labels}
        return sorted(found | self.user.keys())

    def labels_by_model(self) -> dict[str, set[str]]:
        """Return {model: every tag it gave to any image, below its threshold too}."""
        found: dict[str, set[str]] = {}
        for spaces in self._spaces:
            for space in spaces:
                found.setdefault(space.model, set()).update(space.labels)
        return found

    def posting(self, tag: str) -> Posting:
        """Return the images that have ``tag``, with scores; remembered for the next time."""
        kept = self._postings.get(tag)
        if kept is not None:
            self._postings.move_to_end(tag)
            return kept
        made = self._posting(tag)
        _remember(self._postings, tag, made)
        return made

    def spellings(self, tag: str) -> list[str]:
        """Return ``tag`` where an image has it as written, else those that differ from it in case only.

        Where there is none and it ends in a ``*``, those that begin so, whatever the case.
        """
        if len(self.posting(tag).rows):
            return [tag]
        alike = self._by_spelling.get(_spelling(tag), [])
        if alike or not tag.endswith("*"):
            return alike
        begun = _spelling(tag[:-1])
        return [label for spelt, labels in self._by_spelling.items() if spelt.startswith(begun) for label in labels]

    @cached_property
    def _by_spelling(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for label in self.labels():
            found.setdefault(_spelling(label), []).append(label)
        return found

    def mask(self, tag: str) -> Mask:
        """Return the images that have ``tag``, by ``spellings``, as a mask over all rows; remembered. Do not change it."""
        kept = self._masks.get(tag)
        if kept is not None:
            self._masks.move_to_end(tag)
            return kept
        made = np.zeros(len(self._alive), np.bool_)
        for spelt in self.spellings(tag):
            made[self.posting(spelt).rows] = True
        made.flags.writeable = False
        _remember(self._masks, tag, made)
        return made

    def all_of(self, tags: Sequence[str]) -> Mask:
        """Return the images that have every one of ``tags`` as a mask over all rows."""
        mask = self._alive.copy()
        for tag in tags:
            mask &= self.mask(tag)
        return mask

    def of_row(self, segment: int, row: int) -> tuple[list[tuple[str, float, str]], list[str]]:
        """Return the machine tags (tag, score, model) that count for one local row, and the owner's tags."""
        said = self.user_by_row.get(self._bases[segment] + row, {})
        best: dict[tuple[str, str], float] = {}
        for model, tag, score in counting([Output(space.model, space.of_row(row)) for space in self._spaces[segment]]):
            if said.get(tag) != 0:
                best[tag, model] = max(score, best.get((tag, model), 0.0))
        machine = sorted(
            ((tag, score, model) for (tag, model), score in best.items()), key=lambda t: (-t[1], t[0], t[2])
        )
        return machine, sorted(tag for tag, value in said.items() if value == 1)

    def counts(self, keep: Mask) -> dict[str, int]:
        """Return how many images of the mask have each tag, tags without any left out."""
        total: dict[str, int] = {}
        several = any(len(spaces) > 1 for spaces in self._spaces)
        for segment, base, spaces in zip(self._segments, self._bases, self._spaces, strict=True):
            local = keep[base : base + segment.info.rows] & segment.alive
            for space in spaces:
                for number in np.flatnonzero(found := space.counted(local)).tolist():
                    label = space.labels[number]
                    total[label] = total.get(label, 0) + int(found[number])
        # Where the owner spoke, or two models may give one image the same tag, count that tag by its rows.
        again: Iterable[str] = (
            self.user if not several else {*self.user, *self._shared_labels(), *({NONE_FITS} & total.keys())}
        )
        for tag in again:
            total[tag] = int(keep[self.posting(tag).rows].sum())
        return {tag: count for tag, count in total.items() if count}

    def _shared_labels(self) -> set[str]:
        shared: set[str] = set()
        for spaces in self._spaces:
            seen: set[str] = set()
            for space in spaces:
                shared |= seen & space.ids.keys()
                seen |= space.ids.keys()
        return shared

    def by_machine(self, tag: str) -> Rows:
        """Return the images that a model gave ``tag`` and whose owner did not deny it, whether they gave it too or not."""
        rows, said = self._machine(tag).rows, self.user.get(tag)
        return rows if said is None else rows[~np.isin(rows, said.denied)]

    def _machine(self, tag: str) -> Posting:
        parts = [p for spaces in self._spaces for p in _segment_postings(spaces, tag)]
        rows = np.concatenate([p.rows for p in parts]) if parts else _NO_ROWS
        scores = np.concatenate([p.scores for p in parts]) if parts else np.zeros(0, np.float32)
        keep = self._alive[rows]
        return Posting(rows, scores) if keep.all() else Posting(rows[keep], scores[keep])

    def _posting(self, tag: str) -> Posting:
        rows, scores = self._machine(tag)
        said = self.user.get(tag)
        if said is None:
            return Posting(rows, scores)
        keep = ~np.isin(rows, np.concatenate([said.denied, said.present]))
        rows = np.concatenate([rows[keep], said.present])
        scores = np.concatenate([scores[keep], np.ones(len(said.present), np.float32)])
        order = np.argsort(rows, kind="stable")
        return Posting(rows[order], scores[order])


def _spelling(tag: str) -> str:
    """Return what two tags have in common that differ in case or in the form of their accents only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", tag).casefold())


def _segment_postings(spaces: Sequence[_Space], tag: str) -> list[Posting]:
    """Return the postings of ``tag`` in one segment, as one where several models give it."""
    parts = [p for space in spaces if (p := space.posting(tag)) is not None]
    if tag == NONE_FITS:
        parts = [_where_none_fits(space, spaces) for space in spaces if tag in space.ids]
    if len(parts) < 2:
        return parts
    rows = np.concatenate([p.rows for p in parts])
    scores = np.concatenate([p.scores for p in parts])
    order = np.lexsort((-scores, rows))
    rows, scores = rows[order], scores[order]
    first = np.ones(len(rows), np.bool_)
    first[1:] = rows[1:] != rows[:-1]
    return [Posting(rows[first], scores[first])]


def _where_none_fits(space: _Space, spaces: Sequence[_Space]) -> Posting:
    """Return the rows of ``none of these`` of one output, without those to which the model gives a tag elsewhere."""
    rows, scores = space.posting(NONE_FITS) or Posting(_NO_ROWS, np.zeros(0, np.float32))
    keep = np.ones(len(rows), np.bool_)
    for other in spaces:
        if other is not space and other.model == space.model:
            keep &= ~other.fitted[rows - np.uint32(space.base)]
    return Posting(rows[keep], scores[keep])


def _remember(kept: OrderedDict[str, T], tag: str, value: T) -> None:
    kept[tag] = value
    if len(kept) > CACHED_TAGS:
        kept.popitem(last=False)
