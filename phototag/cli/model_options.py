"""What ``scan``, ``tag`` and ``embed`` may ask of their models beyond the name."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.models.registry import Options

F = TypeVar("F", bound=Callable[..., Any])

_TAGS = (
    click.option(
        "--vocab", type=click.Path(exists=True, dir_okay=False), help="Only the tags in this file, one a line."
    ),
    click.option("--language", metavar="CODE", help="Language of the model's own tags: zh for ram++."),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "fp16", "bf16"]),
        help="Of ram++; half needs a GPU.  [default: fp16 on a GPU]",
    ),
)
_RUN = (
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where models run.  [default: auto]"),
    click.option("--batch-size", type=click.IntRange(1), help="Images a model sees at once.  [default: by memory]"),
)


def model_options(*, tags: bool) -> Callable[[F], F]:
    """Add the options; the command gets them as ``asked``, and ``device`` among the settings."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            given = {name: kwargs.pop(name, None) for name in ("vocab", "language", "precision", "batch_size")}
            return function(*args, asked=read_options(**given), **kwargs)

        shown: Any = wrapper
        for option in reversed((*_TAGS, *_RUN) if tags else _RUN):
            shown = option(shown)
        return shown  # type: ignore[no-any-return]

    return decorate


def read_options(*, vocab: str | None, language: str | None, precision: str | None, batch_size: int | None) -> Options:
    """Return what was asked for; the vocabulary is read from its file. Raises UsageError."""
    from phototag.models.registry import Options

    words = read_words(vocab) if vocab is not None else ()
    return Options(vocabulary=words, language=language or "", precision=precision or "", batch_size=batch_size or 0)


def read_words(path: str) -> tuple[str, ...]:
    """Return the lines of a file in NFC, each once, without the empty ones. Raises UsageError."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = (unicodedata.normalize("NFC", line.strip()) for line in file)
            words = tuple(dict.fromkeys(line for line in lines if line))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error
    if not words:
        raise UsageError(f"{path} has no tags in it", hint="write one tag a line")
    return words
