"""A landing is late by the source's own calendar: its weekdays, its holidays, its time of day."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection
from zoneinfo import ZoneInfo

import pytest

from retail_assets.alerts.late import late_days, late_landings, usual
from retail_assets.platform import Platform
from retail_assets.settings import load

ZONE = ZoneInfo("America/New_York")
TODAY = dt.date(2024, 5, 15)  # a Wednesday


def landings(weeks: int = 20, *, off: Collection[int] = (), without: Collection[dt.date] = ()) -> set[dt.date]:
    """Days before TODAY, without some weekdays and days."""
    days = [TODAY - dt.timedelta(n) for n in range(1, weeks * 7)]
    return {day for day in days if day.weekday() not in off and day not in without}


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ZONE)


def by_six(days: Collection[dt.date]) -> dict[dt.date, dt.datetime]:
    """Each landed between five and six, and two were late."""
    times = {day: at(day, 5, day.day) for day in days}
    for day in sorted(days)[-9:-7]:
        times[day] = at(day, 13)
    return times


def late(now: dt.datetime, landed: Collection[dt.date], **options: object) -> list[dt.date]:
    return [item.day for item in late_days(now, landed, by_six(sorted(landed)[-28:]), **options)]  # type: ignore[arg-type]


def test_a_day_is_late_two_hours_after_its_usual_time() -> None:
    landed = landings()
    assert late(at(TODAY, 6, 30), landed) == []
    assert late(at(TODAY, 8), landed) == [TODAY]
    assert late(at(TODAY, 8), landed | {TODAY}) == []


def test_the_time_can_be_set() -> None:
    assert late(at(TODAY, 6, 31), landings(), landed_by=dt.time(6, 30)) == [TODAY]
    assert late(at(TODAY, 11), landings(), landed_by=dt.time(12, 0)) == []


def test_a_source_that_delivers_in_the_night_after_is_not_late_before_it() -> None:
    landed = landings(without=[TODAY - dt.timedelta(1)])
    times = {day: at(day + dt.timedelta(1), 3) for day in sorted(landed)[-28:]}
    now = at(TODAY, 4, 59)
    assert late_days(now, landed, times) == []
    assert [item.day for item in late_days(at(TODAY, 5, 1), landed, times)] == [TODAY - dt.timedelta(1)]


def test_without_known_times_a_day_is_late_when_the_next_one_is_over() -> None:
    """A backfill writes a year of landings at once, which says nothing about the time of day."""
    landed = landings()
    times = {day: at(TODAY - dt.timedelta(1), 9) for day in landed}
    assert late_days(at(TODAY + dt.timedelta(1), 23), landed, times) == []
    assert [item.day for item in late_days(at(TODAY + dt.timedelta(2), 0, 1), landed, times)] == [TODAY]


def test_weekdays_on_which_it_never_lands_are_not_late_and_a_weekly_source_is_late_once_a_week() -> None:
    sunday = at(dt.date(2024, 5, 19), 20)
    landed = landings(off=[6]) | {TODAY + dt.timedelta(n) for n in range(4)}
    assert late(sunday, landed) == []
    weekly = landings(off=[0, 1, 3, 4, 5, 6])
    assert late(at(TODAY, 20), weekly) == [TODAY]
    assert late(at(TODAY + dt.timedelta(5), 20), weekly | {TODAY}) == []


def test_a_holiday_on_which_it_rested_the_year_before_is_not_late() -> None:
    asked: list[list[dt.date]] = []

    def silent(days: list[dt.date]) -> list[dt.date]:
        asked.append(days)
        return [TODAY]

    assert late(at(TODAY, 20), landings(), silent=silent) == []
    assert asked == [[TODAY]]


def test_an_irregular_source_is_late_when_its_longest_gap_is_over() -> None:
    landed = {TODAY - dt.timedelta(n) for n in (10, 15, 26, 30, 42, 47, 55, 61, 70, 81, 85)}
    assert late_days(at(TODAY + dt.timedelta(2), 23), landed, {}) == []
    longest = 12
    [item] = late_days(at(TODAY + dt.timedelta(9), 23), landed, {})
    assert item.day == max(landed) + dt.timedelta(longest + 1)
    assert (item.longest_gap, item.landings) == (longest, 11)
    assert late_days(at(TODAY + dt.timedelta(90), 23), landed, {}) == []  # it has ended


def test_a_young_source_and_one_without_landings_are_never_late() -> None:
    assert late(at(TODAY, 23), set()) == []
    assert late(at(TODAY, 23), {TODAY - dt.timedelta(1), TODAY - dt.timedelta(2)}) == []


def test_days_before_the_first_landing_are_not_late_and_old_gaps_are_no_news() -> None:
    first = TODAY - dt.timedelta(30)
    landed = {day for day in landings() if day >= first} - {TODAY - dt.timedelta(20)}
    assert late(at(TODAY, 5, 1), landed) == []


@pytest.fixture
def shop(environ: dict[str, str]) -> Platform:
    """Six weeks of landings of every day but Sunday, each written at six in the morning."""
    platform = Platform(load({**environ, "RETAIL_TIMEZONE": "America/New_York", "RETAIL_START_DATE": "2024-01-01"}))
    for day in landings(weeks=12, off=[6]):
        key = f"{platform.source}/dt={day}/a.csv"
        platform.raw.write(key, b"x")
        seconds = at(day, 6).timestamp()
        os.utime(platform.raw.local_path(key), (seconds, seconds))
    return platform


def test_the_cause_says_what_was_expected_when_and_where_it_belongs(shop: Platform) -> None:
    assert late_landings(shop, at(TODAY, 7), None) == []
    [cause] = late_landings(shop, at(TODAY, 9), None)
    assert cause.kind == "landing-late"
    assert cause.title == "No landing of 15 May 2024 yet"
    assert "was expected by 08:00 of 15 May 2024 in shop time" in cause.reason
    assert f"{shop.source}/dt=2024-05-15/" in cause.todo
    assert [subject.name for subject in cause.subjects] == ["2024-05-15"]


def test_of_a_source_without_weekdays_the_longest_gap_is_stated(environ: dict[str, str]) -> None:
    platform = Platform(load({**environ, "RETAIL_TIMEZONE": "America/New_York", "RETAIL_START_DATE": "2024-01-01"}))
    for back in (10, 15, 26, 30, 42, 47, 55, 61, 70, 81, 85):
        platform.raw.write(f"{platform.source}/dt={TODAY - dt.timedelta(back)}/a.csv", b"x")
    [cause] = late_landings(platform, at(TODAY + dt.timedelta(9), 23), None)
    assert cause.title == "No landing since 5 May 2024"
    assert cause.reason.startswith(
        f"{platform.source} lands on no fixed weekdays; between its last 11 landings there were at most 12 days, and "
        "the next one was expected by "
    )


def test_memorial_day_is_named_the_first_time(shop: Platform) -> None:
    memorial = dt.date(2024, 5, 27)
    for n in range((memorial - TODAY).days):
        shop.raw.write(f"{shop.source}/dt={TODAY + dt.timedelta(n)}/a.csv", b"x")
    [cause] = late_landings(shop, at(memorial, 23), dt.time(20))
    assert "It is Memorial Day." in cause.reason


def test_a_folder_with_another_name_is_no_landing(shop: Platform) -> None:
    shop.raw.write(f"{shop.source}/{TODAY}/a.csv", b"x")
    [cause] = late_landings(shop, at(TODAY, 9), None)
    assert [subject.name for subject in cause.subjects] == [str(TODAY)]


def test_a_source_that_has_ended_is_never_late(environ: dict[str, str], shop: Platform) -> None:
    ended = Platform(load({**environ, "RETAIL_TIMEZONE": "America/New_York", "RETAIL_END_DATE": "2024-05-14"}))
    assert late_landings(ended, at(TODAY, 23), None) == []


def test_what_such_a_day_usually_brings_is_said() -> None:
    from decimal import Decimal

    rows = [(TODAY - dt.timedelta(7 * n), 100 * n, Decimal(10 * n)) for n in range(1, 12)]
    sentence = usual(TODAY, rows, "USD")
    assert str(sentence) == "The last 8 landings on a Wednesday had 450 clean lines and USD 45.00 on average."
    assert usual(TODAY + dt.timedelta(1), rows, "USD") is None
