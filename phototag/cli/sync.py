"""``phototag sync``: join what other devices said, and teach git, git-annex and Syncthing how."""

from __future__ import annotations

import os

import click

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, json_path
from phototag.fsio import display
from phototag.library import conflicts, git, syncing
from phototag.library.conflicts import Resolved
from phototag.library.git import Dropped
from phototag.library.joining import Conflict
from phototag.wording import count_text


@click.group()
def sync() -> None:
    """Join what devices said apart; set up git, git-annex or Syncthing."""


@sync.command(
    epilog="""\b
Examples:
  phototag sync resolve                 what would be joined
  phototag sync resolve --apply         join it
"""
)
@path_argument
@click.option("--apply", is_flag=True, help="Do it; without, only show what would be done.")
@app_options
def resolve(app: App, path: str, apply: bool) -> None:
    """Join conflict copies, and the sides that a git merge without the driver dropped."""
    library = app.library(path)
    for problem in syncing.problems(library.tree):
        app.say(str(problem))
    if not apply:
        _show_plan(app, library.tree.root, list(conflicts.find(library.tree)), list(git.dropped(library.tree)))
        return
    library.begin()
    done = conflicts.resolve(library.tree, conflicts.find(library.tree))
    restored = git.rejoin(library.tree, list(git.dropped(library.tree)))
    library.after()
    _show_done(app, done, restored)


@sync.command(
    epilog="""\b
Examples:
  phototag sync setup annex             in each clone
  phototag sync setup git
  phototag sync setup syncthing
"""
)
@click.argument("tool", type=click.Choice(["git", "annex", "syncthing"]))
@path_argument
@app_options
def setup(app: App, tool: str, path: str) -> None:
    """Write the attributes, configuration and ignore lines a sync tool needs; doing it again changes nothing."""
    library = app.library(path)
    warnings: list[str] = []
    if tool == "syncthing":
        settings, warnings = syncing.set_up_syncthing(library.tree)
    else:
        settings = syncing.set_up_git(library.tree, annex=tool == "annex")
    if app.json:
        emit_json({"settings": settings, "warnings": warnings})
        return
    for setting in settings:
        click.echo(f"{'kept ' if setting.done else 'wrote'}  {setting.where}: {setting.what}")
    for warning in warnings:
        click.echo(f"warning: {warning}")
    if not settings:
        click.echo("nothing to set up: sidecars sync as they are, and the cache is outside the library")


def _show_plan(app: App, root: str, found: list[Conflict], dropped: list[Dropped]) -> None:
    copies = [os.path.relpath(copy, root) for conflict in found for copy in conflict.copies]
    lost = [one.path for one in dropped]
    if app.json:
        emit_json(
            {"joined": 0, "kept_aside": []}
            | {"found": [json_path(copy) for copy in copies], "dropped": [json_path(rel) for rel in lost]}
        )
        return
    for copy in copies:
        click.echo(display(f"join     {copy}"))
    for rel in lost:
        click.echo(display(f"restore  {rel}  (a git merge dropped one side)"))
    click.echo(f"{len(copies) + len(lost)} to join" + ("; do it with --apply" if copies or lost else ""))


def _show_done(app: App, done: Resolved, restored: int) -> None:
    if app.json:
        kept = [{**json_path(one.path), "reason": one.reason} for one in done.kept_aside]
        emit_json({"joined": done.joined, "kept_aside": kept, "restored": restored})
        return
    for one in done.kept_aside:
        app.say(f"kept aside {one.path}: {one.reason}")
    more = f", restored {count_text(restored, 'file')} that a git merge had cut" if restored else ""
    copies = count_text(done.joined, "conflict copy", "conflict copies")
    click.echo(f"joined {copies}, kept {count_text(len(done.kept_aside), 'file')} aside{more}")
