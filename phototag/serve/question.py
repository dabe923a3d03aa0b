"""``Question``: what the visitor asks, as the address of the page says it: the filters of ``search.fields``, and words."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

import msgspec

from phototag.errors import UsageError
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters
from phototag.search.language import Asked, parse

SORTS = {"-taken": "Newest first", "taken": "Oldest first", "path": "By folder and name", "-rating": "Best rated"}
RELEVANCE = "relevance"
WORDS, LIKE, SORT, LEAST, CLUSTER = "q", "like", "sort", "min-score", "cluster"
PATHS = (LIKE, "path")
"""Parameters that may hold bytes which are not UTF-8, as names of files do."""
ESCAPED = "*"
"""After a parameter's name: its value is percent-encoded once more, for a form cannot send such bytes."""
VALUES_LIMIT = 64
TEXT_LIMIT = 1000
LABELS = {"any-tag": "any of", "not-tag": "without", "not-person": "without", LEAST: "score from", "path": "folder"} | {
    "after": "from",
    "has": "known",
}
"""Filters whose chip says something else than their name."""

Pair = tuple[str, str]


class Chip(msgspec.Struct, frozen=True):
    """One filter in force, as shown, and the address without it."""

    label: str
    value: str
    without: str
    country: str = ""
    """A country's code, which the script turns into its name."""


class Question(msgspec.Struct, frozen=True):
    """Words to search for, filters and order."""

    text: str = ""
    """In the query language (docs/search.md)."""
    like: str = ""
    """Path of a photo: those most like it are asked for."""
    filters: Filters = Filters()
    sort: str = ""
    """One of ``SORTS``; empty: newest first, or by relevance where something ranks."""

    @property
    def asked(self) -> Asked:
        """Return what the words ask for. Raises QueryError."""
        return _parsed(self.text)

    @property
    def ranked(self) -> bool:
        """Say whether the answer is in order of relevance. Raises QueryError."""
        return bool(self.like or self.asked.ranking or self.asked.like) and not self.sort

    @property
    def order(self) -> str:
        """Return the order in force. Raises QueryError."""
        return RELEVANCE if self.ranked else self.sort or "-taken"

    @property
    def asks(self) -> bool:
        """Say whether it asks for anything less than all photos."""
        return bool([pair for pair in self.pairs() if pair[0] != SORT])

    def pairs(self) -> list[Pair]:
        """Return the parameters of the address that asks this."""
        found = [(name, value) for name, value in ((WORDS, self.text), (LIKE, self.like)) if value]
        for name, field in FIELDS.items():
            value = getattr(self.filters, field.field)
            if field.many:
                found += [(name, one) for one in value]
            elif value is not None:
                found.append((name, str(value)))
        if self.filters.min_score is not None:
            found.append((LEAST, f"{self.filters.min_score:g}"))
        return [*found, (SORT, self.sort)] if self.sort else found

    def form_pairs(self) -> list[Pair]:
        """Return the filters that a new search keeps, as text that a form can send."""
        kept = [pair for pair in self.pairs() if pair[0] not in (WORDS, LIKE, SORT)]
        return [
            (name, value) if readable(value) == value else (name + ESCAPED, quote(os.fsencode(value), safe="/"))
            for name, value in kept
        ]

    def query(self, *, drop: Pair | None = None, add: Sequence[Pair] = (), only_one: str = "") -> str:
        """Return the query string, with a pair left out, pairs added, all of one name replaced."""
        kept = [pair for pair in self.pairs() if pair != drop and pair[0] != only_one]
        kept += [pair for pair in add if pair not in kept]
        return urlencode([(name, os.fsencode(value)) for name, value in kept], quote_via=quote)

    def address(self, *, drop: Pair | None = None, add: Sequence[Pair] = (), only_one: str = "") -> str:
        """Return the address of the grid, as ``query``."""
        query = self.query(drop=drop, add=add, only_one=only_one)
        return f"/?{query}" if query else "/"

    def chips(self, *, cluster: str = "") -> list[Chip]:
        """Return the filters in force; words and order are shown elsewhere. ``cluster`` is what the one asked for is called."""
        pairs = [pair for pair in self.pairs() if pair[0] not in (WORDS, SORT)]
        return [
            Chip(
                LABELS.get(name, name),
                (cluster if name == CLUSTER else "") or shown(name, value),
                self.address(drop=(name, value)),
                country_in(name, value),
            )
            for name, value in pairs
        ]


@lru_cache(maxsize=256)
def _parsed(text: str) -> Asked:
    return parse(text)


def country_in(name: str, value: str) -> str:
    """Return the ISO code where a filter is a country, empty otherwise."""
    return value if name == "place" and len(value) == 2 and value.isascii() and value.isupper() else ""


def shown(name: str, value: str) -> str:
    """Return a filter's value as a person reads it."""
    if name == "rating":
        stars = value.lstrip("><=")
        sign = " and up" if value.startswith(">") else ""
        named = {"0": "unrated", "-1": "rejected", "1": f"1 star{sign}"}
        return named.get(value if value in named else stars, f"{stars} stars{sign}")
    return readable(value)


def readable(text: str) -> str:
    """Return ``text`` as a page can show it: bytes that are not UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_question(query_string: bytes) -> Question:
    """Return the question in a query string. Raises UsageError, as the command line does."""
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), errors="surrogateescape", max_num_fields=200)
    except ValueError as error:
        raise UsageError("the address is not one of this viewer") from error
    return from_pairs([_text_pair(name, value) for name, value in pairs])


def _text_pair(name: str, value: str) -> Pair:
    """Return a parameter as it is meant; only paths may hold bytes that are not UTF-8."""
    name = readable(name)
    if name.removesuffix(ESCAPED) in PATHS:
        plain = name.removesuffix(ESCAPED)
        return plain, value if name == plain else os.fsdecode(unquote_to_bytes(os.fsencode(value)))
    return name, readable(value)


def from_pairs(pairs: Sequence[Pair]) -> Question:
    """Return the question in decoded parameters; names it does not know are left out. Raises UsageError."""
    last: Mapping[str, str] = {key: value.strip() for key, value in pairs if value.strip()}
    fields: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if field.many:
            values = [value for key, value in pairs if key == name and value][:VALUES_LIMIT]
            fields |= {field.field: tuple(dict.fromkeys(values))} if values else {}
        elif name in last:
            fields[field.field] = _number(name, last[name], int) if field.whole else last[name]
    if LEAST in last:
        fields["min_score"] = _share(LEAST, last[LEAST])
    sort = last.get(SORT, "")
    like = next((value for key, value in pairs if key == LIKE), "")
    return Question(last.get(WORDS, "")[:TEXT_LIMIT], like, Filters(**fields), sort if sort in SORTS else "")


def _number(name: str, text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError as error:
        raise UsageError(f"{name} {text!r} is not a number") from error


def _share(name: str, text: str) -> float:
    value = _number(name, text, float)
    if math.isnan(value) or not 0 <= value <= 1:
        raise UsageError(f"{name} {text!r} is not a number from 0 to 1")
    return value
