"""``Filters``: which images are asked for; ``select`` turns them into a mask over the index."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.index.reader import NO_INT, Index
from phototag.index.spelling import taken_us
from phototag.index.words import spellings
from phototag.search import countries, traits
from phototag.search.clusters import category_mask, cluster_mask
from phototag.search.lexical import having
from phototag.search.phrases import Phrase, phrase
from phototag.search.traits import rows_mask

Mask = npt.NDArray[np.bool_]

PRESENT, ABSENT = "present", "absent"


class Span(msgspec.Struct, frozen=True):
    """Whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int


class Filters(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """All of these must hold."""

    tags: tuple[str, ...] = ()
    """Every one of them."""
    any_tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    """Names, aliases or ids; every one of them."""
    not_people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Words of city, region or country; any one of them."""
    cameras: tuple[str, ...] = ()
    """Beginning of words of make and model; any one of them."""
    after: str | None = None
    """``2019``, ``2019-06`` or ``2019-06-30[T12:00]``: from its beginning on."""
    before: str | None = None
    """Until just before it begins."""
    rating: str | None = None
    """``3``, ``>=3``, ``<4``, ``3..5``; 0 is unrated, -1 rejected."""
    faces: str | None = None
    """Number of faces, written as ``rating``."""
    min_score: float | None = None
    """Machine tags count from this score on, not from their thresholds on; alone: some tag reaches it."""
    path: tuple[str, ...] = ()
    """Folders or files, relative to the root; any one of them."""
    presence: str | None = None
    """``present`` or ``absent``: images that are there, or of which only the sidecar is."""
    has: tuple[str, ...] = ()
    """Facts that must be known: ``fields.HAS``."""
    kinds: tuple[str, ...] = ()
    """What it must be: ``fields.IS``; all of them."""
    cluster: int | None = None
    """Number of a cluster of the current run; -1: in none."""
    categories: tuple[str, ...] = ()
    """What clusters of the current run are called; any one of them."""
    words: tuple[str, ...] = ()
    """Each must be in its tags, people, texts, places or names; of several words in one, every one."""
    not_words: tuple[str, ...] = ()
    one_of: tuple[tuple[Filters, ...], ...] = ()
    """Of each group at least one must hold."""
    none_of: tuple[Filters, ...] = ()
    """None of these may hold."""


NO_FILTERS = Filters()


def select(index: Index, filters: Filters) -> Mask:
    """Return the images that pass, as a mask over the rows of ``index``. Raises UsageError for a bad value."""
    mask = index.alive.copy()
    _by_tags(index, filters, mask)
    for name in filters.people:
        mask &= _of_people(index, name)
    for name in filters.not_people:
        mask &= ~_of_people(index, name)
    if filters.places:
        mask &= _any(_of_place(index, text) for text in filters.places)
    if filters.cameras:
        mask &= _any(_of_camera(index, text) for text in filters.cameras)
    _by_numbers(index, filters, mask)
    if filters.path:
        mask &= _any(index.under(path) for path in filters.path)
    if filters.presence is not None:
        mask &= index.flags("present") == (filters.presence == PRESENT)
    for fact in filters.has:
        mask &= traits.has(index, fact)
    for kind in filters.kinds:
        mask &= traits.is_a(index, kind)
    if filters.cluster is not None:
        mask &= cluster_mask(index, filters.cluster)
    if filters.categories:
        mask &= category_mask(index, filters.categories)
    _by_words(index, filters, mask)
    for group in filters.one_of:
        mask &= _any((select(index, each) for each in group), len(mask))
    for each in filters.none_of:
        mask &= ~select(index, each)
    return mask


def both(one: Filters, other: Filters) -> Filters:
    """Return filters that hold where both hold."""
    if NO_FILTERS in (one, other):
        return other if one == NO_FILTERS else one
    return msgspec.structs.replace(one, one_of=(*one.one_of, (other,)))


def scored(filters: Filters, min_score: float | None) -> Filters:
    """Return ``filters`` whose machine tags count from ``min_score`` on, also in groups and negations; without tags some tag must."""
    if min_score is None:
        return filters
    within = _scored_groups(filters, min_score)
    return within if within != filters else msgspec.structs.replace(filters, min_score=min_score)


def _scored_groups(filters: Filters, min_score: float) -> Filters:
    named = min_score if _names_tags(filters) else None
    groups = tuple(tuple(_scored_groups(each, min_score) for each in group) for group in filters.one_of)
    none_of = tuple(_scored_groups(each, min_score) for each in filters.none_of)
    return msgspec.structs.replace(filters, min_score=named, one_of=groups, none_of=none_of)


def _names_tags(filters: Filters) -> bool:
    return bool(filters.tags or filters.any_tags or filters.not_tags)


def parse_span(text: str, what: str) -> Span:
    """Return the numbers that ``3``, ``>=3``, ``>3``, ``<=3``, ``<3`` or ``3..5`` stand for. Raises UsageError."""
    found = re.fullmatch(r"\s*(>=|<=|>|<|=)?\s*(-?\d{1,9})\s*|\s*(-?\d{1,9})\s*\.\.\s*(-?\d{1,9})\s*", text)
    if found is None:
        raise UsageError(f"{what} {text!r} is not a number or a range", hint="write 3, >=3, <4 or 3..5")
    sign, number, low, high = found.groups()
    if number is None:
        if int(low) > int(high):
            raise UsageError(f"{what} {text!r} has its ends the wrong way round", hint=f"write {high}..{low}")
        return Span(int(low), int(high))
    value, least, most = int(number), -(1 << 31), 1 << 31
    spans = {">=": (value, most), ">": (value + 1, most), "<=": (least, value), "<": (least, value - 1)}
    return Span(*spans.get(sign or "=", (value, value)))


def parse_moment(text: str, what: str) -> int:
    """Return microseconds since 1970, local time, at which ``text`` begins. Raises UsageError."""
    if re.search(r"[T ].*(?:Z|[+-][\d:]+)\s*$", text):
        raise UsageError(f"{what} {text!r} has a time zone", hint="leave it away: what counts is the camera's clock")
    value = taken_us(text.strip())
    if value is None:
        raise UsageError(f"{what} {text!r} is not a date", hint="write 2019, 2019-06 or 2019-06-30")
    return value


def _by_tags(index: Index, filters: Filters, mask: Mask) -> None:
    tags = index.tags if filters.min_score is None else index.tags.from_score(filters.min_score)
    if filters.tags:
        mask &= tags.all_of(filters.tags)
    if filters.any_tags:
        mask &= _any(tags.mask(tag) for tag in filters.any_tags)
    if filters.min_score is not None and not _names_tags(filters):
        mask &= _any((rows_mask(index, tags.posting(tag).rows) for tag in tags.labels()), index.size)
    for tag in filters.not_tags:
        mask &= ~tags.mask(tag)


def _by_numbers(index: Index, filters: Filters, mask: Mask) -> None:
    if filters.after is not None or filters.before is not None:
        taken = index.numbers("taken")
        mask &= taken != NO_INT
        if filters.after is not None:
            mask &= taken >= parse_moment(filters.after, "the date")
        if filters.before is not None:
            mask &= taken < parse_moment(filters.before, "the date")
    if filters.rating is not None:
        span = parse_span(filters.rating, "the rating")
        rating = index.numbers("rating")
        rating = np.where(rating == NO_INT, 0, rating)
        mask &= (rating >= span.low) & (rating <= span.high)
    if filters.faces is not None:
        span = parse_span(filters.faces, "the number of faces")
        faces = index.numbers("faces")
        mask &= (faces >= span.low) & (faces <= span.high)


def _by_words(index: Index, filters: Filters, mask: Mask) -> None:
    for text in filters.words:
        mask &= having(index, text)
    for text in filters.not_words:
        mask &= ~having(index, text)


def _of_people(index: Index, name: str) -> Mask:
    parts = [index.faces.rows_of(person) for person in index.faces.find(name)]
    return rows_mask(index, np.concatenate(parts) if parts else [])


def _of_place(index: Index, text: str) -> Mask:
    wanted = _phrase(text)
    towns = (_where(index, column, lambda value: wanted.is_in(spellings(value))) for column in ("city", "region"))
    return _any((*towns, _where(index, "country", lambda value: countries.is_called(value, text, wanted))))


def _of_camera(index: Index, text: str) -> Mask:
    wanted = _phrase(text, begun=True)
    return _where(index, "camera", lambda value: wanted.is_in(spellings(value)))


def _phrase(text: str, *, begun: bool = False) -> Phrase:
    """Return the words of ``text``, which must stand in a row. Raises UsageError where it has none."""
    found = phrase(text, begun=begun)
    if found is None:
        raise UsageError(f"{text!r} has no words to look for")
    return found


def _where(index: Index, column: str, fits: Callable[[str], bool]) -> Mask:
    """Return the images with a value in a column of few that ``fits``."""
    codes, values = index.codes(column)
    hit = np.array([*map(fits, values), False], np.bool_)
    if not hit.any():
        return np.zeros(index.size, np.bool_)
    found: Mask = codes == np.flatnonzero(hit)[0] if np.count_nonzero(hit) == 1 else hit[codes]
    return found


def _any(masks: Any, size: int = 0) -> Mask:
    total: Mask | None = None
    for mask in masks:
        total = mask.copy() if total is None else total | mask
    return np.zeros(size, np.bool_) if total is None else total
