"""The table of sections, and from it the JSON rendering of a document and the JSON Schema of that rendering.

``docs/format.md`` prints this table, ``schemas/sidecar.v1.json`` is ``json_schema()``, and ``as_json`` is what
``schemas/golden/*.json`` hold. A section that is not in the table is legal: it is kept, merged and shown as it is.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import msgspec

from phototag.ids import STAMP_LIMIT
from phototag.sidecar import codec, model
from phototag.sidecar.codec import VERSION
from phototag.sidecar.registers import Document

Box = Annotated[bytes, msgspec.Meta(min_length=8, max_length=8)]


class Slot(msgspec.Struct, frozen=True):
    """One kind of register: where it stands, what its value is, what that means."""

    section: str
    key: str
    """The key, with ``<parts>`` that vary."""
    pattern: str
    """Regular expression of the keys."""
    type: Any
    meaning: str


SPACE = r"^[^@]+@[^#]+#[0-9a-f]{8}$"
CLAIM = "^[^/]+/"

SLOTS: tuple[Slot, ...] = (
    Slot("id", "content", "^content$", model.Content, "which bytes and which pixels the file holds"),
    Slot("id", "birth", "^birth$", model.Hash128, "content hash when first seen: the stable id of the picture"),
    Slot("id", "name", "^name$", bytes, "file name as bytes, without folder"),
    Slot("exif", "v1", "^v1$", model.Exif, "what the camera said"),
    Slot("exif.gps", "v1", "^v1$", model.Gps, "where the camera said it was"),
    Slot("geo", "<dataset>@<version>", "^[^@]+@.+$", model.Place, "the named place nearest to the position"),
    Slot(
        "user",
        "rating",
        "^rating$",
        int,
        "the owner's rating, 1 to 5, -1 for rejected; 0: none, whatever the file embeds",
    ),
    Slot("user", "caption", "^caption$", str, "the owner's caption; empty: none, whatever the file embeds"),
    Slot("user", "title", "^title$", str, "the owner's title"),
    Slot("user", "flag", "^flag$", str, "pick or reject"),
    Slot("user", "date", "^date$", str, "the owner's word on when it was taken, as `exif.taken`"),
    Slot("user", "loc", "^loc$", model.UserPlace, "the owner's word on where it was taken"),
    Slot("user", "orient", "^orient$", int, "the owner's word on the orientation, 1 to 8 as in EXIF"),
    Slot("utag", "<tag>", "^.+$", int, "1 the owner set the tag, 0 took it off, -1 rejects a machine's"),
    Slot("mtag", "<model>@<rev>#<params8>", SPACE, model.TagScores, "every tag of one model above its floor"),
    Slot("emb", "<model>@<rev>#<params8>", SPACE, model.Embedding, "one vector of one model"),
    Slot("hash", "<kind>@<rev>", "^[^@]+@.+$", model.Phash, "a perceptual hash"),
    Slot("face.obs", "<model>@<rev>#<params8>", SPACE, model.FaceObservations, "all faces that one model found"),
    Slot("face", "<claim>/box", CLAIM + "box$", Box, "u16 x 4 as in `Face.box`: where the claim's face is"),
    Slot("face", "<claim>/who", CLAIM + "who$", tuple[str, str], "person id and name: the owner's word"),
    Slot("face", "<claim>/auto", CLAIM + "auto$", tuple[str, float], "person id and similarity: a machine's guess"),
    Slot("face", "<claim>/state", CLAIM + "state$", int, "1 verified, 0 not a face, 2 ignored"),
    Slot("face", "<claim>/not/<person>", CLAIM + "not/.+$", int, "1: never suggest this person here; 0: taken back"),
    Slot("P", "<section>/<random>", "^.+/.+$", None, "a purge id of a section"),
)


def as_json(document: Document, *, version: int = VERSION) -> dict[str, Any]:
    """Return ``document`` as JSON types: device in hex, other bytes for ``msgspec.json`` to put in base64.

    Fields of a register that this version does not know follow in ``more``. Raises FormatError.
    """
    sections = {
        section: {key: _register(raw) for key, raw in sorted(keys.items())}
        for section, keys in sorted(document.body.items())
    }
    return {"phototag": version, "sections": sections}


def _register(raw: bytes) -> dict[str, Any]:
    stamp, device, value, *rest = codec.decode_value(raw, list[Any])
    shown: dict[str, Any] = {"stamp": stamp, "device": device.hex(), "value": value}
    if rest:
        shown["purge"] = rest[0]
    if len(rest) > 1:
        shown["more"] = rest[1:]
    return shown


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``as_json``."""
    types = list(dict.fromkeys(slot.type for slot in SLOTS))
    shapes, components = msgspec.json.schema_components(types)
    shape_of = dict(zip(types, shapes, strict=True))
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"]).replace("``", "`")
    sections: dict[str, Any] = {}
    for slot in SLOTS:
        section = sections.setdefault(slot.section, {"type": "object", "patternProperties": {}})
        section["patternProperties"][slot.pattern] = {
            "description": f"{slot.section}/{slot.key}: {slot.meaning}",
            "allOf": [{"$ref": "#/$defs/register"}],
            "properties": {"value": {"anyOf": [shape_of[slot.type], {"type": "null"}]}},
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A phototag sidecar, version 1, rendered as JSON",
        "description": "Bytes are base64, but for the device, which is hex. Unknown sections, keys and fields are legal.",
        "type": "object",
        "required": ["phototag", "sections"],
        "properties": {"phototag": {"const": VERSION}, "sections": {"type": "object", "properties": sections}},
        "$defs": {"register": _register_schema(), **components},
    }


def _register_schema() -> dict[str, Any]:
    return {
        "title": "register",
        "description": "A value, who set it, and when.",
        "type": "object",
        "required": ["stamp", "device", "value"],
        "properties": {
            "stamp": {"type": "integer", "minimum": 0, "exclusiveMaximum": STAMP_LIMIT},
            "device": {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
            "value": {},
            "purge": {"type": "array", "items": {"type": "string"}},
            "more": {"type": "array"},
        },
    }
