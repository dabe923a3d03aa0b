"""Text as search sees it: folded, cut into words. The index and the query go through the same functions."""

from __future__ import annotations

import re
import unicodedata

_ASCII_WORD = re.compile(r"[a-z0-9]+")

_WHOLE = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ŧ": "t",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
}
"""Letters that Unicode does not take apart, and what they are written as without their strokes."""
_SELECTORS = frozenset([*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
"""They choose between shapes of the character before."""
_UNSPACED = (
    range(0x0E00, 0x0F00),  # Thai, Lao
    range(0x1000, 0x10A0),  # Burmese
    range(0x1780, 0x1800),  # Khmer
    range(0x3040, 0x3100),  # kana
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xAC00, 0xD7B0),  # Korean has spaces, but what a word is to its sentence is written onto its end
    range(0xF900, 0xFB00),
    range(0x20000, 0x3FFFE),
)
"""Scripts whose words are found anywhere in a row of characters: each character is a word of its own here."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


class _Folded(dict[int, str]):
    """What becomes of a character that was taken apart; filled as characters come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        gone = unicodedata.combining(character) or code in _SELECTORS
        self[code] = made = "" if gone else _WHOLE.get(character, character)
        return made


class _Spaced(dict[int, str]):
    """A folded character in a row of words: part of one, a word of its own, or a space between; filled as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if any(code in block for block in _UNSPACED):
            made = f" {character} "
        elif character.isalnum() or unicodedata.category(character) in ("Mn", "Mc"):  # marks: the vowels of Hindi
            made = character
        else:
            made = " "
        self[code] = made
        return made


_FOLDED, _SPACED = _Folded(), _Spaced()


def fold(text: str) -> str:
    """Return ``text`` without case, accents and compatibility forms: ``Café ﬁn`` becomes ``cafe fin``."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", apart.translate(_FOLDED))


def split(text: str) -> list[str]:
    """Return the folded words of ``text``; in scripts that put no spaces between words, each character is one."""
    folded = fold(text)
    return _ASCII_WORD.findall(folded) if folded.isascii() else folded.translate(_SPACED).split()


def padded(text: str) -> str:
    """Return the words of ``text`` as `` one two ``: a space on each side, so a word is found as a substring."""
    words = split(text)
    return f" {' '.join(words)} " if words else ""


def spellings(text: str) -> list[str]:
    """Return ``text`` padded, and padded with umlauts as two letters where it has any: ``Zürich`` is also Zuerich."""
    found = [padded(text)]
    if not text.isascii():
        found.append(padded(unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)))
    return [each for each in dict.fromkeys(found) if each]
