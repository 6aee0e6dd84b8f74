"""The forecast as a product: training measures and fits, scoring makes the table of the days to come.

Training is dear and rare, scoring is cheap and daily. Both choose methods, make features and hold forecasts to what is
plausible by the same code, so that what was measured is what is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retail_assets.errors import ModelFileError
from retail_assets.forecasting.data.calendar import HolidayCalendar, holiday_calendar
from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import (
    REVENUE,
    TOTAL,
    UNITS,
    DailySales,
    Floats,
    Panel,
    daily_sales,
    panel_at,
    to_date,
)
from retail_assets.forecasting.evaluation.backtest import (
    BASELINE_NAMES,
    MOST_CUTOFFS,
    Backtest,
    choose_cutoffs,
    models_of,
    report,
    run_backtest,
    verdict,
)
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.candidates import (
    CONTENDERS,
    PRODUCT_MODEL,
    fit_contenders,
    one_core_a_fit,
    predictions,
)
from retail_assets.forecasting.models.fallback import (
    FEWEST_DAYS_FOR_MODELS,
    MODELLED,
    UNTESTED,
    apply_methods,
    baseline_forecasts,
    choose_methods,
    modelled,
    returns_dominate,
)
from retail_assets.forecasting.models.serialization import ForecastModel
from retail_assets.tables import SALES_FORECAST

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_HORIZON = 28
#: Method of the total, and version of a forecast that no store holds.
SUM_OF_CATEGORIES = "sum of categories"
#: Who is asked for units: they follow revenue, so the product's model and the simple rules will do.
UNIT_CONTENDERS = (PRODUCT_MODEL,)
UNSTORED = "unstored"


@dataclass(frozen=True)
class Training:
    """A fitted model with the backtests that chose it, of revenue and of units.

    `report` is what `output/forecast/backtest.json` holds.
    """

    model: ForecastModel | None
    backtest: Backtest | None
    report: dict[str, Any]
    units: Backtest | None = None


@dataclass(frozen=True)
class Forecast:
    """`table` has the schema of `tables.SALES_FORECAST`; `backtest` is the report of the training behind it."""

    table: pa.Table
    backtest: dict[str, Any]
    measured: Backtest | None = None
    model: ForecastModel | None = None


def train(
    history: pd.DataFrame,
    *,
    country: str,
    horizon: int = LONGEST_HORIZON,
    seed: int = 0,
    contenders: Sequence[str] | None = None,
    most_cutoffs: int = MOST_CUTOFFS,
    regressors: Regressors = NONE,
) -> Training:
    """Backtest every model on `history` (or those that `contenders` names), and fit the one that won on all of it.

    `history` holds rows of `daily_category_sales` (`sale_date`, `product_category`, `revenue`, `orders`; in any order;
    with `units`, these are forecast too, by a model of their own).
    A learned model wins only where its error was below every simple rule's; else the best of them stands in, and the
    method says so. `regressors` are events and the like. The same history and seed give the same model and report.
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
        return Training(None, None, {"evaluated": False, "reason": reason, "verdict": _unmeasured(reason)})
    holidays = _holidays(country, sales, horizon, regressors)
    common = (sales, holidays, horizon, seed, most_cutoffs)
    if sales.units is None:
        tested, model = _tested_and_fitted(*common, contenders, REVENUE)
        return Training(model, tested, _report_of_revenue(sales, holidays, tested, model))
    # Side by side, for at the end of each a core would have nothing to do. The limit is set here, once for both.
    needed = CONTENDERS if choose_cutoffs(sales.first_day, sales.last_day, horizon) else ()
    with one_core_a_fit(needed), ThreadPoolExecutor(1) as beside:
        waited = beside.submit(_tested_and_fitted, *common, UNIT_CONTENDERS, UNITS)
        tested, model = _tested_and_fitted(*common, contenders, REVENUE)
        of_units, units = waited.result()
    made = _report_of_revenue(sales, holidays, tested, model)
    return Training(replace(model, units=units), tested, made | {"units": _report_of_units(of_units, seed)}, of_units)


def _tested_and_fitted(
    sales: DailySales,
    holidays: HolidayCalendar,
    horizon: int,
    seed: int,
    most_cutoffs: int,
    contenders: Sequence[str] | None,
    measure: str,
) -> tuple[Backtest | None, ForecastModel]:
    """The backtest of revenue or of units, and the family that won there, fitted on all days."""
    options: dict[str, Any] = {"horizon": horizon, "seed": seed}
    tested = run_backtest(sales, holidays, **options, most_cutoffs=most_cutoffs, contenders=contenders, measure=measure)
    return tested, _fitted(sales, panel_at(sales, sales.last_day, measure), holidays, tested, **options)


def _fitted(
    sales: DailySales, panel: Panel, holidays: HolidayCalendar, tested: Backtest | None, *, horizon: int, seed: int
) -> ForecastModel:
    """The family that won, fitted on all of the panel's days."""
    family, why = _winner(tested)
    largest = panel.select(modelled(choose_methods(panel)))
    names = () if family in BASELINE_NAMES or not largest.categories else (family,)
    with one_core_a_fit(names):
        fitted = fit_contenders(largest, holidays, names, horizon=horizon, seed=seed)
    conformal = None if tested is None else tested.latest[family]
    known = holidays.regressors.names
    return ForecastModel(family, why, horizon, seed, holidays.country, fitted, sales.categories, conformal, known)


def score(
    model: ForecastModel,
    history: pd.DataFrame,
    *,
    version: str = UNSTORED,
    issued_at: datetime | None = None,
    regressors: Regressors = NONE,
) -> pa.Table:
    """Forecast the days after the last complete day of `history`, as rows of `tables.SALES_FORECAST`.

    The total is the sum of the categories to the cent, each day. `issued_at` defaults to the midnight after the
    cut-off: time is passed in where it matters. Raises ValueError as `train` does.
    """
    sales = daily_sales(history)
    if sales is None:
        return _empty_table()
    if model.reads_features and regressors.names != model.regressors:
        raise ModelFileError(
            f"The model has learnt from the events {list(model.regressors)}, and is given {list(regressors.names)}. "
            "Retrain the forecast."
        )
    holidays = _holidays(model.country, sales, model.horizon, regressors)
    revenue = _outlook(model, panel_at(sales, sales.last_day), holidays, digits=2)
    units = None
    if model.units is not None and sales.units is not None:
        units = _outlook(model.units, panel_at(sales, sales.last_day, UNITS), holidays, digits=3)
    issued = issued_at or datetime.combine(sales.last_day + timedelta(days=1), time())
    return _table(revenue, units, version, issued)


@dataclass(frozen=True)
class _Outlook:
    """The days after a panel: point (categories, horizon), quantiles (categories + 1, horizon, levels), by what."""

    panel: Panel
    point: Floats
    ends: Floats
    naive: Floats
    methods: list[str]


def _outlook(model: ForecastModel, panel: Panel, holidays: HolidayCalendar, *, digits: int) -> _Outlook:
    """What a model says of the days after the panel, in money or in units; the quantiles of units at their price."""
    chosen = choose_methods(panel)
    baselines = baseline_forecasts(panel, holidays, model.horizon)
    of_model = modelled(chosen)
    predicted = None
    if model.learned and of_model.any():
        largest = panel.select(of_model)
        predicted = predictions(model.fitted, largest, holidays, model.horizon, (model.family,))[model.family]
    methods = published_methods(chosen, model)
    applied = chosen if model.learned else methods
    price = panel.price[:, None]
    point = (apply_methods(panel, holidays, applied, baselines, predicted) / price).round(digits) + 0.0
    ends = _ends(model, panel, point * price, of_model)
    return _Outlook(panel, point, ends, baselines["seasonal_naive"], methods)


def forecast_daily(
    history: pd.DataFrame,
    *,
    country: str,
    horizon: int = LONGEST_HORIZON,
    seed: int = 0,
    version: str = UNSTORED,
    issued_at: datetime | None = None,
) -> Forecast:
    """Train on a history and forecast the days after it: `train`, then `score`. Raises ValueError as they do."""
    training = train(history, country=country, horizon=horizon, seed=seed)
    if training.model is None:
        return Forecast(_empty_table(), training.report)
    table = score(training.model, history, version=version, issued_at=issued_at)
    return Forecast(table, training.report, training.backtest, training.model)


def _holidays(country: str, sales: DailySales, horizon: int, regressors: Regressors) -> HolidayCalendar:
    calendar = holiday_calendar(country, sales.first_day, sales.last_day + timedelta(days=horizon))
    return replace(calendar, regressors=regressors)


def _winner(tested: Backtest | None) -> tuple[str, str | None]:
    """Who is published, and why where it is a simple rule."""
    if tested is None:
        rule, _, why = UNTESTED.partition(": ")
        return rule, why
    return tested.champion, None if tested.has_skill else "no model is better in the backtest"


def published_methods(methods: list[str], model: ForecastModel) -> list[str]:
    """Methods with the winner's name, or the rule that stands in for it, where a model would stand."""
    named = model.family if model.learned else f"{model.family}: {model.reason}"
    return [named if method == MODELLED else method for method in methods]


def _ends(model: ForecastModel, panel: Panel, point: Floats, of_model: Any) -> Floats:
    """(categories + 1, horizon, levels): quantiles around the forecast, the total last."""
    group = np.append(np.where(of_model, 0, 1), 0)
    if model.conformal is None:
        conformal = intervals.calibrate(intervals.spread_in_history(panel), group)
    else:
        conformal = intervals.for_names(model.conformal, model.categories, panel.categories)
    below = np.append(returns_dominate(panel), np.nansum(panel.values[:, -56:]) < 0)
    return intervals.quantiles(intervals.with_total(point), intervals.levels(panel), conformal, below)


def _table(revenue: _Outlook, units: _Outlook | None, version: str, issued: datetime) -> pa.Table:
    import pyarrow as pa

    panel, methods = revenue.panel, revenue.methods
    point = _and_total(revenue.point)
    naive = _and_total(revenue.naive.round(2) + 0.0)
    rows, horizon = point.shape
    columns: dict[str, Any] = {
        "product_category": np.repeat(np.array([*panel.categories, TOTAL], dtype=object), horizon),
        "forecast_date": np.tile(panel.future_days(horizon), rows),
        "cutoff_date": np.full(rows * horizon, panel.days[-1]),
        "horizon_day": np.tile(np.arange(1, horizon + 1, dtype=np.int32), rows),
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
    # NaN is no number of units: where there is none to tell, the table holds nothing.
    made = [pa.array(columns[field.name], field.type, from_pandas=field.nullable) for field in schema]
    return pa.table(made, schema=schema)


def _and_total(values: Floats) -> Floats:
    return np.concatenate([values, values.sum(axis=0, keepdims=True)])


def _unit_columns(units: _Outlook | None, rows: int) -> dict[str, Floats]:
    """Units and the ends of their 80 % interval, NaN where unknown: pieces and gallons have a sum, but no spread."""
    if units is None:
        return {name: np.full(rows, np.nan) for name in ("units", "units_p10", "units_p90")}
    price = np.append(units.panel.price, np.nan)[:, None]
    low, high = (((units.ends[:, :, at] / price).round(3) + 0.0).ravel() for at in intervals.INNER)
    return {"units": _and_total(units.point).ravel().round(3) + 0.0, "units_p10": low, "units_p90": high}


def _empty_table() -> pa.Table:
    return SALES_FORECAST.arrow_schema().empty_table()


def _report_of_revenue(
    sales: DailySales, holidays: HolidayCalendar, tested: Backtest | None, model: ForecastModel
) -> dict[str, Any]:
    panel = panel_at(sales, sales.last_day)
    methods, horizon, seed = published_methods(choose_methods(panel), model), model.horizon, model.seed
    closed = [str(to_date(day)) for day in panel.days[panel.closed]]
    notes = [*sales.notes, *([holidays.note] if holidays.note else [])]
    if closed:
        notes.append(
            "Closed days (nothing sold where a usual day has 20 orders or more) are neither learned nor scored: "
            f"{', '.join(closed[:10])}{' …' if len(closed) > 10 else ''}."
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
    needed = FEWEST_DAYS_FOR_MODELS + horizon
    if len(sales.days) < needed:
        reason = f"The history has {len(sales.days)} days; a backtest over {horizon} days needs {needed}."
    else:
        reason = (
            f"At no cut-off had any category {FEWEST_DAYS_FOR_MODELS} days of history, sales on at least half of its "
            "days, and revenue that is above zero and changes."
        )
    by_category = {name: {"method": method} for name, method in by_name.items()}
    return {"evaluated": False, "reason": reason, **common, "by_category": by_category, "verdict": _unmeasured(reason)}


def _report_of_units(tested: Backtest | None, seed: int) -> dict[str, Any]:
    """The backtest of units in short; by category it stands in the table `forecast_backtest`."""
    at_prices = "Units are scored in money, at the mean price of the 8 weeks before each cut-off."
    if tested is None:
        return {"evaluated": False, "note": at_prices, "verdict": "Units: by the rules, unmeasured."}
    return {
        "evaluated": True,
        "models": models_of(tested),
        "champion": tested.champion,
        "has_skill": tested.has_skill,
        "note": at_prices,
        "verdict": verdict(tested, seed=seed),
    }


def _unmeasured(reason: str) -> str:
    return f"Skill was not measured. {reason} Published: simple rules only."
