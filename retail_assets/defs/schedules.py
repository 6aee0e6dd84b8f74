"""Weekly schedules of retraining, for installations without Airflow; off until someone starts them."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

#: Monday morning in shop time, when a whole week of sales has landed.
_WEEKLY = "0 6 * * 1"


def schedules(all_jobs: Sequence[dg.UnresolvedAssetJobDefinition], timezone: str) -> list[dg.ScheduleDefinition]:
    """Return a weekly schedule per retraining job, off until someone starts it: Airflow has schedules of its own.

    Daily runs need no schedule: a landing starts them, through the sensor or through Airflow.
    """
    return [
        dg.ScheduleDefinition(
            name=f"{job.name}_weekly",
            job=job,
            cron_schedule=_WEEKLY,
            execution_timezone=timezone,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Start it if nothing else, such as Airflow, schedules retraining. An ordinary run retrains as "
            "well if it is due: after 7 days of new sales, or on accuracy drift.",
        )
        for job in all_jobs
        if job.name.startswith("retrain_")
    ]
