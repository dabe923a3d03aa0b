"""What the camera wrote becomes a tag; what it did not write is not claimed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phototag.models.builtin import facts, sun
from phototag.sidecar.model import Exif, Gps
from tests.models import draw


def measured(exif: Exif, gps: Gps | None = None) -> dict[str, float]:
    return facts.measure(draw.picture(draw.plain("#808080"), exif=exif, gps=gps))


def test_flash_fired_or_not_or_unknown() -> None:
    assert measured(Exif(flash=0x19))["flash"] == 1.0
    assert measured(Exif(flash=0x18))["flash"] == 0.0
    assert "flash" not in measured(Exif())


def test_long_exposure_grows_from_an_eighth_to_a_second() -> None:
    assert measured(Exif(exposure=(30, 1)))["long exposure"] == 1.0
    assert measured(Exif(exposure=(1, 250)))["long exposure"] == 0.0
    assert 0 < measured(Exif(exposure=(1, 2)))["long exposure"] < 1
    assert "long exposure" not in measured(Exif(exposure=(1, 0)))


@pytest.mark.parametrize(("focal35", "wide", "tele"), [(16, 1.0, 0.0), (50, 0.0, 0.0), (200, 0.0, 1.0)])
def test_lens_by_focal_length(focal35: int, wide: float, tele: float) -> None:
    found = measured(Exif(focal35=focal35))
    assert (found["wide-angle"], found["telephoto"]) == (wide, tele)


def test_macro_by_distance_and_a_macro_lens_alone_is_not_enough() -> None:
    assert measured(Exif(distance=(15, 100)))["macro"] == 1.0
    assert measured(Exif(distance=(3, 1)))["macro"] == 0.0
    assert "macro" not in measured(Exif(distance=(4294967295, 1)))
    assert measured(Exif(lens="EF100mm f/2.8 Macro USM"))["macro"] < 0.5


def test_selfie_camera_by_the_name_of_its_lens() -> None:
    assert measured(Exif(lens="iPhone 12 front camera 2.71mm f/2.2"))["selfie camera"] == 1.0
    assert "selfie camera" not in measured(Exif(lens="iPhone 12 back camera 4.2mm f/1.6"))


def test_burst() -> None:
    assert measured(Exif(burst="B0F2"))["burst"] == 1.0
    assert "burst" not in measured(Exif())


@pytest.mark.parametrize(
    ("month", "lat", "expected"),
    [
        (1, 48.0, "winter"),
        (4, 48.0, "spring"),
        (7, 48.0, "summer"),
        (10, 48.0, "autumn"),
        (12, 48.0, "winter"),
        (1, -34.0, "summer"),
        (7, -34.0, "winter"),
        (4, -34.0, "autumn"),
        (10, -34.0, "spring"),
    ],
)
def test_season_by_hemisphere(month: int, lat: float, expected: str) -> None:
    found = measured(Exif(taken=f"2024-{month:02}-15T12:00:00"), Gps(lat=lat, lon=0.0))
    assert [s for s in ("winter", "spring", "summer", "autumn") if s in found] == [expected]


@pytest.mark.parametrize("gps", [None, Gps(lat=1.3, lon=103.8)])
def test_no_season_without_a_hemisphere_or_in_the_tropics(gps: Gps | None) -> None:
    found = measured(Exif(taken="2024-01-15T12:00:00"), gps)
    assert not {"winter", "spring", "summer", "autumn"} & set(found)


@pytest.mark.parametrize(
    ("when", "lat", "lon", "expected_deg"),
    [
        # USNO tables and geometry: on the equator at the equinox noon the sun is in the zenith; at the solstices
        # the noon altitude is 90 - lat +- 23.44.
        (datetime(2024, 3, 20, 12, 7, 30, tzinfo=UTC), 0.0, 0.0, 89.8),
        (datetime(2024, 6, 20, 12, 1, 40, tzinfo=UTC), 51.4769, 0.0, 61.96),
        (datetime(2024, 12, 21, 11, 58, 0, tzinfo=UTC), 51.4769, 0.0, 15.09),
        (datetime(2024, 6, 20, 0, 1, 40, tzinfo=UTC), 51.4769, 0.0, -15.09),
        (datetime(2024, 12, 21, 2, 53, 0, tzinfo=UTC), -33.8688, 136.0, 79.57),
    ],
)
def test_altitude_of_the_sun(when: datetime, lat: float, lon: float, expected_deg: float) -> None:
    assert sun.altitude_deg(when, lat, lon) == pytest.approx(expected_deg, abs=0.25)


def test_day_night_and_golden_hour_in_paris() -> None:
    paris = (48.8566, 2.3522)
    noon = sun.measure(datetime(2024, 6, 21, 12, tzinfo=UTC), *paris)
    midnight = sun.measure(datetime(2024, 6, 21, 0, tzinfo=UTC), *paris)
    sunset = sun.measure(datetime(2024, 6, 21, 19, 45, tzinfo=UTC), *paris)  # the sun sets at 19:58 UTC
    assert noon == {"day": 1.0, "golden hour": 0.0, "night": 0.0}
    assert midnight == {"day": 0.0, "golden hour": 0.0, "night": 1.0}
    assert sunset == {"day": 1.0, "golden hour": 1.0, "night": 0.0}


def test_the_sun_needs_an_instant_and_a_place() -> None:
    taken, paris = "2024-06-21T14:00:00", Gps(lat=48.8566, lon=2.3522)
    clock = Gps(lat=48.8566, lon=2.3522, utc="2024-06-21T12:00:00")
    stale = Gps(lat=48.8566, lon=2.3522, utc="2024-06-19T02:00:00")
    assert measured(Exif(taken=taken, offset="+02:00"), paris)["day"] == 1.0
    assert measured(Exif(taken=taken), clock)["day"] == 1.0
    assert measured(Exif(), clock)["day"] == 1.0
    for exif, gps in (
        (Exif(taken=taken), paris),
        (Exif(taken=taken, offset="+02:00"), None),
        (Exif(taken=taken), stale),
        (Exif(taken=taken, offset="+99:00"), paris),
        (Exif(taken="9999-12-31T23:59:59", offset="-14:00"), paris),  # in UTC it is the year 10000
    ):
        assert not {"day", "night", "golden hour"} & set(measured(exif, gps))


def test_the_offset_moves_the_instant_to_utc() -> None:
    east = sun.instant_of(Exif(taken="2024-06-21T14:00:00.123", offset="+05:30"), None)
    west = sun.instant_of(Exif(taken="2024-06-21T14:00:00", offset="-03:00"), None)
    assert east == datetime(2024, 6, 21, 8, 30, tzinfo=UTC)
    assert west == datetime(2024, 6, 21, 17, 0, tzinfo=UTC)
