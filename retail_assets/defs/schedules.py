"""Weekly schedules of retraining, for installations without Airflow; off until they are switched on."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from retail_assets.settings import Settings
from retail_assets.settings.automation import RETRAINING

#: Monday morning in shop time, when a whole week of sales has landed.
_WEEKLY = "0 6 * * 1"


def schedules(all_jobs: Sequence[dg.UnresolvedAssetJobDefinition], settings: Settings) -> list[dg.ScheduleDefinition]:
    """Return a weekly schedule per retraining job, off unless RETAIL_AUTOMATION or someone switches it on.

    Airflow has schedules of its own. Daily runs need no schedule: a landing starts them, through the sensor or Airflow.
    """
    is_on = RETRAINING in settings.automation
    return [
        dg.ScheduleDefinition(
            name=f"{job.name}_weekly",
            job=job,
            cron_schedule=_WEEKLY,
            execution_timezone=settings.contract.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
            description="Switch it on if nothing else, such as Airflow, schedules retraining. An ordinary run retrains "
            "as well if it is due: after 7 days of new sales, or on accuracy drift.",
        )
        for job in all_jobs
        if job.name.startswith("retrain_")
    ]
