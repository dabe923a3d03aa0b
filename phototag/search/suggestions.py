"""What may have been meant by a filter that nothing in the library answers to: ``place:Itly``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from phototag.index.reader import Index
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters, select
from phototag.search.language import one
from phototag.search.vocabulary import vocabulary

_SOURCES = {"tag": "tag", "any-tag": "tag", "person": "person", "place": "place", "camera": "camera"}
"""Filters whose values have near ones, and what of the vocabulary they are."""
_NEAR = 0.7
"""As alike must a value be, by ``difflib``: a letter wrong, left out or too much in a short word."""


def meant(index: Index, filters: Filters) -> list[str]:
    """Return filters near to those that no image of the library passes, whatever else is asked for."""
    asked = dict.fromkeys(_asked(filters))
    unknown = [(name, value) for name, value in asked if not select(index, one(name, value)).any()]
    if not unknown:
        return []
    known = vocabulary(index.tree)
    found = []
    for name, value in unknown:
        names = {each.casefold(): each for each in getattr(known, _SOURCES[name])}
        near = difflib.get_close_matches(value.casefold().rstrip("*"), names, n=1, cutoff=_NEAR)
        found += [f"{name}:{_quoted(names[each])}" for each in near]
    return found


def _asked(filters: Filters) -> Iterator[tuple[str, str]]:
    """Yield names and values of what images are to have."""
    for name in _SOURCES:
        for value in getattr(filters, FIELDS[name].field):
            yield name, value
    for group in filters.one_of:
        for each in group:
            yield from _asked(each)


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r'[\s()"]', value) else value
