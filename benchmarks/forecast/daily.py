"""Anybody's daily sales in a long frame, judged as a shop would have lived it: `make bench-forecast DAILY=file.csv`.

At each of the last cut-offs the champion is the one that the cut-offs before it chose, at most six; what is scored is
its forecast of the days that follow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from retail_assets.forecasting.api import to_history
from retail_assets.forecasting.data.calendar import forecast_calendar
from retail_assets.forecasting.data.series import daily_sales
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.rolling_origin import MOST_CUTOFFS, as_lived, run_backtest

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
    orders = pd.Series(20.0, index=frame.index)
    if "unit_price" in frame.columns:
        price = frame["unit_price"]
        orders = (frame["y"] / price.where(price > 0)).fillna(1.0)
    return to_history(frame.assign(orders=orders), largest=LARGEST)


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
    product, champions = as_lived(tested, SCORED_CUTOFFS, PRODUCT)
    return product, list(champions.values())


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
