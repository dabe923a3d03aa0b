"""Options that reach what they are about: each changes the answer of its command."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.main import run
from phototag.index.listing import RACY_NS
from tests import make

Out = pytest.CaptureFixture[str]
COLOURS = {"red": (220, 20, 20), "blue": (20, 20, 220), "green": (20, 180, 20)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a scanned library: three dated pictures of one colour each, in two folders."""
    root = tmp_path_factory.mktemp("options")
    for number, (colour, fill) in enumerate(COLOURS.items()):
        path = root / ("a" if number else "b") / f"{colour}.jpg"
        path.parent.mkdir(exist_ok=True)
        taken = f"20{18 + number}:05:01 10:00:00"
        path.write_bytes(make.encoded(make.picture(colour=fill), exif=make.exif(taken=taken, gps=(43.7, 7.26))))
    assert run(["scan", str(root), "-q", "--no-geo"]) == 0
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it as the current folder."""
    shutil.copytree(made, tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


def ask(capsys: Out, line: str, *more: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run([*line.split(), *more, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["path"].partition("/")[2].removesuffix(".jpg") for one in found]


@pytest.mark.usefixtures("root")
def test_any_tag_of_every_command_that_filters(capsys: Out) -> None:
    either = "--any-tag red --any-tag blue"
    assert names(ask(capsys, f"list {either}")) == ["blue", "red"]
    assert sorted(names(ask(capsys, f"query {either}"))) == ["blue", "red"]
    assert names(ask(capsys, f"similar a/green.jpg {either} --min-score -1")) in (["blue", "red"], ["red", "blue"])
    assert names(ask(capsys, f"export {either}")) == ["blue", "red"]
    assert ask(capsys, f"duplicates {either}") == []
    assert names(ask(capsys, "list --limit 1")) == ["blue"]


@pytest.mark.usefixtures("root")
def test_one_distribution_and_so_many_values(capsys: Out) -> None:
    assert set(ask(capsys, "stats --kind label")) == {"totals", "label"}
    assert len(ask(capsys, "stats --kind label --limit 2")["label"]) == 2


@pytest.mark.usefixtures("root")
def test_so_many_places_and_no_more(capsys: Out) -> None:
    pytest.importorskip("reverse_geocoder")
    assert ask(capsys, "geo-tag --limit 1")["written"] == 1
    assert sum(one["place"]["city"] is not None for one in ask(capsys, "list") if one["place"]) == 1
    assert ask(capsys, "geo-tag")["written"] == 2


def test_pixels_beyond_the_limit_are_refused(root: Path, capsys: Out) -> None:
    make.jpeg(root / "large.jpg", size=(400, 300))
    failed = ask(capsys, "scan --no-geo --max-megapixels 0.1 --threads 1")["failed"]
    assert [one["path"] for one in failed] == ["large.jpg"]
    assert ask(capsys, "scan --no-geo")["failed"] == []


def test_a_paranoid_refresh_sees_what_a_folder_hides(root: Path, capsys: Out) -> None:
    sidecar, folder = root / "a/blue.jpg.phototag", root / "a"
    os.utime(folder, (1_600_000_000, 1_600_000_000))
    time.sleep(2 * RACY_NS / 1e9)  # what has just changed is read again anyway
    assert run(["index", "refresh", "-q"]) == 0
    sidecar.write_bytes((root / "b/red.jpg.phototag").read_bytes())  # in place, as no well-behaved program writes
    assert ask(capsys, "index refresh")["changed"] == 0
    assert ask(capsys, "index refresh --paranoid")["changed"] == 1


@pytest.mark.usefixtures("root")
def test_a_title_and_links_to_the_originals_in_the_report(tmp_path: Path, capsys: Out) -> None:
    pytest.importorskip("hdbscan")
    assert ask(capsys, "cluster --min-size 2 --min-samples 1 --level leaf --scope", "a")["level"] == "leaf"
    out = tmp_path / "report"
    assert run(["report", "--out", str(out), "--title", "What <we> saw", "--originals", "-q"]) == 0
    pages = "".join(path.read_text("utf-8") for path in sorted(out.rglob("*.html")))
    assert "What &lt;we&gt; saw" in pages
    assert ask(capsys, "clusters runs")[0]["scope"] == "a"


def test_an_open_port_takes_its_token_from_the_file(root: Path, capsys: Out) -> None:
    (root / "token").write_text("short\n")
    assert run(["serve", "--host", "0.0.0.0", "--no-open", "--token-file", "token"]) == 2
    assert "too short for an open port: 5 characters" in capsys.readouterr().err
