"""The generated parts of ``docs/format.md``: sections, fields of every value, and a golden in hex.

The text around them is written by hand; only what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is
replaced.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import golden
import msgspec
from settings_table import field_notes

from phototag.sidecar import model, schema

PAGE = "docs/format.md"
STRUCTS = (
    model.Content,
    model.Exif,
    model.Gps,
    model.Place,
    model.TagScores,
    model.Embedding,
    model.Phash,
    model.FaceObservations,
    model.Face,
    model.UserPlace,
)


def files(root: Path) -> dict[str, bytes]:
    """Return the page with its generated parts made anew."""
    text = (root / PAGE).read_text("utf-8")
    for name, made in {"sections": section_table(), "fields": field_tables(), "hex": hex_walk()}.items():
        block = re.compile(f"(<!-- begin {name}[^>]*-->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not block.search(text):
            raise SystemExit(f"{PAGE} has no place for {name!r}")
        text = block.sub(lambda found, made=made: found[1] + made + found[2], text)  # type: ignore[misc]
    return {PAGE: text.encode()}


def section_table() -> str:
    """Return the table of sections, keys and values."""
    lines = ["| section | key | value | meaning |", "|---|---|---|---|"]
    lines += [f"| `{s.section}` | `{s.key}` | {type_text(s.type)} | {s.meaning} |" for s in schema.SLOTS]
    return "\n".join(lines) + "\n"


def field_tables() -> str:
    """Return a table of the fields of each map."""
    parts = []
    for struct in STRUCTS:
        notes = field_notes(struct)
        lines = [f"### {struct.__name__}", "", inspect.cleandoc(struct.__doc__ or "").replace("``", "`"), ""]
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        for field in msgspec.structs.fields(struct):
            default = "required" if field.required else f"`{default_text(field.default)}`"
            note = notes.get(field.name, "").replace("``", "`")
            lines.append(f"| `{field.encode_name}` | {type_text(field.type)} | {default} | {note} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def default_text(value: object) -> str:
    """Return a default as MessagePack readers would say it."""
    return {"None": "nil", "()": "[]", "b''": "empty", "''": "empty"}.get(repr(value), repr(value))


def type_text(kind: object) -> str:
    """Return a type in the words of MessagePack."""
    info = msgspec.inspect.type_info(kind)
    return _words(info)


def _words(info: msgspec.inspect.Type) -> str:
    match info:
        case msgspec.inspect.BytesType(min_length=int(least), max_length=int(most)) if least == most:
            return f"bin of {least}"
        case msgspec.inspect.StructType(cls=cls):
            return f"map [{cls.__name__}](#{cls.__name__.lower()})"
        case msgspec.inspect.TupleType(item_types=items):
            return "array [" + ", ".join(map(_words, items)) + "]"
        case msgspec.inspect.VarTupleType(item_type=item):
            return f"array of {_words(item)}"
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(map(_words, types))
    names = {
        "BytesType": "bin",
        "StrType": "str",
        "BoolType": "bool",
        "IntType": "int",
        "FloatType": "float",
        "NoneType": "nil",
    }
    return names[type(info).__name__]


def hex_walk() -> str:
    """Return the golden ``minimal`` as a hex dump."""
    data = golden.minimal().encode()
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {text}")
    return "```text\n" + "\n".join(lines) + "\n```\n"
