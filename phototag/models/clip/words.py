"""The tokenizer of an OpenCLIP model that is converted: its files, and the proof that they are the model's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phototag.errors import UsageError
from phototag.models.clip.folder import BPE, TextPreparation, text_preparation
from phototag.models.clip.tokenizer import BESIDE, Tokenizer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TEXTS = ("a photo of a cat", "Two dogs on a beach at SUNSET", "", "snow, mountains & a lake", "Schnee über_all 123")
_OWN = "tokenizer.json"
_VOCABULARY = 49408
"""Of CLIP; what a configuration that says nothing means."""
_UNDERSTOOD = {"clean", "strip_sep_token"}


def files_of(config: dict[str, Any], source: str, beside: str) -> tuple[str, ...]:
    """Return the files of the tokenizer that the model of ``config`` was trained with.

    They are looked for in the folder ``source`` (``""``: there is none) and, where the model has a tokenizer of its
    own, in the folder ``beside``. Raises UsageError where they are not there, or phototag could not follow them.
    """
    text = config["model_cfg"]["text_cfg"]
    if text.get("hf_model_name"):
        raise UsageError(
            f"its text tower is a model of the library transformers ({text['hf_model_name']}), which is not converted",
            hint="phototag models list: some of these can be fetched as they are",
        )
    unknown = sorted(set(text.get("tokenizer_kwargs") or {}) - _UNDERSTOOD)
    unknown += ["tokenizer_mode"] if text.get("tokenizer_mode") else []
    if unknown:
        raise UsageError(f"its tokenizer is used in a way that phototag does not know: {', '.join(unknown)}")
    own = os.path.join(source or beside, _OWN)
    if text.get("hf_tokenizer_name"):
        if not os.path.isfile(own):
            raise UsageError(
                f"it has a tokenizer of its own ({text['hf_tokenizer_name']}), and {own} is not there",
                hint=f"put {_OWN} and tokenizer_config.json of {text['hf_tokenizer_name']} there; "
                "phototag models fetch hf:ORGANISATION/MODEL brings them with the weights",
            )
        return (own, *(path for name in BESIDE if os.path.isfile(path := os.path.join(source or beside, name))))
    if source and os.path.isfile(own):
        return (own,)
    import open_clip

    return (os.path.join(os.path.dirname(open_clip.__file__), BPE),)


def tokens_of(config: dict[str, Any], files: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return ``TEXTS`` as the converted folder will tokenise them. Raises UsageError where it is another model's."""
    how = text_preparation(config, files[0])
    tokenizer = Tokenizer(
        files[0], context_length=how.context_length, clean=how.clean, own=how.own, strip_sep=how.strip_sep
    )
    found = tokenizer(TEXTS)
    known = config["model_cfg"]["text_cfg"].get("vocab_size", _VOCABULARY)
    if found.max() >= known:
        raise UsageError(
            f"{files[0]} has a token {found.max()}, and the model knows {known}: it is the tokenizer of another one"
        )
    if how.own and not tokenizer.filling.said:
        raise UsageError(
            f"{files[0]} does not say what fills up a text, and the model sees that",
            hint="put the tokenizer_config.json that belongs to it beside it",
        )
    if not how.own and (found != _as_open_clip(how)).any():
        raise UsageError(
            f"{files[0]} makes other tokens than OpenCLIP does for this model",
            hint="remove it; or name it in the configuration: text_cfg, hf_tokenizer_name",
        )
    return found


def _as_open_clip(how: TextPreparation) -> npt.NDArray[np.int64]:
    import open_clip

    made = open_clip.SimpleTokenizer(context_length=how.context_length, clean=how.clean)(list(TEXTS))
    tokens: npt.NDArray[np.int64] = made.numpy()
    return tokens
