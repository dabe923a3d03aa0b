"""What may have been meant by a filter that nothing answers to."""

from __future__ import annotations

import pytest

from phototag.index.reader import Index
from phototag.search.language import parse
from phototag.search.suggestions import meant
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
