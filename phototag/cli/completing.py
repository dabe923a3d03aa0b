"""What the tab key offers inside a command: filters and their values, from the library at hand.

A key press is no moment for an error: whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from phototag.search.fields import FIELDS, HAS, IS, LIKE

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

SOURCES = {
    "any-tag": "tag",
    "not-tag": "tag",
    "not-person": "person",
}
"""Filters whose values are those of another."""
FIXED = {"has": HAS, "is": IS, "rating": ("0", "1", "2", "3", "4", "5", "-1")}
_FILTER = re.compile(
    r'(?P<before>(?:.*[\s(])?)(?P<name>-?[A-Za-z][A-Za-z-]*:)(?:"(?P<quoted>(?:[^"\\]|\\.)*)|(?P<value>[^"]*))',
    re.DOTALL,
)
_AMBIGUOUS = re.compile(r'[()"\\]|^\s|\s(?:OR\s|-)|:.*\s|\s.*:', re.DOTALL)
"""What keeps an argument from being one filter where its value has no quotes (cli.expression)."""
_NAME = re.compile(r"(?P<before>(?:.*[\s(])?)(?P<sign>-?)(?P<name>[A-Za-z-]*)", re.DOTALL)


def values(name: str) -> Completer:
    """Return what completes the values of the filter ``name``, as an option."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(value, help=help) for value, help in _values(ctx, name, incomplete)]

    return complete


def expression(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the end of a query: the name of a filter, or its value."""
    found = _FILTER.fullmatch(incomplete)
    if found is None:
        return _names(incomplete)
    name = found["name"].strip("-:").lower()
    if name == LIKE or name == "path":
        return [CompletionItem(incomplete, type="file")]
    quoted = found["quoted"] is not None
    begun = re.sub(r"\\(.)", r"\1", found["quoted"]) if quoted else found["value"]
    # An argument that is one plain filter needs no quotes (cli.expression); inside a longer one a value with spaces does.
    unclear = re.compile(r'[\s()"\\]') if found["before"] else _AMBIGUOUS
    items = []
    for value, help in _values(ctx, name, begun):
        escaped = re.sub(r'(["\\])', r"\\\1", value)
        shown = f'"{escaped}"' if quoted or unclear.search(value) else value
        items.append(CompletionItem(found["before"] + found["name"] + shown, help=help))
    return items


def _names(incomplete: str) -> list[CompletionItem]:
    """Return the filters whose name begins so; files where none does."""
    found = _NAME.fullmatch(incomplete)
    known = {name: field.help for name, field in FIELDS.items()} | {LIKE: "Most like this picture."}
    if found is not None:
        items = [
            CompletionItem(f"{found['before']}{found['sign']}{name}:", help=help)
            for name, help in known.items()
            if name.startswith(found["name"].lower()) and not (found["sign"] and name.startswith("not-"))
        ]
        if items:
            return items
    return [CompletionItem(incomplete, type="file")]


def _values(ctx: click.Context, name: str, begun: str) -> list[tuple[str, str | None]]:
    """Return the values of a filter that begin so, whatever the case, with a help text."""
    known: Iterable[tuple[str, str | None]] = ()
    if name in FIXED:
        known = ((value, None) for value in FIXED[name])
    else:
        with contextlib.suppress(Exception):
            known = _known(ctx, SOURCES.get(name, name))
    wanted = begun.casefold()
    return [(value, help) for value, help in known if value.casefold().startswith(wanted)]


def _known(ctx: click.Context, name: str) -> list[tuple[str, str | None]]:
    from phototag import settings
    from phototag.library import documents
    from phototag.search.vocabulary import vocabulary

    path = _library_path(ctx)
    root = documents.find_library(path, settings.load())
    if root is None:
        return []
    found = vocabulary(documents.open_tree(root, settings.load(root)))
    if name == "cluster":
        return [(str(number), label) for number, label in found.cluster]
    return [(value, None) for value in getattr(found, name, ())]


def _library_path(ctx: click.Context) -> str:
    """Return a path in the library that the command line so far is about."""
    for given in (ctx.params.get("path"), *(ctx.params.get("args") or ()), *(ctx.params.get("images") or ())):
        if isinstance(given, str) and os.path.lexists(given):
            return given if os.path.isdir(given) else os.path.dirname(os.path.abspath(given))
    return "."
