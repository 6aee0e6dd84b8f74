"""Calendar features and holidays."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import (
    CALENDAR_FEATURES,
    NO_FAMILY_HOLIDAY,
    HolidayCalendar,
    black_friday,
    calendar_features,
    family_holiday,
    holiday_calendar,
)


def features_of(country: str, *days: str) -> list[dict[str, float]]:
    calendar = holiday_calendar(country, date(2017, 1, 1), date(2017, 12, 31))
    table = calendar_features(np.array(days, dtype="datetime64[D]"), calendar)
    return [dict(zip(CALENDAR_FEATURES, values, strict=True)) for values in table.tolist()]


def test_a_known_saturday_is_described():
    (day,) = features_of("US", "2017-12-23")
    assert day == {
        "weekday": 5,
        "day_of_month": 23,
        "week_of_month": 3,
        "weekend": 1,
        "days_to_holiday": 2,
        "days_since_holiday": 4,
        "holiday": 0,
    }


def test_a_holiday_is_no_days_from_itself():
    eve, christmas, after = features_of("US", "2017-12-24", "2017-12-25", "2017-12-26")
    assert (eve["days_to_holiday"], christmas["holiday"], after["days_since_holiday"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("country", "day", "expected"),
    [
        ("US", "2017-07-03", NO_FAMILY_HOLIDAY),  # people go out on Independence Day
        ("US", "2017-11-16", -7),
        ("US", "2017-11-23", 0),
        ("US", "2017-11-25", 2),
        ("US", "2017-12-26", -6),  # between two the one to come counts
        ("FR", "2017-04-17", 0),  # Easter Monday
        ("FR", "2017-07-14", NO_FAMILY_HOLIDAY),
        ("DE", "2017-12-24", -1),
        ("XX", "2017-12-24", NO_FAMILY_HOLIDAY),
    ],
)
def test_holidays_that_families_spend_at_home_have_a_distance_of_their_own(country, day, expected):
    """A shop that closes on Thanksgiving was forecast to sell more, as on Independence Day and Labor Day before."""
    calendar = holiday_calendar(country, date(2017, 1, 1), date(2017, 12, 31))
    assert family_holiday(np.array([day], dtype="datetime64[D]"), calendar).tolist() == [expected]


def test_the_last_day_after_a_family_holiday_that_counts_is_the_third():
    days = np.datetime64("2017-04-16") + np.arange(6)
    easter = HolidayCalendar("US", {date(2017, 4, 16): "Easter Sunday"})
    assert family_holiday(days, easter).tolist() == [0, 1, 2, 3, NO_FAMILY_HOLIDAY, NO_FAMILY_HOLIDAY]


def test_distances_are_capped_far_from_holidays():
    (day,) = features_of("US", "2017-08-01")
    assert (day["days_to_holiday"], day["days_since_holiday"]) == (8, 4)


@pytest.mark.parametrize("code", ["US", "us", " USA "])
def test_the_country_is_read_in_either_case_and_length(code):
    names = holiday_calendar(code, date(2017, 1, 1), date(2017, 12, 31)).names
    assert names[date(2017, 11, 23)] == "Thanksgiving Day"
    assert names[date(2017, 4, 16)] == "Easter Sunday"


def test_holidays_that_shoppers_ignore_are_left_out():
    names = holiday_calendar("US", date(2017, 1, 1), date(2017, 12, 31)).names.values()
    assert not {"Veterans Day", "Columbus Day"} & set(names)


def test_a_holiday_just_after_the_last_day_is_known():
    assert date(2018, 1, 1) in holiday_calendar("DE", date(2017, 12, 1), date(2017, 12, 28)).names


@pytest.mark.parametrize("code", ["XX", "", "Atlantis"])
def test_an_unknown_country_has_no_holidays_and_says_so(code):
    calendar = holiday_calendar(code, date(2017, 1, 1), date(2017, 12, 31))
    assert not calendar.names
    assert "RETAIL_COUNTRY" in str(calendar.note)
    table = calendar_features(np.array(["2017-12-25"], dtype="datetime64[D]"), calendar)
    assert table[0, -3:].tolist() == [8, 4, 0]


def test_a_country_without_christmas_gets_no_easter():
    names = holiday_calendar("JP", date(2017, 1, 1), date(2017, 12, 31)).names
    assert names
    assert "Easter Sunday" not in names.values()


def test_black_friday_is_a_retail_day_of_its_own_only_where_thanksgiving_does_not_announce_it() -> None:
    friday = date(2025, 11, 28)
    assert holiday_calendar("DE", date(2025, 11, 1), date(2025, 11, 30)).names.get(friday) == "Black Friday"
    american = holiday_calendar("US", date(2025, 11, 1), date(2025, 11, 30)).names
    assert american.get(date(2025, 11, 27)) == "Thanksgiving Day"
    assert friday not in american


@pytest.mark.parametrize(("year", "day"), [(2018, 23), (2019, 29), (2024, 29), (2026, 27)])
def test_black_friday_follows_the_fourth_thursday(year: int, day: int) -> None:
    assert black_friday(year) == date(year, 11, day)
