"""Train on a history and forecast the days after it, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.lifecycle.scoring import UNSTORED, score
from retail_assets.forecasting.lifecycle.training import LONGEST_HORIZON, train
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.tables import SALES_FORECAST

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Forecast:
    """A forecast and the training behind it.

    Attributes:
        table: rows of `tables.SALES_FORECAST`; none without sales.
        backtest: the report of the training.
        measured: its backtest; None where the history is too short for one.
        model: the model; None without sales.
    """

    table: pa.Table
    backtest: dict[str, Any]
    measured: Backtest | None = None
    model: ForecastModel | None = None


def forecast_daily(
    history: pd.DataFrame,
    *,
    country: str,
    horizon: int = LONGEST_HORIZON,
    seed: int = 0,
    version: str = UNSTORED,
    issued_at: datetime | None = None,
) -> Forecast:
    """Train on a history and forecast the days after it.

    Arguments and errors are those of `training.train` and `scoring.score`.
    """
    training = train(history, country=country, horizon=horizon, seed=seed)
    if training.model is None:
        return Forecast(SALES_FORECAST.arrow_schema().empty_table(), training.report)
    table = score(training.model, history, version=version, issued_at=issued_at)
    return Forecast(table, training.report, training.backtest, training.model)
