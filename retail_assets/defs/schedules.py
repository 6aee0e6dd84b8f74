"""The schedule for those who have no Airflow: weekly retraining, off until someone starts it."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

#: Monday morning, shop time: a whole week of sales is in.
_WEEKLY = "0 6 * * 1"


def schedules(all_jobs: Sequence[dg.UnresolvedAssetJobDefinition], timezone: str) -> list[dg.ScheduleDefinition]:
    """Weekly retraining, switched off until someone starts it: where Airflow schedules, it does this too.

    Daily runs need no schedule here: they follow landings, by the sensor or by Airflow.
    """
    return [
        dg.ScheduleDefinition(
            name=f"{job.name}_weekly",
            job=job,
            cron_schedule=_WEEKLY,
            execution_timezone=timezone,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Switch it on where nothing else retrains. A run also trains when it is due by itself: "
            "7 days of new sales, or drift.",
        )
        for job in all_jobs
        if job.name.startswith("retrain_")
    ]
