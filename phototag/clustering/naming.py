"""Names for clusters: class-based TF-IDF over the photos' tags, with place and season where they set a cluster apart.

A term's weight in a cluster is its share there times log(1 + average cluster weight / its weight everywhere)
(Grootendorst 2022, c-TF-IDF): "beach" names a cluster, "outdoor" that all clusters share does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.library.cluster_names import BEFORE_PLACE, BEFORE_SEASON, numbered

TERMS_KEPT = 10
TERMS_IN_NAME = 2
LIKE_THE_FIRST = 0.45
"""A further term joins the name when it weighs at least this share of the first."""

TAG_TIMES_USUAL = 1.15
"""A tag that is hardly more frequent in a cluster than anywhere says nothing about it."""
TELLS_APART = 0.15
"""How much larger a share of one cluster's photos must have a tag for it to tell two clusters apart."""
PLACE_SHARE, SEASON_SHARE = 0.6, 0.75
"""Share of a cluster's dated or placed photos that must agree."""
TIMES_USUAL = 1.8
"""... and how many times more often than among the other photos."""

SEASONS = ("winter", "spring", "summer", "autumn")


class Term(msgspec.Struct, frozen=True, array_like=True):
    """One word and how much it says about its cluster."""

    term: str
    weight: float


class Named(msgspec.Struct, frozen=True):
    """The automatic name of one cluster; no two of a run are equal."""

    name: str
    terms: tuple[Term, ...]
    """Best first, weights in [0, 1] that sum to at most 1."""
    place: str = ""
    """The place in the name, where there is one."""


class Words(msgspec.Struct, frozen=True):
    """What is known in words about n photos, as columns."""

    vocabulary: Sequence[str]
    """Every tag, once."""
    rows: npt.NDArray[np.integer[Any]]
    """(entries,) photo of each (photo, tag) pair, 0 .. n - 1."""
    tags: npt.NDArray[np.integer[Any]]
    """(entries,) position of its tag in ``vocabulary``."""
    scores: npt.NDArray[np.floating[Any]]
    """(entries,) score of the tag in the photo, in [0, 1]."""
    place_names: Sequence[str]
    places: npt.NDArray[np.integer[Any]]
    """(n,) position in ``place_names``; -1 unknown."""
    months: npt.NDArray[np.integer[Any]]
    """(n,) 1 to 12; 0 unknown."""
    latitudes: npt.NDArray[np.floating[Any]]
    """(n,) degrees, NaN unknown: seasons turn round below the equator."""


class _Shares(msgspec.Struct, frozen=True):
    """What the tags say, by cluster."""

    weights: npt.NDArray[np.float64]
    """(clusters, vocabulary) c-TF-IDF of the terms that set a cluster apart; each row sums to 1, or to 0."""
    rates: npt.NDArray[np.float64]
    """(clusters, vocabulary) share of a cluster's photos that have a tag."""


def name_clusters(labels: npt.NDArray[np.integer[Any]], words: Words) -> list[Named]:
    """Return the name of each cluster 0 .. max(labels); ``labels`` (n,), -1 for photos that belong to none."""
    shares = _weigh(labels, words)
    places = _standing_out(labels, words.places, words.place_names, PLACE_SHARE)
    seasons = _standing_out(labels, _seasons(words), SEASONS, SEASON_SHARE)
    ranked = [_terms(words.vocabulary, row) for row in shares.weights]
    heads = [_head(terms) for terms in ranked]
    _tell_apart(heads, shares.rates, words.vocabulary, list(zip(places, seasons, strict=True)))
    names = numbered(
        [_name(head, *where) for head, where in zip(heads, zip(places, seasons, strict=True), strict=True)]
    )
    return [Named(*found) for found in zip(names, ranked, places, strict=True)]


def _weigh(labels: npt.NDArray[np.integer[Any]], words: Words) -> _Shares:
    count, size = int(labels.max(initial=-1)) + 1, max(len(words.vocabulary), 1)
    # Row ``count`` is what belongs to no cluster: it counts as usual, not as a cluster.
    cell = np.where(labels < 0, count, labels)[words.rows].astype(np.int64) * size + words.tags
    total = np.bincount(cell, weights=words.scores, minlength=(count + 1) * size).reshape(count + 1, size)
    photos = np.bincount(cell, minlength=(count + 1) * size).reshape(count + 1, size)
    rates = photos[:count] / np.maximum(np.bincount(labels[labels >= 0], minlength=count), 1)[:, None]
    everywhere, inside = total.sum(axis=0), total[:count]
    share = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1e-9)
    weights = share * np.log1p(everywhere.sum() / max(count, 1) / np.maximum(everywhere, 1e-9))
    telling = rates >= TAG_TIMES_USUAL * photos.sum(axis=0) / max(len(labels), 1)
    # Where nothing sets a cluster apart (there is only one), its most frequent tags have to do.
    weights = np.where(telling | ~telling.any(axis=1, where=weights > 0, keepdims=True), weights, 0.0)
    return _Shares(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9), rates)


def _terms(vocabulary: Sequence[str], weights: npt.NDArray[np.float64]) -> tuple[Term, ...]:
    best = np.argsort(-weights, kind="stable")[:TERMS_KEPT]
    return tuple(Term(vocabulary[at], round(float(weights[at]), 4)) for at in best if weights[at] > 0)


def _seasons(words: Words) -> npt.NDArray[np.int64]:
    """Return the position in SEASONS of each photo, -1 unknown."""
    months = words.months.astype(np.int64)
    south = np.nan_to_num(words.latitudes) < 0
    return np.where(months > 0, ((months % 12) // 3 + 2 * south) % 4, -1)


def _standing_out(
    labels: npt.NDArray[np.integer[Any]], codes: npt.NDArray[np.integer[Any]], names: Sequence[str], share: float
) -> list[str]:
    """Return for each cluster the value that most of its photos share and the collection does not, or ""."""
    count, size = int(labels.max(initial=-1)) + 1, len(names)
    known = codes >= 0
    if not known.any():
        return [""] * count
    everywhere = np.bincount(codes[known], minlength=size)
    inside = known & (labels >= 0)
    table = np.bincount(labels[inside].astype(np.int64) * size + codes[inside], minlength=count * size)
    photos = np.bincount(labels[labels >= 0], minlength=count)
    result = []
    for row, members in zip(table.reshape(count, size), photos, strict=True):
        best = int(row.argmax())
        here = row[best] / max(row.sum(), 1)
        elsewhere = (everywhere[best] - row[best]) / max(known.sum() - row.sum(), 1)
        # Half of the photos must say anything at all: three dated ones out of a hundred prove nothing.
        stands = (
            here >= share and known.sum() > row.sum() and here >= TIMES_USUAL * elsewhere and row.sum() >= 0.5 * members
        )
        result.append(names[best] if stands else "")
    return result


def _head(terms: tuple[Term, ...]) -> list[str]:
    """Return the words of a name, most telling first."""
    words: list[str] = []
    for term in terms:
        if term.weight < LIKE_THE_FIRST * terms[0].weight or len(words) == TERMS_IN_NAME:
            break
        if term.term not in SEASONS and not any(_same_word(term.term, word) for word in words):
            words.append(term.term)  # the season has a place of its own in the name
    return words


def _name(words: list[str], place: str, season: str) -> str:
    name = ", ".join(words)
    if place:
        name = f"{name}{BEFORE_PLACE}{place}" if name else place
    if season:
        name = f"{name}{BEFORE_SEASON}{season}" if name else season
    return name or "untagged"


def _same_word(one: str, other: str) -> bool:
    """Say whether one tag says the other again: "beach" and "beach chair" do, "car" and "carpet" do not."""
    a, b = set(one.casefold().split()), set(other.casefold().split())
    return a <= b or b <= a


def _tell_apart(
    heads: list[list[str]],
    rates: npt.NDArray[np.float64],
    vocabulary: Sequence[str],
    where: Sequence[tuple[str, str]],
) -> None:
    """Give clusters that would have the same name the words that tell them from each other, in place."""
    for _ in range(2):
        groups: dict[str, list[int]] = {}
        for number, head in enumerate(heads):
            groups.setdefault(_name(head, *where[number]).casefold(), []).append(number)
        for group in groups.values():
            for number in group if len(group) > 1 else ():
                others = rates[[other for other in group if other != number]].max(axis=0)
                lead = rates[number] - others
                for at in np.argsort(-lead, kind="stable")[:20]:
                    if lead[at] < TELLS_APART:
                        break
                    if not any(_same_word(vocabulary[at], word) for word in heads[number]):
                        heads[number].append(vocabulary[at])
                        break
