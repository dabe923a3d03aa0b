"""The table of settings in ``docs/getting-started.md``."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import msgspec

from phototag.settings import Settings

PAGE = "docs/getting-started.md"


def files(root: Path) -> dict[str, bytes]:
    """Return the page with its table made anew."""
    text = (root / PAGE).read_text("utf-8")
    block = re.compile(r"(<!-- begin settings[^>]*-->\n).*?(<!-- end settings -->)", re.DOTALL)
    if not block.search(text):
        raise SystemExit(f"{PAGE} has no place for the settings")
    return {PAGE: block.sub(lambda found: found[1] + table() + found[2], text).encode()}


def table() -> str:
    """Return name, environment variable, default and meaning of every setting."""
    lines = ["| name | environment | default | meaning |", "|---|---|---|---|"]
    notes = field_notes(Settings)
    for field in msgspec.structs.fields(Settings):
        default = f"`{str(field.default).lower()}`" if field.default != "" else ""
        note = notes.get(field.name, "").replace("``", "`")
        lines.append(f"| `{field.name}` | `PHOTOTAG_{field.name.upper()}` | {default} | {note} |")
    return "\n".join(lines) + "\n"


def field_notes(struct: type) -> dict[str, str]:
    """Return {field: the string that stands under it in the source}."""
    body = ast.parse(inspect.getsource(struct)).body[0]
    assert isinstance(body, ast.ClassDef)
    notes = {}
    for field, note in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            assert isinstance(note.value, ast.Constant)
            notes[field.target.id] = " ".join(str(note.value.value).split())
    return notes
