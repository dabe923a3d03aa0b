"""Exports: every format says the same, and what was to be stripped is nowhere in it."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from phototag.catalog.export import COLUMNS, export, format_of, parse_strip, records
from phototag.catalog.table import table as arrow_table
from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.index.record import ImageRecord
from phototag.index.refresh import refresh
from tests.index import sidecars_made as made
from tests.search import library_made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return made.opened(library_made.build(tmp_path_factory.mktemp("export")))


def written(index: Index, form: str, strip: str = "") -> bytes:
    out = io.BytesIO()
    rows = index.by_path(np.flatnonzero(index.alive).astype(np.uint32)).tolist()
    assert export(records(index, rows, parse_strip(strip)), form, out) == len(rows)
    return out.getvalue()


def test_json_and_lines_are_the_records(index: Index) -> None:
    whole = msgspec.json.decode(written(index, "json"), type=list[ImageRecord])
    lines = [msgspec.json.decode(line, type=ImageRecord) for line in written(index, "jsonl").splitlines()]
    assert whole == lines == [index.record(row) for row in index.by_path(np.arange(index.size, dtype=np.uint32))]


def test_csv_and_parquet_agree(index: Index) -> None:
    rows = list(csv.DictReader(io.StringIO(written(index, "csv").decode())))
    table = pq.read_table(io.BytesIO(written(index, "parquet"))).to_pylist()
    assert [row["path"] for row in rows] == [row["path"] for row in table]
    for plain, typed in zip(rows, table, strict=True):
        assert tuple(plain) == COLUMNS
        assert plain["tags"].split(";") == (typed["tags"] or [""])
        assert len(typed["tags"]) == len(typed["tag_scores"])
        assert plain["rating"] == ("" if typed["rating"] is None else str(typed["rating"]))
        assert plain["taken"] == ("" if typed["taken"] is None else plain["taken"])
        if typed["taken"] is not None:
            assert plain["taken"].startswith(typed["taken"].isoformat()[:19])


def test_stripping(index: Index) -> None:
    for form in ("json", "jsonl", "csv"):
        full, bare = written(index, form), written(index, form, "gps,people,faces")
        for secret in (b"Ada", b"Grace", b"43.69", b"Kyoto", b"Nice"):
            assert secret in full
            assert secret not in bare
    assert all(record["faces"] == 0 for record in json.loads(written(index, "json", "faces")))
    with pytest.raises(UsageError, match="cannot strip 'names'"):
        parse_strip("gps,names")


def test_a_cell_is_never_a_formula(tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = made.library(tmp_path_factory.mktemp("formula"))
    made.add(tree, "x.jpg", user={"caption": "=HYPERLINK(1)"})
    refresh(tree)
    row = next(csv.DictReader(io.StringIO(written(made.opened(tree), "csv").decode())))
    assert row["caption"] == "'=HYPERLINK(1)"


def test_line_ends_in_a_cell_end_no_row(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    captions = {"a.jpg": "old\rMac", "b.jpg": "two\r\nlines", "odd\rname.jpg": "three\nmore", "z.jpg": "plain"}
    for name, caption in captions.items():
        made.add(tree, name, user={"caption": caption, "title": f"title of {name}"})
    refresh(tree)
    text = written(made.opened(tree), "csv").decode()
    assert text.startswith(",".join(COLUMNS) + "\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["path"]: row["caption"] for row in rows} == captions
    assert {row["title"] for row in rows} == {f"title of {name}" for name in captions}


@pytest.mark.parametrize("name", ["-dash.jpg", "=1+1.jpg", "+a.jpg", "@b.jpg"])
def test_a_path_in_csv_is_no_formula_and_stays_the_path(tmp_path: Path, name: str) -> None:
    tree = made.library(tmp_path)
    made.add(tree, name)
    made.add(tree, f"plain/{name}")
    refresh(tree)
    paths = [row["path"] for row in csv.DictReader(io.StringIO(written(made.opened(tree), "csv").decode()))]
    assert paths == [f"./{name}", f"plain/{name}"]
    assert all(Path(tree.root, path).exists() for path in paths)
    assert [row["path"] for row in json.loads(written(made.opened(tree), "json"))] == [name, f"plain/{name}"]


def test_paths_that_are_not_text_are_told_apart_in_every_format(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    names = [b"bad\xff\xfd.jpg", b"bad\xff\xfe.jpg"]
    for name in (*map(os.fsdecode, names), "plain.jpg"):
        made.add(tree, name)
    refresh(tree)
    index = made.opened(tree)
    rows = list(csv.DictReader(io.StringIO(written(index, "csv").decode())))
    assert sorted(base64.b64decode(row["path_bytes"]) for row in rows) == [b"", *names]
    wanted = {(None, "plain.jpg"), *((name, "bad\ufffd\ufffd.jpg") for name in names)}
    parquet = pq.read_table(io.BytesIO(written(index, "parquet")))
    for table in (parquet, arrow_table(index, np.arange(3, dtype=np.uint32))):
        assert {(row["path_bytes"], row["path"]) for row in table.to_pylist()} == wanted


@pytest.mark.parametrize(
    ("path", "form"),
    [("photos.csv", "csv"), ("a/photos.JSONL", "jsonl"), ("x.parquet", "parquet"), ("x.json", "json"), ("csv", "json")],
)
def test_the_format_is_that_of_the_file_to_write(path: str, form: str) -> None:
    assert (format_of(path), format_of(None)) == (form, "json")


def test_an_unknown_format_and_an_empty_library(index: Index, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(UsageError, match="cannot export as 'xml'"):
        export([], "xml", io.BytesIO())
    tree = made.library(tmp_path_factory.mktemp("empty"))
    refresh(tree)
    assert json.loads(written(made.opened(tree), "json")) == []
    assert pq.read_table(io.BytesIO(written(made.opened(tree), "parquet"))).num_rows == 0
