"""``phototag demo``: a sample library to try everything on."""

from __future__ import annotations

import shlex

import click

from phototag.cli.options import App, app_options

EPILOG = """\b
Examples:
  phototag demo                       draw and scan ./sample-library
  phototag demo --out /tmp/photos     somewhere else

The photos are drawn by the program itself; nothing is fetched. Files that exist are left as they are.
"""
NEXT = (
    ('phototag query "golden hour" Nice', "search: tags, places, captions, names"),
    ('phototag list --tag night --place "New York"', "filter"),
    ('phototag similar "2021/San Francisco/DSCF2240.jpg"', "more like this one"),
    ("phototag info 2019/Nice/IMG_0633.jpg", "everything known about one photo, and who said so"),
    ("phototag stats", "what is in it"),
    ("phototag serve", "look at it in the browser"),
)
"""Command lines to try on the sample library, and what they show; a test runs them."""


@click.command(epilog=EPILOG)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default="sample-library",
    show_default=True,
    metavar="DIR",
    help="Where to put the photos.",
)
@app_options
@click.pass_context
def demo(context: click.Context, app: App, out: str) -> int:
    """Make a sample library of drawn photos, scan it, and say what to try next."""
    from phototag.cli.progress import progress
    from phototag.cli.scan import scan
    from phototag.demo.making import make

    with progress("draw", quiet=app.quiet) as shown:
        made = make(out, started=shown.start, advanced=shown.advance)
    app.say(f"drew {made.files} photos, {made.size_bytes / 1e6:.0f} MB, in {out}")
    code = context.invoke(scan, path=out, as_json=app.json, quiet=app.quiet)
    if not app.json:
        _suggest(out)
    return int(code or 0)


def _suggest(out: str) -> None:
    wide = max(len(line) for line, _ in NEXT)
    click.echo(f"\nTry next:\n  cd {shlex.quote(out)}")
    for line, why in NEXT:
        click.echo(f"  {line.ljust(wide)}   {why}")
