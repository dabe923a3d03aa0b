"""The scope of a run, as a person writes it: ``2024/alps``, ``tag:beach after:2020 rating:>=3``."""

from __future__ import annotations

import shlex

from phototag.errors import UsageError
from phototag.fsio import display
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters
from phototag.search.language import meet, one


def parse_scope(text: str) -> Filters:
    """Return the filters that ``text`` stands for; a word without a colon is a folder. Raises UsageError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the scope {text!r} has an open quote") from error
    return meet(_filter(word) for word in words)


def scope_of_folder(rel: str) -> str:
    """Return the scope that is one folder. Raises UsageError for a name that a run cannot keep."""
    try:
        rel.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the name of the folder {display(rel)} is not UTF-8: no run can keep it as its scope"
        ) from error
    return shlex.quote(f"path:{rel}" if ":" in rel else rel)


def _filter(word: str) -> Filters:
    name, colon, value = word.partition(":")
    if not colon:
        return one("path", word)
    if name not in FIELDS or not value:
        names = ", ".join(f"{known}:" for known in FIELDS)
        raise UsageError(f"the scope does not know {word!r}", hint=f"a folder, or one of {names}")
    try:
        return one(name, value)
    except ValueError as error:
        raise UsageError(f"{word!r} has no whole number after the colon") from error
