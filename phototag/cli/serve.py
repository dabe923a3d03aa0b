"""``phototag serve``: the viewer in the browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from phototag.cli.options import App, app_options, path_argument

if TYPE_CHECKING:
    from phototag.handle import Library

EPILOG = """\b
Examples:
  phototag serve ~/Pictures                    open the viewer in the browser
  phototag serve --port 9000 --no-open         only say where it is
  phototag serve --host 0.0.0.0 --token-file ~/.phototag-token
                                               for other devices, with a token

Ctrl-C ends it. It listens on this machine only, unless --host says otherwise; another host needs a token.
"""


@click.command(epilog=EPILOG)
@path_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8420, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--token-file", type=click.Path(), default="", help="File with the token visitors must give.")
@click.option("--open/--no-open", "browse", default=None, help="Open the browser.  [default: on a terminal]")
@app_options
def serve(app: App, path: str, host: str, port: int, token_file: str, browse: bool | None) -> int:
    """Look at the library in the browser."""
    from phototag.serve.access import open_access
    from phototag.serve.run import run

    library = app.library(path)
    access = open_access(host, library.tree.settings, token_file=token_file)
    wanted = app.stderr_tty if browse is None else browse
    return run(library, access, port, announce=lambda address: _announce(app, library, address), browse=wanted)


def _announce(app: App, library: Library, address: str) -> None:
    if app.json:
        from phototag.cli.render import emit_json

        emit_json({"address": address})
    else:
        from phototag.fsio import display

        click.echo(f"{display(library.tree.root)} is at {address}")
        app.say("Ctrl-C ends the viewer.")
    sys.stdout.flush()
