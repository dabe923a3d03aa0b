"""Automatic names of clusters: how they are put together, told apart by numbers, and freed of their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phototag.library.runs import Cluster

BEFORE_PLACE, BEFORE_SEASON = " · ", " in "
"""How a name is put together: words, place, season."""


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
