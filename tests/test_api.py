"""phototag in Python: ``phototag.open``, and everything docs/python.md shows."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest

import phototag
from phototag.api import Photos
from phototag.cli.main import run
from phototag.errors import UsageError
from phototag.library.documents import read_document, write_document
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters
from phototag.search.keywords import FilterValues, filters_of
from tests import make, require
from tests.index import sidecars_made as made
from tests.search import library_made

BEACH, TOWER, DOG, SHRINE, PLAIN, GONE = (
    "2019/beach.jpg", "2019/tower.jpg", "2020/dog.jpg", "2020/shrine.jpg", "IMG_0042.jpg", "gone.jpg",
)  # fmt: skip
PAGE = require.REPOSITORY / "docs" / "python.md"


@pytest.fixture(scope="module")
def tree(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return library_made.build(tmp_path_factory.mktemp("api"))


@pytest.fixture
def photos(tree: Tree) -> Photos:
    return phototag.open(tree.root)


def test_import_is_light_and_names_are_there() -> None:
    code = (
        "import sys, phototag\n"
        "print([name for name in ('numpy', 'pyarrow', 'faiss', 'click', 'msgspec') if name in sys.modules])\n"
        "print(all(getattr(phototag, name) is not None for name in phototag.__all__), 'open' in dir(phototag))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nTrue True\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        phototag.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_images_are_a_sequence(photos: Photos) -> None:
    images = photos.images
    assert len(photos) == len(images) == 6
    assert images.paths == sorted(images.paths) == [image.path for image in images]
    assert images[0].path == images[-6].path == BEACH
    assert images[2:4].paths == [DOG, SHRINE]
    assert images[::-1].paths == images.paths[::-1]
    assert images[SHRINE].user_tags == ["holiday", "sea"]
    asked: tuple[object, ...] = (SHRINE, images[0], "no.jpg", 7)
    assert [one in images for one in asked] == [True, True, False, False]
    assert images.scores is None
    with pytest.raises(KeyError, match=r"no\.jpg"):
        images["no.jpg"]
    with pytest.raises(IndexError):
        images[6]


def test_query_is_that_of_the_command_line(
    photos: Photos, tree: Tree, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tree.root)
    for text in ("beach", "sea -tag:beach", "rating:>=4", "beach OR tower -is:absent"):
        assert run(["query", text, "--json", "-q"]) == 0
        shown = msgspec.json.decode(capfdbinary.readouterr().out)
        assert msgspec.json.decode(msgspec.json.encode(list(photos.query(text)))) == shown
        assert shown


def test_filters_by_keyword(photos: Photos) -> None:
    assert photos.query(tag="beach", not_person="Grace", is_="present").paths == [BEACH]
    assert photos.query("beach", tag=["sea", "sky"]).paths == [BEACH]
    assert set(photos.query(after=datetime.date(2020, 1, 1)).paths) == {DOG, SHRINE}
    assert photos.query(rating=5).paths == [SHRINE]
    assert photos.query("beach", k=1).scores is not None
    assert len(photos.query(k=2)) == 2
    assert photos.query("beach", tag=None, after=None, rating=None, is_="present").paths == [BEACH, DOG]
    with pytest.raises(TypeError, match="there is no filter 'tga'"):
        photos.query(tga="x")  # type: ignore[call-arg]
    with pytest.raises(phototag.PhototagError, match="whole number"):
        photos.query(cluster="x")  # type: ignore[arg-type]
    with pytest.raises(phototag.PhototagError, match="not a number or a range"):
        photos.query(rating="many")


def test_keywords_are_the_filters_of_the_language() -> None:
    keywords = {name.rstrip("_").replace("_", "-") for name in get_type_hints(FilterValues)}
    assert keywords == set(FIELDS)
    assert filters_of({"tag": ("a", "b"), "place": "P"}) == Filters(tags=("a", "b"), places=("P",))


def test_similar(photos: Photos, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = photos.similar(BEACH, k=2)
    assert len(alike) == 2
    assert alike.scores is not None
    assert alike.scores[0] >= alike.scores[1]
    assert photos.similar(tree.path(BEACH), k=2).paths == alike.paths
    monkeypatch.chdir(tree.path("2019"))
    assert photos.similar("beach.jpg", k=2).paths == alike.paths
    assert BEACH not in photos.similar(BEACH, before="2020").paths
    with pytest.raises(phototag.PhototagError, match="no vector"):
        photos.similar(PLAIN)


def test_what_makes_no_sense_is_said(photos: Photos) -> None:
    for text in ("(night OR dark)", "beach", "tag:sea", "like:2019/beach.jpg"):
        with pytest.raises(UsageError, match="-1 images"):
            photos.query(text, k=-1)
        assert len(photos.query(text, k=0)) == 0
    with pytest.raises(UsageError, match="-3 images"):
        photos.similar(BEACH, k=-3)
    for odd in ("./a\0b", "like:a\0b", "beach + ./a\0.jpg"):
        with pytest.raises(UsageError, match="NUL"):
            photos.query(odd)
    with pytest.raises(UsageError, match="NUL"):
        photos.similar("a\0b")
    assert len(photos.query(path="a\0b")) == len(photos.query(tag="a\0b")) == 0


def test_embeddings_stand_beside_paths(photos: Photos) -> None:
    vectors = photos.embeddings()
    assert vectors.shape == (6, made.DIM)
    assert vectors.dtype == np.float32
    known = {path: not np.isnan(one).any() for path, one in zip(photos.images.paths, vectors, strict=True)}
    assert known == {BEACH: True, TOWER: True, DOG: True, SHRINE: True, PLAIN: False, GONE: False}
    for path, seed in ((BEACH, 1), (SHRINE, 4)):
        np.testing.assert_array_equal(vectors[photos.images.paths.index(path)], made.vector(seed).astype(np.float32))
    answer = photos.query("beach", is_="present")
    np.testing.assert_array_equal(
        answer.embeddings(), vectors[[photos.images.paths.index(path) for path in answer.paths]]
    )
    assert photos.spaces == [made.EMBEDDER]
    np.testing.assert_array_equal(photos.embeddings("vec"), vectors)
    with pytest.raises(phototag.PhototagError, match="'none'"):
        photos.embeddings("none")


def test_tables_say_what_records_say(photos: Photos) -> None:
    for images in (photos.images, photos.query("beach"), photos.query("nothing"), photos.images[:0]):
        rows = images.to_arrow().to_pylist()
        assert [row["path"] for row in rows] == images.paths
        for row, image in zip(rows, images, strict=True):
            assert said(row) == expected(image), image.path
            assert row["tag_scores"] == sorted(row["tag_scores"], reverse=True)
        assert ("score" in images.to_arrow().column_names) is (images.scores is not None)


def said(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row of the table says, as ``expected`` puts it."""
    taken = row["taken"]
    return {
        **{name: row[name] for name in ("id", "content", "size", "width", "height", "rating", "caption", "camera")},
        **{name: row[name] for name in ("city", "country", "user_tags", "people", "faces", "present")},
        "taken": None if taken is None else taken.isoformat(timespec="milliseconds").removesuffix(".000"),
        "tags": dict(zip(row["tags"], np.round(row["tag_scores"], 3).tolist(), strict=True)),
    }


def expected(image: phototag.ImageRecord) -> dict[str, Any]:
    """Return what a record says; an owner's tag counts 1."""
    place = image.place
    best = {one.tag: round(one.score, 3) for one in image.tags}
    return {
        **{name: getattr(image, name) for name in ("id", "content", "size", "width", "height", "rating", "caption")},
        **{name: getattr(image, name) for name in ("camera", "user_tags", "people", "faces", "present")},
        "taken": None if image.taken is None else datetime.datetime.fromisoformat(image.taken).isoformat(
            timespec="milliseconds").removesuffix(".000"),
        "city": None if place is None else place.city,
        "country": None if place is None else place.country,
        "tags": best | dict.fromkeys(image.user_tags, 1.0),
    }  # fmt: skip


def test_tags_and_refresh(tmp_path: Path) -> None:
    tree = library_made.build(tmp_path)
    photos = phototag.open(Path(tree.root))
    assert list(photos.tags())[:2] == ["beach", "holiday"]
    assert photos.tags()["beach"] == 3
    made.add(tree, "new.jpg", tags={"zebra": 0.9})
    assert "new.jpg" not in photos.images
    assert photos.refresh() is photos
    assert photos.images["new.jpg"].tags[0].tag == "zebra"


def test_refresh_sees_people_and_thresholds_that_changed(tmp_path: Path) -> None:
    """They stand in documents of the library: neither a sidecar nor the index changes with them."""
    tree = library_made.build(tmp_path)
    photos = phototag.open(Path(tree.root))
    assert (len(photos.query("tag:beach")), photos.images[BEACH].people) == (3, ["Ada Lovelace"])
    rename(tree, "p1", "Augusta")
    made.thresholds(tree, made.TAGGER, Thresholds(default=0.99))
    photos.refresh()
    assert (len(photos.query("tag:beach")), photos.images[BEACH].people) == (1, ["Augusta"])


def rename(tree: Tree, person: str, name: str) -> None:
    """Give a person another name, as another machine does."""
    document = read_document(tree, f"people/{person}")
    assert document is not None
    document.set_person("person", "name", name, made.OWNER)
    write_document(tree, f"people/{person}", document)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    tree, odd = made.library(tmp_path), os.fsdecode(b"caf\xe9.jpg")
    made.add(tree, odd, seed=1)
    made.add(tree, "plain.jpg")
    photos = phototag.open(tree.root)
    assert photos.images.paths == [odd, "plain.jpg"]
    assert photos.images[odd] in photos.images
    assert photos.to_arrow()["path"].to_pylist() == ["caf\N{REPLACEMENT CHARACTER}.jpg", "plain.jpg"]


def test_notebooks_show_pictures(tmp_path: Path) -> None:
    make.jpeg(tmp_path / "a <b>.jpg", seed=1)
    assert run(["scan", str(tmp_path), "-q", "--no-geo"]) == 0
    (tmp_path / "gone.jpg").write_bytes((tmp_path / "a <b>.jpg").read_bytes())
    assert run(["scan", str(tmp_path), "-q", "--no-geo"]) == 0
    photos = phototag.open(tmp_path)
    os.unlink(tmp_path / "gone.jpg")
    shown = photos.images._repr_html_()
    assert shown.count("<figure") == 2
    assert shown.count("data:image/webp;base64,UklGR") == 1
    assert "a &lt;b&gt;.jpg" in shown
    assert "not here" in shown
    assert "<b>" not in shown
    assert "images</th><td>2</td>" in photos._repr_html_()
    assert repr(photos) == f"<phototag library {str(tmp_path)!r}: 2 images>"
    assert repr(photos.images[:1]) == "<1 image: 'a <b>.jpg'>"


def test_where_there_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(phototag.PhototagError, match="no phototag library"):
        phototag.open(tmp_path)


def test_a_library_without_vectors(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "a.jpg")
    with pytest.raises(phototag.PhototagError, match="no image has a vector"):
        phototag.open(tree.root).embeddings()


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


NEEDS = re.compile(r"^import (duckdb|polars|numpy)|(to_pandas)", re.MULTILINE)


@pytest.mark.parametrize("number", range(len(snippets())))
def test_snippets_of_the_page_run(number: int, tree: Tree, sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the snippet after those without other libraries, as a reader would."""
    os.symlink(tree.root, sealed / "Pictures")
    code = snippets()
    needed = {found[1] or "pandas" for found in NEEDS.finditer(code[number])}
    for module in needed - {"numpy"}:
        require.module(module)
    names: dict[str, Any] = {}
    for each in [*(one for one in code[:number] if not NEEDS.search(one)), code[number]]:
        exec(compile(each, str(PAGE), "exec"), names)
    assert f"{sealed / 'Pictures'}: 6 images" in capsys.readouterr().out.replace("'", "")
    if "duckdb" in needed:
        assert names["years"] == [(2019, 2), (2020, 2), (None, 2)]
        assert names["tags"][0] == ("beach", 3)
    if "polars" in needed:
        assert names["cameras"].row(1)[1] == 2
        assert names["seas"]["path"].to_list() == [BEACH, SHRINE]
    if "pandas" in needed:
        assert names["by_city"].to_dict() == {"Nice": 1, "Paris": 1, "Kyoto": 1}
        assert names["tags"]["beach"] == 3


def test_every_public_name_is_explained() -> None:
    page = PAGE.read_text("utf-8")
    public = [
        name for name in dir(Photos) if not name.startswith("_") and name not in ("root", "embeddings", "to_arrow")
    ]
    assert [name for name in public if f"photos.{name}" not in page] == []
