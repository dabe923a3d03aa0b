"""When photos were taken: units that stay readable, labels that have room, dates that are mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phototag.report.times import BARS_MOST, WIDTHS, Histogram, histogram, years


def of(*dates: str) -> Histogram:
    found = histogram(np.array(dates, "datetime64[us]"))
    assert found is not None
    return found


def labels(found: Histogram, width: str) -> list[str]:
    return [tick.text for tick in found.ticks if width in tick.widths.split()]


def test_a_year_by_month() -> None:
    found = of("2024-07-01", "2024-07-09", "2024-11-30")
    assert (found.unit, len(found.bars), found.first, found.last) == ("month", 12, "2024-01", "2024-12")
    assert {bar.label: bar.value for bar in found.bars if bar.share} == {"2024-07": "2", "2024-11": "1"}
    assert labels(found, "wide") == ["2024", *(f"{month:02}" for month in range(2, 13))]
    assert labels(found, "narrow") == ["2024", "03", "05", "07", "09", "11"]


def test_some_years_by_month_and_more_by_year() -> None:
    assert labels(of("2020-03-01", "2023-02-01"), "narrow") == ["2020", "2021", "2022", "2023"]
    years = of("2001-05-01", "2024-05-01")
    assert (years.unit, len(years.bars)) == ("year", 24)
    assert labels(years, "wide") == [str(year) for year in range(2001, 2025)]
    assert labels(years, "narrow") == ["2005", "2010", "2015", "2020"]


def test_a_lifetime_by_decade() -> None:
    found = of("1931-01-01", "1950-06-01", "1952-06-01", "2024-01-01")
    assert found.unit == "decade"
    assert [(bar.label, bar.value) for bar in found.bars if bar.share] == [
        ("1930s", "1"),
        ("1950s", "2"),
        ("2020s", "1"),
    ]
    assert labels(found, "wide")[0] == "1930s"
    assert found.left_out == ""


def test_a_date_far_from_all_others_is_left_out_and_said() -> None:
    found = of(*["2024-05-01"] * 30, "2023-05-01", "9999-12-31")
    assert (found.unit, found.last) == ("month", "2024-12")
    assert found.left_out == "1 photo dated 9999 is left out here."
    both = of("0001-01-01", *["2024-05-01"] * 100, "9998-01-01", "9999-12-31")
    assert both.last == "2024-12"
    assert both.left_out == "3 photos dated 1 to 9999 are left out here."
    assert sum(int(bar.value) for bar in both.bars) == 100


def test_many_far_dates_are_no_mistake() -> None:
    found = of(*["1650-01-01"] * 10, *["2024-05-01"] * 10)
    assert (found.unit, found.left_out) == ("decade", "")
    assert of("2024-01-01", "9999-01-01").unit == "century"


def test_years_in_words() -> None:
    for said, dates in {"": [], "2024": ["2024-02-01"], "1950–2024": ["2024-02-01", "1950-01-01"]}.items():
        assert years(np.array(dates, "datetime64[us]")) == said
    assert years(np.array(["2023-02-01"] * 3 + ["9999-01-01"], "datetime64[us]")) == "2023"


def test_nothing_dated_has_no_bars() -> None:
    assert histogram(np.array([], "datetime64[us]")) is None


@given(st.lists(st.integers(1, 9999 * 12), min_size=2, max_size=30))
def test_bars_stay_few_and_labels_have_room(months: list[int]) -> None:
    found = histogram((np.array(months) - 1970 * 12).astype("datetime64[M]").astype("datetime64[us]"))
    assert found is not None
    assert len(found.bars) <= max(60, BARS_MOST + 1, 101)
    columns = max(len(found.bars), 12)
    for width, most in WIDTHS.items():
        starts = [tick.column - 1 for tick in found.ticks if width in tick.widths.split()]
        gaps = np.diff([*starts, columns])
        assert (gaps * most >= columns).all()


@pytest.mark.parametrize("years", [5, 9, 13, 21, 41])
def test_there_is_a_label_at_every_width(years: int) -> None:
    found = of("2000-01-01", f"{2000 + years - 1}-12-31")
    assert all(labels(found, width) for width in WIDTHS)
