"""When the DAGs run: schedules and the shop's time zone, from the environment and nothing else.

`AIRFLOW_VAR_<NAME>` is the environment's form of an Airflow Variable. Asking Airflow for the Variable itself while a
DAG file is read would cost the DAG processor a question to the database each time, for ever; the environment costs
nothing.
"""

from __future__ import annotations

import os
from datetime import datetime

import pendulum

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
    """Shop time, such as Europe/Berlin. Raises ValueError for a name that is not known."""
    # RETAIL_TIMEZONE says the same to the assets: where both live in one environment, once is enough.
    name = os.environ.get(TIME_ZONE) or os.environ.get("RETAIL_TIMEZONE") or _DEFAULTS[TIME_ZONE]
    try:
        pendulum.timezone(name)
    except Exception as e:
        raise ValueError(f"{TIME_ZONE}={name!r} is not a time zone, such as Europe/Berlin") from e
    return name


def intervals(variable: str) -> CronDataIntervalTimetable:
    """The data intervals of a schedule, in shop time. Raises ValueError for what is not a cron expression.

    A plain cron text as `schedule=` would give intervals without a length, and so no landing day.
    """
    cron = os.environ.get(variable) or _DEFAULTS[variable]
    try:
        timetable = CronDataIntervalTimetable(cron, timezone=time_zone())
        timetable.validate()
    except Exception as e:
        raise ValueError(f"{variable}={cron!r} is not a schedule: five fields of cron, such as '0 6 * * *'") from e
    return timetable


def start() -> datetime:
    """Before this day nothing is scheduled. Raises ValueError for what is not a date."""
    text = os.environ.get(START_DATE) or _DEFAULTS[START_DATE]
    try:
        return pendulum.from_format(text, "YYYY-MM-DD", tz=time_zone())
    except Exception as e:
        raise ValueError(f"{START_DATE}={text!r} is not a day, such as 2024-01-31") from e
