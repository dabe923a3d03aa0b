"""``phototag sidecar``: where sidecars lie."""

from __future__ import annotations

import os

import click

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, json_path
from phototag.fsio import display
from phototag.library import documents, relayout
from phototag.library.relayout import Carried


@click.group()
def sidecar() -> None:
    """Choose where sidecars lie: beside the images, in a folder of their own, or in an overlay."""


@sidecar.command(
    epilog="""\b
Examples:
  phototag sidecar move --layout tree             what would be moved
  phototag sidecar move --layout tree --apply     into .phototag/sidecars, away from the photos
  phototag sidecar move --layout beside --apply   back beside the photos
"""
)
@path_argument
@click.option("--layout", type=click.Choice(["beside", "tree"]), required=True, help="Where sidecars belong.")
@click.option("--apply", is_flag=True, help="Do it; without, only show what would be done.")
@app_options
def move(app: App, path: str, layout: str, apply: bool) -> None:
    """Move all sidecars beside the images or into a folder of their own."""
    library = app.library(path)
    if not apply:
        _plan(app, library.tree.root, [source for source, _ in relayout.misplaced(library.tree, layout)])
        return
    library.begin()
    done = relayout.move(library.tree, layout)
    _show(app, done)
    type(library).open(library.tree.root).after()


@sidecar.command(
    epilog="""\b
Examples:
  phototag sidecar push                 what the overlay holds
  phototag sidecar push --apply         into the library, now that it can be written
"""
)
@path_argument
@click.option("--apply", is_flag=True, help="Do it; without, only show what would be done.")
@app_options
def push(app: App, path: str, apply: bool) -> None:
    """Carry what was said while the library could not be written from the overlay into it."""
    library = app.library(path)
    if not apply:
        held = [
            os.path.join(at, n) for base in documents.overlays(library.tree) for at, _, ns in os.walk(base) for n in ns
        ]
        _plan(app, library.tree.root, held)
        return
    done = relayout.push(library.tree)
    _show(app, done)
    type(library).open(library.tree.root).after()


def _plan(app: App, root: str, sources: list[str]) -> None:
    if app.json:
        emit_json({"carried": 0, "failed": [], "found": [json_path(os.path.relpath(s, root)) for s in sources]})
        return
    for source in sources:
        click.echo(display(os.path.relpath(source, root)))
    click.echo(f"{len(sources)} to carry" + ("; do it with --apply" if sources else ""))


def _show(app: App, done: Carried) -> None:
    if app.json:
        failed = [{**json_path(p), "reason": why} for p, why in done.failed]
        emit_json({"carried": done.carried, "failed": failed, "parked": done.parked})
        return
    for path, why in done.failed:
        app.say(f"{path}: {why}")
    more = f", {len(done.failed)} could not be carried" if done.failed else ""
    more += f", {done.parked} for relink, since they are about other pictures" if done.parked else ""
    click.echo(f"carried {done.carried} files{more}")
