"""Options and arguments that several commands share, and ``App``: what a command is handed."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phototag import settings as settings_module
from phototag.settings import Settings

if TYPE_CHECKING:
    from phototag.handle import Library

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number in a range; what is none (``nan``) is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail as any other bad value does."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


class App:
    """What a command is handed: how to speak (json, quiet) and how to open the library it is about."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self.stderr_tty = sys.stderr.isatty()

    def settings(self, root: str | None = None, **options: Any) -> Settings:
        """Return the settings in force for the library at ``root``."""
        return settings_module.load(root, **options)

    def library(self, path: str, **options: Any) -> Library:
        """Open the library at or above ``path``. Raises LibraryError."""
        from phototag.handle import Library

        return Library.open(path, notify=self.say, **options)

    def say(self, text: str) -> None:
        """Tell the person something on stderr, unless ``-q``."""
        if not self.quiet:
            from phototag.fsio import display

            click.echo(display(text), err=True)


def app_options(function: F) -> F:
    """Add ``--json`` and ``-q`` and hand the command an ``App`` as its first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document (docs/cli.md).")
    @click.option("-q", "--quiet", is_flag=True, help="No progress and no notices.")
    @functools.wraps(function)
    def wrapper(*args: Any, as_json: bool, quiet: bool, **kwargs: Any) -> Any:
        return function(App(json=as_json, quiet=quiet), *args, **kwargs)

    return wrapper  # type: ignore[return-value]


def path_argument(function: F) -> F:
    """Add ``[PATH]``: a folder in the library, by default the current one. Bytes that are not UTF-8 survive."""
    return click.argument("path", default=".", type=click.Path(exists=True, file_okay=False))(function)


def narrowing_argument(function: F) -> F:
    """Add ``[PATH]``: only this folder; without, None, the whole library that the current folder is in."""
    return click.argument("path", required=False, type=click.Path(exists=True, file_okay=False))(function)


def library_option(function: F) -> F:
    """Add ``--library PATH`` for commands whose arguments are not the library's folder."""
    return click.option(
        "--library",
        "path",
        default=".",
        type=click.Path(exists=True),
        help="A folder in the library.",
        show_default="current folder",
    )(function)
