"""Jobs, launched as one run from the UI, a schedule or Airflow; and the schedule for those who have no Airflow."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

#: Monday morning, shop time: a whole week of sales is in.
_WEEKLY = "0 6 * * 1"


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The whole graph; ingest and load only; everything made from the warehouse."""
    loaded = dg.AssetSelection.groups("ingest") | dg.AssetSelection.assets("sales", "sales_quarantine")
    everything = dg.AssetSelection.all()
    return [
        dg.define_asset_job(
            "retail_pipeline",
            selection=everything,
            description="Raw files to figures, forecast and segments, for one landing or a range of them.",
        ),
        dg.define_asset_job(
            "ingest",
            selection=loaded,
            description="Find, clean and load landings; nothing downstream.",
        ),
        dg.define_asset_job(
            "models",
            selection=dg.AssetSelection.groups("forecast", "segments"),
            description="Forecast and segments from what the warehouse holds now.",
        ),
        dg.define_asset_job(
            "retrain_forecast",
            selection=dg.AssetSelection.groups("forecast"),
            config={"ops": {"forecast_backtest": {"config": {"retrain": True}}}},
            description="Train the forecast now, whatever the age of the model in use; promote it if it wins.",
        ),
        dg.define_asset_job(
            "retrain_segments",
            selection=dg.AssetSelection.groups("segments"),
            config={"ops": {"segment_model": {"config": {"retrain": True}}}},
            description="Train the segments now; a model that renames too many customers waits for `models promote`.",
        ),
    ]


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
