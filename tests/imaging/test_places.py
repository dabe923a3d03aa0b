import importlib.util

import pytest

from phototag.errors import MissingExtraError
from phototag.imaging.places import NullPlaces, Places, open_places
from tests import require


@pytest.fixture(scope="module")
def towns() -> Places:
    require.module("reverse_geocoder")
    return open_places()


def test_cities(towns: Places, capfd: pytest.CaptureFixture[str]) -> None:
    nice, paris, wellington = towns.nearest([(43.7, 7.26), (48.8566, 2.3522), (-41.2866, 174.7756)])
    assert (nice.city, nice.country) == ("Nice", "FR")
    assert (paris.city, paris.country) == ("Paris", "FR")
    assert (wellington.city, wellington.country) == ("Wellington", "NZ")
    assert (nice.lat, nice.lon) == (43.7, 7.26)
    assert 0 <= nice.km < 5
    assert capfd.readouterr() == ("", "")


def test_the_date_line_and_the_poles_have_neighbours(towns: Places) -> None:
    east, west, pole = towns.nearest([(-16.8, 179.999), (-16.8, -179.999), (90.0, 0.0)])
    assert east.city == west.city
    assert pole.country == "SJ"
    assert pole.km > 1000


def test_the_dataset_carries_a_version(towns: Places) -> None:
    name, _, version = towns.dataset.partition("@")
    assert name
    assert version
    assert towns.nearest([]) == []


def test_without_the_extra_nothing_is_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    places = open_places()
    assert isinstance(places, NullPlaces)
    assert places.dataset == ""
    assert places.nearest([]) == []
    with pytest.raises(MissingExtraError):
        places.nearest([(1.0, 2.0)])
