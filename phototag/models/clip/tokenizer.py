"""Text to the text tower's input, token for token as OpenCLIP does it.

CLIP's own tokenizer is read by ``bpe``; what other models bring in a ``tokenizer.json`` by the ``tokenizers`` library.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phototag.errors import BrokenModelError, MissingExtraError
from phototag.models.clip import bpe

if TYPE_CHECKING:
    import numpy.typing as npt

_QUOTES = str.maketrans(
    {**dict.fromkeys("\u2018\u2019\u201a\u201b", "'"), **dict.fromkeys("\u201c\u201d\u201e\u201f", '"')}
)
_JOINED = "\u0132\u0133\u0149\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u01f1\u01f2\u01f3\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
_LIGATURES = str.maketrans({c: unicodedata.normalize("NFKC", c) for c in _JOINED})
_INVISIBLE = dict.fromkeys([*range(9), 11, *range(14, 32), 127, *range(0x206A, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFD)])
_WIDTHS = str.maketrans(
    {c: unicodedata.normalize("NFKC", c) for c in map(chr, range(0xFF01, 0xFFF0))} | {"\u3000": " "}
)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


Encode = Callable[[list[str]], list[list[int]]]
"""Cleaned texts to the ids of their tokens, start and end included."""


class Tokenizer:
    """Texts to rows of token ids, padded to the context."""

    def __init__(self, path: str, *, context_length: int, clean: str = "lower") -> None:
        """Read ``tokenizer.json`` or ``bpe_simple_vocab_16e6.txt.gz``. Raises MissingExtraError, BrokenModelError."""
        self.context_length = context_length
        self._canonical = clean == "canonicalize"
        self._encode, self._pad = _open(path, context_length)

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return (n, context_length) int64; a longer text keeps its beginning and the end token."""
        rows = np.full((len(texts), self.context_length), self._pad, np.int64)
        for row, ids in zip(rows, self._encode([self.clean(text) for text in texts]), strict=True):
            row[: len(ids)] = ids
        return rows

    def clean(self, text: str) -> str:
        """Return ``text`` as OpenCLIP cleans it: entities, quotes, ligatures, widths and white space made plain.

        The parts of ``ftfy.fix_text`` that matter for what a person types; repairing mis-decoded text is left out.
        """
        text = text.translate(_QUOTES).translate(_LIGATURES).translate(_WIDTHS).translate(_INVISIBLE)
        if "&" in text:
            import html  # its table of names takes longer to import than a query to read

            text = html.unescape(html.unescape(text))
        text = " ".join(unicodedata.normalize("NFC", text).split()).lower()
        if self._canonical:
            text = " ".join(text.replace("_", " ").translate(_PUNCTUATION).split())
        return text


def _open(path: str, context_length: int) -> tuple[Encode, int]:
    """Return what encodes cleaned texts, and the id to pad with."""
    try:
        if path.endswith(".gz"):
            found: bpe.ClipBpe | None = bpe.from_merges(path)
        else:
            with open(path, "rb") as file:
                found = bpe.from_json(file.read())
    except (OSError, EOFError, ValueError) as error:
        raise _broken(path, error) from error
    if found is None:
        return _with_library(path, context_length)
    clip = found
    return lambda texts: [clip.encode(text, context_length) for text in texts], 0


def _with_library(path: str, context_length: int) -> tuple[Encode, int]:
    try:
        from tokenizers import Tokenizer as Encoder
    except ImportError as error:
        raise MissingExtraError("reading a text for CLIP", "clip") from error
    try:
        encoder = Encoder.from_file(path)
    except Exception as error:  # the library raises a bare Exception for a damaged file
        raise _broken(path, error) from error
    padding = encoder.padding or {}
    encoder.no_padding()
    encoder.enable_truncation(context_length)
    # CLIP pads with 0 and reads at the end token, so padding never counts; others say how they pad.
    is_clip = any(encoder.token_to_id(end) == 49407 for end in (bpe.END, "<|endoftext|>"))
    pad = 0 if is_clip else int(padding.get("pad_id", encoder.token_to_id("<pad>") or 0))
    return lambda texts: [found.ids for found in encoder.encode_batch(texts)], pad


def _broken(path: str, error: Exception) -> BrokenModelError:
    return BrokenModelError(f"{path}: not a tokenizer: {error}", hint="phototag models verify")
