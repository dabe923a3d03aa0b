"""Golden sidecars, as released: they decode to what stands beside them, and rewriting them changes no byte."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from phototag.errors import FormatError
from phototag.sidecar import codec, schema
from phototag.sidecar.registers import Document
from tests.require import REPOSITORY

GOLDEN = REPOSITORY / "schemas" / "golden"
GOOD = sorted(p for p in GOLDEN.glob("*/*.phototag"))
BAD = sorted(GOLDEN.glob("*/refused/*.phototag"))


def test_goldens_are_found() -> None:
    assert len(GOOD) >= 8
    assert len(BAD) >= 8


@pytest.mark.parametrize("path", GOOD, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_decodes_to_its_json(path: Path) -> None:
    found = msgspec.json.encode(schema.as_json(Document.decode(path.read_bytes())))
    assert json.loads(found) == json.loads(path.with_suffix(".json").read_bytes())


@pytest.mark.parametrize("path", GOOD, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_rewriting_changes_nothing(path: Path) -> None:
    data = path.read_bytes()
    document = Document.decode(data)
    assert document.encode() == data
    assert document.join(document.copy()).encode() == data


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_refusal_is_named(path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        codec.decode(path.read_bytes())
    assert caught.value.reason == json.loads(path.with_suffix(".json").read_bytes())["error"]


@pytest.mark.parametrize("order", [("join-left", "join-right"), ("join-right", "join-left")])
def test_join_in_any_order(order: tuple[str, str]) -> None:
    one, two = (Document.decode((GOLDEN / "v1" / f"{name}.phototag").read_bytes()) for name in order)
    assert one.join(two).encode() == (GOLDEN / "v1" / "join-result.phototag").read_bytes()


def test_typed_values_of_the_full_golden() -> None:
    """Every known section of the full golden reads as the type the schema gives it."""
    document = Document.decode((GOLDEN / "v1" / "full.phototag").read_bytes())
    seen = set()
    for slot in schema.SLOTS:
        for key in document.keys(slot.section):
            if re.search(slot.pattern, key):
                assert document.get(slot.section, key, slot.type) is not None
                seen.add((slot.section, slot.key))
    missing = {(s.section, s.key) for s in schema.SLOTS} - seen
    assert missing == {("P", "<section>/<random>")}
