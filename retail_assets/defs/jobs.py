"""Jobs: what the UI, a schedule, a sensor or Airflow launches as one run."""

from __future__ import annotations

import dagster as dg


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
