"""What a query's text asks for: ``horse + stripes``, ``apple - fruit``, ``2:beach + ./sea.jpg``."""

from __future__ import annotations

import re

import msgspec

from phototag.errors import UsageError

_JOINT = re.compile(r"(?:^|\s)([+-])\s+")
_WEIGHT = re.compile(r"(\d{1,9}(?:\.\d+)?):(?=\S)")
_ANY_WORD = re.compile(r"[^\W_]")
_BEGUN = re.compile(r"\*+(?=\s|$)")
_IMAGE_LEAD = ("./", "../", "/", "~/")


class Term(msgspec.Struct, frozen=True):
    """One part of a combined query; below zero it is taken away."""

    text: str
    weight: float = 1.0

    @property
    def is_image(self) -> bool:
        """Say whether it names an image file: a path that begins with ``./``, ``../``, ``/`` or ``~/``."""
        return self.text.startswith(_IMAGE_LEAD)

    @property
    def meaning(self) -> str:
        """Return the text for a model to understand: without the ``*`` of words that are only begun."""
        return _BEGUN.sub("", self.text)


def is_weighted(text: str) -> bool:
    """Say whether ``text`` begins with a number and a colon, so that a term of it has a weight."""
    return _WEIGHT.match(text) is not None


def unweighted(text: str) -> str:
    """Return ``text`` as a term that means just its words, also where they begin with a number and a colon."""
    return f"1:{text}" if is_weighted(text) else text


def parse_terms(text: str) -> list[Term]:
    """Return the terms of ``text``; the signs need a space after them. Raises UsageError where nothing is left."""
    terms = []
    sign, at = 1.0, 0
    pieces: list[tuple[float, str]] = []
    for joint in _JOINT.finditer(text):
        pieces.append((sign, text[at : joint.start()]))
        sign, at = (1.0 if joint[1] == "+" else -1.0), joint.end()
    pieces.append((sign, text[at:]))
    for sign, piece in pieces:
        words = piece.strip()
        weight = _WEIGHT.match(words)
        if weight is not None:
            words = words[weight.end() :].strip()
        if _ANY_WORD.search(words):
            terms.append(Term(words, sign * (float(weight[1]) if weight is not None else 1.0)))
    if not any(term.weight > 0 for term in terms):
        raise UsageError("there is nothing to search for", hint='write words: phototag query "red sunset"')
    return terms
