"""LightGBM by mlforecast on the same cut-offs, as its users set it up: the peer that the product must not lose to.

Lags 1, 7, 14 and 28, rolling means of 7 and 28 days, weekday, day of the month, month, day of the year and holidays;
one global model, recursive. Two losses and two scales of the series are tried, and the best by WAPE on the scored
cut-offs themselves counts, which favors the peer.

Run with `make bench-forecast-reference [DAILY=file.csv COUNTRY=FR]`, in the reference's environment; prints the errors
and, for the two public data sets, adds them to benchmarks/forecast/reference.json.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import time
from itertools import product
from pathlib import Path
from typing import Any

import holidays
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import LocalStandardScaler

from benchmarks.forecast.data import UNSCORED, cdnow, complete_journey

HORIZON = 28
RESULT = Path(__file__).with_name("reference.json")
LOSSES, SCALED = ("regression_l1", "regression"), (True, False)


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """Make a long frame on all days, `unique_id, ds, y`, zero where nothing was sold."""
    wide = rows.assign(ds=pd.to_datetime(rows["sale_date"])).pivot_table(
        index="ds", columns="product_category", values="revenue", aggfunc="sum"
    )
    wide = wide.reindex(pd.date_range(wide.index.min(), wide.index.max(), name="ds")).fillna(0.0)
    wide.columns.name = "unique_id"
    return wide.melt(ignore_index=False, value_name="y").reset_index()[["unique_id", "ds", "y"]]


def daily(file: Path, largest: int = 14) -> pd.DataFrame:
    """Read `unique_id, ds, y` as rows; the smaller series are summed to OTHER, as in `benchmarks.forecast.daily`."""
    frame = pd.read_csv(file, parse_dates=["ds"])
    frame = frame[frame["y"] > 0]
    names = frame.groupby("unique_id")["y"].sum().nlargest(largest).index
    frame["product_category"] = frame["unique_id"].where(frame["unique_id"].isin(names), "OTHER")
    summed = frame.groupby(["ds", "product_category"])["y"].sum().reset_index()
    return summed.rename(columns={"ds": "sale_date", "y": "revenue"})


def forecast(known: pd.DataFrame, country: str, loss: str, scaled: bool) -> pd.DataFrame:
    """Forecast the days after a long frame: `unique_id, ds, forecast`."""
    years = range(known["ds"].min().year, known["ds"].max().year + 2)
    days_off = pd.DatetimeIndex(holidays.country_holidays(country, years=years, observed=False).keys())

    def holiday(days: pd.DatetimeIndex) -> Any:
        return days.isin(days_off).astype(int)

    model = LGBMRegressor(
        objective=loss, n_estimators=300, learning_rate=0.05, num_leaves=31, min_child_samples=30, subsample=0.8,
        subsample_freq=1, colsample_bytree=0.8, random_state=0, n_jobs=1, verbose=-1, deterministic=True,
    )  # fmt: skip
    learner = MLForecast(
        models={"forecast": model},
        freq="D",
        lags=[1, 7, 14, 28],
        lag_transforms={1: [RollingMean(7), RollingMean(28)]},
        date_features=["dayofweek", "day", "month", "dayofyear", holiday],
        target_transforms=[LocalStandardScaler()] if scaled else None,
        num_threads=1,
    )
    return learner.fit(known, static_features=[]).predict(HORIZON)


def measure(rows: pd.DataFrame, country: str, cutoffs: int, unscored: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Measure each setting; errors as in `retail_assets.forecasting.evaluation.backtest`, the best setting first.

    Days on which nothing at all was sold are not scored where `unscored` does not list them.
    """
    frame = complete(rows)
    days = pd.DatetimeIndex(sorted(frame["ds"].unique()))
    total = frame.groupby("ds")["y"].sum()
    closed = total.index[total == 0] if unscored is None else pd.to_datetime(list(unscored))
    results: list[dict[str, Any]] = []
    for loss, scaled in product(LOSSES, SCALED):
        started, error, sold, error_of_total = time.process_time(), 0.0, 0.0, 0.0
        for step in range(cutoffs, 0, -1):
            cutoff = days[len(days) - 1 - HORIZON * step]
            ahead = forecast(frame[frame["ds"] <= cutoff], country, loss, scaled)
            both = ahead.merge(frame, on=["unique_id", "ds"])
            both = both[~both["ds"].isin(closed)]
            both["error"] = both["forecast"].clip(lower=0.0) - both["y"]
            error += both["error"].abs().sum()
            error_of_total += both.groupby("ds")["error"].sum().abs().sum()
            sold += both["y"].sum()
        results.append(
            {
                "setting": f"{loss}{', scaled' if scaled else ''}",
                "wape": round(float(error / sold), 6),
                "total_wape": round(float(error_of_total / sold), 6),
                "cpu_s": round(time.process_time() - started, 1),
            }
        )
    return min(results, key=lambda result: float(result["wape"])) | {"tried": results}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--daily", type=Path, help="only judge this file of unique_id, ds, y")
    parser.add_argument("--country", default="US", help="of the holidays of --daily")
    options = parser.parse_args()
    version = importlib.metadata.version
    library = f"mlforecast {version('mlforecast')}, lightgbm {version('lightgbm')}, numpy {np.__version__}"
    if options.daily:
        print(library, json.dumps(measure(daily(options.daily), options.country, 8), indent=2))
        return
    sets = {"complete_journey": complete_journey(), "cdnow": cdnow()}
    result = {name: measure(rows, "US", 6, UNSCORED[name]) for name, rows in sets.items()}
    print(library, json.dumps(result, indent=2))
    known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    RESULT.write_text(json.dumps(known | {"peer": {"library": library, **result}}, indent=2) + "\n")


if __name__ == "__main__":
    # mlforecast's threads cost more than they save on a few series.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
