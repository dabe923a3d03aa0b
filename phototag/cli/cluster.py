"""``phototag cluster``, ``clusters``, ``assign``: the collection's own categories."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from phototag.cli.options import App, app_options, library_option, narrowing_argument, path_argument
from phototag.wording import count_text

if TYPE_CHECKING:
    from phototag.clustering.listing import RunItem
    from phototag.clustering.run import Choice
    from phototag.handle import Library
    from phototag.library.runs import Changes, RunDocument

TERMS_SHOWN = 4
LABELS_TOLD = 5
SEED_LIMIT = 2**32 - 1
"""What every generator of random numbers takes."""

CLUSTER_EPILOG = """\b
Examples:
  phototag cluster                              find the categories of this library
  phototag cluster --min-size 30                fewer, larger ones
  phototag cluster --level leaf                 the finest ones that hold together
  phototag cluster 2024/ --scope place:France   only these photos
  phototag undo                                 back to the run before

Every run is kept. Labels carry over where a cluster lives on: see what changed with 'phototag clusters diff'.
"""


@click.command(epilog=CLUSTER_EPILOG)
@narrowing_argument
@click.option("--min-size", type=click.IntRange(2), help="Fewest photos that make a cluster.  [default: by number]")
@click.option("--min-samples", type=click.IntRange(1), help="Near neighbours a photo needs; more: more noise.")
@click.option(
    "--method",
    type=click.Choice(["graph", "umap"]),
    default="graph",
    show_default=True,
    help="Cluster the neighbour graph, or its UMAP projection.",
)
@click.option(
    "--level",
    type=click.Choice(["eom", "leaf"]),
    default="eom",
    show_default=True,
    help="Themes that stand out, or the finest clusters in them.",
)
@click.option("--embedder", default="", metavar="NAME", help="Whose vectors.  [default: the library's]")
@click.option(
    "--scope",
    default="",
    metavar="FILTER",
    help="Only these photos: tag:X, place:X, after:2020, a folder; several: all of them.",
)
@click.option("--seed", type=click.IntRange(0, SEED_LIMIT), default=0, show_default=True, help="Of everything random.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Threads; the same number gives the same clusters.")
@app_options
def cluster(
    app: App,
    path: str | None,
    min_size: int | None,
    min_samples: int | None,
    method: str,
    level: str,
    embedder: str,
    scope: str,
    seed: int,
    threads: int,
) -> None:
    """Find the categories that the collection itself contains, and name them."""
    from phototag.clustering.protocol import Options
    from phototag.clustering.run import Choice
    from phototag.clustering.scope import scope_of_folder

    options = Options(min_size=min_size or 0, min_samples=min_samples or 0, seed=seed, threads=threads)
    library = app.library(path or ".")
    folder = library.tree.relative(path) if path else ""
    scope = " ".join(filter(None, (scope_of_folder(folder) if folder else "", scope)))
    document = _make(app, library, Choice(method, level, embedder, scope, options))
    _show(app, library, document)


def _make(app: App, library: Library, choice: Choice) -> RunDocument:
    """Make a run and make it the current one."""
    from phototag.clustering.listing import why_none
    from phototag.clustering.run import check_method, make_run

    check_method(choice)
    library.begin()
    made = make_run(library.index(), choice, now_ms=library.clock.now_ms(), notify=app.say)
    count = len(made.document.clusters)
    app.say(f"done in {made.seconds:.1f} s")
    if not count:
        app.say(why_none(made.document.run, made.pictures))
    if made.stays:
        app.say(f"the current run stays {made.stays}; to have this one: phototag clusters use {made.document.id}")
    else:
        what = f"{count_text(count, 'cluster')} of {count_text(made.document.run.photos, 'photo')} ({choice.method})"
        library.decide("cluster", what, [made.edit])
    return made.document


class FolderOrCommand(click.Group):
    """A group whose first word may be the library's folder, as with the sister commands, or a command of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hand a first word that is a folder, and no command, to ``--library``."""
        _, rest, _ = self.make_parser(ctx).parse_args(list(args))
        if rest and rest[0] not in self.commands and os.path.exists(rest[0]):
            args = [*args[: len(args) - len(rest)], "--library", *rest]
        return super().parse_args(ctx, args)


@click.group(
    cls=FolderOrCommand,
    invoke_without_command=True,
    subcommand_metavar="[PATH] [COMMAND] [ARGS]...",
    epilog="""\b
Examples:
  phototag clusters                             the clusters of the current run
  phototag clusters ~/Pictures                  of the library there
  phototag clusters --run 20260131-142500-1f3a
  phototag clusters runs                        every run
  phototag clusters diff 20260131 20260207      what became of the clusters
  phototag clusters use 20260131                make an earlier run the current one
""",
)
@click.option("--run", default="", metavar="RUN", help="Another run than the current one.")
@library_option
@app_options
@click.pass_context
def clusters(ctx: click.Context, app: App, path: str, run: str) -> None:
    """List the clusters of a run; compare runs; choose the current one."""
    ctx.default_map = {name: {"path": path} for name in clusters.commands}
    if ctx.invoked_subcommand is None:
        from phototag.clustering.labels import pick_run

        library = app.library(path)
        document = pick_run(library.tree, run, notify=app.say)
        _show(app, library, document)
        if not run:
            _tell_unheard(app, library, document)


@clusters.command("runs", epilog="\b\nExamples:\n  phototag clusters runs    every run, the newest first\n")
@library_option
@app_options
def list_runs(app: App, path: str) -> None:
    """List every run, the newest first."""
    from phototag.cli.render import emit_json, emit_table, local_time
    from phototag.clustering.listing import run_lines

    lines = run_lines(app.library(path).tree)
    if app.json:
        emit_json(lines)
        return
    header = ("", "run", "made", "method", "level", "images", "clusters", "noise", "scope")
    rows = []
    for one in lines:
        mark, made = "*" if one.current else "", local_time(one.created)
        rows.append((mark, one.run, made, one.method, one.level, one.images, one.clusters, one.noise, one.scope))
    emit_table(rows, header=header, right=(5, 6, 7))


@clusters.command(
    epilog="\b\nExamples:\n  phototag clusters diff 20260131 20260207    a run is named by as much of its id as is unique\n"
)
@click.argument("old")
@click.argument("new", required=False, default="")
@library_option
@app_options
def diff(app: App, path: str, old: str, new: str) -> None:
    """Show what became of the clusters of run OLD in run NEW (default: the current run)."""
    from phototag.cli.render import emit_json
    from phototag.clustering.difference import difference
    from phototag.clustering.labels import pick_run
    from phototag.clustering.listing import DiffItem, changes_item

    library = app.library(path)
    before, after = pick_run(library.tree, old), pick_run(library.tree, new)
    changes = difference(library.index(), before, after)
    if app.json:
        emit_json(DiffItem(before.id, after.id, changes_item(changes)))
        return
    for line in change_lines(before, after, changes):
        click.echo(line)


@clusters.command("use", epilog="\b\nExamples:\n  phototag clusters use 20260131    go back to an earlier run\n")
@click.argument("run")
@library_option
@app_options
def use(app: App, path: str, run: str) -> None:
    """Make an earlier run the current one."""
    from phototag.cli.render import emit_json
    from phototag.clustering.labels import current_edit, pick_run

    library = app.library(path)
    document = pick_run(library.tree, run)
    library.decide("clusters use", document.id, [current_edit(document.id)])
    if app.json:
        emit_json({"run": document.id})
    else:
        app.say(f"the current run is {document.id}")


@click.command(
    epilog="\b\nExamples:\n  phototag assign    after a scan: new photos join the clusters, nothing is clustered again\n"
)
@path_argument
@app_options
def assign(app: App, path: str) -> None:
    """Let photos that came after the run join its clusters."""
    from phototag.cli.render import emit_json
    from phototag.clustering.labels import pick_run
    from phototag.clustering.latecomers import assign_new

    library = app.library(path)
    library.begin()
    index, document = library.index(), pick_run(library.tree, notify=app.say)
    done = assign_new(index, index.clusters.of(document))
    if app.json:
        emit_json(done)
        return
    if not done.assigned + done.noise:
        app.say("no photo is new since the clusters were made")
        return
    app.say(
        f"{count_text(done.assigned, 'photo')} joined {count_text(len(done.clusters), 'cluster')}, {done.noise:,} fit in none"
    )
    for number, count in sorted(done.clusters.items(), key=lambda pair: -pair[1]):
        click.echo(f"{count:6d}  {document.label(number)}")


def _show(app: App, library: Library, document: RunDocument) -> None:
    from phototag.cli.render import emit_json
    from phototag.clustering.listing import run_item

    item = run_item(library.index(), document)
    if app.json:
        emit_json(item)
        return
    _table(item)
    if item.parent and document.changes.matches + document.changes.splits + document.changes.merges:
        app.say(f"what became of the run before: phototag clusters diff {item.parent}")


def _tell_unheard(app: App, library: Library, document: RunDocument) -> None:
    """Tell of labels in runs that the current one does not know of: another machine clustered apart."""
    from phototag.clustering.lineage import unheard

    for run, labels in unheard(library.tree, document):
        some = ", ".join(labels[:LABELS_TOLD]) + (" ..." if len(labels) > LABELS_TOLD else "")
        app.say(f"run {run}, made apart, has labels of its own: {some}; the next 'phototag cluster' takes them over")


def _table(item: RunItem) -> None:
    from phototag.cli.render import emit_table

    rows = [
        (one.id, one.size, one.label, ", ".join(term for term, _ in one.terms[:TERMS_SHOWN]), _remark(one.carried))
        for one in item.clusters
    ]
    if rows:
        emit_table(rows, header=("id", "images", "cluster", "tells apart", ""), right=(0, 1))
    new = f", {item.new:,} new since ('phototag assign')" if item.new and not item.scope else ""
    click.echo(f"{count_text(len(rows), 'cluster')}; {count_text(item.noise, 'image')} in none{new}")


def _remark(carried: float | None) -> str:
    return "" if carried is None else f"label carried over ({carried:.0%} the same)"


def change_lines(old: RunDocument, new: RunDocument, changes: Changes) -> list[str]:
    """Return what became of clusters, one line each."""
    lines = [
        f"same    {old.label(a)} -> {new.label(b)}  ({shared} in both, {overlap:.0%} the same)"
        for a, b, shared, overlap in changes.matches
    ]
    lines += [f"split   {old.label(a)} -> {' + '.join(map(new.label, parts))}" for a, parts in changes.splits]
    lines += [f"merged  {' + '.join(map(old.label, parts))} -> {new.label(b)}" for parts, b in changes.merges]
    lines += [f"gone    {old.label(one)}" for one in changes.gone]
    lines += [f"new     {new.label(one)}" for one in changes.fresh]
    return lines or ["nothing changed"]
