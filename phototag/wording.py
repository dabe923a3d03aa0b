"""How a count is written, the same in the terminal and in the browser, and which text can be shown at all."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""They shape letters (Persian, Hindi) and join emoji; anywhere else they only make text look like other text."""
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
"""A flag spelled out in invisible letters, as that of Scotland is."""


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 photo``, ``1,234 photos``; ``plural`` where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def unprintable(text: str) -> set[int]:
    """Return where ``text`` has characters that cannot be shown on a line.

    Control characters and those that turn the direction of writing are such; joiners and what spells a flag are not
    where they do their work.
    """
    odd = {at for at, char in enumerate(text) if not char.isprintable()}
    if not odd:
        return odd
    flags = {at for flag in _FLAG.finditer(text) for at in range(*flag.span())}
    return {at for at in odd - flags if not (text[at] in _JOINERS and _joins(text, at))}


def _joins(text: str, at: int) -> bool:
    """Say whether letters, marks or symbols stand on both sides."""
    sides = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(sides) == 2 and all(unicodedata.category(char)[0] in "LMS" for char in sides)
