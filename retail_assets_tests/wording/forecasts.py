"""One forecast per shop: trained with few candidates and cut-offs, and its backtest day by day as a table.

The checks read `sales`, `sales_forecast`, `forecast_backtest` and `backtest_days`, which holds what each model forecast
at each cut-off. What was sold, which days count and every sum of errors they compute on their own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from retail_assets.forecasting.data.series import UNITS
from retail_assets.forecasting.data.sources import daily_history
from retail_assets.forecasting.lifecycle import record
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import Training, train
from retail_assets.forecasting.models.intervals import LEVEL_NAMES
from retail_assets.tables import FORECAST_BACKTEST, SALES_FORECAST
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording.shops import SCHEMA, Shop

VERSION = "v1"
#: Candidates and scored cut-offs by shop. The largest is forecast in money only, which halves the time.
CHEAP: dict[str, tuple[tuple[str, ...], int]] = {
    "complete_journey": (("gradient_boosting",), 3),
    "specification": (("auto_theta",), 3),
    "bakery": (("auto_theta",), 4),
    "wholesaler": (("auto_theta",), 3),
    "young": (("auto_theta",), 3),
}
#: The shops as parameters of a test: training the largest takes as long as training all others.
FORECAST_SHOPS = [
    pytest.param(name, marks=pytest.mark.slow) if name == "complete_journey" else pytest.param(name) for name in CHEAP
]
IN_MONEY_ONLY = ("complete_journey", "bakery")


@dataclass(frozen=True)
class Trained:
    """A training, what it said, and the forecast that follows it; the tables are in the shop's warehouse."""

    shop: Shop
    history: pd.DataFrame
    training: Training
    statements: list[Statement]
    forecast: pa.Table


def train_shop(shop: Shop) -> Trained:
    """Train a forecast for a shop and publish its tables."""
    history = daily_history(shop.warehouse)
    if shop.name in IN_MONEY_ONLY:
        history = history.drop(columns=UNITS)
    candidates, cutoffs = CHEAP[shop.name]
    with recorded() as statements:
        training = train(history, country=shop.country, candidates=candidates, most_cutoffs=cutoffs)
    assert training.model is not None
    forecast = score(training.model, history, version=VERSION)
    shop.warehouse.replace(SALES_FORECAST, forecast)
    shop.warehouse.replace(FORECAST_BACKTEST, record.backtest_rows(training, VERSION))
    with duckdb.connect(str(shop.path)) as connection:
        connection.execute(f"SET schema = '{SCHEMA}'")
        connection.register("given", _days(training))
        connection.execute("CREATE OR REPLACE TABLE backtest_days AS SELECT * FROM given")
    return Trained(shop, history, training, statements, forecast)


def _days(training: Training) -> pd.DataFrame:
    """What each model forecast: a row per measure, model, cut-off, category and day; the total has its ends only."""
    frames = [pd.DataFrame({name: [] for name in ("measure", "model", "cutoff", "category", "day", "ahead", "mean")})]
    frames[0] = frames[0].astype({"measure": str, "model": str, "category": str, "ahead": int, "mean": float})
    for measure, tested in (("revenue", training.backtest), ("units", training.units)):
        if tested is None:
            continue
        for model, values in tested.forecasts.items():
            ends = tested.quantiles[model]
            for at, cutoff in enumerate(tested.cutoffs):
                for row, category in enumerate((*tested.categories, "TOTAL")):
                    ahead = np.arange(1, values.shape[2] + 1)
                    mean = values[at].sum(axis=0) if category == "TOTAL" else values[at, row]
                    columns = {
                        "measure": measure,
                        "model": model,
                        "cutoff": cutoff,
                        "category": category,
                        "day": [cutoff + dt.timedelta(days=int(step)) for step in ahead],
                        "ahead": ahead,
                        "mean": mean,
                        **{name: ends[at, row, :, level] for level, name in enumerate(LEVEL_NAMES)},
                    }
                    frames.append(pd.DataFrame(columns))
    return pd.concat(frames)
