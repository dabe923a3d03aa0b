"""Text as search sees it: folded, cut into words. The index and the query go through the same functions."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_CJK = r"([぀-ヿ㐀-䶿一-鿿豈-﫿])"


def fold(text: str) -> str:
    """Return ``text`` without case, accents and compatibility forms: ``Café ﬁn`` becomes ``cafe fin``."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def split(text: str) -> list[str]:
    """Return the folded words of ``text``; Chinese and Japanese characters are a word each, as no spaces part them."""
    folded = fold(text)
    if not folded.isascii():
        folded = re.sub(_CJK, r" \1 ", folded)  # compiled when first needed: 3 ms
    return _WORD.findall(folded)


def padded(text: str) -> str:
    """Return the words of ``text`` as `` one two ``: a space on each side, so a word is found as a substring."""
    words = split(text)
    return f" {' '.join(words)} " if words else ""
