"""What a person typed as words to look for: each word with all its spellings, perhaps only begun."""

from __future__ import annotations

from typing import NamedTuple

from phototag.index.words import spellings

BEGUN = "*"
"""At the end of a word: it may go on."""


class Phrase(NamedTuple):
    """One typed word. What ``index.words.split`` cuts it into stands in a row: ``o'hara``, the characters of 東京."""

    spellings: tuple[str, ...]
    """Folded, a space between the pieces; any one is enough."""
    begun: bool
    """Whether the last piece may go on."""

    def needles(self) -> list[str]:
        """Return what to look for in padded text."""
        return [f" {spelling}" if self.begun else f" {spelling} " for spelling in self.spellings]

    def is_in(self, texts: list[str]) -> bool:
        """Say whether any of some padded texts has it."""
        return any(needle in text for needle in self.needles() for text in texts)


def phrase(text: str, *, begun: bool = False) -> Phrase | None:
    """Return the words of ``text`` as one phrase, None where it has none; a ``*`` at its end says that it is only begun."""
    found = tuple(each.strip() for each in spellings(text))
    return Phrase(found, begun or text.rstrip().endswith(BEGUN)) if found else None


def phrases(text: str) -> list[Phrase]:
    """Return the typed words of ``text``, those without a letter or digit left out."""
    return [found for typed in text.split() if (found := phrase(typed)) is not None]
