"""CLIP's byte-pair encoding for a handful of words.

The ``tokenizers`` library makes a whole tokenizer of 49,000 merges before its first word: 0.1 s, most of what a
query has to wait for besides its imports. Reading the merges into a dict takes a tenth of that; each merge is then
looked up as it is needed. Tokens are the same (``tests/models/clip/test_tokenizer.py`` compares them).
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec

START, END = "<start_of_text>", "<end_of_text>"
MERGES = 49152 - 256 - 2
"""Merges of OpenAI's vocabulary that OpenCLIP uses."""
_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
_WORD_END = "</w>"


class ClipBpe:
    """Text to token ids. The text must be cleaned: lower case, plain spaces, NFC."""

    def __init__(self, ranks: Mapping[str, int], id_of: Callable[[str, str], int], start: int, end: int) -> None:
        """``ranks`` has a merge as ``"left right"``; ``id_of`` the id of a symbol, given the merge that made it."""
        self._ranks, self._id_of = ranks, id_of
        self.start, self.end = start, end

    def encode(self, text: str, length: int) -> list[int]:
        """Return the ids between start and end token, at most ``length`` in all."""
        ids: list[int] = []
        for word in split(text):
            if len(ids) >= length - 2:
                break
            ids += self._word(word)
        return [self.start, *ids[: length - 2], self.end]

    def _word(self, word: str) -> list[int]:
        """Return the ids of one word: the merge of lowest rank is made everywhere, until none is left."""
        symbols = [_LETTERS[byte] for byte in word.encode()]
        symbols[-1] += _WORD_END
        made = [""] * len(symbols)
        while len(symbols) > 1:
            pairs = [f"{left} {right}" for left, right in pairwise(symbols)]
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            joined = best.replace(" ", "", 1)
            at = 0
            while at < len(symbols) - 1:
                if f"{symbols[at]} {symbols[at + 1]}" == best:
                    symbols[at : at + 2] = [joined]
                    made[at : at + 2] = [best]
                at += 1
        return [self._id_of(symbol, pair) for symbol, pair in zip(symbols, made, strict=True)]


def from_merges(path: str) -> ClipBpe:
    """Read OpenAI's list of merges, ``bpe_simple_vocab_16e6.txt.gz``. Raises OSError, ValueError."""
    data = b""
    with gzip.open(path, "rb") as file:
        while data.count(b"\n") <= MERGES and (more := file.read(1 << 19)):  # OpenCLIP's merges are its first fifth
            data += more
    lines = data.decode(errors="ignore").split("\n")[1 : MERGES + 1]
    if len(lines) < MERGES:
        raise ValueError("it has too few merges")
    ranks = dict(zip(lines, range(MERGES), strict=True))
    order = {letter: number for number, letter in enumerate(_letters_in_order())}

    def id_of(symbol: str, pair: str) -> int:
        # The vocabulary is the letters, the letters that end a word, then what each merge makes, in order.
        return 512 + ranks[pair] if pair else order[symbol[0]] + (256 if len(symbol) > 1 else 0)

    return ClipBpe(ranks, id_of, 512 + MERGES, 513 + MERGES)


class _Model(msgspec.Struct):
    type: str
    vocab: dict[str, int]
    merges: list[str | list[str]]
    end_of_word_suffix: str | None = None
    dropout: float | None = None


class _File(msgspec.Struct):
    model: _Model
    normalizer: Any = None
    pre_tokenizer: Any = None
    added_tokens: list[Any] = []


def from_json(data: bytes) -> ClipBpe | None:
    """Read a ``tokenizer.json``; None where it is not CLIP's kind of tokenizer, or where it is damaged."""
    try:
        found = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    vocabulary = found.model.vocab
    start, end = (next((vocabulary[n] for n in names if n in vocabulary), -1) for names in (_STARTS, _ENDS))
    if not _is_clip(found) or min(start, end) < 0:
        return None
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in found.model.merges]
    return ClipBpe(dict(zip(lines, range(len(lines)), strict=True)), lambda symbol, _: vocabulary[symbol], start, end)


_STARTS, _ENDS = (START, "<|startoftext|>"), (END, "<|endoftext|>")


def _is_clip(found: _File) -> bool:
    """Say whether words are cut, written as bytes and merged as in OpenCLIP's own tokenizer."""
    model = found.model
    cut = found.pre_tokenizer or {}
    steps = cut.get("pretokenizers", []) if isinstance(cut, dict) else []
    kinds = [step.get("type") for step in steps]
    normal = found.normalizer or {}
    plain = {step.get("type") for step in normal.get("normalizers", [normal])} if isinstance(normal, dict) else {None}
    letters = _letters_in_order()
    return (
        (model.type, model.end_of_word_suffix, model.dropout) == ("BPE", _WORD_END, None)
        and kinds == ["Split", "ByteLevel"]
        and steps[0].get("pattern") == {"Regex": _PATTERN}
        and (steps[0].get("behavior"), steps[0].get("invert")) == ("Removed", True)
        and (steps[1].get("add_prefix_space"), steps[1].get("use_regex")) == (False, False)
        and plain <= {"NFC", "Replace", "Lowercase"}
        and all(letter in model.vocab and letter + _WORD_END in model.vocab for letter in letters)
    )


def split(text: str) -> Iterator[str]:
    r"""Cut a cleaned text as ``'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`` does."""
    at = 0
    while at < len(text):
        kind = _kind(text[at])
        contraction = next((c for c in _CONTRACTIONS if text.startswith(c, at)), "") if text[at] == "'" else ""
        end = at + max(1, len(contraction))
        if not contraction and kind in "LO":
            while end < len(text) and _kind(text[end]) == kind:
                end += 1
        if kind != " ":
            yield text[at:end]
        at = end


def _kind(letter: str) -> str:
    """Return ``L`` for a letter, ``N`` for a number, a space for a space, ``O`` for any other."""
    if letter.isalpha():
        return "L"
    if letter == " " or letter.isspace():
        return " "
    return "N" if unicodedata.category(letter)[0] == "N" else "O"


def _letters_in_order() -> list[str]:
    """Return the printable stand-ins of the 256 bytes, in OpenAI's order."""
    return [*map(chr, _PRINTABLE), *(chr(256 + number) for number in range(256 - len(_PRINTABLE)))]


_PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))
_LETTERS = dict(
    zip([*_PRINTABLE, *(byte for byte in range(256) if byte not in _PRINTABLE)], _letters_in_order(), strict=True)
)
"""The letter that stands for a byte."""
