"""What may have been meant by a filter that nothing answers to."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.index.reader import Index
from phototag.search.language import parse
from phototag.search.suggestions import meant
from phototag.search.vocabulary import FILE, vocabulary
from tests.index import sidecars_made as made
from tests.search import library_made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return made.opened(library_made.build(tmp_path_factory.mktemp("suggestions")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tag:beech", ["tag:beach"]),
        ("tag:Tovwer any-tag:shrne", ["tag:tower", "any-tag:shrine"]),
        ("tag:bech*", ["tag:beach"]),
        ("place:Frence", ["place:France"]),
        ("place:kyotto tag:sea", ["place:Kyoto"]),
        ('person:"Ada Lovelaze"', ['person:"Ada Lovelace"']),
        ("camera:nikn", []),
        ('camera:"nikon d570"', ['camera:"NIKON D750"']),
        ("(tag:beech place:Nice) OR tag:beech", ["tag:beach"]),
        ("tag:zebra", []),
        ("-tag:beech", []),
        ("tag:sea tag:tower", []),
        ("beech", []),
    ],
)
def test_what_may_be_meant(index: Index, text: str, expected: list[str]) -> None:
    assert meant(index, parse(text).filters) == expected


def test_a_damaged_file_of_values_is_made_anew(tmp_path: Path) -> None:
    tree = library_made.build(tmp_path)
    truth = vocabulary(tree)
    kept = Path(tree.cache) / FILE
    whole = kept.read_bytes()
    for at in range(len(whole)):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])
        assert vocabulary(tree) == truth
    assert kept.read_bytes() == whole
