"""Countries are asked for by name; sidecars hold their codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.search import countries
from phototag.search.filters import Filters, select
from phototag.search.find import query
from phototag.search.vocabulary import vocabulary
from phototag.sidecar.model import Place
from tests.index import sidecars_made as made
from tests.search.library_made import paths

PLACES = {
    "nice.jpg": ("Nice", "Provence", "FR"),
    "owner.jpg": ("Lyon", "", "France"),
    "london.jpg": ("London", "England", "GB"),
    "conakry.jpg": ("Conakry", "Conakry", "GN"),
    "moresby.jpg": ("Port Moresby", "National Capital", "PG"),
    "atlanta.jpg": ("Atlanta", "Georgia", "US"),
    "tbilisi.jpg": ("Tbilisi", "T'bilisi", "GE"),
    "seoul.jpg": ("Seoul", "Seoul", "KR"),
    "pyongyang.jpg": ("Pyongyang", "Pyongyang", "KP"),
    "goreme.jpg": ("Goereme", "Nevsehir", "TR"),
    "zurich.jpg": ("Zürich", "Zürich", "CH"),
    "tromso.jpg": ("Tromsø", "Troms", "NO"),
    "ascii.jpg": ("Tromso", "Troms", "NO"),
    "atlantis.jpg": ("Poseidonis", "", "Atlantis"),
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    tree = made.library(tmp_path_factory.mktemp("countries"))
    for rel, (city, region, country) in PLACES.items():
        made.add(tree, rel, place=Place(city, region, country, 1.0, 1.0))
    refresh(tree)
    return made.opened(tree)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("France", {"nice.jpg", "owner.jpg"}),
        ("fr", {"nice.jpg", "owner.jpg"}),
        ("UK", {"london.jpg"}),
        ("great britain", {"london.jpg"}),
        ("USA", {"atlanta.jpg"}),
        ("Georgia", {"atlanta.jpg", "tbilisi.jpg"}),
        ("Guinea", {"conakry.jpg"}),
        ("Guin*", {"conakry.jpg", "moresby.jpg"}),
        ("Korea", {"seoul.jpg", "pyongyang.jpg"}),
        ("Türkiye", {"goreme.jpg"}),
        ("Turkey", {"goreme.jpg"}),
        ("Göreme", {"goreme.jpg"}),
        ("Goreme", set()),
        ("Zuerich", {"zurich.jpg"}),
        ("zurich", {"zurich.jpg"}),
        ("Tromsø", {"tromso.jpg", "ascii.jpg"}),
        ("tromso", {"tromso.jpg", "ascii.jpg"}),
        ("atlantis", {"atlantis.jpg"}),
        ("Francia", set()),
    ],
)
def test_places(index: Index, place: str, expected: set[str]) -> None:
    assert set(index.paths(np.flatnonzero(select(index, Filters(places=(place,)))))) == expected


def test_words_find_countries_and_umlauts(index: Index) -> None:
    assert set(paths(index, query(index, "france"))) == {"nice.jpg", "owner.jpg"}
    assert set(paths(index, query(index, "south korea"))) >= {"seoul.jpg"}
    assert paths(index, query(index, "Göreme")) == ["goreme.jpg"]
    assert paths(index, query(index, "zuerich")) == ["zurich.jpg"]


def test_names_are_offered_by_the_tab_key(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "x.jpg", place=Place("Nice", "Provence", "FR", 1.0, 1.0))
    refresh(tree)
    assert vocabulary(tree).place == ("FR", "France", "Nice", "Provence")


def test_every_name_is_of_one_country() -> None:
    known = countries.names()
    assert len(known) == 250
    for code, names in known.items():
        assert len(code) == 2
        assert code.isupper()
        assert {countries.code_of(text) for text in (code, code.lower(), *names)} == {code}
    assert countries.code_of("St. Kitts and Nevis") == countries.code_of("Saint Kitts & Nevis") == "KN"
    assert countries.code_of("the Netherlands") == "NL"
    assert countries.code_of("saint") is countries.code_of("") is None
    assert countries.names_of("fr")[0] == "France"
    assert countries.names_of("France") == ()
