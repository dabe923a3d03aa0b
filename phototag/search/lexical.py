"""Lexical search: the words of a query in tags, people, captions, places, cameras and file names, ranked.

BM25F (Robertson & Zaragoza 2009): the fields' frequencies are weighted and added before they saturate, so a word in
a caption and a tag counts more than twice in either. A machine's tag counts by its score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.index.words import padded, spellings
from phototag.search import countries
from phototag.search.phrases import Phrase, phrases
from phototag.search.terms import Term

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

K1 = 1.2
"""How soon a repeated word stops counting more."""
LENGTH = 0.5
"""How much a long text counts against a word in it (BM25's b)."""

USER_TAG, PERSON, TEXT, TAG, PLACE, CAMERA, PATH = 4.0, 4.0, 3.0, 3.0, 2.0, 1.0, 1.0
"""Weights of the fields: the owner's own words first, a file's name last."""

SMALL = frozenset(
    (
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "into",
        "is",
        "my",
        "near",
        "of",
        "on",
        "or",
        "our",
        "that",
        "the",
        "this",
        "to",
        "with",
    )
)
"""Words that say nothing about a picture by themselves."""


class Ranked(NamedTuple):
    """Rows that match, with their scores; in no order."""

    rows: npt.NDArray[np.uint32]
    scores: Floats
    complete: Mask
    """Which of the rows have every word that was asked for, small words aside."""


def lexical(index: Index, terms: Sequence[Term], keep: Mask) -> Ranked:
    """Return the images of ``keep`` that have any word of ``terms``, those with words taken away left out."""
    scores = np.zeros(index.size, np.float32)
    complete = np.ones(index.size, np.bool_)
    vocabulary = _Vocabulary(index)
    for term in terms:
        if term.is_image:
            continue
        words = phrases(term.text)
        parts = [vocabulary.frequencies(word) for word in words]
        if term.weight < 0:
            if parts:
                scores[np.logical_and.reduce([part > 0 for part in parts])] = -np.inf
            continue
        for word, part in zip(words, parts, strict=True):
            matched = part > 0
            if not _is_small(word):
                complete &= matched
            count = int((matched & index.alive).sum())
            if count:
                idf = np.log1p((index.count - count + 0.5) / (count + 0.5))
                scores[matched] += np.float32(term.weight * idf) * part[matched] * (K1 + 1) / (part[matched] + K1)
    rows = np.flatnonzero((scores > 0) & keep).astype(np.uint32)
    return Ranked(rows, scores[rows], complete[rows])


def having(index: Index, text: str) -> Mask:
    """Return the images that have every word of ``text`` somewhere, small words aside. Raises UsageError without words."""
    words = phrases(text)
    words = [word for word in words if not _is_small(word)] or words
    if not words:
        raise UsageError(f"{text!r} has no words to look for")
    vocabulary = _Vocabulary(index)
    mask: Mask = np.logical_and.reduce([vocabulary.frequencies(word) > 0 for word in words])
    return mask


def _is_small(word: Phrase) -> bool:
    return not word.begun and word.spellings[0] in SMALL


class _Vocabulary:
    """The fields of an index, asked for one word at a time."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def frequencies(self, word: Phrase) -> Floats:
        """Return the weighted frequency of ``word`` in each row, 0 where it is not: that of its best spelling."""
        found: Floats = np.maximum.reduce([self._frequencies(spelt, word.begun) for spelt in word.spellings])
        return found

    def _frequencies(self, word: str, begun: bool) -> Floats:
        found = np.zeros(self.index.size, np.float32)
        self._tags(word, begun, found)
        self._people(word, begun, found)
        for column, weight in (("city", PLACE), ("region", PLACE), ("country", PLACE), ("camera", CAMERA)):
            self._values(column, weight, word, begun, found)
        self._text(word, begun, found)
        names = self.index.texts["path_words"].find(word, begins=begun)
        found[names.rows] += PATH
        return found

    @cached_property
    def _labels(self) -> list[tuple[str, list[str]]]:
        return [(tag, [padded(tag)]) for tag in self.index.tags.labels()]

    def _tags(self, word: str, begun: bool, found: Floats) -> None:
        best = np.zeros(self.index.size, np.float32)
        owners = self.index.tags.user
        for tag, texts in self._labels:
            share = _share(texts, word, begun)
            if not share:
                continue
            posting = self.index.tags.posting(tag)
            weight = np.full(len(posting.rows), TAG, np.float32)
            if tag in owners:
                weight[np.isin(posting.rows, owners[tag].present)] = USER_TAG
            best[posting.rows] = np.maximum(best[posting.rows], weight * share * posting.scores)
        found += best

    def _people(self, word: str, begun: bool, found: Floats) -> None:
        for person, called in self.index.faces.names.items():
            if _share(spellings(called), word, begun):
                found[self.index.faces.rows_of(person)] += PERSON

    def _values(self, column: str, weight: float, word: str, begun: bool, found: Floats) -> None:
        codes, values = self.index.codes(column)
        hit = np.zeros(len(values) + 1, np.float32)
        called = ((value, *countries.names_of(value)) if column == "country" else (value,) for value in values)
        hit[:-1] = [_share([spelt for name in names for spelt in spellings(name)], word, begun) for names in called]
        found += weight * hit[codes]

    def _text(self, word: str, begun: bool, found: Floats) -> None:
        column = self.index.texts["text_words"]
        rows, counts = column.find(word, begins=begun)
        if len(rows):
            lengths = column.lengths(self.index.size)
            mean = lengths[lengths > 0].mean()
            norm = 1 - LENGTH + LENGTH * lengths[rows] / mean
            found[rows] += TEXT * counts.astype(np.float32) / norm.astype(np.float32)


def _share(texts: Iterable[str], word: str, begun: bool) -> float:
    """Return the greatest share of a padded text that ``word`` makes up, damped; 0 where none has it."""
    needle = f" {word}" if begun else f" {word} "
    hits = [text.count(needle) * (word.count(" ") + 1) / (text.count(" ") - 1) for text in texts if needle in text]
    return min(1.0, max(hits)) ** 0.5 if hits else 0.0
