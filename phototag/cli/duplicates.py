"""``phototag duplicates``: what is there several times, and moving all but one of each to the trash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from phototag.cli.options import App, app_options, narrowing_argument
from phototag.cli.render import emit_json, emit_table, json_path
from phototag.cli.selection import filter_options, within
from phototag.fsio import display

if TYPE_CHECKING:
    from phototag.handle import Library
    from phototag.index.reader import Index
    from phototag.search.filters import Filters
    from phototag.upkeep.duplicates import Cleared, Copies

RULES = ("best", "oldest", "largest", "shortest-path")


@click.command(
    epilog="""\b
Examples:
  phototag duplicates                            the same bytes, or the same pixels with other metadata
  phototag duplicates --near 2023/               also scaled, encoded again, framed or brightened
  phototag duplicates --near --keep oldest       which file of each would stay
  phototag duplicates --apply                    move the rest to .phototag/trash; phototag undo brings it back

What was said of the others (tags, rating, people, caption) is given to the one that is kept. Frames of a burst, a RAW
file beside its JPEG, and links to one file are no duplicates.
"""
)
@narrowing_argument
@click.option("--near", is_flag=True, help="Also images that only look the same.")
@click.option(
    "--keep", "rule", type=click.Choice(RULES), default="best", show_default=True, help="Which file of each stays."
)
@click.option("--apply", is_flag=True, help="Do it; without, only show what would be done.")
@filter_options
@app_options
def duplicates(app: App, path: str | None, near: bool, rule: str, apply: bool, filters: Filters) -> None:
    """Find images that are there several times; keep one of each, move the rest to the trash."""
    library = app.library(path or ".")
    if apply:
        library.begin()
    index = library.index()
    wanted = within(filters, library, *([path] if path else []))
    groups = _groups(app, index, wanted, near=near, rule=rule)
    if apply:
        _show_cleared(app, library.tree.root, _clear(app, library, index, groups, rule))
    else:
        _show_plan(app, index, groups, where=f"in {display(path)}" if path and wanted.path else "in the whole library")


def _groups(app: App, index: Index, filters: Filters, *, near: bool, rule: str) -> list[Copies]:
    from phototag.search.duplicates import find
    from phototag.search.filters import select
    from phototag.upkeep.duplicates import by_paths

    mask = select(index, filters)
    if near and (lacking := int((mask & index.present & ~index.known("phash")).sum())):
        app.say(f"{lacking} images have no perceptual hash (plain ones, or scanned by an older version: phototag scan)")
    return by_paths(index, find(index, mask, near=near, rule=rule))


def _clear(app: App, library: Library, index: Index, groups: list[Copies], rule: str) -> Cleared:
    from phototag.cli.progress import progress
    from phototag.upkeep.duplicates import clear, links_to

    with progress("compare", quiet=app.quiet) as shown:
        shown.start(len({path for group in groups for path in (group.keep, *group.others) if group.others}))
        links = links_to(index, groups)
        cleared = clear(library.tree, library.clock, groups, rule=rule, links=links, checked=shown.advance)
    if cleared.operation is not None:
        library.after(cleared.operation)
    return cleared


def _show_plan(app: App, index: Index, groups: list[Copies], *, where: str) -> None:
    if app.json:
        emit_json([_json(group) for group in groups if group.others])
        return
    root = index.tree.root
    _table(root, groups)
    going = [other for group in groups for other in group.others]
    if not going:
        app.say(f"no duplicates {where}")
        return
    size = sum(_size(index, other) for other in going)
    pictures = len({group.keep for group in groups if group.others})
    click.echo(
        f"{pictures} {'picture is' if pictures == 1 else 'pictures are'} there several times {where}; {len(going)} "
        f"{'file' if len(going) == 1 else 'files'} ({_megabytes(size)}) can go: --apply"
    )


def _show_cleared(app: App, root: str, cleared: Cleared) -> None:
    from phototag.library.trash import TRASH

    if app.json:
        emit_json(
            {
                "op": None if cleared.operation is None else cleared.operation.id,
                "moved": cleared.count,
                "size": cleared.size_bytes,
                "groups": [_json(group) for group in cleared.groups],
                "skipped": [{**json_path(one.path), "reason": one.reason} for one in cleared.skipped],
            }
        )
        return
    for one in cleared.skipped:
        app.say(f"left alone: {one.path}: {one.reason}")
    if cleared.operation is None:
        app.say("nothing moved")
        return
    click.echo(f"moved {cleared.count} to the trash ({_megabytes(cleared.size_bytes)})")
    app.say(f"bring them back with: phototag undo {cleared.operation.id}")
    app.say(f"or free the space for good: delete {_from_here(root, f'{TRASH}/{cleared.operation.id}')}")


def _table(root: str, groups: list[Copies]) -> None:
    rows: list[tuple[str, str, str]] = []
    for group in groups:
        kind = group.kind if group.others else ""
        rows.append((kind, "keep" if group.others else "file", _from_here(root, group.keep)))
        rows += [("", "move", _from_here(root, other)) for other in group.others]
        rows += [("", "link", f"{_from_here(root, link)} (the same file)") for link in group.linked]
    emit_table(rows)


def _json(group: Copies) -> dict[str, Any]:
    keep, others = json_path(group.keep), [json_path(other) for other in group.others]
    found: dict[str, Any] = {"keep": keep["path"], "others": [other["path"] for other in others], "kind": group.kind}
    if "path_bytes" in keep:
        found["keep_bytes"] = keep["path_bytes"]
    if any("path_bytes" in other for other in others):
        found["others_bytes"] = [other.get("path_bytes") for other in others]
    if group.linked:
        found["linked"] = [json_path(link)["path"] for link in group.linked]
    return found


def _from_here(root: str, rel: str) -> str:
    return os.path.relpath(os.path.join(root, rel))


def _size(index: Index, rel: str) -> int:
    row = index.row_of(rel)
    return 0 if row is None else max(0, int(index.numbers("size")[row]))


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.1f} GB"
