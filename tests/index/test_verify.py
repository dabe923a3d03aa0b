"""``verify``: it sees what the index tells wrongly, be it a field, a vector, a row too many or one too few."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.index import facts as facts_module
from phototag.index import segment as segment_module
from phototag.index.refresh import rebuild, refresh
from phototag.index.vectorfile import VectorWriter
from phototag.index.verify import verify
from phototag.library.tree import Tree
from tests.index import sidecars_made as made


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = made.library(tmp_path)
    for number in range(4):
        made.add(tree, f"{number}.jpg", tags={"sea": 0.9}, seed=number, user={"rating": number})
    return tree


def wrong(tree: Tree) -> dict[str, str]:
    return {difference.path: difference.what for difference in verify(tree).differences}


def test_without_an_index(tree: Tree) -> None:
    assert wrong(tree) == {"": "there is no index"}


def test_an_index_that_is_behind(tree: Tree) -> None:
    refresh(tree)
    assert verify(tree).ok
    made.add(tree, "new.jpg")
    Path(tree.sidecar("0.jpg")).unlink()
    Path(tree.path("1.jpg")).unlink()
    assert wrong(tree) == {
        "new.jpg": "is not in the index",
        "0.jpg": "is in the index but has no sidecar",
        "1.jpg": "present: the index says True, the sidecar False",
    }


def test_a_field_that_was_built_wrongly(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = facts_module.facts

    def lying(*args: Any, **options: Any) -> object:
        return real(*args, **options)._replace(rating=1)

    monkeypatch.setattr(segment_module, "facts", lying)
    rebuild(tree)
    monkeypatch.undo()
    found = wrong(tree)
    assert set(found) == {"0.jpg", "2.jpg", "3.jpg"}
    assert found["3.jpg"] == "rating: the index says 1, the sidecar 3"


def test_a_vector_that_was_built_wrongly(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = VectorWriter.add

    def lying(self: VectorWriter, row: int, codes: bytes) -> None:
        real(self, row, np.ones(made.DIM, "<f2").tobytes() if row == 2 else codes)

    monkeypatch.setattr(VectorWriter, "add", lying)
    rebuild(tree)
    monkeypatch.undo()
    assert list(wrong(tree).values()) == [f"{made.EMBEDDER}: the vectors differ"]
