"""Filters as keyword arguments, for Python: ``photos.query("beach", tag="sea", after="2019-06")``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from phototag.errors import UsageError
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters
from phototag.search.language import meet, one

Values = str | Iterable[str] | None
Date = str | datetime.date | None


class FilterValues(TypedDict, total=False):
    """The filters of the query language as keyword arguments; one value, or several where it may be repeated.

    None is no filter.
    """

    tag: Values
    any_tag: Values
    not_tag: Values
    person: Values
    not_person: Values
    place: Values
    camera: Values
    category: Values
    cluster: int | None
    path: Values
    after: Date
    before: Date
    rating: int | str | None
    faces: int | str | None
    has: Values
    is_: Values


def filters_of(given: Mapping[str, Any]) -> Filters:
    """Return the filters that keyword arguments stand for. Raises TypeError for an unknown name, UsageError for values."""
    pieces = []
    for keyword, value in given.items():
        name = keyword.rstrip("_").replace("_", "-")
        if name not in FIELDS:
            known = ", ".join(FilterValues.__annotations__)
            raise TypeError(f"there is no filter {keyword!r}; filters are {known}")
        if value is None:
            continue
        several = FIELDS[name].many and not isinstance(value, str)
        for each in value if several else (value,):
            try:
                pieces.append(one(name, each.isoformat() if hasattr(each, "isoformat") else str(each)))
            except ValueError as error:
                raise UsageError(f"{keyword}={each!r} is not a whole number") from error
    return meet(pieces)
