"""Jobs: what the UI, a schedule, a sensor or Airflow launches as one run."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg


def jobs(tags: Mapping[str, str] | None = None) -> list[dg.UnresolvedAssetJobDefinition]:
    """Return the jobs: everything, ingest and load alone, both models, and the training of each model.

    `tags` are those of their runs.
    """
    loaded = dg.AssetSelection.groups("ingest") | dg.AssetSelection.assets("sales", "sales_quarantine")
    everything = dg.AssetSelection.all()
    return [
        dg.define_asset_job(
            "retail_pipeline",
            selection=everything,
            tags=tags,
            description="From raw files to figures, forecast and segments, for one landing day or a range.",
        ),
        dg.define_asset_job(
            "ingest",
            selection=loaded,
            tags=tags,
            description="Register, clean and load landings; nothing downstream of the load.",
        ),
        dg.define_asset_job(
            "models",
            selection=dg.AssetSelection.groups("forecast", "segments"),
            tags=tags,
            description="Forecast and segments from the sales that are in the warehouse now.",
        ),
        dg.define_asset_job(
            "retrain_forecast",
            selection=dg.AssetSelection.groups("forecast"),
            config={"ops": {"forecast_backtest": {"config": {"retrain": True}}}},
            tags=tags,
            description="Train the forecast now, even if no retraining is due; the candidate is promoted if it wins.",
        ),
        dg.define_asset_job(
            "retrain_segments",
            selection=dg.AssetSelection.groups("segments"),
            config={"ops": {"segment_model": {"config": {"retrain": True}}}},
            tags=tags,
            description="Train the segments now; a candidate that renames too many customers is held for "
            "`retail-assets models promote`.",
        ),
    ]
