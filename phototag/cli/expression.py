"""Queries as a shell hands them over: ``-tag:people`` is no option, and the quotes around a value are gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

import click
from click.shell_completion import CompletionItem

from phototag.cli.completing import expression
from phototag.search.fields import FIELDS, LIKE

_WITH_SPACES = "|".join(re.escape(name) for name in [*(n for n, field in FIELDS.items() if field.spaces), LIKE])
_ONE_FILTER = re.compile(rf'(-?(?:{_WITH_SPACES}):)([^":()]*\s[^":()]*)', re.IGNORECASE)
_MORE = re.compile(r"^\s|\s(?:OR\s+|-)\S")
"""What is no part of a value, even where the shell took quotes away: a space at its beginning, OR, a negation."""
_OPTION = re.compile(r"-(?:[A-Za-z]|[kn]\d+)")
"""What somebody means as an option rather than as a letter that images must not have."""
_PICTURE = re.compile(r'(?:\.{0,2}|~)/.*[\s():"].*', re.DOTALL)


class QueryCommand(click.Command):
    """A command whose arguments are a query: what begins with one ``-`` and is no option belongs to it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first and the query after ``--``."""
        options, words = _sorted(ctx, self.get_params(ctx), args)
        return super().parse_args(ctx, [*options, "--", *words] if words else options)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete options, and what follows a ``-`` that negates."""
        found = super().shell_complete(ctx, incomplete)
        argument = next((one for one in self.get_params(ctx) if isinstance(one, click.Argument)), None)
        if argument is not None and len(incomplete) > 1 and not incomplete.startswith("--"):
            found += [item for item in expression(ctx, argument, incomplete) if item.type == "plain"]
        return found


def _sorted(
    ctx: click.Context, parameters: Iterable[click.Parameter], args: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the options with their values, and the words. Raises click.NoSuchOption."""
    takes_value = {
        name: not (option.is_flag or option.count)
        for option in parameters
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    options: list[str] = []
    words: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        if arg == "--":
            return options, [*words, *rest]
        if arg.startswith("--") or arg in takes_value:
            options.append(arg)
            if takes_value.get(arg) and rest:
                options.append(rest.pop(0))
        elif arg[:2] in takes_value and arg[2:].isdecimal():
            options.append(arg)
        elif _OPTION.fullmatch(arg) and not ctx.resilient_parsing:
            meant = f"a word to leave out stands in quotes, '-\"{arg[1:]}\"'"
            raise click.NoSuchOption(arg, f"No such option: {arg} ({meant})", ctx=ctx)
        else:
            words.append(arg)
    return options, words


def typed(words: Iterable[str]) -> str:
    """Return the query that ``words`` are: an argument that is one filter, or one picture's path, is put in quotes."""
    return " ".join(_typed(word) for word in words)


def _typed(word: str) -> str:
    found = _ONE_FILTER.fullmatch(word)
    if found is not None and not _MORE.search(found[2]):
        return f'{found[1]}"{found[2]}"'
    return f'"{_escaped(word)}"' if _PICTURE.fullmatch(word) and not re.search(r"\s[+-]\s", word) else word


def _escaped(word: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", word)


def paths_and_words(args: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the arguments that are folders or files here, and the others. Raises click.BadArgumentUsage."""
    paths: list[str] = []
    words: list[str] = []
    for arg in args:
        if os.path.lexists(arg):
            paths.append(arg)
        elif "/" in arg and ":" not in arg and " " not in arg:
            raise click.BadArgumentUsage(f"there is no file or folder {os.fsencode(arg).decode('utf-8', 'replace')!r}")
        else:
            words.append(arg)
    return paths, words
