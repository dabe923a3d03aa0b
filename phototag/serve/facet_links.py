"""The column of filters: each value with its count and the address that adds or takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from phototag.library import runs
from phototag.serve.present import month_name
from phototag.serve.question import Pair, Question, from_pairs, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from phototag.search.facets import Facet
    from phototag.serve.shelf import Counts

OPEN_VALUES, ALL_VALUES = 8, 80
"""Values shown before 'more', and after it."""


class Choice(msgspec.Struct, frozen=True):
    """One value."""

    label: str
    count: int
    address: str
    chosen: bool = False
    country: str = ""
    """A country's code, which the script turns into its name."""


class Group(msgspec.Struct, frozen=True):
    """The values of one kind."""

    name: str
    choices: list[Choice]
    rest: list[Choice] = []
    """Shown after 'more'."""
    note: str = ""


def groups(counts: Counts, question: Question, *, awaited: str = "") -> list[Group]:
    """Return the groups that have something to choose; ``awaited`` is the cluster run that is not here yet."""
    found = counts.facets
    made = [
        ("Dates", _dates(found.years, found.months, question)),
        ("Tags", _choices("tag", found.tags, question)),
        ("People", _choices("person", found.people, question)),
        ("Countries", _countries(found.countries, question)),
        ("Places", _choices("place", found.cities, question)),
        ("Cameras", _choices("camera", found.cameras, question)),
        ("Clusters", [_choice(("cluster", str(c.id)), c.value, c.count, question) for c in found.clusters]),
        ("Ratings", _ratings(counts.ratings, question)),
    ]
    notes = {"Clusters": f"{runs.awaited(awaited)}; these are another's." if awaited else ""}
    return [
        Group(name, choices[:OPEN_VALUES], choices[OPEN_VALUES:ALL_VALUES], notes.get(name, ""))
        for name, choices in made
        if choices
    ]


def _choices(name: str, values: Iterable[Facet], question: Question) -> list[Choice]:
    return [_choice((name, one.value), shown(name, one.value), one.count, question) for one in values]


def _choice(pair: Pair, label: str, count: int, question: Question) -> Choice:
    chosen = pair in question.pairs()
    address = question.address(drop=pair) if chosen else question.address(add=[pair])
    return Choice(label, count, address, chosen)


def _countries(values: Iterable[Facet], question: Question) -> list[Choice]:
    made = _choices("place", values, question)
    return [msgspec.structs.replace(one, country=one.label) for one in made]


def _ratings(ratings: dict[int, int], question: Question) -> list[Choice]:
    made = []
    for stars, count in ratings.items():
        pair = ("rating", str(stars))
        chosen = pair in question.pairs()
        address = question.address(drop=pair) if chosen else question.address(only_one="rating", add=[pair])
        label = "Rejected" if stars < 0 else "★" * stars
        made.append(Choice(label, count, address, chosen))
    return made


def _dates(years: list[Facet], months: list[Facet], question: Question) -> list[Choice]:
    """Return the years; the months where only one year is left."""
    if len(years) == 1 and len(months) > 1:
        return [_span(one.value, month_name(one.value), one.count, question) for one in months]
    return [_span(one.value, one.value, one.count, question) for one in years]


def _span(value: str, label: str, count: int, question: Question) -> Choice:
    after, before = value, following(value)
    chosen = question.filters.after == after and question.filters.before == before
    rest = [pair for pair in question.pairs() if pair[0] not in ("after", "before")]
    kept = rest if chosen else [*rest, ("after", after), ("before", before)]
    return Choice(label, count, from_pairs(kept).address(), chosen)


def following(value: str) -> str:
    """Return the year or month after ``2024`` or ``2024-05``."""
    year, _, month = value.partition("-")
    if not month:
        return f"{int(year) + 1:04}"
    return f"{int(year) + int(month) // 12:04}-{int(month) % 12 + 1:02}"
