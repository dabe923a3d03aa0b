"""``schemas/sidecar.v1.json`` and the golden sidecars with their JSON renderings."""

from __future__ import annotations

from pathlib import Path

import golden
import msgspec

from phototag.sidecar import schema
from phototag.sidecar.registers import Document


def files(root: Path) -> dict[str, bytes]:
    """Return {path: bytes} of the schema, the goldens and what each decodes to."""
    made = {"schemas/sidecar.v1.json": pretty(schema.json_schema())}
    for name, document in golden.documents().items():
        made |= rendered(name, document)
    for name, (data, reason) in golden.refused().items():
        made[f"schemas/golden/v1/refused/{name}.phototag"] = data
        made[f"schemas/golden/v1/refused/{name}.json"] = pretty({"error": reason})
    return made


def rendered(name: str, document: Document) -> dict[str, bytes]:
    """Return the sidecar's bytes and its JSON."""
    base = f"schemas/golden/v1/{name}"
    return {f"{base}.phototag": document.encode(), f"{base}.json": pretty(schema.as_json(document))}


def pretty(value: object) -> bytes:
    """Return ``value`` as JSON that diffs well."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
