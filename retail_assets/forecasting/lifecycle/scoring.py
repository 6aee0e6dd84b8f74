"""Scoring: the table of the days to come, by a trained model. It is cheap and runs every day.

It chooses fallbacks, makes features and limits forecasts by the same code as the backtest, so that what was measured is
what is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.data.calendar import HolidayCalendar, forecast_calendar, near_holiday
from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import (
    TOTAL,
    UNITS,
    Bools,
    Floats,
    Ints,
    Panel,
    by_grain,
    daily_sales,
    panel_at,
)
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.candidates import predictions
from retail_assets.forecasting.models.fallback import (
    apply_fallbacks,
    baseline_forecasts,
    choose_fallbacks,
    modeled,
    returns_dominate,
)
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.tables import SALES_FORECAST

if TYPE_CHECKING:
    import pyarrow as pa

#: Method of the total, and version of a model that is in no store.
SUM_OF_CATEGORIES = "sum of categories"
UNSTORED = "unstored"


def score(
    model: ForecastModel,
    history: pd.DataFrame,
    *,
    version: str = UNSTORED,
    issued_at: datetime | None = None,
    regressors: Regressors = NONE,
) -> pa.Table:
    """Forecast the days after the last complete day of `history`.

    The total is the sum of the categories to the cent, each day. Where the source reports weeks, so does the forecast:
    a row per week, dated like the source's.

    Args:
        model: a trained model.
        history: rows of `daily_category_sales`.
        version: of the model in the store.
        issued_at: the moment that goes into the table; by default the midnight after the cut-off.
        regressors: events and the like, of the names that the model has learned from; others must be optional.

    Returns:
        Rows of `tables.SALES_FORECAST`; none without sales.

    Raises:
        ValueError: a column or a value of the history is missing.
        ModelFileError: the model has learned from other events.
    """
    sales = daily_sales(history)
    if sales is None:
        return SALES_FORECAST.arrow_schema().empty_table()
    learned_from = regressors.of_names(model.regressors)
    if model.reads_features and learned_from is None:
        raise ModelFileError(
            f"The model has learned from the events {list(model.regressors)}, and now there are "
            f"{list(regressors.names)}. "
            "Retrain the forecast."
        )
    holidays = forecast_calendar(model.country, sales, model.horizon, learned_from or regressors)
    revenue = _outlook(model, panel_at(sales, sales.last_day), holidays, sales.grain, digits=2)
    units = None
    if model.units is not None and sales.units is not None:
        units = _outlook(model.units, panel_at(sales, sales.last_day, UNITS), holidays, sales.grain, digits=3)
    issued = issued_at or datetime.combine(sales.last_day + timedelta(days=1), time())
    return _table(revenue, units, version, issued)


@dataclass(frozen=True)
class _Outlook:
    """The days after a panel: point, (categories, horizon), ends, (categories + 1, horizon, levels), and methods.

    Where the source reports weeks, the steps of the horizon are weeks; `ahead` counts the days up to each step.
    """

    panel: Panel
    ahead: Ints
    point: Floats
    ends: Floats
    naive: Floats
    methods: list[str]


def _outlook(model: ForecastModel, panel: Panel, holidays: HolidayCalendar, grain: int, *, digits: int) -> _Outlook:
    """Forecast the days after the panel, in money or in units; the quantiles of units are in money, at their price."""
    fallbacks = choose_fallbacks(panel)
    baselines = baseline_forecasts(panel, holidays, model.horizon)
    of_model = modeled(fallbacks)
    predicted = None
    if model.learned and of_model.any():
        largest = panel.select(of_model)
        predicted = predictions(model.fitted, largest, holidays, model.horizon, (model.family,))[model.family]
    methods = model.published_methods(fallbacks)
    applied = fallbacks if model.learned else methods
    price = panel.price[:, None]
    forecast = by_grain(apply_fallbacks(panel, holidays, applied, baselines, predicted), grain)
    point = (forecast / price).round(digits) + 0.0
    near = by_grain(near_holiday(panel.future_days(model.horizon), holidays).astype(np.float64), grain) > 0
    ends = _ends(model, panel, point * price, of_model, grain, near)
    ahead = np.arange(1, forecast.shape[1] + 1) * grain
    return _Outlook(panel, ahead, point, ends, by_grain(baselines["seasonal_naive"], grain), methods)


def _ends(model: ForecastModel, panel: Panel, point: Floats, of_model: Any, grain: int, near: Bools) -> Floats:
    """Compute quantiles around the forecast, (categories + 1, horizon, levels), the total last."""
    group = np.append(np.where(of_model, 0, 1), 0)
    if model.conformal is None:
        conformal = intervals.calibrate(intervals.spread_in_history(panel), group)
    else:
        conformal = intervals.for_names(model.conformal, model.categories, panel.categories)
    below = np.append(returns_dominate(panel), np.nansum(panel.values[:, -56:]) < 0)
    return intervals.quantiles(intervals.with_total(point), intervals.levels(panel) * grain, conformal, below, near)


def _table(revenue: _Outlook, units: _Outlook | None, version: str, issued: datetime) -> pa.Table:
    import pyarrow as pa

    panel, methods = revenue.panel, revenue.methods
    point = _and_total(revenue.point)
    naive = _and_total(revenue.naive.round(2) + 0.0)
    rows, horizon = point.shape
    columns: dict[str, Any] = {
        "product_category": np.repeat(np.array([*panel.categories, TOTAL], dtype=object), horizon),
        "forecast_date": np.tile(panel.days[-1] + revenue.ahead, rows),
        "cutoff_date": np.full(rows * horizon, panel.days[-1]),
        "horizon_day": np.tile(revenue.ahead.astype(np.int32), rows),
        # Cents: digits beyond them would be noise of the floating point.
        "mean": point.ravel().round(2) + 0.0,
        **{name: revenue.ends[:, :, at].ravel().round(2) + 0.0 for at, name in enumerate(intervals.LEVEL_NAMES)},
        **_unit_columns(units, rows * horizon),
        "seasonal_naive": naive.ravel().round(2) + 0.0,
        "method": np.repeat(np.array([*methods, SUM_OF_CATEGORIES], dtype=object), horizon),
        "model_version": np.full(rows * horizon, version, dtype=object),
        "issued_at": np.full(rows * horizon, np.datetime64(issued, "us")),
    }
    schema = SALES_FORECAST.arrow_schema()
    # NaN is not a number of units: where there is none, the table holds null.
    arrays = [pa.array(columns[field.name], field.type, from_pandas=field.nullable) for field in schema]
    return pa.table(arrays, schema=schema)


def _and_total(values: Floats) -> Floats:
    return np.concatenate([values, values.sum(axis=0, keepdims=True)])


def _unit_columns(units: _Outlook | None, rows: int) -> dict[str, Floats]:
    """Units and their 80 % interval, NaN where unknown: pieces and gallons have a sum, but no common spread."""
    if units is None:
        return {name: np.full(rows, np.nan) for name in ("units", "units_p10", "units_p90")}
    price = np.append(units.panel.price, np.nan)[:, None]
    low, high = (((units.ends[:, :, at] / price).round(3) + 0.0).ravel() for at in intervals.INNER)
    return {"units": _and_total(units.point).ravel().round(3) + 0.0, "units_p10": low, "units_p90": high}
