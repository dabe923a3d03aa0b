"""The filters that ``list``, ``query``, ``similar`` and ``export`` share, and how found images are shown."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import UNSET

from phototag.cli.completing import expression, values
from phototag.cli.expression import typed
from phototag.cli.options import App
from phototag.cli.render import columns_of, cut, emit_json_each, emit_paths, padded
from phototag.errors import UsageError
from phototag.fsio import display
from phototag.search.fields import FIELDS, Field

if TYPE_CHECKING:
    from phototag.handle import Library
    from phototag.index.reader import Index, Rows
    from phototag.index.record import ImageRecord
    from phototag.search.filters import Filters

F = TypeVar("F", bound=Callable[..., Any])

_PRESENCE = (
    click.option("--absent", "presence", flag_value="absent", help="Only images that are not here."),
    click.option("--present", "presence", flag_value="present", help="Only images that are here."),
)


def filter_options(function: F) -> F:
    """Add every filter of the query language as an option; the command gets them as one ``filters``."""

    @functools.wraps(function)
    def wrapper(*args: Any, presence: str | None, **kwargs: Any) -> Any:
        from phototag.search.filters import Filters

        given = {field.field: kwargs.pop(field.field) for field in OPTIONS.values()}
        return function(*args, filters=Filters(presence=presence, **given), **kwargs)

    for option in reversed((*(_option(name, field) for name, field in OPTIONS.items()), *_PRESENCE)):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]


OPTIONS = {name: field for name, field in FIELDS.items() if name != "path"}
"""Filters with an option each; folders are arguments."""


def _option(name: str, field: Field) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}",
        field.field,
        multiple=field.many,
        metavar=field.metavar,
        type=int if field.whole else str,
        help=field.help,
        shell_complete=values(name),
    )


def expression_argument(function: F) -> F:
    """Add ``[PATH|FILTER|WORD]...``: folders, files and a query whose words decide; the command gets them as ``args``."""
    argument = click.argument("args", nargs=-1, metavar="[PATH|FILTER|WORD]...", shell_complete=expression)
    return argument(function)


def deciding(words: Sequence[str], filters: Filters) -> Filters:
    """Return ``filters`` and those that ``words`` are, where nothing ranks. Raises UsageError."""
    from phototag.search import language
    from phototag.search.ask import deciding as decide_by
    from phototag.search.filters import both

    asked = language.parse(typed(words))
    if asked.like:
        raise UsageError("like: ranks, and this does not", hint=f"phototag query like:{asked.like[0]}")
    return both(both(filters, asked.filters), decide_by(asked.text))


def path_options(function: F) -> F:
    """Add ``--paths`` and ``--print0``."""
    function = click.option("--print0", is_flag=True, help="Paths with NUL between them, for xargs -0.")(function)
    return click.option("--paths", is_flag=True, help="Paths only, one a line.")(function)


def within(filters: Filters, library: Library, *paths: str) -> Filters:
    """Narrow ``filters`` to the folders and images at ``paths``; without any, or at the root, it is the whole library."""
    import msgspec

    rels = [library.tree.relative(path) for path in paths]
    return msgspec.structs.replace(filters, path=(*filters.path, *rels)) if all(rels) else filters


def did_you_mean(index: Index, filters: Filters) -> str:
    """Return which filters are near to those that nothing in the library answers to; empty where none is."""
    from phototag.search.suggestions import meant

    near = meant(index, filters)
    return f"did you mean {' or '.join(near)}?" if near else ""


def show(
    app: App,
    library: Library,
    index: Index,
    rows: Rows | Sequence[int],
    scores: Sequence[float] | None = None,
    *,
    paths: bool,
    print0: bool,
    least: float | None = None,
) -> None:
    """Print images: as JSON, as paths, or a line each; one after another, so that a million need no memory.

    ``least`` is the score from which their tags count, if that was asked for.
    """
    if (paths or print0) and not app.json:
        emit_paths((_from_here(library, path) for path in index.paths(rows)), null=print0)
        return
    records = index.records(rows, scores, least=least)
    if app.json:
        emit_json_each(records)
        return
    for line in _lines([display(_from_here(library, path)) for path in index.paths(rows)], records):
        click.echo(line)


def _from_here(library: Library, path: str) -> str:
    """Return a path relative to the current folder, as git shows paths."""
    return os.path.relpath(library.tree.path(path))


def _lines(paths: Sequence[str], found: Iterable[ImageRecord]) -> Iterator[str]:
    """Yield a line an image: path, score, date, stars, place, people and tags, cut to the terminal's width."""
    import shutil

    width = shutil.get_terminal_size((100, 24)).columns
    longest = min(max(map(columns_of, paths), default=0), max(20, width // 2))
    for path, record in zip(paths, found, strict=True):
        parts = [padded(cut(path, longest, front=True), longest)]
        if record.score is not UNSET:
            parts.append(f"{record.score:6.3f}")
        parts.append((record.taken or "")[:10].ljust(10))
        said = (_stars(record), _place(record), ", ".join(record.people), _tags(record))
        line = "  ".join([*parts, display("  ".join(part for part in said if part))]).rstrip()
        yield cut(line, width)


def _stars(record: ImageRecord) -> str:
    return "" if not record.rating else "rejected" if record.rating < 0 else "★" * record.rating


def _place(record: ImageRecord) -> str:
    where = "" if record.place is None else record.place.city or record.place.country or ""
    if record.trouble is not UNSET:
        return f"{where} (damaged)".strip() if record.content else "damaged sidecar"
    return where if record.present else f"{where} (not here)".strip()


def _tags(record: ImageRecord) -> str:
    own = [f"#{tag}" for tag in record.user_tags]
    return ", ".join([*own, *(t.tag for t in record.tags if t.tag not in record.user_tags)])
