"""Names that moved between Airflow 3.1 and 3.2; the rest of the bridge imports them from here."""

from __future__ import annotations

try:
    from airflow.sdk import CronDataIntervalTimetable
    from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException
except ImportError:  # Airflow 3.1
    from airflow.exceptions import (  # type: ignore[attr-defined,no-redef]
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSkipException,
    )
    from airflow.timetables.interval import CronDataIntervalTimetable  # type: ignore[assignment]

__all__ = ["AirflowFailException", "AirflowNotFoundException", "AirflowSkipException", "CronDataIntervalTimetable"]
