"""Forecasts, backtests and explanations made up for pictures: any names, any money, without training anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.forecasting.data.series import TOTAL
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.explanation import Curve, Explanation
from retail_assets.forecasting.figures.drivers import FEATURE_WORDS
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import CANDIDATES

LAST = dt.date(2017, 12, 31)


def history(names: Sequence[str], days: int = 120, scale: float = 100.0, *, closed: Sequence[int] = ()) -> pd.DataFrame:
    """Rows of `daily_category_sales`; `closed` are days before the last on which nothing was sold."""
    rng = np.random.default_rng(3)
    rows = [
        (LAST - dt.timedelta(days - 1 - day), name, scale * rng.lognormal(0, 0.3) / (at + 1), 200)
        for day in range(days)
        for at, name in enumerate(names)
        if days - 1 - day not in closed
    ]
    return pd.DataFrame(rows, columns=["sale_date", "product_category", "revenue", "orders"])


def table(names: Sequence[str], scale: float = 100.0, horizon: int = 28, method: str = "gradient_boosting") -> pa.Table:
    """Rows of `sales_forecast`, as far as pictures read them."""
    rows = []
    for at, name in enumerate([*names, TOTAL]):
        level = scale * sum(1 / (i + 1) for i in range(len(names))) if name == TOTAL else scale / (at + 1)
        for day in range(1, horizon + 1):
            mean = level * (1 + 0.2 * np.sin(day))
            ends = {f"p{q}": mean * f for q, f in (("025", 0.6), ("10", 0.8), ("50", 1), ("90", 1.2), ("975", 1.5))}
            row = {"product_category": name, "forecast_date": LAST + dt.timedelta(day), "mean": mean, "method": method}
            rows.append({**row, **ends, "seasonal_naive": level})
    return pa.Table.from_pylist(rows)


def report(names: Sequence[str], backtest: Backtest) -> dict[str, Any]:
    """What pictures read of the report of a training."""
    model, rule = backtest.learned[0], "seasonal_naive"
    measured = {"rmse": 90.0}
    entry = {
        "models": {**{name: {"rmse": 100.0} for name in BASELINE_NAMES}, model: measured},
        "modelled_in_backtest": True,
        "skill_vs_seasonal_naive": 0.1,
    }
    return {
        "evaluated": True,
        "country": "US",
        "data": {"grain": "day", "first_day": "2014-01-01", "last_day": LAST.isoformat()},
        "champion": model,
        "best_model": model,
        "models": {model: {"total_wape": 0.087, "total_coverage80": 0.8}},
        "skill": {name: {"rmse_reduction": 0.16, "interval90": [0.1, 0.2]} for name in (*BASELINE_NAMES, rule)},
        "has_skill": True,
        "claim": "skill",
        "horizon": backtest.actual.shape[2],
        "cutoffs": list(backtest.cutoffs),
        "by_category": {name: {**entry, "skill_vs_seasonal_naive": 0.3 - 0.02 * at} for at, name in enumerate(names)},
    }


def backtest(
    names: Sequence[str], scale: float = 100.0, cutoffs: int = 6, horizon: int = 28, *, alike: bool = False
) -> Backtest:
    """A backtest of every model; `alike`: all with nearly the same error."""
    rng = np.random.default_rng(4)
    shape = (cutoffs, len(names), horizon)
    actual = scale * rng.lognormal(0, 0.3, shape)
    models = [*CANDIDATES, *BASELINE_NAMES]
    forecasts = {
        name: actual * (1 + (0.2 if alike else 0.03 * (at + 3)) * np.sign(rng.standard_normal(shape)))
        for at, name in enumerate(models)
    }
    whole = np.concatenate([actual, actual.sum(axis=1, keepdims=True)], axis=1)[..., None]
    quantiles = {name: whole * np.array([0.5, 0.7, 0.95, 1.2, 1.6]) * rng.lognormal(0, 0.2, whole.shape)
                 for name in models}  # fmt: skip
    days = tuple(LAST - dt.timedelta(horizon * (cutoffs - at)) for at in range(cutoffs))
    known = np.ones(len(names), dtype=bool)
    return Backtest(
        tuple(names), days, actual, forecasts, np.ones((cutoffs, len(names))), known, (), quantiles,
        holiday=rng.random((cutoffs, horizon)) < 0.1, first_day=dt.date(2014, 1, 1),
    )  # fmt: skip


def explanation(features: Sequence[str], curves: int = 4) -> Explanation:
    """An explanation by features of which the first is the most important."""
    importance = np.linspace(0.14, 0.001, len(features))
    drawn = tuple(
        Curve(name, np.linspace(0.8, 1.2, 9) if at % 2 else np.arange(9.0), 1 + 0.1 * np.sin(np.arange(9.0) + at))
        for at, name in enumerate(features[:curves])
    )
    return Explanation("gradient boosting with memory of the year", tuple(features), importance, drawn)


def explanations() -> dict[str, Explanation]:
    """Explanations that show every feature, four at a time, and names that users bring."""
    known = list(FEATURE_WORDS)
    groups = [known[at : at + 4] for at in range(0, len(known), 4)]
    made = {group[0]: explanation([*group, *(n for n in known if n not in group)]) for group in groups}
    own = ["price_of_$_tea", "x" * 60, "\u5973\u88c5_events", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"]
    return made | {"own": explanation([*own, *known]), "one": explanation(["step"], 1)}


def accuracy(days: int, scale: float = 100.0, step: int = 1) -> pa.Table:
    """Rows of `forecast_accuracy`, as far as pictures read them."""
    rng = np.random.default_rng(6)
    rows = []
    for day in range(days):
        date = LAST - dt.timedelta((days - day) * step)
        actual = scale * rng.lognormal(0, 0.3)
        mean = actual * rng.lognormal(0, 0.2)
        row = {"product_category": "a", "forecast_date": date, "cutoff_date": date - dt.timedelta(7), "mean": mean}
        rows.append({**row, "actual": actual, "error": mean - actual, "seasonal_naive": scale, "horizon_day": 7,
                     "inside80": True, "inside95": True})  # fmt: skip
    return pa.Table.from_pylist(rows)
