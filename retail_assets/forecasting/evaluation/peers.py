"""Models of another library beside the product's, where it is installed: AutoETS, AutoTheta and MSTL of statsforecast.

It is no dependency: it needs a pandas below 3.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import warnings
from typing import Any

import numpy as np

from retail_assets.forecasting.data.series import WEEK, DailySales, Floats, by_grain, days_after
from retail_assets.forecasting.evaluation.backtest import Backtest

LIBRARY = "statsforecast"
_WITHOUT_SEASON = ("AutoETS", "AutoTheta")
_MODELS = (*_WITHOUT_SEASON, "MSTL")


def installed() -> str | None:
    """Name the library and its version; None where it is not installed."""
    if importlib.util.find_spec(LIBRARY) is None:
        return None
    return f"{LIBRARY} {importlib.metadata.version(LIBRARY)}"


def forecasts(sales: DailySales, judged: Backtest, horizon: int) -> dict[str, Floats]:
    """Forecast from each cut-off by each model of the library: (cut-offs, categories, steps) by `statsforecast NAME`.

    A series is complete, with zero where nothing was sold, and starts with its first sale; a model that fails repeats
    the last week, or value.

    Args:
        sales: the history.
        judged: the backtest whose cut-offs and categories are forecast.
        horizon: days ahead.
    """
    models: Any = importlib.import_module(f"{LIBRARY}.models")
    period, steps = WEEK // sales.grain, horizon // sales.grain
    revenue = by_grain(sales.revenue, sales.grain)
    names = _MODELS if period > 1 else _WITHOUT_SEASON
    result = {f"{LIBRARY} {name}": np.zeros(judged.actual.shape) for name in names}
    for at, cutoff in enumerate(judged.cutoffs):
        end = (days_after(sales.days[0], cutoff) + 1) // sales.grain
        for row in range(len(sales.categories)):
            known = revenue[row, :end]
            series = known[int(np.argmax(known != 0)) :]
            for name in names:
                result[f"{LIBRARY} {name}"][at, row] = _one(models, name, series, period, steps)
    return result


def _one(models: Any, name: str, series: Floats, period: int, steps: int) -> Floats:
    if not series.any():
        return np.zeros(steps)
    last = series[-period:]
    repeated = np.resize(last, steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            values = getattr(models, name)(season_length=period).forecast(y=series, h=steps)["mean"]
        except Exception:  # whatever another library raises on a short or constant series
            return repeated
    return np.asarray(values, dtype=np.float64) if np.isfinite(values).all() else repeated
