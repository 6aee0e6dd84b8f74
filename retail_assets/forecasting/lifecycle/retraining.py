"""Retraining: when one is due, and what follows a training (stored, judged against the champion, reported)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from retail_assets.errors import ModelFileError, NotReadyError
from retail_assets.forecasting.data.regressors import Regressors
from retail_assets.forecasting.lifecycle import promotion_policy, record
from retail_assets.forecasting.lifecycle.recent_accuracy import recent_drift
from retail_assets.forecasting.lifecycle.training import Training
from retail_assets.forecasting.lifecycle.weather_trial import train_where_optional_help
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.forecasting.models.serialization import dumps, loads
from retail_assets.models import promotion
from retail_assets.models.store import Manifest, ModelStore
from retail_assets.storage import Store
from retail_assets.tables import FORECAST_BACKTEST
from retail_assets.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

#: Key of the report of the last training in the output store.
REPORT = "forecast/backtest.json"


@dataclass(frozen=True)
class Retraining:
    """A training and what became of it.

    Attributes:
        training: the training itself.
        rows: of `tables.FORECAST_BACKTEST`.
        report: the content of `REPORT`.
        outcome: version, whether it was promoted, and why; empty without sales.
    """

    training: Training
    rows: pa.Table
    report: dict[str, Any]
    outcome: dict[str, Any]


def reason_to_retrain(
    models: ModelStore,
    warehouse: Warehouse,
    output: Store,
    history: pd.DataFrame,
    events: Regressors,
    *,
    demanded: bool = False,
) -> str | None:
    """Say why a training is due now; None where no retraining is needed.

    Args:
        models: the store of the forecast's models.
        warehouse: holds the accuracy of past forecasts and the last backtest.
        output: holds the report of the last training.
        history: rows of `daily_category_sales`.
        events: as they are known today.
        demanded: train whatever the age of the model in use.
    """
    in_use = promotion.read_in_use(models, reader(events))
    if in_use.unusable:
        return f"the model in use cannot be used: {in_use.unusable}"
    champion = in_use.manifest
    # Trained by this code and on these events; each was judged, or else the report is that of another.
    alike = [
        manifest
        for manifest in models.versions()
        if manifest.code_version == record.CODE_VERSION and manifest.data.get("events", "") == events.digest
    ]
    last_day: Any = history["sale_date"].max() if len(history) else None
    if champion and not warehouse.exists(FORECAST_BACKTEST):
        return "its backtest is gone"
    if champion and (why := _why_report_is_missing(output, alike, last_day)):
        return why
    try:
        alarm = recent_drift(warehouse, models, champion.version if champion else None).alarm
    except NotReadyError:
        alarm = None
    return promotion_policy.reason_to_train(champion, alike, last_day, alarm=alarm, demanded=demanded)


def retrain(
    models: ModelStore, history: pd.DataFrame, events: Regressors, *, country: str, seed: int, now: dt.datetime
) -> Retraining:
    """Train, store the version, and put it in use where it wins.

    Args:
        models: the store of the forecast's models.
        history: rows of `daily_category_sales`.
        events: as they are known today.
        country: of the holiday calendar.
        seed: of the training.
        now: the time that goes on record.
    """
    training = train_where_optional_help(history, country=country, seed=seed, regressors=events)
    if training.model is None:
        return Retraining(training, record.backtest_rows(training, ""), training.report, {})
    facts = record.facts(training, now)
    facts["data"]["events"] = events.digest
    last_day = dt.date.fromisoformat(facts["data"]["last_day"])
    candidate = models.save(dumps(training.model), last_day, facts, record.model_card(training, facts))
    decision = promotion.promote_if_better(
        models,
        candidate,
        lambda in_use: promotion_policy.decide(candidate, in_use.manifest, unusable=in_use.unusable),
        reader(events),
        at=now,
    )
    version = candidate.version
    report = training.report | {"model_version": version, "decision": decision.reason}
    outcome = {"model_version": version, "promoted": decision.promote, "decision": decision.reason}
    return Retraining(training, record.backtest_rows(training, version), report, outcome)


def reader(events: Regressors) -> Callable[[bytes], ForecastModel]:
    """Make a function that loads a model, and refuses one that has learned from other events with ModelFileError."""

    def read(data: bytes) -> ForecastModel:
        model = loads(data)
        if model.reads_features and events.of_names(model.regressors) is None:
            raise ModelFileError(
                f"it has learned from the events {list(model.regressors)}, and now there are {list(events.names)}"
            )
        return model

    return read


def _why_report_is_missing(output: Store, alike: Sequence[Manifest], last_day: dt.date | None) -> str | None:
    """Why the published report is not that of the last training: it is gone, or a run ended between the two."""
    published = output.read_if_exists(REPORT)
    if published is None:
        return "its report is gone"
    seen = [manifest for manifest in alike if last_day is not None and manifest.data["last_day"] <= str(last_day)]
    newest_day = max((manifest.data["last_day"] for manifest in seen), default=None)
    newest = {manifest.version for manifest in seen if manifest.data["last_day"] == newest_day}
    try:
        reported = json.loads(published).get("model_version")
    except (ValueError, AttributeError, RecursionError):
        reported = None
    return "the last training ended before its report" if newest and reported not in newest else None
