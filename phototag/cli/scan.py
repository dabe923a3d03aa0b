"""``phototag scan`` and the single steps of it: ``tag``, ``embed``, ``exif-backfill``, ``geo-tag``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from phototag.cli.model_options import model_options
from phototag.cli.options import App, app_options, path_argument
from phototag.wording import count_text

if TYPE_CHECKING:
    from phototag.library.tree import Tree
    from phototag.models.registry import Options
    from phototag.scan.run import Hooks, Scanned
    from phototag.tagging import Choice

    Work = Callable[[Tree, str, Hooks], Scanned]

SHOWN_FAILURES = 20
"""Failures listed one a line; the rest is counted, ``--json`` has them all."""

strict_option = click.option("--strict", is_flag=True, help="Exit 3 when any image failed.")
megapixels_option = click.option(
    "--max-megapixels", type=float, default=None, help="Refuse larger images before decoding.  [default: 300]"
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=None, help="Decode threads.  [default: one a core]"
)
replace_option = click.option(
    "--replace", is_flag=True, help="Drop what the same model said with another vocabulary or in another language."
)


SCAN_EPILOG = """\b
Examples:
  phototag scan ~/Pictures                     everything, with the built-in analyser
  phototag scan --tagger ram++ --embedder clip the same with models that see (phototag models fetch ...)
  phototag scan --no-geo 2024/                 one folder, without place names
  phototag scan --json | jq .failed            what could not be read

A second run on unchanged files writes nothing. Ctrl-C loses nothing: the next run goes on.
"""


@click.command(epilog=SCAN_EPILOG)
@path_argument
@click.option("--tagger", "taggers", multiple=True, metavar="NAME", help="Model that tags; repeat for several.")
@click.option("--embedder", "embedders", multiple=True, metavar="NAME", help="Model that embeds; repeat for several.")
@model_options(tags=True)
@click.option("--no-geo", is_flag=True, help="Do not look up place names.")
@click.option("--force", is_flag=True, help="Compute everything again.")
@replace_option
@megapixels_option
@threads_option
@strict_option
@app_options
def scan(
    app: App,
    path: str,
    taggers: tuple[str, ...],
    embedders: tuple[str, ...],
    asked: Options,
    no_geo: bool,
    force: bool,
    replace: bool,
    strict: bool,
    **options: Any,
) -> int:
    """Find, read, tag and embed photos; write sidecars; refresh the index."""
    from phototag.tagging import DEFAULT, Choice

    choice = Choice(
        taggers=taggers or (DEFAULT,),
        embedders=embedders or (DEFAULT,),
        geo=not no_geo,
        force=force,
        replace=replace,
        options=asked,
    )
    return _scan(app, path, choice, options, strict=strict)


@click.command(
    epilog="""\b
Examples:
  phototag tag --tagger ram++ ~/Pictures     add another model's tags beside the ones there
  phototag tag --tagger clip --vocab words.txt --replace
                                             these words instead of those of before
"""
)
@path_argument
@click.option("--tagger", "taggers", multiple=True, metavar="NAME", help="Model that tags; repeat for several.")
@model_options(tags=True)
@click.option("--force", is_flag=True, help="Compute everything again.")
@replace_option
@threads_option
@strict_option
@app_options
def tag(
    app: App,
    path: str,
    taggers: tuple[str, ...],
    asked: Options,
    force: bool,
    replace: bool,
    strict: bool,
    **options: Any,
) -> int:
    """Tag photos with a model, beside the tags already there."""
    from phototag.tagging import DEFAULT, Choice

    choice = Choice(
        taggers=taggers or (DEFAULT,),
        embedders=(),
        exif=False,
        geo=False,
        phash=False,
        force=force,
        replace=replace,
        options=asked,
    )
    return _scan(app, path, choice, options, strict=strict)


@click.command(
    epilog="\b\nExamples:\n  phototag embed --embedder clip ~/Pictures    make photos searchable by meaning\n"
)
@path_argument
@click.option("--embedder", "embedders", multiple=True, metavar="NAME", help="Model that embeds; repeat for several.")
@click.option("--force", is_flag=True, help="Compute everything again.")
@model_options(tags=False)
@threads_option
@strict_option
@app_options
def embed(
    app: App, path: str, embedders: tuple[str, ...], asked: Options, force: bool, strict: bool, **options: Any
) -> int:
    """Embed photos with a model, beside the vectors already there."""
    from phototag.tagging import DEFAULT, Choice

    choice = Choice(
        taggers=(), embedders=embedders or (DEFAULT,), exif=False, geo=False, phash=False, force=force, options=asked
    )
    return _scan(app, path, choice, options, strict=strict)


@click.command(
    "exif-backfill",
    epilog="\b\nExamples:\n  phototag exif-backfill ~/Pictures    read EXIF where older sidecars lack it\n",
)
@path_argument
@strict_option
@app_options
def exif_backfill(app: App, path: str, strict: bool) -> int:
    """Read EXIF into sidecars that lack it."""
    from phototag.tagging import Choice

    return _scan(app, path, Choice(taggers=(), embedders=(), exif=True, geo=False, phash=False), {}, strict=strict)


@click.command(
    "geo-tag",
    epilog="\b\nExamples:\n  phototag geo-tag ~/Pictures    name the places of photos that have GPS and no place\n",
)
@path_argument
@click.option("--limit", type=click.IntRange(1), default=None, help="At most this many images.")
@strict_option
@app_options
def geo_tag(app: App, path: str, limit: int | None, strict: bool) -> int:
    """Name the places of photos that have a position."""
    from phototag import tagging

    return _run(app, path, lambda tree, under, hooks: tagging.name_places(tree, under, limit, hooks), {}, strict=strict)


def _scan(app: App, path: str, choice: Choice, options: dict[str, Any], *, strict: bool) -> int:
    from phototag import tagging

    return _run(app, path, lambda tree, under, hooks: tagging.run(tree, under, choice, hooks), options, strict=strict)


def _run(app: App, path: str, work: Work, options: dict[str, Any], *, strict: bool) -> int:
    """Run a scan with progress, refresh the index, and say what happened; return the exit code."""
    from phototag.cli.progress import graceful_stop, progress
    from phototag.handle import Library
    from phototag.scan.run import Hooks

    library = Library.open_or_make(path, notify=app.say, **options)
    library.begin()
    with progress("scan", quiet=app.quiet) as shown, graceful_stop(shown.notice) as stop:
        hooks = Hooks(walked=shown.look, started=shown.start, advanced=shown.advance, notice=shown.notice, stop=stop)
        scanned = work(library.tree, library.tree.relative(path), hooks)
    library.follow(scanned.folders, wrote=scanned.report.written > 0)
    _show(app, scanned)
    if scanned.interrupted:
        return 130
    return 3 if strict and scanned.report.failed else 0


def _show(app: App, scanned: Scanned) -> None:
    report = scanned.report
    if app.json:
        from phototag.cli.render import emit_json, json_path

        failed = [{**json_path(one.path), "reason": one.reason} for one in report.failed]
        fields = {name: getattr(report, name) for name in report.__struct_fields__}
        emit_json({**fields, "failed": failed})
        return
    from phototag.cli.progress import duration
    from phototag.fsio import display

    moved = f", {report.moved:,} moved" if report.moved else ""
    click.echo(
        f"{count_text(report.found, 'image')}: {report.written:,} written, {report.unchanged:,} unchanged{moved}, "
        f"{len(report.failed):,} failed; {duration(report.seconds)}"
    )
    for one in report.failed[:SHOWN_FAILURES]:
        click.echo(f"  {display(one.path)}: {display(one.reason)}")
    if len(report.failed) > SHOWN_FAILURES:
        click.echo(f"  and {len(report.failed) - SHOWN_FAILURES:,} more; see 'phototag scan --json'")
    if scanned.interrupted:
        context = click.get_current_context()
        again = display(shlex.join(("phototag", *context.obj)))
        anew = " (--force begins anew)" if context.params.get("force") else ""
        click.echo(f"stopped with {count_text(scanned.remaining, 'image')} to go; resume with: {again}{anew}")
