"""What ``index status`` counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.index import listing
from phototag.index.refresh import rebuild, refresh
from phototag.index.status import status
from phototag.library import sidecars
from phototag.sidecar import model
from tests.index import sidecars_made as made


def test_rows_that_were_replaced_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "RACY_NS", 0)
    tree = made.library(tmp_path)
    for number in range(6):
        document = made.document(f"{number}.jpg", tags={"sea": 0.9, "sky": 0.1}, seed=number)
        document.set_person(model.FACE, "c1/box", bytes(8), made.OWNER)
        document.set_person(model.FACE, "c1/who", ["p1", "Ada"], made.OWNER)
        sidecars.write(tree, f"{number}.jpg", document, sync=False)
    refresh(tree)
    made.add(tree, "0.jpg", tags={"sea": 0.9, "sky": 0.1}, user={"rating": 5}, seed=0)
    refresh(tree)
    after = status(tree)
    assert (after.images, after.dead, after.faces) == (6, 1, 6)
    assert [(space.space, space.count) for space in after.tags] == [(made.TAGGER, 12)]
    rebuild(tree)
    again = status(tree)
    assert (again.dead, again.faces, again.tags, again.vectors) == (0, after.faces, after.tags, after.vectors)
