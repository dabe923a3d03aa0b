"""``phototag doctor``: what is wrong with a library, and which command mends it."""

from __future__ import annotations

import click

from phototag.cli.options import App, app_options, path_argument
from phototag.cli.render import emit_json, json_path
from phototag.fsio import display
from phototag.wording import count_text


@click.command(
    epilog="""\b
Examples:
  phototag doctor                       what is wrong, and what mends it
  phototag doctor --fix                 mend what loses nothing, then say what is left
"""
)
@path_argument
@click.option(
    "--fix",
    is_flag=True,
    help="Set up git in this clone, join conflict copies, keep damaged documents aside, sweep leftovers.",
)
@app_options
def doctor(app: App, path: str, fix: bool) -> int:
    """Find what is wrong with a library: sync not set up, damaged sidecars, leftovers; exit 4 where something is."""
    from phototag.upkeep import health

    fixed = health.mend_documents(path, app.say) if fix else 0
    library = app.library(path)
    if fix:
        library.begin()
        fixed += health.mend(library.tree)
        library.after()
    found = list(health.examine(library.tree))
    if app.json:
        problems = [{**json_path(one.path), "what": one.what, "mend": one.mend} for one in found]
        emit_json({"ok": not found, "problems": problems, "fixed": fixed})
    else:
        for one in found:
            click.echo(display(f"{one.path or library.tree.root}: {one.what}"))
            click.echo(f"    {display(one.mend)}")
        done = f"mended {fixed}; " if fix else ""
        click.echo(done + (count_text(len(found), "problem") if found else "all is well"))
    return 4 if found else 0
