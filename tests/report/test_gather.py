"""What stands for a cluster, its colours, its times."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.report.bars import Bar, bars
from phototag.report.choose import examples, outlying
from phototag.report.colours import GREY, colour
from phototag.report.gather import Collection, gather
from tests.clustering import library_made
from tests.clustering.made import clustered


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    library = library_made.make(tmp_path_factory.mktemp("gather") / "photos")
    index = library.index()
    document = make_run(index, Choice(options=Options(min_size=5)), now_ms=1_790_000_000_000).document
    return gather(index, index.clusters.of(document), title="Mine")


def test_every_photo_is_on_one_page(collection: Collection) -> None:
    rows = np.concatenate([page.rows for page in [*collection.clusters, collection.none]])
    assert len(rows) == len(set(rows.tolist())) == collection.photos == 51
    assert abs(sum(page.share for page in [*collection.clusters, collection.none]) - 1) < 1e-9
    assert len(collection.map_rows) == 51


def test_a_page_says_when_and_where(collection: Collection) -> None:
    beach = next(page for page in collection.clusters if page.label.startswith("beach"))
    assert beach.places == [Bar("Nice", "12", 1.0, "XX")]
    assert beach.years == "2024"
    assert beach.times is not None
    assert [(bar.label, bar.value) for bar in beach.times.bars if bar.share] == [("2024-07", "12")]
    assert len(beach.times.bars) == 12, "a whole year"
    assert beach.terms[0].label == "beach"
    assert beach.terms[0].share == 1.0


def test_the_largest_come_first_as_they_are_now(tmp_path: Path) -> None:
    """Clusters are numbered by what they were when they were made; photos come and go since."""
    library = library_made.make(tmp_path / "photos")
    document = make_run(library.index(), Choice(options=Options(min_size=5)), now_ms=1_790_000_000_000).document
    gone = next(n for n in document.clusters if document.label(n).startswith("beach"))
    for number in range(11):
        for suffix in ("", ".phototag"):
            (tmp_path / f"photos/beach/{number:03}.jpg{suffix}").unlink()
    index = library.index()
    found = gather(index, index.clusters.of(document), title="Mine")
    assert [page.size for page in found.clusters] == [12, 12, 12, 1]
    assert found.clusters[-1].number == gone


def test_photos_are_in_order_of_their_dates_and_those_without_one_last(tmp_path: Path) -> None:
    library = library_made.make(tmp_path / "photos")
    vector = np.eye(library_made.DIM)[0]
    for name, taken in (("000", ""), ("001", "1950-05-01T10:00:00"), ("002", "1970-01-01T00:00:00")):
        library_made.photo(library, f"beach/x{name}.jpg", vector, {"beach": 0.95}, taken=taken)
    index = library.index()
    document = make_run(index, Choice(options=Options(min_size=5)), now_ms=1_790_000_000_000).document
    found = gather(index, index.clusters.of(document), title="Mine")
    beach = next(page for page in found.clusters if page.label.startswith("beach"))
    names = [index.path(row).removeprefix("beach/") for row in beach.rows.tolist()]
    assert (names[:2], names[-1]) == (["x001.jpg", "x002.jpg"], "x000.jpg")


def test_noise_is_not_dressed_up_as_a_cluster(collection: Collection) -> None:
    none = collection.none
    assert (none.number, none.slug, none.size, none.colour) == (-1, "none", 3, GREY)
    assert none.terms == []
    assert none.times is None


def test_examples_begin_in_the_middle_and_differ() -> None:
    vectors = clustered(400, themes=1, each=1, noise=0.0)[0]
    chosen = examples(vectors)
    assert len(set(chosen.tolist())) == 12
    middle = vectors.mean(axis=0)
    to_middle = vectors @ (middle / np.linalg.norm(middle))
    assert chosen[0] == to_middle.argmax()
    assert to_middle[chosen].min() >= np.quantile(to_middle, 0.4)
    others = (vectors[chosen] @ vectors[chosen].T)[~np.eye(12, dtype=bool)].mean()
    plain = np.argsort(-to_middle)[:12]
    assert others < (vectors[plain] @ vectors[plain].T)[~np.eye(12, dtype=bool)].mean()


def test_the_least_typical_come_first() -> None:
    vectors = clustered(200, themes=1, each=1, noise=0.0)[0]
    vectors[17] = -vectors[17]
    assert outlying(vectors)[0] == 17
    assert len(outlying(vectors[:10])) == 0


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_photos_are_all_examples(n: int) -> None:
    assert sorted(examples(clustered(20)[0][:n]).tolist()) == list(range(n))


def test_colours_are_colours_and_differ() -> None:
    made = [colour(number) for number in range(24)]
    assert all(re.fullmatch(r"#[0-9a-f]{6}", one) for one in made)
    assert len(set(made)) == 24
    assert colour(-1) == GREY


def test_bars_are_cut_and_ordered() -> None:
    made = bars({(f"place {n}", "FR"): n for n in range(1, 30)})
    assert len(made) == 12
    assert made[0] == Bar("place 29", "29", 1.0, "FR")
    assert made[-1].share == 18 / 29


def test_a_theme_shows_its_finer_groups(tmp_path: Path) -> None:
    library = library_made.make(tmp_path / "photos", each=10)
    index = library.index()
    document = make_run(index, Choice(options=Options(min_size=3)), now_ms=1_790_000_000_000).document
    found = gather(index, index.clusters.of(document), title="Mine")
    for page in found.clusters:
        parts = [n for n, leaf in document.leaves.items() if leaf.theme == page.number]
        assert len(page.parts) == (len(parts) if len(parts) > 1 else 0)
        assert sum(part.size for part in page.parts) <= page.size
