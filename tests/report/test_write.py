"""The report: links that resolve, nothing from outside, private things left out, readable without eyes or scripts."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import msgspec
import numpy as np
import pytest
from PIL import Image

from phototag.clustering.labels import rename_edits
from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.errors import UsageError
from phototag.handle import Library
from phototag.library import runs
from phototag.library.runs import Cluster
from phototag.library.walk import walk
from phototag.report import write
from phototag.report.pictures import Pictures
from phototag.report.write import Progress, Written, write_report
from tests import make, require
from tests.clustering import library_made

NOW = 1_790_000_000_000
QUIET = Progress(lambda total: None, lambda done: None)


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self.links += [value for name in ("href", "src") if (value := values.get(name)) and not value.startswith("#")]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return a clustered library; two photos have pictures, one of them twice."""
    library = library_made.make(tmp_path / "photos")
    for rel in ("beach/000.jpg", "beach/001.jpg"):
        Path(library.tree.path(rel)).write_bytes(make.encoded(make.picture((320, 200), seed=3)))
    for suffix in ("", ".phototag"):
        source = Path(library.tree.path("beach/000.jpg" + suffix))
        Path(library.tree.path("odd/copy.jpg" + suffix)).write_bytes(source.read_bytes())
    made = make_run(library.index(), Choice(options=Options(min_size=5)), now_ms=NOW)
    library.decide("cluster", "test", [made.edit])
    return library


def report(library: Library, out: Path, *, strip: Sequence[str] = (), originals: bool = False) -> Written:
    """Write the report of the current run."""
    index = library.index()
    membership = index.clusters.current()
    assert membership is not None
    return write_report(
        index, membership, str(out), title="My photos", strip=strip, originals=originals, progress=QUIET
    )


def pages(out: Path) -> dict[str, Page]:
    """Return every page by its path."""
    return {str(path.relative_to(out)): Page(path.read_text("utf-8")) for path in out.rglob("*.html")}


def test_every_link_is_relative_and_resolves(library: Library, tmp_path: Path) -> None:
    done = report(library, tmp_path / "report")
    found = pages(tmp_path / "report")
    assert done.pages == len(found) == 2 + 4 + 1
    for name, page in found.items():
        for link in page.links:
            if link.startswith("data:image/svg+xml,"):
                continue
            assert not re.match(r"[a-z]+:|/", link), link
            target = (tmp_path / "report" / name).parent / unquote(link.partition("#")[0].partition("?")[0])
            assert target.is_file(), f"{name}: {link}"
    assert "http" not in (tmp_path / "report/assets/report.css").read_text()


def test_a_thumbnail_is_written_once_for_all_copies(library: Library, tmp_path: Path) -> None:
    done = report(library, tmp_path / "report")
    small = list((tmp_path / "report/thumbs").rglob("*-240.webp"))
    assert len(small) == 2
    assert done.missing == 4 * 12 + 3 - 2
    assert report(library, tmp_path / "report").thumbnails == 0


def test_a_copy_that_is_here_and_as_it_was_is_shown(tmp_path: Path) -> None:
    original, copies = make.encoded(make.picture((320, 200), seed=3)), [f"copies/{number}.jpg" for number in range(3)]
    library = library_made.make(tmp_path / "photos", groups=("beach",))
    for rel in copies:
        library_made.photo(library, rel, np.eye(library_made.DIM)[0], {"beach": 0.9}, image=original)
    made = make_run(library.index(), Choice(options=Options(min_size=5)), now_ms=NOW)
    library.decide("cluster", "test", [made.edit])
    Path(library.tree.path(copies[0])).write_bytes(make.encoded(make.picture((200, 320), seed=4)))
    Path(library.tree.path(copies[1])).unlink()
    report(library, tmp_path / "report")
    with Image.open(next((tmp_path / "report/thumbs").rglob("*-240.webp"))) as shown:
        assert shown.size == (240, 150)


def test_places_and_people_can_be_left_out(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "all")
    report(library, tmp_path / "stripped", strip=["gps", "faces", "people"])
    everything, stripped = (
        "".join(p.read_text("utf-8") for p in (tmp_path / name).rglob("*") if p.suffix in (".html", ".js"))
        for name in ("all", "stripped")
    )
    for place in ("Nice", "Oslo", "Rome"):
        assert place in everything
        assert place not in stripped


def test_names_that_are_places_are_left_out_of_finer_groups_too(library: Library, tmp_path: Path) -> None:
    index = library.index()
    found = index.clusters.current()
    assert found is not None
    names = ["Nice in summer", "Nice", "beach · Nice", "beach · Oslo"]
    leaves = {n: Cluster(6, name, theme=n // 2, place=name.split()[-1]) for n, name in enumerate(names)}
    leaves[0] = msgspec.structs.replace(leaves[0], place="Nice")
    themes = {n: Cluster(12, f"day, brown · {place}", place=place) for n, place in enumerate(["Nice", "Oslo"])}
    membership = found.relabelled(msgspec.structs.replace(found.document, leaves=leaves, themes=themes))
    leaf = membership.labels * 2 + np.arange(index.size) % 2
    membership.__dict__["columns"] = msgspec.structs.replace(membership.columns, leaf=leaf.astype(np.int32))
    write_report(index, membership, str(tmp_path / "report"), title="My photos", strip=["gps"], progress=QUIET)
    shown = {path.name: path.read_text("utf-8") for path in (tmp_path / "report").rglob("*.html")}
    assert not [name for name, text in shown.items() if "Nice" in text or "Oslo" in text]
    assert re.findall(r"<h3><bdi>(.*?)</bdi>", shown["0000.html"]) == ["summer", "group 1"]
    assert re.findall(r"<h3><bdi>(.*?)</bdi>", shown["0001.html"]) == ["beach", "beach 2"]
    assert re.findall(r"<h2><bdi>(.*?)</bdi>", shown["index.html"])[:2] == ["day, brown", "day, brown 2"]


def test_nothing_of_an_earlier_report_stays(library: Library, tmp_path: Path) -> None:
    out = tmp_path / "report"
    report(library, out)
    stale = [out / "clusters/0042.html", out / "clusters/none-2.html", out / "thumbs/ab/abcdef0123456789-240.webp"]
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    (out / "notes.txt").write_text("mine")
    report(library, out)
    assert not any(path.exists() for path in stale)
    assert (out / "notes.txt").read_text() == "mine"


def test_what_is_unknown_cannot_be_stripped(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot strip 'dates'"):
        report(library, tmp_path / "report", strip=["dates"])


def test_a_label_cannot_smuggle_markup(library: Library, tmp_path: Path) -> None:
    current = runs.read(library.tree, runs.current(library.tree))
    library.decide("rename", "x", rename_edits(current, {0: "<script>alert(1)</script>"}))
    report(library, tmp_path / "report")
    for path in (tmp_path / "report").rglob("*.html"):
        assert "<script>alert" not in path.read_text("utf-8")


def test_long_clusters_are_paged(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "PHOTOS_A_PAGE", 5)
    monkeypatch.setattr(write, "CARDS_A_PAGE", 3)
    report(library, tmp_path / "report")
    names = {path.name for path in (tmp_path / "report").rglob("*.html")}
    assert {"index-2.html", "0000-2.html", "0000-3.html"} <= names
    second = (tmp_path / "report/clusters/0000-2.html").read_text("utf-8")
    assert 'rel="prev" href="0000.html"' in second
    assert 'rel="next" href="0000-3.html"' in second


def test_pages_can_be_read_without_eyes(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "report")
    for name, page in pages(tmp_path / "report").items():
        assert page.count("h1") == 1, name
        assert page.count("main") == 1
        assert ("html", {"lang": "en"}) in page.tags
        for tag, values in page.tags:
            if tag == "img" and name != "map.html":
                assert values.get("alt"), name
            if tag in ("svg", "canvas"):
                assert values.get("aria-label") or values.get("aria-hidden") == "true", name
            if tag == "nav":
                assert values.get("aria-label")


def test_the_map_knows_every_photo(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "report")
    text = (tmp_path / "report/assets/map-data.js").read_text()
    value = json.loads(text.removeprefix("window.PHOTOTAG_MAP = ").removesuffix(";\n"))
    assert len(value["clusters"]) == 5
    assert len(base64.b64decode(value["labels"])) == 4 * 52
    assert len(base64.b64decode(value["keys"])) == 8 * 52


def test_the_map_knows_every_date(library: Library, tmp_path: Path) -> None:
    days = {"1950-05-01": -7185, "9999-12-31": 2932896, "1970-01-01": 0, "": -(1 << 31)}
    for number, taken in enumerate(days):
        library_made.photo(library, f"old/{number}.jpg", np.ones(library_made.DIM), {"old": 0.9}, taken=taken)
    made = make_run(library.index(), Choice(options=Options(min_size=5)), now_ms=NOW + 60_000)
    library.decide("cluster", "test", [made.edit])
    report(library, tmp_path / "report")
    text = (tmp_path / "report/assets/map-data.js").read_text()
    value = json.loads(text.removeprefix("window.PHOTOTAG_MAP = ").removesuffix(";\n"))
    kept = np.frombuffer(base64.b64decode(value["days"]), "<i4")
    assert value["undated"] == days[""]
    assert set(days.values()) <= set(kept.tolist())
    old = int(np.flatnonzero(kept == -7185)[0])
    assert f", 1950-05-01, photo {old + 1} of 56<" in map_in_a_browser(tmp_path, f"photo={old}")
    bare = int(np.flatnonzero(kept == days[""])[0])
    assert re.search(rf'id="status">[^<,]+, photo {bare + 1} of 56<', map_in_a_browser(tmp_path, f"photo={bare}"))


def test_originals_are_linked_relatively(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "report", originals=True)
    links = {
        link for page in pages(tmp_path / "report").values() for link in page.links if link.endswith("beach/000.jpg")
    }
    assert links == {"../../photos/beach/000.jpg"}


@pytest.mark.parametrize("what", ["library", "other files", "a file"])
def test_nothing_else_is_written_over(library: Library, tmp_path: Path, what: str) -> None:
    out = tmp_path / "report"
    if what == "library":
        out = Path(library.tree.root)
    elif what == "a file":
        out.write_text("x")
    else:
        out.mkdir()
        (out / "assets").mkdir(parents=True)
        (out / "index.html").write_text("x")
    with pytest.raises(UsageError):
        report(library, out)


def test_an_interrupted_report_is_written_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Pictures, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            report(library, tmp_path / "report")
    assert report(library, tmp_path / "report").clusters == 4


def test_a_report_inside_the_library_is_not_scanned(library: Library) -> None:
    report(library, Path(library.tree.root) / "report")
    before = {folder.rel for folder in walk(library.tree)}
    assert "beach" in before
    assert not [rel for rel in before if rel.startswith("report/")]
    assert not [folder for folder in walk(library.tree) if folder.rel == "report" and folder.images]


def test_countries_are_named_by_a_script(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "report")
    shown = [path for path in (tmp_path / "report/clusters").iterdir() if "data-country" in path.read_text("utf-8")]
    assert shown
    for path in shown:
        assert ', <span data-country="XX">XX</span>' in path.read_text("utf-8"), "the code stands without a script"
        assert "../assets/countries.js" in pages(tmp_path / "report")[f"clusters/{path.name}"].links


def test_one_photo_is_not_photos(library: Library, tmp_path: Path) -> None:
    for path in [*Path(library.tree.root).glob("beach/*.jpg*"), *Path(library.tree.root).glob("odd/copy.jpg*")]:
        if path.name.removesuffix(".phototag") != "005.jpg":
            path.unlink()
    report(library, tmp_path / "report")
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "report").rglob("*.html"))
    assert "1 photo, " in text
    assert not re.search(r"(?<![\d,])1 photos", text)


def test_the_report_of_the_same_run_is_the_same(library: Library, tmp_path: Path) -> None:
    for name in ("one", "two"):
        report(library, tmp_path / name)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_a_report_without_any_cluster(tmp_path: Path) -> None:
    library = library_made.make(tmp_path / "photos", each=0, noise=2)
    made = make_run(library.index(), Choice(), now_ms=NOW)
    library.decide("cluster", "test", [made.edit])
    done = report(library, tmp_path / "report")
    assert (done.clusters, done.photos) == (0, 2)
    text = (tmp_path / "report/index.html").read_text("utf-8")
    assert "2 different photos are too few: a cluster has 3 at least." in text
    assert "0 groups" not in text
    assert 'aria-label="Other clusters"' not in (tmp_path / "report/clusters/none.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("copies", "says"), [(0, "One photo is too few: a cluster has"), (39, "All 40 photos are copies of one picture")]
)
def test_a_report_says_why_there_is_no_cluster(tmp_path: Path, copies: int, says: str) -> None:
    library = library_made.make(tmp_path / "photos", groups=(), noise=1)
    for suffix in ("", ".phototag"):
        source = Path(library.tree.path(f"odd/0.jpg{suffix}")).read_bytes()
        for number in range(1, copies + 1):
            Path(library.tree.path(f"odd/{number}.jpg{suffix}")).write_bytes(source)
    library.decide("cluster", "test", [make_run(library.index(), Choice(), now_ms=NOW).edit])
    report(library, tmp_path / "report")
    for page in ("index.html", "clusters/none.html"):
        text = (tmp_path / "report" / page).read_text("utf-8")
        assert says in text
        assert "--min-size" not in text
        assert "like too few others" not in text


def test_the_command(library: Library, tmp_path: Path) -> None:
    done = make.phototag("report", library.tree.root, "--out", tmp_path / "report", "--strip", "gps, people", "--json")
    value = json.loads(done.stdout)
    assert value["clusters"] == 4
    assert os.path.isfile(os.path.join(value["out"], "index.html"))


def test_the_map_runs_in_a_browser(library: Library, tmp_path: Path) -> None:
    report(library, tmp_path / "report")
    shown = map_in_a_browser(tmp_path, "photo=7")
    lens = re.search(r'<div class="lens" id="lens"([^>]*)>', shown)
    assert lens is not None
    assert "hidden" not in lens.group(1)
    assert re.search(r'id="status">[^<]+, photo 8 of 52<', shown)


def map_in_a_browser(folder: Path, fragment: str) -> str:
    """Return the map of the report in ``folder`` as a browser has made it."""
    browser = require.tool("chromium")
    url = (folder / "report/map.html").as_uri() + "#" + fragment
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", url],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert "Uncaught" not in done.stderr
    return done.stdout
