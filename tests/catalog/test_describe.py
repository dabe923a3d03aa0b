"""``info``: who or what said what, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.catalog.describe import describe
from phototag.errors import LibraryError, UsageError
from phototag.sidecar.model import Exif
from tests.index import sidecars_made as made


def test_everything_and_where_it_comes_from(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    document = made.add(
        tree,
        "x.jpg",
        tags={"sea": 0.9, "sky": 0.3},
        seed=1,
        exif=Exif(taken="2020-01-01T10:00:00", exposure=(1, 250)),
        user={"rating": 4},
        user_tags={"sea": -1},
    )
    document.set_imported("user", "caption", "from XMP", 1_600_000_000_000)
    document.body["hologram"] = {"v1": b"\x93\x00\xc4\x00\x01"}
    from phototag.library import sidecars

    sidecars.write(tree, "x.jpg", document)
    found = describe(tree, "x.jpg")
    assert (found.rating, found.caption, found.tags) == (4, "from XMP", [])
    assert found.exif["exposure"] == [1, 250]
    outputs = {output.kind: output for output in found.outputs}
    assert outputs["tags"].tags == [("sea", 0.9), ("sky", 0.3)]
    assert (outputs["vector"].model, outputs["vector"].rev, outputs["vector"].count) == ("vec", "1", made.DIM)
    assert all(output.current for output in found.outputs)
    said = {statement.what: statement for statement in found.said}
    assert (said["user/rating"].by, said["user/rating"].device) == ("owner", b"owner!".hex())
    assert said["user/rating"].at == "2023-11-14T22:13:20Z"
    assert (said["user/caption"].by, said["user/caption"].at) == ("import", "2020-09-13T12:26:40Z")
    assert said["utag/sea"].value == -1
    assert found.unknown == ["hologram"]


def test_an_image_without_a_sidecar(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    with pytest.raises(UsageError, match="there is no such file"):
        describe(tree, "x.jpg")
    Path(tree.path("x.jpg")).touch()
    with pytest.raises(LibraryError, match="has no sidecar yet"):
        describe(tree, "x.jpg")
