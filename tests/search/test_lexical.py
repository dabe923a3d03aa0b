"""Words that decide and rank: what a word is cut into stands in a row, and how a word may be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.search.find import query
from phototag.search.lexical import having
from tests.index import sidecars_made as made
from tests.search.library_made import paths

CAPTIONS = {
    "tree.jpg": "나무와 새",
    "radish.jpg": "무나 밭",
    "day.jpg": "अच्छा दिन",
    "salt.jpg": "दान नमक",
    "tokyo.jpg": "東京の塔",
    "kyoto.jpg": "京都の東山",
    "ohara.jpg": "Scarlett O'Hara",
    "others.jpg": "a hara; o, k",
    "munich.jpg": "In München",
    "muenster.jpg": "Muenster",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    tree = made.library(tmp_path_factory.mktemp("lexical"))
    for rel, caption in CAPTIONS.items():
        made.add(tree, rel, user={"caption": caption})
    made.add(tree, "tagged.jpg", tags={"東京": 0.9, "rock 'n' roll": 0.8}, user_tags={"night sky": 1})
    refresh(tree)
    return made.opened(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("나무", {"tree.jpg"}),
        ("무나", {"radish.jpg"}),
        ("나무*", {"tree.jpg"}),
        ("나무와", {"tree.jpg"}),
        ("दिन", {"day.jpg"}),
        ("दिन नमक", set()),
        ("東京", {"tokyo.jpg", "tagged.jpg"}),
        ("京東", set()),
        ("京 東", {"tokyo.jpg", "kyoto.jpg", "tagged.jpg"}),
        ("o'hara", {"ohara.jpg"}),
        ("O’HARA", {"ohara.jpg"}),
        ("hara o", {"ohara.jpg", "others.jpg"}),
        ("rock'n'roll", {"tagged.jpg"}),
        ("nigh", set()),
        ("nigh*", {"tagged.jpg"}),
        ("sky nigh*", {"tagged.jpg"}),
        ("*", None),
        ("munchen", {"munich.jpg"}),
        ("münster", {"muenster.jpg"}),
        ("the", set()),
        ("the*", set()),
    ],
)
def test_words_decide(index: Index, text: str, expected: set[str] | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            having(index, text)
        return
    assert set(index.paths(np.flatnonzero(having(index, text)))) == expected
    assert expected <= set(paths(index, query(index, text)))


def test_words_that_are_taken_away_stand_in_a_row_too(index: Index) -> None:
    assert paths(index, query(index, "hara - o'hara")) == ["others.jpg"]


def test_a_tag_counts_by_the_share_that_is_asked_for(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "whole.jpg", tags={"rock 'n' roll": 0.9})
    made.add(tree, "part.jpg", tags={"rock": 0.9, "rolling": 0.9})
    refresh(tree)
    assert paths(made.opened(tree), query(made.opened(tree), "rock'n'roll")) == ["whole.jpg"]
    assert paths(made.opened(tree), query(made.opened(tree), "roll*")) == ["part.jpg", "whole.jpg"]
