"""``phototag report``: static pages about the collection's clusters."""

from __future__ import annotations

import os

import click

from phototag.cli.options import App, app_options, path_argument


@click.command(
    epilog="""\b
Examples:
  phototag report --out ~/report                then open ~/report/index.html
  phototag report --out ~/report --strip gps,people
  phototag report --out ~/report --originals    photos link to the originals by relative path
"""
)
@path_argument
@click.option("--out", required=True, type=click.Path(), help="Folder to write; one with an earlier report is updated.")
@click.option("--run", default="", metavar="RUN", help="Another run than the current one.")
@click.option("--title", default="", help="Heading.  [default: the library's folder]")
@click.option("--strip", default="", metavar="gps,faces,people", help="What to leave out, with commas.")
@click.option("--originals", is_flag=True, help="Link photos to the originals.")
@app_options
def report(app: App, path: str, out: str, run: str, title: str, strip: str, originals: bool) -> None:
    """Write a static report of the clusters: overview, map, a page a cluster; opens from disk."""
    from phototag.cli.progress import progress
    from phototag.cli.render import emit_json
    from phototag.clustering.labels import pick_run
    from phototag.report.write import Progress, write_report

    library = app.library(path)
    document, index = pick_run(library.tree, run, notify=app.say), library.index()
    words = [word.strip() for word in strip.split(",") if word.strip()]
    name = title or os.path.basename(library.tree.root) or "Photos"
    with progress("thumbnails", quiet=app.quiet) as shown:
        told = Progress(shown.start, shown.advance)
        made = index.clusters.of(document)
        done = write_report(
            index, made, os.path.abspath(out), title=name, strip=words, originals=originals, progress=told
        )
    if app.json:
        emit_json(done)
        return
    app.say(f"{done.pages} pages, {done.thumbnails} new thumbnails, {done.missing} pictures not here")
    click.echo(os.path.join(done.out, "index.html"))
