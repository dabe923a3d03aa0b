"""``phototag log`` and ``phototag undo``: what was decided, and taking it back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import click

from phototag.cli.options import App, app_options, library_option
from phototag.cli.render import emit_json, emit_table, json_path, local_time
from phototag.handle import Library
from phototag.library import journal
from phototag.library.operation import DOC, IMAGE, Change, Operation
from phototag.library.undo import Kept, UndoReport, history
from phototag.sidecar import codec
from phototag.wording import count_text


@click.command(
    epilog="""\b
Examples:
  phototag log                          the newest decisions, of every device
  phototag log --fields -n 3            with every field, before and after
  phototag log --image beach.jpg        only those about one picture
"""
)
@click.option("-n", "count", type=click.IntRange(min=1), help="Only the newest N.", metavar="N")
@click.option("--fields", is_flag=True, help="Show which fields changed, before and after.")
@click.option("--image", type=click.Path(), help="Only decisions about this picture, also under older names.")
@library_option
@app_options
def log(app: App, path: str, count: int | None, fields: bool, image: str | None) -> None:
    """Show what was decided, when, on which device."""
    library = app.library(path if image is None else os.path.dirname(os.path.abspath(image)))
    found = journal.operations(library.tree)
    undone = journal.undone_by(found)
    if image is not None:
        about = {entry.operation.id for entry in history(library.tree, library.tree.relative(image))}
        found = [operation for operation in found if operation.id in about]
    rows = [_row(operation, undone.get(operation.id), fields=fields) for operation in found[:count]]
    if app.json:
        emit_json(rows)
        return
    for operation, row in zip(found, rows, strict=False):
        _show(operation, row, ours=operation.device == library.clock.device, fields=fields)
    if not rows:
        app.say("nothing was decided yet" if image is None else f"nothing was ever said about {image}")


@click.command(
    epilog="""\b
Examples:
  phototag undo                         the newest decision
  phototag undo 0190f3                  the one whose id begins so (phototag log)
"""
)
@click.argument("operation", required=False, default="", metavar="[OP]")
@library_option
@app_options
def undo(app: App, path: str, operation: str) -> None:
    """Take back one decision, or redo it by undoing the undo."""
    library = app.library(path)
    library.begin()
    report = library.undo(operation)
    if app.json:
        emit_json(_undo_json(report))
        return
    done = report.operation
    click.echo(f"undid {report.undone.command}: {report.undone.summary} ({_undone(done)})")
    for kept in report.kept:
        click.echo(f"  left alone: {_name(kept.target)} {kept.section}/{kept.key}: {kept.why}")
    app.say(f"to redo it: phototag undo {done.id}")


def _undone(done: Operation) -> str:
    moved = f", {count_text(len(done.moves), 'image')} moved" if done.moves else ""
    return f"{count_text(done.change_count, 'field')} restored{moved}"


def of_image(library: Library, rel: str) -> list[dict[str, Any]]:
    """Return every change of one picture, newest first, as JSON types."""
    return [
        {
            "op": entry.operation.id,
            "at": _iso(entry.operation),
            "device": entry.operation.device.hex(),
            "command": entry.operation.command,
            "section": entry.change.section,
            "key": entry.change.key,
            **_values(entry.change),
        }
        for entry in history(library.tree, rel)
    ]


def show_image(library: Library, rel: str) -> None:
    """Print every change of one picture, newest first."""
    click.echo("\nhistory")
    own = library.clock.device.hex()
    rows = [
        (
            f"  {local_time(row['at'])}",
            "this device" if row["device"] == own else f"device {row['device'][:6]}",
            row["command"],
            f"{row['section']}/{row['key']}: {row['before']!r} -> {row['after']!r}",
        )
        for row in of_image(library, rel)
    ]
    emit_table(rows)
    if not rows:
        click.echo("  nothing was ever said about it")


def _iso(operation: Operation) -> str:
    return operation.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(operation: Operation, undone_by: str | None, *, fields: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "op": operation.id,
        "at": _iso(operation),
        "device": operation.device.hex(),
        "command": operation.command,
        "summary": _text(operation.summary),
        "undone_by": undone_by,
    }
    if fields:
        row["changes"] = [
            {**_target(touched.target), "section": change.section, "key": change.key, **_values(change)}
            for touched in operation.touched
            for change in touched.changes
        ]
    return row


def _show(operation: Operation, row: dict[str, Any], *, ours: bool, fields: bool) -> None:
    who = "this device" if ours else f"device {row['device'][:6]}"
    click.echo(f"{row['op']}  {local_time(row['at'])}  {who}")
    undone = f"  (undone by {row['undone_by']})" if row["undone_by"] else ""
    what = row["summary"] if row["summary"].startswith(row["command"]) else f"{row['command']}: {row['summary']}"
    click.echo(f"    {what}{undone}")
    for change in row.get("changes", ()) if fields else ():
        where = _text(change.get("path", change.get("document")))
        click.echo(f"      {where} {change['section']}/{change['key']}: {change['before']!r} -> {change['after']!r}")


def _undo_json(report: UndoReport) -> dict[str, Any]:
    return {
        "op": report.operation.id,
        "undoes": report.undone.id,
        "restored": report.operation.change_count,
        "kept": [_kept(kept) for kept in report.kept],
    }


def _kept(kept: Kept) -> dict[str, str]:
    return {**_target(kept.target), "section": kept.section, "key": kept.key, "why": kept.why}


def _target(target: str) -> dict[str, str]:
    return json_path(target[len(IMAGE) :]) if target.startswith(IMAGE) else {"document": target[len(DOC) :]}


def _name(target: str) -> str:
    return _text(target.partition(":")[2])


def _values(change: Change) -> dict[str, Any]:
    return {"before": _value(change.old_value), "after": _value(change.new_value)}


def _value(raw: bytes) -> Any:
    return _printable(codec.decode_value(raw, object))


def _printable(value: Any) -> Any:
    """Return ``value`` with bytes as hex, so that it is JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(_printable(key)): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, Iterable) and not isinstance(value, str) else value


def _text(text: Any) -> str:
    from phototag.fsio import display

    return display(str(text))
