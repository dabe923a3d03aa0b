"""Text to the text tower's input, token for token as OpenCLIP does it.

CLIP's own tokenizer is read by ``bpe``; what other models bring in a ``tokenizer.json`` by the ``tokenizers`` library,
with the padding that ``tokenizer_config.json`` or ``special_tokens_map.json`` beside it say, as transformers does.
"""

from __future__ import annotations

import os
import string
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
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

BESIDE = ("special_tokens_map.json", "tokenizer_config.json")
"""What lies beside a ``tokenizer.json`` and says how it pads; the latter wins."""


class Filling(msgspec.Struct, frozen=True):
    """What makes rows of texts equally long."""

    pad: int = 0
    left: bool = False
    """It comes before the text."""
    said: bool = True
    """The tokenizer's files say so; else it is a guess."""
    zeroed: int = -1
    """A token that becomes 0, as CLIPA was trained."""


class Tokenizer:
    """Texts to rows of token ids, padded to the context."""

    def __init__(
        self, path: str, *, context_length: int, clean: str = "lower", own: bool = False, strip_sep: bool = False
    ) -> None:
        """Read ``tokenizer.json`` or ``bpe_simple_vocab_16e6.txt.gz``. Raises MissingExtraError, BrokenModelError.

        ``own``: the model was trained with another tokenizer than CLIP's, which transformers reads; ``strip_sep``: its
        separator was made 0.
        """
        self.context_length = context_length
        self._clean = clean
        self._encode, self.filling = _open(path, context_length, own=own, strip_sep=strip_sep)

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return (n, context_length) int64; a longer text keeps its beginning and the end token."""
        rows = np.full((len(texts), self.context_length), self.filling.pad, np.int64)
        for row, ids in zip(rows, self._encode([self.clean(text) for text in texts]), strict=True):
            start = self.context_length - len(ids) if self.filling.left else 0
            row[start : start + len(ids)] = ids
        if self.filling.zeroed >= 0:
            rows[rows == self.filling.zeroed] = 0
        return rows

    def clean(self, text: str) -> str:
        """Return ``text`` as OpenCLIP cleans it: entities, quotes, ligatures, widths and white space made plain.

        The parts of ``ftfy.fix_text`` that matter for what a person types; repairing mis-decoded text is left out.
        """
        text = text.translate(_QUOTES).translate(_LIGATURES).translate(_WIDTHS).translate(_INVISIBLE)
        if "&" in text:
            import html  # its table of names takes longer to import than a query to read

            text = html.unescape(html.unescape(text))
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if self._clean == "canonicalize":
            text = " ".join(text.replace("_", " ").translate(_PUNCTUATION).split())
        return text if self._clean == "whitespace" else text.lower()


def _open(path: str, context_length: int, *, own: bool, strip_sep: bool) -> tuple[Encode, Filling]:
    """Return what encodes cleaned texts, and how their rows are filled."""
    if own:
        return _with_library(path, context_length, strip_sep=strip_sep)
    try:
        if path.endswith(".gz"):
            found: bpe.ClipBpe | None = bpe.from_merges(path)
        else:
            with open(path, "rb") as file:
                found = bpe.from_json(file.read())
    except (OSError, EOFError, ValueError) as error:
        raise _broken(path, error) from error
    if found is not None:
        clip = found
        return lambda texts: [clip.encode(text, context_length) for text in texts], Filling()
    return _with_library(path, context_length, is_clip=True)


def _with_library(
    path: str, context_length: int, *, strip_sep: bool = False, is_clip: bool = False
) -> tuple[Encode, Filling]:
    """Return what the library makes of a ``tokenizer.json``; ``is_clip``: with CLIP's padding, if it is CLIP's."""
    try:
        from tokenizers import Tokenizer as Encoder
    except ImportError as error:
        raise MissingExtraError("reading a text for CLIP", "clip") from error
    try:
        encoder = Encoder.from_file(path)
    except Exception as error:  # the library raises a bare Exception for a damaged file
        raise _broken(path, error) from error
    filling = _filling(path, encoder, strip_sep=strip_sep)
    if is_clip and any(encoder.token_to_id(end) == 49407 for end in (bpe.END, "<|endoftext|>")):
        filling = Filling()  # it reads at the end token, so padding never counts
    encoder.no_padding()
    encoder.enable_truncation(context_length)
    return lambda texts: [found.ids for found in encoder.encode_batch(texts)], filling


class _Token(msgspec.Struct, frozen=True):
    content: str


class _Beside(msgspec.Struct, frozen=True):
    """What is read of the files beside ``tokenizer.json``."""

    pad_token: str | _Token | None = None
    sep_token: str | _Token | None = None
    padding_side: str | None = None


def _filling(path: str, encoder: Any, *, strip_sep: bool) -> Filling:
    beside = [_beside(os.path.join(os.path.dirname(path), name)) for name in BESIDE]
    own = encoder.padding or {}
    pad = _id(encoder, path, [one.pad_token for one in beside])
    said = pad is not None or "pad_id" in own
    if pad is None:
        pad = own.get("pad_id", encoder.token_to_id("<pad>") or 0)
    side = next((one.padding_side for one in reversed(beside) if one.padding_side), own.get("direction", "right"))
    zeroed = -1
    if strip_sep:
        named = _id(encoder, path, [one.sep_token for one in beside])
        found = encoder.token_to_id("[SEP]") if named is None else named
        if found is None:
            raise BrokenModelError(f"{path} has no separator token, which its model was trained without")
        zeroed = found
    return Filling(int(pad), str(side).lower() == "left", said, zeroed)


def _id(encoder: Any, path: str, tokens: Sequence[str | _Token | None]) -> int | None:
    """Return the id of the last of ``tokens`` that is named, None where none is. Raises BrokenModelError."""
    for token in reversed(tokens):
        if token is not None:
            name = token if isinstance(token, str) else token.content
            number: int | None = encoder.token_to_id(name)
            if number is None:
                raise BrokenModelError(f"{path} has no token {name!r}, which a file beside it names")
            return number
    return None


def _beside(path: str) -> _Beside:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=_Beside)
    except FileNotFoundError:
        return _Beside()
    except (OSError, msgspec.DecodeError) as error:
        raise BrokenModelError(f"{path}: {error}") from error


def _broken(path: str, error: Exception) -> BrokenModelError:
    return BrokenModelError(f"{path}: not a tokenizer: {error}", hint="phototag models verify")
