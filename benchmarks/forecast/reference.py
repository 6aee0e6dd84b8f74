"""AutoETS and AutoTheta of statsforecast on the same cut-offs: the reference that the product's models must beat.

Run with `make bench-forecast-reference`, in an environment of its own (statsforecast needs pandas below 3); writes
benchmarks/forecast/reference.json, which `make bench-forecast` reads. `peer` then adds LightGBM to it.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsforecast.models import AutoETS, AutoTheta

from benchmarks.forecast.data import UNSCORED, cdnow, complete_journey

HORIZON, CUTOFFS = 28, 6
RESULT = Path(__file__).with_name("reference.json")


def measure(rows: pd.DataFrame, unscored: tuple[str, ...]) -> dict[str, Any]:
    """Return the errors of both models, defined as in `retail_assets.forecasting.evaluation.backtest`."""
    wide = rows.assign(day=pd.to_datetime(rows["sale_date"])).pivot(
        index="day", columns="product_category", values="revenue"
    )
    wide = wide.reindex(pd.date_range(wide.index.min(), wide.index.max())).astype(float).fillna(0.0)
    result = {}
    for kind in (AutoETS, AutoTheta):
        errors, actuals = [], []
        for step in range(CUTOFFS, 0, -1):
            end = len(wide) - HORIZON * step
            series = [wide[name].to_numpy()[:end] for name in wide]
            forecast = np.array([kind(season_length=7).forecast(y, h=HORIZON)["mean"] for y in series])
            scored = ~wide.index[end : end + HORIZON].isin(pd.to_datetime(list(unscored)))
            actual = wide.to_numpy()[end : end + HORIZON].T
            errors.append((forecast - actual)[:, scored])
            actuals.append(actual[:, scored])
        error, actual = np.concatenate(errors, axis=1), np.concatenate(actuals, axis=1)
        total = error.sum(axis=0)
        result[kind.__name__] = {
            "rmse": round(float(np.sqrt((error**2).mean())), 6),
            "wape": round(float(np.abs(error).sum() / actual.sum()), 6),
            "bias": round(float(error.sum() / actual.sum()), 6),
            "total_rmse": round(float(np.sqrt((total**2).mean())), 6),
            "total_wape": round(float(np.abs(total).sum() / actual.sum()), 6),
        }
    return result


def main() -> None:
    data = {"complete_journey": complete_journey(), "cdnow": cdnow()}
    result = {name: measure(rows, UNSCORED[name]) for name, rows in data.items()}
    version = importlib.metadata.version("statsforecast")
    RESULT.write_text(json.dumps({"library": f"statsforecast {version}", **result}, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
