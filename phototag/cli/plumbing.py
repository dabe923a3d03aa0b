"""``phototag merge-driver`` and ``phototag dump``: what git calls."""

from __future__ import annotations

import click

from phototag.cli.options import App, app_options
from phototag.cli.render import emit_json
from phototag.errors import FormatError, PhototagError
from phototag.fsio import display


@click.command(
    "merge-driver",
    epilog="""\b
Examples:
  phototag merge-driver %O %A %B %P     as git calls it, once 'phototag sync setup git' was run
""",
)
@click.argument("base", type=click.Path())
@click.argument("ours", type=click.Path(exists=True))
@click.argument("theirs", type=click.Path(exists=True))
@click.argument("path", type=click.Path())
def merge_driver(base: str, ours: str, theirs: str, path: str) -> int:
    """Join two versions of a sidecar for git (%O %A %B %P); fails only where neither can be read."""
    from phototag.library import git

    for kept, why in git.merge_files(base, ours, theirs, path).kept_aside:
        click.echo(display(f"phototag: {why}; kept as {kept}"), err=True)
    return 0


@click.command(
    epilog="""\b
Examples:
  phototag dump beach.jpg.phototag
  git diff                              once 'phototag sync setup git' was run
"""
)
@click.argument("sidecar", type=click.Path(exists=True, dir_okay=False))
@click.option("--lenient", is_flag=True, help="Say in the text what is wrong with a damaged file, and exit 0: for git.")
@app_options
def dump(app: App, sidecar: str, lenient: bool) -> None:
    """Show a sidecar or a library document as text."""
    from phototag.sidecar import disk, schema
    from phototag.sidecar.dump import text

    try:
        document = disk.read(sidecar)
    except FormatError as error:
        if not lenient:
            raise
        click.echo(f"! {display(str(error.args[0]).partition(': ')[2] or str(error))}")
        return
    if document is None:
        raise PhototagError(f"{sidecar} is gone")
    if app.json:
        emit_json(schema.as_json(document, version=document.version))
    else:
        click.echo(text(document), nl=False)
