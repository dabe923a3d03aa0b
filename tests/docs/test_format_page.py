"""``docs/format.md`` is right: its reader, executed as it stands, reads and joins the golden files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from tests.require import REPOSITORY

PAGE = (REPOSITORY / "docs" / "format.md").read_text("utf-8")
GOLDEN = REPOSITORY / "schemas" / "golden" / "v1"


@pytest.fixture(scope="module")
def reader() -> SimpleNamespace:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    return SimpleNamespace(**{name: value for name, value in names.items() if not name.startswith("_")})


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.phototag")), ids=lambda p: p.stem)
def test_the_reader_reads_the_goldens(reader: SimpleNamespace, path: Path) -> None:
    expected = {
        section: {key: one["value"] for key, one in keys.items() if one["value"] is not None or section == "P"}
        for section, keys in json.loads(path.with_suffix(".json").read_bytes())["sections"].items()
    }
    found = reader.values(reader.read(path.read_bytes()))
    assert json.loads(msgspec.json.encode(found)) == expected


@pytest.mark.parametrize("name", ["checksum", "cut-short", "empty", "foreign", "trailing", "pointer"])
def test_the_reader_refuses_damage(reader: SimpleNamespace, name: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|not a sidecar"):
        reader.read((GOLDEN / "refused" / f"{name}.phototag").read_bytes())


def test_the_reader_joins(reader: SimpleNamespace) -> None:
    left, right, result = (
        reader.read((GOLDEN / f"join-{name}.phototag").read_bytes()) for name in ("left", "right", "result")
    )
    assert reader.join(left, right) == reader.join(right, left) == result
    assert reader.join(result, left) == result


def test_the_reader_purges(reader: SimpleNamespace) -> None:
    full = reader.read((GOLDEN / "full.phototag").read_bytes())
    purged = reader.read((GOLDEN / "purged.phototag").read_bytes())
    joined = reader.join(full, purged)
    assert "face.obs" not in joined
    assert joined["face"] == purged["face"]
    assert joined["user"] == full["user"]


def test_scores_and_vectors(reader: SimpleNamespace) -> None:
    full = reader.values(reader.read((GOLDEN / "full.phototag").read_bytes()))
    assert reader.tags(full["mtag"]["builtin@1#5f0c3a9e"])["blue"] == pytest.approx(62000 / 65535)
    assert reader.tags(full["mtag"]["clip/ViT-B-32@laion2b#0011aabb"]) == {}
    assert reader.vector(full["emb"]["clip/ViT-B-32@laion2b#0011aabb"]) == (0.5, -0.5, 0.5, -0.5)


def test_the_walk_through_names_real_offsets() -> None:
    data = (GOLDEN / "minimal.phototag").read_bytes()
    walk = PAGE.partition("## A file, byte by byte")[2].partition("## A reader")[0]
    rows = re.findall(r"^\| ([0-9a-f]{2}) \| `([0-9a-f]{2}(?: [0-9a-f]{2})*)", walk, re.MULTILINE)
    assert len(rows) >= 15
    for offset, text in rows:
        expected = bytes.fromhex(text)
        assert data[int(offset, 16) :][: len(expected)] == expected, offset
