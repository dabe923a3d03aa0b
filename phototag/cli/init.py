"""``phototag init``."""

from __future__ import annotations

import click

from phototag.cli.options import App, app_options, path_argument

EPILOG = """\b
Examples:
  phototag init ~/Pictures           make a library; 'phototag scan' does it by itself
  phototag init --json .             print its id as JSON

A folder that cannot be written gets an overlay: sidecars go to $XDG_DATA_HOME/phototag/overlay and can be
pushed into the folder later with 'phototag sidecar push'.
"""


@click.command(epilog=EPILOG)
@path_argument
@app_options
def init(app: App, path: str) -> None:
    """Make a library of a folder."""
    from phototag.handle import Library

    library = Library.open_or_make(path, notify=app.say)
    if app.json:
        from phototag.cli.render import emit_json, json_path

        emit_json({"library": library.tree.name, "root": json_path(library.tree.root)["path"]})
    else:
        click.echo(f"library {library.tree.name} at {library.tree.root}")
