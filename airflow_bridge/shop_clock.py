"""When the DAGs run: schedules and the shop's time zone, from the environment alone.

`AIRFLOW_VAR_<NAME>` is the environment's form of an Airflow Variable. Looking up the Variable itself while a DAG file
is parsed would cost the DAG processor a database query each time, indefinitely; the environment costs nothing.
"""

from __future__ import annotations

import os
from datetime import datetime

import pendulum

from airflow_bridge.shop_days import ShopDays
from airflow_bridge.versions import CronDataIntervalTimetable

SCHEDULE = "AIRFLOW_VAR_RETAIL_SCHEDULE"
RETRAINING_SCHEDULE = "AIRFLOW_VAR_RETAIL_RETRAINING_SCHEDULE"
TIME_ZONE = "AIRFLOW_VAR_RETAIL_TIMEZONE"
START_DATE = "AIRFLOW_VAR_RETAIL_START_DATE"

_DEFAULTS = {
    SCHEDULE: "0 6 * * *",
    RETRAINING_SCHEDULE: "0 12 * * 0",
    TIME_ZONE: "America/New_York",
    START_DATE: "2017-01-01",
}


def time_zone() -> str:
    """Return shop time, such as Europe/Berlin. Raises ValueError for an unknown name."""
    # RETAIL_TIMEZONE is the same for the assets: where both live in one environment, one variable is enough.
    name = os.environ.get(TIME_ZONE) or os.environ.get("RETAIL_TIMEZONE") or _DEFAULTS[TIME_ZONE]
    try:
        pendulum.timezone(name)
    except Exception as e:
        raise ValueError(f"{TIME_ZONE}={name!r} is not a time zone. Use a name such as Europe/Berlin") from e
    return name


def intervals(variable: str) -> CronDataIntervalTimetable:
    """Return the data intervals of a schedule, in shop time. Raises ValueError for an invalid cron expression.

    A plain cron string as `schedule=` would give intervals of length zero, and so no landing day.
    """
    cron = os.environ.get(variable) or _DEFAULTS[variable]
    try:
        timetable = CronDataIntervalTimetable(cron, timezone=time_zone())
        timetable.validate()
    except Exception as e:
        raise ValueError(f"{variable}={cron!r} is not a schedule. Use five cron fields, such as '0 6 * * *'") from e
    return timetable


def days(variable: str) -> ShopDays | CronDataIntervalTimetable:
    """Return days of the shop, processed at the times of a schedule. Raises ValueError for an invalid cron expression.

    A schedule with several times per day has their intervals instead: a day would have several DAG runs.
    """
    timetable = intervals(variable)
    cron = os.environ.get(variable) or _DEFAULTS[variable]
    shop_days = ShopDays(cron, time_zone())
    minute, hour, *_ = shop_days.summary.split()  # also of @daily
    return shop_days if minute.isdigit() and hour.isdigit() else timetable


def start() -> datetime:
    """Return the day before which nothing is scheduled. Raises ValueError for an invalid date."""
    text = os.environ.get(START_DATE) or _DEFAULTS[START_DATE]
    try:
        return pendulum.from_format(text, "YYYY-MM-DD", tz=time_zone())
    except Exception as e:
        raise ValueError(f"{START_DATE}={text!r} is not a date. Use one such as 2024-01-31") from e
