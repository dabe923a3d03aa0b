"""``phototag info``, ``stats``, ``export``: what is known of one image, and of all."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

import click
import msgspec
from msgspec import UNSET

from phototag.cli.expression import QueryCommand, paths_and_words
from phototag.cli.history import of_image, show_image
from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, emit_table, local_time
from phototag.cli.selection import deciding, expression_argument, filter_options, within
from phototag.errors import UsageError
from phototag.fsio import display
from phototag.wording import count_text

if TYPE_CHECKING:
    from phototag.catalog.describe import Description, Output
    from phototag.catalog.stats import StatsReport
    from phototag.search.filters import Filters

SHOWN_TAGS = 12


@click.command(epilog="\b\nExamples:\n  phototag info beach.jpg\n  phototag info beach.jpg --json | jq .said\n")
@click.argument("image", type=click.Path())
@click.option("--history", is_flag=True, help="Also every change anyone ever made to it, before and after.")
@app_options
def info(app: App, image: str, history: bool) -> None:
    """Show everything known about one image, and who or what said so."""
    from phototag.catalog.describe import describe

    library = app.library(os.path.dirname(os.path.abspath(image)))
    rel = library.tree.relative(image)
    found = describe(library.tree, rel)
    if app.json:
        emit_json({**msgspec.to_builtins(found), "history": of_image(library, rel)} if history else found)
        return
    emit_table(_facts(found))
    for output in found.outputs:
        click.echo(f"\n{_headline(output)}")
        if output.tags:
            click.echo(f"  {_stored(output)}")
    if found.said:
        click.echo("\nsaid by people")
        rows = [
            (
                f"  {s.what}",
                "cleared" if s.value is None else s.value,
                local_time(s.at) if s.at else "",
                _who(s.by, s.device),
            )
            for s in found.said
        ]
        emit_table(rows)
    if history:
        show_image(library, rel)


@click.command(epilog="\b\nExamples:\n  phototag stats\n  phototag stats --kind label --limit 20\n")
@path_argument
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["label", "user", "geo", "camera", "person"]),
    help="Only this distribution; may be repeated.",
)
@click.option("-n", "--limit", type=click.IntRange(min=1), help="At most so many values of each kind.")
@app_options
def stats(app: App, path: str, kinds: tuple[str, ...], limit: int | None) -> None:
    """Show how many images have which tags, places, cameras, people."""
    from phototag.catalog.stats import stats as count

    found = count(app.library(path).index(), kinds, limit=limit)
    if app.json:
        emit_json(found)
        return
    _show_stats(found, whole=not kinds, limit=limit or SHOWN_TAGS)


@click.command(
    cls=QueryCommand,
    epilog="""\b
Examples:
  phototag export --out photos.csv
  phototag export --format jsonl --strip gps,people --tag beach > beach.jsonl
  phototag export --out photos.parquet 2024/ 'rating:>=3'

\b
In CSV, lists are joined by semicolons. Text that begins with = + - @ would be run as a formula by spreadsheets: it
gets ' before it, a path ./ instead, so that it stays the path. What is not UTF-8 in a path is replaced; path_bytes
then has all of it (base64 in CSV, binary in Parquet).
""",
)
@expression_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "jsonl", "parquet"]),
    help="Of the output.  [default: as --out ends, else json]",
)
@click.option("--out", type=click.Path(dir_okay=False), help="Write to this file rather than stdout.")
@click.option("--strip", metavar="WHAT", default="", help="Leave out gps, faces, people (joined by commas).")
@filter_options
@app_options
def export(app: App, args: tuple[str, ...], form: str | None, out: str | None, strip: str, filters: Filters) -> None:
    """Write the catalogue for other programs."""
    from phototag.catalog.export import export as write
    from phototag.catalog.export import format_of, output, parse_strip, records
    from phototag.search.find import list_images

    form = form or format_of(out)
    if app.json and form != "json":
        raise UsageError(f"--json and {form} contradict each other", hint="leave one of them away")
    folders, words = paths_and_words(args)
    wanted, private = deciding(words, filters), parse_strip(strip)
    library = app.library(folders[0] if folders else ".")
    index = library.index()
    rows = list_images(index, within(wanted, library, *folders)).rows
    if out is None:
        write(records(index, rows, private), form, _stdout())
        return
    with output(out) as file:
        count = write(records(index, rows, private), form, file)
    app.say(f"wrote {count_text(count, 'image')} to {out}")


def _stdout() -> IO[bytes]:
    return sys.stdout.buffer


def _facts(found: Description) -> list[tuple[str, object]]:
    from phototag.catalog.exposure import exposure_line
    from phototag.index.spelling import taken_as_known
    from phototag.sidecar.model import Exif

    size = "" if found.size is None else f"{found.size:,} bytes, "
    pixels = f"{found.width} x {found.height}" if found.width else "pixels unread"
    place = found.place
    where = ""
    if place is not None:
        names = ", ".join(part for part in (place.city, place.region, place.country) if part)
        where = (
            f"{names} ({place.lat:.5f}, {place.lon:.5f})" if place.lat is not None and place.lon is not None else names
        )
    rows: list[tuple[str, object | None]] = [
        ("image", display(found.path) + ("" if found.present else "  (not here)")),
        ("file", f"{size}{pixels}" + (f", {found.format}" if found.format else "")),
        ("title", None if found.title is UNSET else found.title),
        ("caption", found.caption),
        ("rating", "" if found.rating is None else "rejected" if found.rating < 0 else "★" * found.rating),
        (
            "taken",
            taken_as_known(found.taken, found.exif.get("taken"))
            + (f" {found.exif['offset']}" if found.exif.get("offset") else ""),
        ),
        ("place", where),
        ("camera", ", ".join(str(part) for part in (found.camera, found.exif.get("lens")) if part)),
        ("exposure", exposure_line(msgspec.convert(found.exif, Exif))),
        ("people", ", ".join(found.people)),
        ("faces", found.faces or None),
        ("tags", ", ".join([*(f"#{tag}" for tag in found.user_tags), *(f"{t.tag} {t.score:.2f}" for t in found.tags)])),
        ("trouble", None if found.trouble is UNSET else found.trouble),
        ("newer data", ", ".join(found.unknown)),
        ("id", found.id),
        ("content", found.content),
        ("sidecar", found.sidecar),
    ]
    return [(name, value) for name, value in rows if value]


def _headline(output: Output) -> str:
    nouns = {"tags": "tags stored", "vector": "dimensions", "faces": "faces", "hash": "bits"}
    stale = "" if output.current else "  (of earlier pixels; scan again)"
    return f"{output.kind} by {output.model}, revision {output.rev}: {output.count} {nouns[output.kind]}{stale}"


def _stored(output: Output) -> str:
    shown = ", ".join(f"{tag} {score:.2f}" for tag, score in output.tags[:SHOWN_TAGS])
    more = len(output.tags) - SHOWN_TAGS
    return shown + (f" and {more} more" if more > 0 else "")


def _who(by: str, device: str | None) -> str:
    return f"on device {device[:6]}" if device else by


def _show_stats(found: StatsReport, *, whole: bool, limit: int) -> None:
    if whole:
        emit_table([(name, f"{getattr(found.totals, name):,}") for name in found.totals.__struct_fields__], right=(1,))
    titles = {"label": "labels (models)", "user": "your tags", "geo": "places", "camera": "cameras", "person": "people"}
    for kind, title in (titles | {"years": "years"}).items():
        values = getattr(found, kind)
        if values:
            click.echo(f"\n{title}")
            emit_table([(f"  {facet.value}", f"{facet.count:,}") for facet in values[:limit]], right=(1,))
            if len(values) > limit:
                click.echo(f"  and {len(values) - limit:,} more")
