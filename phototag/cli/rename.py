"""``phototag rename``, ``rename-bulk``: what a person calls clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

import click

from phototag.cli.completing import values
from phototag.cli.options import App, app_options, library_option
from phototag.errors import UsageError
from phototag.wording import count_text


@click.command(
    epilog="""\b
Examples:
  phototag rename 3 "Summer in Brittany"
  phototag rename "beach, sea" Brittany         a cluster is named by its number or what it is called
  phototag rename 3                             back to its automatic name
"""
)
@click.argument("cluster", shell_complete=values("category"))
@click.argument("label", required=False)
@library_option
@app_options
def rename(app: App, path: str, cluster: str, label: str | None) -> None:
    """Call a cluster of the current run LABEL; without LABEL clear it."""
    from phototag.clustering.labels import pick_cluster, pick_run

    library = app.library(path)
    library.begin()
    number = pick_cluster(pick_run(library.tree, notify=app.say), cluster)
    _rename(app, path, {number: label}, f"cluster {number}: {label or 'label cleared'}")


@click.command(
    "rename-bulk",
    epilog="""\b
Examples:
  phototag rename-bulk names.json               {"0": "Beach", "3": null} or [{"id": 0, "label": "Beach"}]
  phototag clusters --json | jq '.clusters' | phototag rename-bulk -
""",
)
@click.argument("file", metavar="JSON", type=click.File("rb"))
@library_option
@app_options
def rename_bulk(app: App, path: str, file: BinaryIO) -> None:
    """Call many clusters of the current run as a JSON file says, in one operation; null clears."""
    import msgspec

    from phototag.clustering.labels import parse_bulk, pick_run

    library = app.library(path)
    library.begin()
    try:
        value = msgspec.json.decode(file.read())
    except msgspec.DecodeError as error:
        raise UsageError(f"{file.name} is not JSON: {error}") from error
    wanted = parse_bulk(pick_run(library.tree, notify=app.say), value)
    _rename(app, path, wanted, count_text(len(wanted), "cluster"))


def _rename(app: App, path: str, wanted: Mapping[int, str | None], summary: str) -> None:
    from phototag.cli.render import emit_json
    from phototag.clustering.labels import pick_run, rename_edits

    library = app.library(path)
    operation = library.decide("rename", summary, rename_edits(pick_run(library.tree), wanted))
    document = pick_run(library.tree)
    if app.json:
        clusters = [{"id": number, "label": document.label(number)} for number in sorted(wanted)]
        emit_json({"op": operation.id if operation.touched else None, "run": document.id, "clusters": clusters})
    elif operation.touched:
        changed = operation.change_count
        app.say(f"{changed} renamed; take it back with: phototag undo {operation.id}")
    else:
        app.say("nothing changed: it was so already")
