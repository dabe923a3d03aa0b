"""How results look: one JSON document, aligned tables, paths for pipes."""

from __future__ import annotations

import base64
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from phototag.fsio import display
from phototag.wording import unprintable


def emit_json(value: Any) -> None:
    """Print ``value`` (Structs, dicts, lists) as one JSON document; text with surrogates is escaped by ``json_path``."""
    data = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.buffer.write(data + b"\n")


def emit_json_each(values: Iterable[Any]) -> None:
    """Print ``values`` as ``emit_json`` prints a list of them, each as soon as it is there."""
    out = sys.stdout.buffer
    before = b"[\n  "
    for value in values:
        # What is a line end in a text stands escaped there, so that only those of the form are moved in.
        out.write(before + msgspec.json.format(msgspec.json.encode(value), indent=2).replace(b"\n", b"\n  "))
        before = b",\n  "
    out.write(b"[]\n" if before == b"[\n  " else b"\n]\n")


def json_path(rel: str) -> dict[str, str]:
    """Return ``{"path": ...}`` and, where the name is not UTF-8, ``path_bytes`` in base64."""
    try:
        rel.encode()
    except UnicodeEncodeError:
        return {
            "path": os.fsencode(rel).decode("utf-8", "replace"),
            "path_bytes": base64.b64encode(os.fsencode(rel)).decode(),
        }
    return {"path": rel}


def emit_paths(paths: Iterable[str], *, null: bool = False) -> None:
    """Print paths as raw bytes, one a line, or with NUL between them for ``xargs -0``.

    One that begins with a dash gets ``./`` before it, so that no program takes it for an option.
    """
    out = sys.stdout.buffer
    end = b"\0" if null else b"\n"
    for path in paths:
        out.write(os.fsencode(f"./{path}" if path.startswith("-") else path) + end)
    out.flush()


def emit_table(
    rows: Iterable[Sequence[object]], *, header: Sequence[str] | None = None, right: Sequence[int] = ()
) -> None:
    """Print aligned columns; columns in ``right`` are right-aligned."""
    body = [[display(str(cell)) for cell in row] for row in rows]
    lines = ([list(header)] if header else []) + body
    if not lines:
        return
    widths = [max(columns_of(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [padded(c, w, right=i in right) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        click.echo("  ".join(cells).rstrip())


def local_time(at: str) -> str:
    """Return the moment ``at`` (ISO 8601, UTC) as people's clocks here had it."""
    from datetime import datetime

    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def pointing(text: str, at: int) -> str:
    """Return ``text`` on one line and a caret below its character ``at``, both indented."""
    line = _one_line(text)
    before, after = display(line[:at]), display(line[at:])
    return f"  {before}{after}\n  {' ' * columns_of(before)}^"


_NO_WIDTH = ("Mn", "Me", "Cf")


def columns_of(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes: two for each sign of Chinese, Japanese or Korean."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else unicodedata.category(c) not in _NO_WIDTH for c in text)


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Return ``text`` with spaces up to ``columns``, after it or (``right``) before it."""
    room = " " * max(columns - columns_of(text), 0)
    return room + text if right else text + room


def cut(text: str, columns: int, *, front: bool = False) -> str:
    """Return ``text``, cut to ``columns`` at its end or its ``front`` where it is longer; ``…`` stands for the rest."""
    if columns_of(text) <= columns:
        return text
    if text.isascii():
        return f"…{text[1 - columns :]}" if front else f"{text[: columns - 1]}…"
    kept, room = "", columns - 1
    for char in reversed(text) if front else text:
        room -= columns_of(char)
        if room < 0:
            break
        kept = char + kept if front else kept + char
    return f"…{kept}" if front else f"{kept}…"


def _one_line(text: str) -> str:
    odd = unprintable(text)
    return "".join(" " if at in odd and not "\udc80" <= c <= "\udcff" else c for at, c in enumerate(text))
