"""How accurate the forecasts of the last weeks were, read from the warehouse and compared with the promise."""

from __future__ import annotations

from retail_assets.forecasting.evaluation.accuracy import AccuracyDrift, accuracy_drift
from retail_assets.models.store import ModelStore, ModelStoreError
from retail_assets.tables import FORECAST_ACCURACY
from retail_assets.warehouse.protocol import Warehouse


def recent_drift(warehouse: Warehouse, models: ModelStore, version: str | None = None) -> AccuracyDrift:
    """Compare the past forecasts of all models, or of one `version`, with the backtest of the model in use.

    Raises NotReadyError before `forecast_accuracy` is materialized.
    """
    import pyarrow.compute as pc

    accuracy = warehouse.query(f"SELECT * FROM {FORECAST_ACCURACY.name}")
    if version is not None:
        accuracy = accuracy.filter(pc.equal(accuracy["model_version"], version))
    return accuracy_drift(accuracy, promised_wape(models))


def promised_wape(models: ModelStore) -> float | None:
    """Read the WAPE of category-days that the backtest of the model in use measured; None where there is none."""
    try:
        champion = models.champion()
        return models.manifest(champion.version).metrics.get("wape") if champion else None
    except ModelStoreError:  # the training that follows reports the damage, and repairs it
        return None
