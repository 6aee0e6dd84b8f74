"""Days of the shop as data intervals: as people write a backfill, at the schedule's time, across clock changes."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from hypothesis import given
from hypothesis import strategies as st

from airflow_bridge import shop_days
from airflow_bridge.shop_days import ShopDays

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",  # until 2019 its clocks were put forward at midnight
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
)


def at(text: str, zone: str = "UTC") -> pendulum.DateTime:
    moment = pendulum.parse(text, tz=zone)
    assert isinstance(moment, pendulum.DateTime)
    return moment


def backfill(
    timetable: CronDataIntervalTimetable, first: pendulum.DateTime, last: pendulum.DateTime
) -> list[DagRunInfo]:
    """Return the DAG runs of a backfill as Airflow's `iter_dagrun_infos_between` does."""
    infos: list[DagRunInfo] = []
    restriction = TimeRestriction(first, last, catchup=True)
    while info := timetable.next_dagrun_info(
        last_automated_data_interval=infos[-1].data_interval if infos else None, restriction=restriction
    ):
        infos.append(info)
    return infos


def landings(infos: list[DagRunInfo], zone: str) -> list[str]:
    """Return the partitions that the operator chooses."""
    starts = [info.data_interval.start for info in infos if info.data_interval]
    return [str(start.astimezone(ZoneInfo(zone)).date()) for start in starts]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["0 6 * * *", "30 22 * * *", "0 0 * * *"])
def test_a_backfill_of_three_dates_is_three_days(zone: str, cron: str) -> None:
    """`--from-date 2024-02-08 --to-date 2024-02-10`: Airflow reads both as midnight in UTC."""
    found = backfill(ShopDays(cron, zone), at("2024-02-08"), at("2024-02-10"))
    assert landings(found, zone) == ["2024-02-08", "2024-02-09", "2024-02-10"]


def test_airflows_own_timetable_loses_the_last_of_them() -> None:
    found = backfill(CronDataIntervalTimetable("0 6 * * *", "America/New_York"), at("2024-02-08"), at("2024-02-10"))
    assert landings(found, "America/New_York") == ["2024-02-08", "2024-02-09"]


@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(dt.date(2010, 1, 1), dt.date(2030, 1, 1)),
    days=st.integers(0, 9),
    hour=st.integers(0, 23),
)
def test_every_date_of_a_backfill_is_one_whole_day_of_the_shop(zone: str, first: dt.date, days: int, hour: int) -> None:
    last = first + dt.timedelta(days)
    found = backfill(ShopDays(f"0 {hour} * * *", zone), at(str(first)), at(str(last)))
    assert landings(found, zone) == [str(first + dt.timedelta(n)) for n in range(days + 1)]
    for info, following in itertools.pairwise(found):
        assert info.data_interval is not None
        assert following.data_interval is not None
        assert info.data_interval.end == following.data_interval.start
        assert info.run_after < following.run_after
    for info in found:
        assert info.data_interval is not None
        assert info.run_after >= info.data_interval.end, "a day is not processed before it is over"


def test_bounds_with_a_time_are_moments() -> None:
    zone, found = "America/New_York", ShopDays("0 6 * * *", "America/New_York")
    whole = backfill(found, at("2024-02-08T00:00", zone), at("2024-02-10T23:00", zone))
    assert landings(whole, zone) == ["2024-02-08", "2024-02-09", "2024-02-10"]
    assert landings(backfill(found, at("2024-02-08T01:00", zone), at("2024-02-09T23:00", zone)), zone) == ["2024-02-09"]


def test_dates_are_read_in_the_time_zone_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_days, "_default_time_zone", lambda: "Asia/Tokyo")
    found = backfill(
        ShopDays("0 6 * * *", "America/New_York"), at("2024-02-08", "Asia/Tokyo"), at("2024-02-10", "Asia/Tokyo")
    )
    assert landings(found, "America/New_York") == ["2024-02-08", "2024-02-09", "2024-02-10"]


@pytest.mark.parametrize(
    ("day", "hours", "run_after"),
    [
        ("2024-02-08", 24, "2024-02-09T11:00:00Z"),
        ("2024-03-09", 24, "2024-03-10T10:00:00Z"),  # clocks are put forward before the run
        ("2024-03-10", 23, "2024-03-11T10:00:00Z"),
        ("2024-11-03", 25, "2024-11-04T11:00:00Z"),
    ],
)
def test_the_day_is_processed_at_six_the_next_morning(day: str, hours: int, run_after: str) -> None:
    [info] = backfill(ShopDays("0 6 * * *", "America/New_York"), at(day), at(day))
    assert info.data_interval is not None
    assert info.data_interval.end - info.data_interval.start == dt.timedelta(hours=hours)
    assert info.run_after == at(run_after)


@pytest.mark.parametrize(("now", "day"), [("2024-02-10T05:00", "2024-02-08"), ("2024-02-10T07:00", "2024-02-09")])
def test_the_scheduler_begins_with_the_last_day_that_was_due(
    monkeypatch: pytest.MonkeyPatch, now: str, day: str
) -> None:
    zone = "America/New_York"
    monkeypatch.setattr("airflow.timetables.interval.utcnow", lambda: at(now, zone).in_timezone("UTC"))
    timetable, restriction = ShopDays("0 6 * * *", zone), TimeRestriction(at("2017-01-01", zone), None, catchup=False)
    info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert info is not None
    assert landings([info], zone) == [day]
    after = timetable.next_dagrun_info(last_automated_data_interval=info.data_interval, restriction=restriction)
    assert after is not None
    assert after.run_after == info.run_after.add(days=1)


def test_after_an_upgrade_it_goes_on_with_the_day_after_the_last_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = "America/New_York"
    monkeypatch.setattr("airflow.timetables.interval.utcnow", lambda: at("2024-02-10T05:00", zone).in_timezone("UTC"))
    before = DataInterval(at("2024-02-08T06:00", zone), at("2024-02-09T06:00", zone))
    restriction = TimeRestriction(at("2017-01-01", zone), None, catchup=False)
    info = ShopDays("0 6 * * *", zone).next_dagrun_info(last_automated_data_interval=before, restriction=restriction)
    assert info is not None
    assert landings([info], zone) == ["2024-02-09"]
    assert info.run_after == at("2024-02-10T06:00", zone)


def test_nothing_is_due_before_the_start_and_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = "America/New_York"
    timetable = ShopDays("0 6 * * *", zone)
    monkeypatch.setattr("airflow.timetables.interval.utcnow", lambda: at("2024-02-10T05:00", zone).in_timezone("UTC"))
    restriction = TimeRestriction(at("2099-01-01", zone), None, catchup=False)
    info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert info is not None
    assert info.run_after == at("2099-01-02T06:00", zone)
    over = TimeRestriction(at("2017-01-01", zone), at("2017-12-31", zone), catchup=False)
    assert timetable.next_dagrun_info(last_automated_data_interval=None, restriction=over) is None


def test_a_trigger_has_the_day_that_the_schedule_has_processed_last() -> None:
    zone, timetable = "America/New_York", ShopDays("0 6 * * *", "America/New_York")
    for moment, day in (("2024-02-10T05:00", "2024-02-08"), ("2024-02-10T07:00", "2024-02-09")):
        interval = timetable.infer_manual_data_interval(run_after=at(moment, zone))
        assert interval.start == at(day, zone)
        assert interval.end == at(day, zone).add(days=1)


def test_it_survives_being_stored() -> None:
    stored = ShopDays.deserialize(ShopDays("0 6 * * *", "America/New_York").serialize())
    assert isinstance(stored, ShopDays)
    assert landings(backfill(stored, at("2024-02-08"), at("2024-02-08")), "America/New_York") == ["2024-02-08"]
