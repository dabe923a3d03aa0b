"""``phototag sync``: join what other devices said, and teach git, git-annex and Syncthing how."""

from __future__ import annotations

import os

import click

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, json_path
from phototag.fsio import display
from phototag.library import conflicts, git, lost, syncing
from phototag.library.conflicts import Resolved
from phototag.library.git import Dropped
from phototag.library.joining import Conflict
from phototag.library.lost import Lost
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
    """Join conflict copies, the sides that a git merge dropped, and what the journal knows and a copy lost."""
    library = app.library(path)
    for problem in syncing.problems(library.tree):
        app.say(str(problem))
    if not apply:
        tree = library.tree
        _show_plan(app, tree.root, list(conflicts.find(tree)), list(git.dropped(tree)), list(lost.lost(tree)))
        return
    gone = list(lost.lost(library.tree))  # of what another device said, ``begin`` restores some already
    library.begin()
    done = conflicts.resolve(library.tree, conflicts.find(library.tree))
    restored = git.rejoin(library.tree, list(git.dropped(library.tree)))
    recalled = lost.restore(library.tree, gone)
    for shown, why in recalled.failed:
        library.notify(f"{shown} lacks what the journal knows: {why}")
    library.after()
    _show_done(app, done, restored, len(gone) - len(recalled.failed))


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


def _show_plan(app: App, root: str, found: list[Conflict], dropped: list[Dropped], gone: list[Lost]) -> None:
    copies = [os.path.relpath(copy, root) for conflict in found for copy in conflict.copies]
    cut = [one.path for one in dropped]
    forgotten = [one.shown for one in gone]
    if app.json:
        emit_json(
            {"joined": 0, "kept_aside": [], "found": [json_path(copy) for copy in copies]}
            | {"dropped": [json_path(rel) for rel in cut], "lost": [json_path(rel) for rel in forgotten]}
        )
        return
    for copy in copies:
        click.echo(display(f"join     {copy}"))
    for rel in cut:
        click.echo(display(f"restore  {rel}  (a git merge dropped one side)"))
    for rel in forgotten:
        click.echo(display(f"restore  {rel}  (the journal knows more: a copy put one side over the other)"))
    count = len(copies) + len(cut) + len(forgotten)
    click.echo(f"{count} to join" + ("; do it with --apply" if count else ""))


def _show_done(app: App, done: Resolved, restored: int, recalled: int) -> None:
    if app.json:
        kept = [{**json_path(one.path), "reason": one.reason} for one in done.kept_aside]
        emit_json({"joined": done.joined, "kept_aside": kept, "restored": restored, "recalled": recalled})
        return
    for one in done.kept_aside:
        app.say(f"kept aside {one.path}: {one.reason}")
    more = f", restored {count_text(restored, 'file')} that a git merge had cut" if restored else ""
    more += f", restored {count_text(recalled, 'file')} from the journal" if recalled else ""
    copies = count_text(done.joined, "conflict copy", "conflict copies")
    click.echo(f"joined {copies}, kept {count_text(len(done.kept_aside), 'file')} aside{more}")
