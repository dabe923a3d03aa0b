"""``phototag index``: rebuild, refresh, status and verify the cache that search reads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, emit_table
from phototag.fsio import display
from phototag.wording import count_text

if TYPE_CHECKING:
    from phototag.index.refresh import BuildReport, RefreshReport
    from phototag.library.tree import Tree


@click.group(
    epilog="""\b
The index is derived from the sidecars and may be deleted at any moment; commands bring it up to date by themselves.
"""
)
def index() -> None:
    """Rebuild, refresh, inspect or verify the index."""


@index.command(epilog="\b\nExamples:\n  phototag index rebuild ~/Pictures\n")
@path_argument
@app_options
def rebuild(app: App, path: str) -> None:
    """Derive the whole index from the sidecars anew."""
    from phototag.index.refresh import rebuild as run

    library = app.library(path)
    with _progress(app, library.tree) as advance:
        report = run(library.tree, progress=advance)
    library.sort_vectors()
    if pruned := library.prune_thumbs():
        app.say(f"removed {count_text(pruned, 'thumbnail')} of pictures that are gone")
    if app.json:
        emit_json(report)
        return
    click.echo(f"{_holdings(report)} in {report.seconds:.1f} s")


@index.command(epilog="\b\nExamples:\n  phototag index refresh\n  phototag index refresh --paranoid\n")
@path_argument
@click.option("--paranoid", is_flag=True, help="Look at every sidecar, also in folders that seem unchanged.")
@app_options
def refresh(app: App, path: str, paranoid: bool) -> None:
    """Bring the index up to date with what changed."""
    from phototag.index.refresh import refresh as run

    library = app.library(path)
    with _progress(app, library.tree) as advance:
        report = run(library.tree, paranoid=paranoid, progress=advance)
    library.sort_vectors()
    if app.json:
        emit_json(report)
        return
    if report.rebuilt:
        app.say(f"built the index from the sidecars: {report.rebuilt}")
    click.echo(f"{_holdings(report)}; {report.changed} read, {report.removed} gone in {report.seconds:.1f} s")


@index.command(epilog="\b\nExamples:\n  phototag index status\n")
@path_argument
@app_options
def status(app: App, path: str) -> None:
    """Show what the index holds, its size, and whether it is up to date."""
    from phototag.index.status import status as look

    found = look(app.library(path).tree)
    if app.json:
        emit_json(found)
        return
    rows: list[tuple[str, object]] = [
        ("state", found.state if not found.reason else f"{found.state}: {display(found.reason)}"),
        ("images", f"{found.images:,} ({found.dead:,} outdated rows kept until the next merge)"),
        ("faces", f"{found.faces:,}"),
        *((f"tags of {space.space}", f"{space.count:,} tags") for space in found.tags),
        *((f"vectors of {space.space}", f"{space.count:,} x {space.dim}") for space in found.vectors),
        ("on disk", f"{found.bytes / 1e6:,.1f} MB in {count_text(found.segments, 'segment')}, {display(found.folder)}"),
        ("a rebuild takes", f"about {found.rebuild_s:,.1f} s" if found.rebuild_s else "not known yet"),
    ]
    emit_table(rows)


@index.command(epilog="\b\nExamples:\n  phototag index verify && echo good\n")
@path_argument
@app_options
def verify(app: App, path: str) -> int:
    """Compare the index with the sidecars row by row; exit 1 where they differ."""
    from phototag.index.verify import verify as run

    report = run(app.library(path).tree)
    if app.json:
        emit_json(report)
    else:
        for difference in report.differences:
            click.echo(f"{display(difference.path) or 'index'}: {difference.what}")
        click.echo(f"{count_text(report.images, 'image')}, {count_text(len(report.differences), 'difference')}")
        if not report.ok:
            app.say("'phototag index refresh --paranoid' brings it up to date; 'index rebuild' makes it anew")
    return 0 if report.ok else 1


def _holdings(report: BuildReport | RefreshReport) -> str:
    vectors = ", ".join(f"{count:,} vectors of {space}" for space, count in report.vectors.items())
    return (
        count_text(report.images, "image")
        + (f", {vectors}" if vectors else "")
        + (f", {report.faces:,} faces" if report.faces else "")
    )


@contextlib.contextmanager
def _progress(app: App, tree: Tree) -> Iterator[Callable[[int], None]]:
    """Show progress against the number of images that the last index held, where there was one."""
    from phototag.cli.progress import progress
    from phototag.index.manifest import IndexDamagedError, load

    with progress("index", quiet=app.quiet or app.json) as shown:
        before = None
        with contextlib.suppress(IndexDamagedError):
            before = load(tree)
        if before is not None and before.rows:
            shown.start(before.rows)

        def advance(count: int) -> None:
            if shown.total:
                shown.advance(count)
            else:
                shown.done += count
                shown.look(shown.done)

        yield advance
