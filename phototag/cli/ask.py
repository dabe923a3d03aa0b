"""``phototag list``, ``query``, ``similar``: which images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from phototag.cli.completing import expression
from phototag.cli.expression import QueryCommand, paths_and_words, typed
from phototag.cli.options import App, Number, app_options, library_option
from phototag.cli.selection import (
    deciding,
    did_you_mean,
    expression_argument,
    filter_options,
    path_options,
    show,
    within,
)
from phototag.errors import UsageError

if TYPE_CHECKING:
    from phototag.handle import Library
    from phototag.search.filters import Filters
    from phototag.search.semantic import Semantics


STATS_TELL = "'phototag stats' shows which tags there are"


@click.command(
    "list",
    cls=QueryCommand,
    epilog="""\b
Examples:
  phototag list tag:beach tag:sunset after:2023
  phototag list 'person:"Ada Lovelace" place:Nice rating:>=4' --sort -taken
  phototag list 2024/ -is:screenshot --print0 | xargs -0 ls -l
  phototag list 2024/ --tag beach --json | jq '.[].path'

What stands in the arguments and what options say must all hold. Words must be in an image's tags, texts or names.
An argument that is a file or folder here means that. All of the language: docs/search.md.
""",
)
@expression_argument
@filter_options
@click.option("--min-score", type=Number(0, 1), help="Count machine tags only from this score on.")
@click.option(
    "--sort",
    default="path",
    show_default=True,
    metavar="KEY",
    help="path, taken, rating or size; -KEY: the greatest first.",
)
@click.option("-n", "-k", "--limit", metavar="N", type=click.IntRange(min=1), help="At most so many.")
@path_options
@app_options
def list_command(
    app: App,
    args: tuple[str, ...],
    filters: Filters,
    min_score: float | None,
    sort: str,
    limit: int | None,
    paths: bool,
    print0: bool,
) -> None:
    """List images by tag, person, place, camera, date or rating."""
    from phototag.search.filters import scored
    from phototag.search.find import list_images

    folders, words = paths_and_words(args)
    filters = scored(deciding(words, filters), min_score)
    library = app.library(folders[0] if folders else ".")
    index = library.index()
    page = list_images(index, within(filters, library, *folders), sort=sort, limit=limit)
    show(app, library, index, page.rows, paths=paths, print0=print0, least=min_score)
    if not app.json and not paths and not print0:
        shown = "" if len(page.rows) == page.total else f", {len(page.rows)} shown"
        app.say(f"{page.total} {'image' if page.total == 1 else 'images'}{shown}")
    if not page.total and not app.json and (near := did_you_mean(index, filters)):
        app.say(near)


@click.command(
    cls=QueryCommand,
    epilog="""\b
Examples:
  phototag query red sunset                      best matches first
  phototag query beach -tag:people after:2019-06 words rank, filters decide
  phototag query 'harbour (tag:boat OR tag:ship) person:"Ada Lovelace"'
  phototag query like:./sea.jpg -is:screenshot   those most like a picture
  phototag query "horse + stripes"               both; "apple - fruit" takes one away
  phototag query "2:beach + ./sea.jpg - people"  weights, and images by their path
  phototag query beach --person Ada -k 5
  phototag query castle --paths | head -1

All of the language: docs/search.md.
""",
)
@click.argument("text", nargs=-1, shell_complete=expression)
@click.option(
    "-k", "-n", "count", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many."
)
@click.option("--embedder", metavar="NAME", help="Search by meaning in this model's space.  [default: the library's]")
@click.option("--lexical", is_flag=True, help="Search by words alone.")
@filter_options
@path_options
@library_option
@app_options
def query(
    app: App,
    path: str,
    text: tuple[str, ...],
    count: int,
    embedder: str | None,
    lexical: bool,
    filters: Filters,
    paths: bool,
    print0: bool,
) -> None:
    """Search images by what words mean and by the words in tags, people, places, captions and names."""
    from phototag.search.ask import ask
    from phototag.search.filters import NO_FILTERS, both
    from phototag.search.language import parse

    if not text and filters == NO_FILTERS:
        raise UsageError(
            "there is nothing to search for", hint="phototag query red sunset, or phototag query --tag beach"
        )
    asked = parse(typed(text))
    library = app.library(path)
    index = library.index()
    semantics = None if lexical else _semantics(app, library, embedder)
    found = ask(index, asked, filters, locate=library.tree.relative, k=count, semantics=semantics)
    scores = None if found.scores is None else found.scores.tolist()
    show(app, library, index, found.rows, scores, paths=paths, print0=print0)
    if not len(found.rows) and not app.json:
        near = did_you_mean(index, both(filters, asked.filters))
        app.say(f"nothing found; {near or STATS_TELL}")


@click.command(
    epilog="""\b
Examples:
  phototag similar beach.jpg
  phototag similar beach.jpg -k 50 --after 2020 --paths
"""
)
@click.argument("image", type=click.Path())
@click.option(
    "-k", "-n", "count", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many."
)
@click.option("--embedder", metavar="NAME", help="Compare by this model's vectors.  [default: the fullest]")
@click.option("--min-score", type=Number(-1, 1), help="Only images at least this alike (cosine).")
@filter_options
@path_options
@app_options
def similar(
    app: App,
    image: str,
    count: int,
    embedder: str | None,
    min_score: float | None,
    filters: Filters,
    paths: bool,
    print0: bool,
) -> None:
    """Find images like this one."""
    from phototag.search import find
    from phototag.search.ask import unknown

    library = app.library(os.path.dirname(os.path.abspath(image)))
    index = library.index()
    rel = library.tree.relative(image)
    row = index.row_of(rel)
    if row is None:
        raise unknown(library.tree, rel)
    hits = find.similar(index, row, filters, k=count, space=find.space_of(index, embedder), min_score=min_score)
    rows, scores = [hit.row for hit in hits], [hit.score for hit in hits]
    show(app, library, index, rows, scores, paths=paths, print0=print0)


def _semantics(app: App, library: Library, embedder: str | None) -> Semantics:
    from phototag.library.defaults import default_model
    from phototag.search.semantic import Semantics

    tree = library.tree
    return Semantics(tree.settings, embedder=embedder, default=default_model(tree, "embedder"), notify=app.say)
