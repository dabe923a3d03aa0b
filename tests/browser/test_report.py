"""The report on screens of every width: rows that are filled and whole, labels that have room."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.report.write import Progress, write_report
from tests import make
from tests.clustering import library_made

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")

QUIET = Progress(lambda total: None, lambda done: None)
SPANS = {"beach": (2024, 2024), "forest": (2021, 2024), "city": (1990, 2023), "snow": (1931, 2024)}
TILES = """
[...document.querySelectorAll('.row')].map(row => { const rows = {}, edge = row.getBoundingClientRect().right;
  for (const tile of row.children) { const box = tile.getBoundingClientRect(), image = tile.querySelector('.absent, img');
    (rows[Math.round(box.top)] ??= []).push([edge - box.right, box.width / box.height,
      +getComputedStyle(tile).getPropertyValue('--ratio'), image.getBoundingClientRect().height - box.height]); }
  return Object.values(rows); })
"""
LABELS = """
[...document.querySelectorAll('.ends li')].filter(item => item.offsetParent).map(item => {
  const range = document.createRange(); range.selectNodeContents(item);
  const box = range.getBoundingClientRect(); return [box.left, box.right]; })
"""


@pytest.fixture(scope="module")
def report(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report of clusters of one year to a century."""
    root = tmp_path_factory.mktemp("report")
    library = library_made.make(root / "photos", each=0, groups=(), noise=2)
    for at, (group, (first, last)) in enumerate(SPANS.items()):
        for number in range(14):
            vector = np.eye(library_made.DIM)[at] * 4 + 0.4 * np.random.default_rng([at, number]).standard_normal(16)
            year = first + (last - first) * number // 13
            rel = f"{group}/{number:03}.jpg"
            library_made.photo(library, rel, vector, {group: 0.9}, taken=f"{year}-{1 + number % 12:02}-10T10:00:00")
            Path(library.tree.path(rel)).write_bytes(make.encoded(make.picture((80, 60), seed=number + 1)))
    made = make_run(library.index(), Choice(options=Options(min_size=5)), now_ms=1_790_000_000_000)
    index = library.index()
    write_report(index, index.clusters.of(made.document), str(root / "report"), title="Mine", progress=QUIET)
    return root / "report"


@pytest.fixture(params=[320, 360, 700, 1280])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Page:
    """Return a page of a phone's, a tablet's or a desk's width."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800})
    request.addfinalizer(context.close)
    return context.new_page()


@pytest.mark.parametrize("number", range(4))
def test_a_cluster_fits_every_screen(report: Path, page: Page, number: int) -> None:
    page.goto((report / f"clusters/{number:04}.html").as_uri())
    page.wait_for_load_state("load")
    for rows in page.evaluate(TILES):
        for row in rows:
            assert all(abs(shape - ratio) < 0.02 and abs(tall) < 1 for _, shape, ratio, tall in row), (
                "nothing is cropped"
            )
        assert all(abs(row[-1][0]) < 1 for row in rows[:-1]), "no ragged edge"
    labels = page.evaluate(LABELS)
    assert labels
    assert all(after[0] - before[1] >= 4 for before, after in itertools.pairwise(labels))
    assert labels[-1][1] <= page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("file", "selector"),
    [("index.html", ".shares a"), ("map.html", ".legend button span"), ("clusters/0000.html", ".bars .track span")],
)
def test_colours_that_say_something_stay(report: Path, chromium: Browser, file: str, selector: str) -> None:
    with chromium.new_context(forced_colors="active") as context:
        page = context.new_page()
        page.goto((report / file).as_uri())
        colours = page.eval_on_selector_all(
            selector, "(all) => all.map((one) => getComputedStyle(one).backgroundColor)"
        )
        assert colours
        assert "rgb(255, 255, 255)" not in colours
        here = "(all) => all.map((one) => [one.ariaCurrent, getComputedStyle(one).borderBottomColor])"
        marked = page.eval_on_selector_all(".bar nav a", here)
        assert not {colour for current, colour in marked if current} & {
            colour for current, colour in marked if not current
        }
