"""The table of sections covers the types; the JSON Schema says of a rendering what is so."""

from __future__ import annotations

import re

import msgspec
import pytest

from phototag.sidecar import model, schema
from phototag.sidecar.registers import Document


def test_every_value_type_stands_in_the_table() -> None:
    values = {t for t in vars(model).values() if isinstance(t, type) and issubclass(t, model.Value)}
    listed = {slot.type for slot in schema.SLOTS} | {model.Face, model.Value}
    assert values <= listed


def test_user_fields_are_those_of_the_model() -> None:
    listed = {slot.key: slot.type for slot in schema.SLOTS if slot.section == model.USER}
    assert listed == model.USER_FIELDS


@pytest.mark.parametrize(
    ("section", "key", "fits"),
    [
        ("mtag", "clip/ViT-B-32@laion2b#0011aabb", True),
        ("mtag", "clip", False),
        ("geo", "geonames@2015", True),
        ("face", "ab12/not/7d1f", True),
        ("face", "ab12/nope", False),
        ("P", "face.obs/5eed", True),
    ],
)
def test_key_patterns(section: str, key: str, fits: bool) -> None:
    patterns = [slot.pattern for slot in schema.SLOTS if slot.section == section]
    assert any(re.search(pattern, key) for pattern in patterns) is fits


def test_unknown_tail_of_a_register_is_shown() -> None:
    document = Document()
    document.body["later"] = {"key": msgspec.msgpack.encode([7, b"\x01\x02", "value", ["p"], {"a": 1}])}
    found = schema.as_json(document)["sections"]["later"]["key"]
    assert found == {"stamp": 7, "device": "0102", "value": "value", "purge": ["p"], "more": [{"a": 1}]}


def test_schema_refers_only_to_what_it_defines() -> None:
    text = msgspec.json.encode(schema.json_schema()).decode()
    defined = set(schema.json_schema()["$defs"])
    assert set(re.findall(r'"#/\$defs/([^"]+)"', text)) <= defined
