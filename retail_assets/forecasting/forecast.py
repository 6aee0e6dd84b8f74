"""The forecast as a product: a table of the days to come, and the measured worth of the model that made it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retail_assets.forecasting.backtest import Backtest, report, run_backtest, verdict
from retail_assets.forecasting.calendar import HolidayCalendar, holiday_calendar
from retail_assets.forecasting.methods import (
    BOOSTING,
    FEWEST_DAYS_FOR_BOOSTING,
    UNTESTED,
    apply_methods,
    baseline_forecasts,
    boosted,
    choose_methods,
)
from retail_assets.forecasting.models import GradientBoosting
from retail_assets.forecasting.series import DailySales, Panel, daily_sales, panel_at, to_date
from retail_assets.tables import SALES_FORECAST

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_HORIZON = 28


@dataclass(frozen=True)
class Forecast:
    """`table` has the schema of `tables.SALES_FORECAST`; `backtest` is what `output/forecast/backtest.json` holds."""

    table: pa.Table
    backtest: dict[str, Any]


def forecast_daily(history: pd.DataFrame, *, country: str, horizon: int = LONGEST_HORIZON, seed: int = 0) -> Forecast:
    """Forecast revenue a day and category for the `horizon` days after the last complete day of `history`.

    `history` holds rows of `daily_category_sales` (`sale_date`, `product_category`, `revenue`, `orders`; in any order).
    Gradient boosting is published only where the backtest found its RMSE below every simple rule's; else the best of
    them is, and the method says so. The same history and seed give the same table and report.
    Raises ValueError for a horizon outside 1 to 28, a negative seed, or a history without the columns or with gaps in
    them.
    """
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise ValueError(f"horizon must be 1 to {LONGEST_HORIZON} days, is {horizon}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, is {seed}")
    sales = daily_sales(history)
    if sales is None:
        reason = "There are no sales: land and load some first."
        return Forecast(_empty_table(), {"evaluated": False, "reason": reason, "verdict": _unmeasured(reason)})
    holidays = holiday_calendar(country, sales.first_day, sales.last_day + timedelta(days=horizon))
    panel = panel_at(sales, sales.last_day)
    tested = run_backtest(sales, holidays, horizon=horizon, seed=seed)
    methods = _published_methods(choose_methods(panel), tested)
    baselines = baseline_forecasts(panel, holidays, horizon)
    model = None
    if BOOSTING in methods:
        model = GradientBoosting(horizon=horizon, random_state=seed).fit(panel.select(boosted(methods)), holidays)
    revenue = apply_methods(panel, holidays, methods, baselines, model, horizon)
    table = _table(panel, revenue, baselines["seasonal_naive"], methods)
    return Forecast(table, _report(sales, panel, holidays, methods, tested, horizon=horizon, seed=seed))


def _published_methods(methods: list[str], tested: Backtest | None) -> list[str]:
    """Put a rule where gradient boosting would stand untested or beaten."""
    if tested is None:
        stand_in = UNTESTED
    elif tested.champion == BOOSTING:
        return methods
    else:
        stand_in = f"{tested.champion}: boosting no better in the backtest"
    return [stand_in if method == BOOSTING else method for method in methods]


def _table(panel: Panel, revenue: np.ndarray, naive: np.ndarray, methods: list[str]) -> pa.Table:
    import pyarrow as pa

    categories, horizon = revenue.shape
    columns = {
        "product_category": np.repeat(np.array(panel.categories, dtype=object), horizon),
        "forecast_date": np.tile(panel.future_days(horizon), categories),
        "cutoff_date": np.full(categories * horizon, panel.days[-1]),
        "horizon_day": np.tile(np.arange(1, horizon + 1, dtype=np.int32), categories),
        # Cents: digits beyond them would be noise of the floating point.
        "revenue": revenue.ravel().round(2) + 0.0,
        "seasonal_naive": naive.ravel().round(2) + 0.0,
        "method": np.repeat(np.array(methods, dtype=object), horizon),
    }
    schema = SALES_FORECAST.arrow_schema()
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _empty_table() -> pa.Table:
    return SALES_FORECAST.arrow_schema().empty_table()


def _report(
    sales: DailySales,
    panel: Panel,
    holidays: HolidayCalendar,
    methods: list[str],
    tested: Backtest | None,
    *,
    horizon: int,
    seed: int,
) -> dict[str, Any]:
    closed = [str(to_date(day)) for day in panel.days[panel.closed]]
    notes = [*sales.notes, *([holidays.note] if holidays.note else [])]
    if closed:
        notes.append(
            "Closed days (nothing sold where a usual day has 20 orders or more) are neither learned nor scored."
        )
    common = {
        "horizon": horizon,
        "seed": seed,
        "country": holidays.country,
        "data": {
            "first_day": str(sales.first_day),
            "last_day": str(sales.last_day),
            "days": len(sales.days),
            "categories": len(sales.categories),
            "closed_days": closed,
        },
        "notes": notes,
    }
    by_name = dict(zip(panel.categories, methods, strict=True))
    if tested is not None:
        return {
            "evaluated": True,
            **common,
            **report(tested, by_name, seed=seed),
            "verdict": verdict(tested, seed=seed),
        }
    needed = FEWEST_DAYS_FOR_BOOSTING + horizon
    if len(sales.days) < needed:
        reason = f"The history has {len(sales.days)} days; a backtest over {horizon} days needs {needed}."
    else:
        reason = (
            f"At no cut-off had any category {FEWEST_DAYS_FOR_BOOSTING} days of history, sales on at least half of its "
            "days and revenue above zero."
        )
    by_category = {name: {"method": method} for name, method in by_name.items()}
    return {"evaluated": False, "reason": reason, **common, "by_category": by_category, "verdict": _unmeasured(reason)}


def _unmeasured(reason: str) -> str:
    return f"Skill was not measured. {reason} Published: simple rules only."
