"""Anybody's daily sales in a long frame, judged as a shop would have lived it: `make bench-forecast DAILY=file.csv`.

At each of the last cut-offs the champion is the one that the cut-offs before it chose, at most six; what is scored is
its forecast of the days that follow.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.calendar import forecast_calendar
from retail_assets.forecasting.data.series import daily_sales
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.rolling_origin import MOST_CUTOFFS, run_backtest

HORIZON, SCORED_CUTOFFS, LARGEST = 28, 8, 14
#: Name of the forecasts by the champion of each cut-off.
PRODUCT = "product"


def read_daily(file: Path) -> pd.DataFrame:
    """Read `unique_id, ds, y` and optionally `unit_price` as rows of `daily_category_sales`.

    The 14 series with most sales keep their names, the rest is OTHER. Days without sales are left out, as a list of
    sales has none. Orders are y / unit_price, or unknown and taken as 20, an ordinary shop's day, without a price.
    """
    frame = pd.read_csv(file, parse_dates=["ds"])
    frame = frame[frame["y"] > 0]
    largest = frame.groupby("unique_id")["y"].sum().nlargest(LARGEST).index
    frame["product_category"] = frame["unique_id"].where(frame["unique_id"].isin(largest), "OTHER").astype(str)
    frame["orders"] = 20.0
    if "unit_price" in frame.columns:
        price = frame["unit_price"]
        frame["orders"] = (frame["y"] / price.where(price > 0)).fillna(1.0)
    frame["sale_date"] = frame["ds"].dt.date
    days = frame.groupby(["sale_date", "product_category"])
    return days.agg(revenue=("y", "sum"), orders=("orders", "sum")).reset_index()


def backtest_daily(rows: pd.DataFrame, country: str, *, seed: int) -> tuple[Backtest, list[str]]:
    """Backtest the product on the last 8 cut-offs; also name the champion of each."""
    sales = daily_sales(rows)
    if sales is None:
        raise SystemExit("There are no sales above zero in the file.")
    most = SCORED_CUTOFFS + MOST_CUTOFFS
    holidays = forecast_calendar(country, sales, HORIZON)
    tested = run_backtest(sales, holidays, horizon=HORIZON, seed=seed, most_cutoffs=most)
    if tested is None or len(tested.cutoffs) < 2:
        raise SystemExit("The file has too few days for a champion that earlier cut-offs choose.")
    count = len(tested.cutoffs)
    scored = list(range(max(count - SCORED_CUTOFFS, 1), count))
    champions = [_part(tested, slice(max(at - MOST_CUTOFFS, 0), at)).champion for at in scored]
    product = np.array([tested.forecasts[name][at] for at, name in zip(scored, champions, strict=True)])
    ends = np.array([tested.quantiles[name][at] for at, name in zip(scored, champions, strict=True)])
    part = _part(tested, slice(scored[0], None))
    return dataclasses.replace(
        part, forecasts={PRODUCT: product, **part.forecasts}, quantiles={PRODUCT: ends, **part.quantiles}
    ), champions


def entry(tested: Backtest, champion: str, cpu: dict[str, float] | None = None) -> dict[str, Any]:
    """Make the entry of a data set in benchmarks/results/forecast.json."""
    models = {}
    for name in tested.forecasts:
        metrics = dict(tested.metrics(name))
        near = tested.metrics(name, days=tested.holiday) if tested.holiday is not None else {}
        metrics["holiday_coverage80"] = near.get("coverage80")
        metrics["cpu_s"] = (cpu or {}).get(name)
        models[name] = {key: None if value is None else round(value, 6) for key, value in metrics.items()}
    return {
        "horizon": tested.actual.shape[2],
        "cutoffs": [str(day) for day in tested.cutoffs],
        "champion": champion,
        "models": models,
    }


def _part(tested: Backtest, cutoffs: slice) -> Backtest:
    """The backtest of some of its cut-offs."""
    return dataclasses.replace(
        tested,
        cutoffs=tested.cutoffs[cutoffs],
        actual=tested.actual[cutoffs],
        forecasts={name: values[cutoffs] for name, values in tested.forecasts.items()},
        naive_error=tested.naive_error[cutoffs],
        quantiles={name: values[cutoffs] for name, values in tested.quantiles.items()},
        holiday=None if tested.holiday is None else tested.holiday[cutoffs],
    )
