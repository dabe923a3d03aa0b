"""``phototag relink``: give moved, renamed and copied pictures their sidecars back."""

from __future__ import annotations

import click
import msgspec

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, emit_table, json_path
from phototag.library import moves, orphans, strays
from phototag.library.relink import Move, Plan, plan
from phototag.library.walk import walk


@click.command(
    epilog="""\b
Examples:
  phototag relink                       what belongs where
  phototag relink --apply               move the sidecars there, uncertain ones too
"""
)
@path_argument
@click.option("--apply", is_flag=True, help="Do it; without, only show what would be done.")
@app_options
def relink(app: App, path: str, apply: bool) -> None:
    """Give moved, renamed, swapped and copied pictures their sidecars back; a scan does so where there is no doubt."""
    library = app.library(path)
    if apply:
        library.begin()
    folders = list(walk(library.tree))
    images = [folder.path(name) for folder in folders for name in folder.images]
    if apply:
        moves.clear_overlay(library.tree, images)
    found = strays.gather(library.tree, folders)
    changes = plan(found.strays, found.images, found.placed)
    if not apply:
        foreign = tuple(rel for rel, _ in orphans.foreign(library.tree, images))
        _show_plan(app, msgspec.structs.replace(changes, parks=changes.parks + foreign))
        return
    done = moves.apply(library.tree, changes)
    library.after()
    if app.json:
        emit_json(
            {"moved": done.moved, "copied": done.copied, "parked": done.parked, "orphans": done.orphans}
            | {"failed": [{**json_path(rel), "reason": why} for rel, why in done.failed]}
        )
        return
    for rel, why in done.failed:
        app.say(f"{rel}: {why}")
    click.echo(f"moved {done.moved}, copied {done.copied}, parked {done.parked}; {done.orphans} wait for their picture")


def _show_plan(app: App, changes: Plan) -> None:
    if app.json:
        emit_json(
            {
                "moves": [_move(move) for move in changes.moves],
                "parks": [json_path(rel) for rel in changes.parks],
                "orphans": [json_path(rel) for rel in changes.orphans],
                "spent": [json_path(name) for name in changes.spent],
            }
        )
        return
    rows = [(_verb(move), move.source, "->", move.target, f"same {move.why}") for move in changes.moves]
    rows += [("park", rel, "", "", "its words are kept in .phototag/orphans") for rel in changes.parks]
    rows += [("wait", rel, "", "", "its picture is not here") for rel in changes.orphans]
    rows += [("remove", name, "", "", "its words stand with its picture") for name in changes.spent]
    emit_table(rows)
    more = f", {len(changes.spent)} to remove" if changes.spent else ""
    some = changes.moves or changes.spent
    click.echo(f"{len(changes.moves)} to relink{more}" + ("; do it with --apply" if some else ""))


def _move(move: Move) -> dict[str, object]:
    return {
        "from": json_path(move.source),
        "to": json_path(move.target),
        "why": move.why,
        "copy": move.copy,
        "certain": move.certain,
    }


def _verb(move: Move) -> str:
    return ("copy" if move.copy else "move") + ("" if move.certain else "?")
