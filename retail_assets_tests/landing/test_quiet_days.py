"""Silence that a source's own past explains: weekdays off, holidays without sales a year ago; anything else is news."""

from __future__ import annotations

import datetime as dt

import holidays
import pytest

from retail_assets.landing.quiet_days import why_silent

US = {day: name for day, name in holidays.country_holidays("US", years=(2022, 2023, 2024), observed=False).items()}
CHRISTMAS = dt.date(2024, 12, 25)


def days(until: dt.date, count: int = 500, without: tuple[dt.date, ...] = ()) -> list[dt.date]:
    return [day for n in range(count) if (day := until - dt.timedelta(n)) not in without]


@pytest.mark.parametrize("weekday", range(7))
def test_a_weekday_that_was_silent_eight_times_is_off(weekday: int) -> None:
    today = next(d for d in days(dt.date(2024, 6, 30), 7) if d.weekday() == weekday)
    active = [d for d in days(today) if d.weekday() != weekday]
    assert str(why_silent(today, active, US)).startswith("as on the 8 ")
    assert why_silent(today, [*active, today - dt.timedelta(56)], US) is None, "seven times are not enough"
    assert why_silent(today - dt.timedelta(1), [d for d in active if d != today - dt.timedelta(1)], US) is None


def test_a_new_source_has_no_days_off_yet() -> None:
    sunday = dt.date(2024, 6, 30)
    active = [d for d in days(sunday, 56) if d.weekday() != 6]
    assert why_silent(sunday, active, US) is None
    assert why_silent(sunday, [], US) is None


def test_a_source_that_lands_now_and_then_has_no_days_off() -> None:
    """Silent on eight Sundays in a row by chance."""
    sunday = dt.date(2024, 6, 30)
    active = [d for d in days(sunday) if d.toordinal() % 5 == 0 and d.weekday() != 6]
    assert why_silent(sunday, active, US) is None


def test_a_source_that_lands_once_a_week_is_missed_on_that_day_only() -> None:
    mondays = [d for d in days(dt.date(2024, 6, 30)) if d.weekday() == 0]
    missing = mondays.pop(0)
    assert why_silent(missing, mondays, US) is None
    assert why_silent(missing + dt.timedelta(1), mondays, US) == "as on the 8 Tuesdays before"


@pytest.mark.parametrize(("later", "words"), [(0, "as on"), (1, "as a day after"), (2, "as two days after")])
def test_a_holiday_is_quiet_if_it_was_a_year_ago_also_if_files_land_later(later: int, words: str) -> None:
    today, before = CHRISTMAS + dt.timedelta(later), dt.date(2023, 12, 25) + dt.timedelta(later)
    active = days(today, 900, (today, before))
    assert why_silent(today, active, US) == f"{words} Christmas Day a year ago"
    assert why_silent(today, [*active, before], US) is None
    assert why_silent(today, [d for d in active if d.year == 2024], US) is None, "nothing is known of the year before"
    assert why_silent(today, active, {}) is None


def test_a_moving_holiday_is_the_one_of_its_name() -> None:
    thanksgiving, before = dt.date(2024, 11, 28), dt.date(2023, 11, 23)
    assert why_silent(thanksgiving, days(thanksgiving, 900, (thanksgiving, before)), US)
    assert why_silent(thanksgiving, days(thanksgiving, 900, (thanksgiving, dt.date(2023, 11, 28))), US) is None
