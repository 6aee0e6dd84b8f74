"""The timetable of the pipeline: each data interval is a day of the shop, from midnight to midnight.

It is processed at the first time of a cron schedule after that day. Airflow's own timetable would let intervals begin
at the time of the schedule, so that a backfill up to a date would lose that date.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pendulum
from airflow.configuration import conf
from airflow.timetables.base import DagRunInfo, DataInterval
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum.tz import local_timezone

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction

_UTC = "UTC"


class ShopDays(CronDataIntervalTimetable):
    """Days of the shop, processed at the times of a cron schedule that has at most one time per day.

    A DAG run at one time of the schedule has the interval from the midnight before the last time to the midnight before
    this one. A bound of a backfill that is midnight in UTC or in Airflow's `default_timezone` is a date, as people
    write it. It stands for that date in shop time, and both dates are included. Any other bound is a moment.
    """

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next DAG run. See Airflow's `Timetable.next_dagrun_info`."""
        begins: list[pendulum.DateTime] = []  # times of the schedule; the interval begins at the midnight before
        if restriction.earliest is not None:
            earliest = self._moment(restriction.earliest)
            first = self._midnight(earliest)
            begins.append(self._align_to_next(first if first >= earliest else self._midnight(earliest, days=1)))
        if not restriction.catchup:
            begins.append(self._skip_to_latest(None))
        if last_automated_data_interval is not None:
            begins.append(self._align_to_next(self._midnight(last_automated_data_interval.start, days=1)))
        if not begins:
            return None
        interval = self._interval(max(begins))
        if restriction.latest is not None and interval.start > self._moment(restriction.latest):
            return None
        return DagRunInfo(run_after=self._get_next(max(begins)), data_interval=interval)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the interval that the schedule has processed last before `run_after`."""
        return self._interval(self._get_prev(self._align_to_prev(run_after)))

    def _interval(self, begins: pendulum.DateTime) -> DataInterval:
        return DataInterval(self._midnight(begins), self._midnight(self._get_next(begins)))

    def _midnight(self, moment: pendulum.DateTime, days: int = 0) -> pendulum.DateTime:
        """Return the beginning of the moment's day in shop time, or of a later one; in UTC, as Airflow keeps times."""
        return self._beginning(moment.in_timezone(self._timezone).date() + dt.timedelta(days))

    def _beginning(self, day: dt.date) -> pendulum.DateTime:
        # Where clocks are put forward at midnight, the day begins at one o'clock.
        return pendulum.datetime(day.year, day.month, day.day, tz=self._timezone).in_timezone(_UTC)

    def _moment(self, bound: pendulum.DateTime) -> pendulum.DateTime:
        """Return what a bound means: the beginning of a date in shop time, or the moment itself."""
        if bound == self._midnight(bound):
            return bound
        for zone in (_default_time_zone(), _UTC):
            local = bound.in_timezone(zone)
            if local.time() == dt.time():
                return self._beginning(local.date())
        return bound


def _default_time_zone() -> str:
    """Return the time zone in which Airflow reads dates without one."""
    name = conf.get("core", "default_timezone", fallback=_UTC) or _UTC
    return str(local_timezone().name) if name == "system" else name
