"""Many records are read at once: they are what each alone is, in the order that was asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phototag.index import imagerows
from phototag.index.refresh import refresh
from phototag.sidecar.model import Exif, Gps, Place
from tests.index import sidecars_made as made


@pytest.mark.parametrize("few", [0, imagerows.TOGETHER])
def test_rows_of_several_segments_with_what_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    tree = made.library(tmp_path)
    made.add(
        tree, "full.jpg", tags={"sea": 0.9}, exif=Exif(taken="2024-05-01T10:00:00", make="Canon"), user={"rating": 3}
    )
    made.add(
        tree, os.fsdecode(b"odd-\xff.jpg"), gps=Gps(48.0, 2.0), place=Place("Paris", "Île-de-France", "FR", 48.0, 2.0)
    )
    refresh(tree)
    made.add(tree, "bare.jpg")
    made.add(tree, "old.jpg", exif=Exif(taken="1931-01-01"), user={"caption": "Grandmother"})
    refresh(tree)
    index = made.opened(tree)
    assert len(index.segments) == 2
    monkeypatch.setattr(imagerows, "_FEW", few)
    rows = [3, 0, 2, 1, 3, 3] * imagerows.TOGETHER
    found = list(index.records(rows, [float(row) for row in rows]))
    alone = [index.record(row, score=float(row)) for row in range(4)]
    assert found == [alone[row] for row in rows]
    bare, full, odd, old = sorted(alone, key=lambda one: one.path)
    assert [one.path for one in (bare, full, odd, old)] == ["bare.jpg", "full.jpg", "odd-\ufffd.jpg", "old.jpg"]
    assert (bare.taken, bare.rating, bare.caption, bare.place, bare.tags) == (None, None, None, None, [])
    assert (full.taken, full.rating, [tag.tag for tag in full.tags]) == ("2024-05-01T10:00:00", 3, ["sea"])
    assert (odd.place and odd.place.city, odd.path_bytes) == ("Paris", "b2RkLf8uanBn")
    assert (old.taken, old.caption) == ("1931-01-01T00:00:00", "Grandmother")
