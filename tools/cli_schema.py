"""``schemas/cli.v1.json``: the JSON documents of all commands."""

from __future__ import annotations

from pathlib import Path

import sidecar_schema

from phototag.cli import shapes


def files(root: Path) -> dict[str, bytes]:
    """Return {path: bytes} of the schema."""
    return {"schemas/cli.v1.json": sidecar_schema.pretty(shapes.json_schema())}
