"""Training: measure every candidate by a backtest, and fit the winner on all days. Expensive and infrequent."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from retail_assets.forecasting.data.calendar import HolidayCalendar, forecast_calendar
from retail_assets.forecasting.data.grain import whole_horizon
from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import REVENUE, UNITS, DailySales, Panel, daily_sales, panel_at
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.explanation import Explanation, explain
from retail_assets.forecasting.evaluation.rolling_origin import (
    CALIBRATION_CUTOFFS,
    MOST_CUTOFFS,
    MOST_CUTOFFS_TO_CALIBRATE,
    choose_cutoffs,
    run_backtest,
)
from retail_assets.forecasting.lifecycle import training_report
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import (
    FITTED_CANDIDATES,
    PRODUCT_MODEL,
    YEARLY_MODEL,
    fit_candidates,
    single_threaded_fits,
)
from retail_assets.forecasting.models.fallback import NO_MODEL_BETTER, UNTESTED, choose_fallbacks, modeled
from retail_assets.forecasting.models.forecast_model import ForecastModel

LONGEST_HORIZON = 28
#: Units follow revenue: for them the product's model, with and without memory of the year, and the baselines compete.
UNIT_CANDIDATES = (YEARLY_MODEL, PRODUCT_MODEL)
# With those that calibrate, the 8 whose errors the published intervals use: earlier ones would change no forecast.
UNIT_CUTOFFS = MOST_CUTOFFS_TO_CALIBRATE - CALIBRATION_CUTOFFS


@dataclass(frozen=True)
class Training:
    """A fitted model with the backtests that chose it.

    Attributes:
        model: the family that won, fitted on all days; None without sales, or where they are those of months.
        backtest: of revenue; None where the history is too short for one.
        report: the content of `output/forecast/backtest.json`.
        units: the backtest of units; None without units, or where the history is too short.
        learned_from: the categories that the model of revenue was fitted on; None without sales.
        holidays: the calendar and events of the training; None without sales.
    """

    model: ForecastModel | None
    backtest: Backtest | None
    report: dict[str, Any]
    units: Backtest | None = None
    learned_from: Panel | None = None
    holidays: HolidayCalendar | None = None

    def explanation(self) -> Explanation | None:
        """Explain the model of revenue; None where no feature is behind it."""
        if self.model is None or self.learned_from is None or self.holidays is None:
            return None
        return explain(self.model, self.learned_from, self.holidays)


@dataclass(frozen=True)
class _Fit:
    """The backtest of revenue or of units, and the winner fitted on all days of `panel`."""

    backtest: Backtest | None
    model: ForecastModel
    panel: Panel
    fallbacks: list[str]


def train(
    history: pd.DataFrame,
    *,
    country: str,
    horizon: int = LONGEST_HORIZON,
    seed: int = 0,
    candidates: Sequence[str] | None = None,
    most_cutoffs: int = MOST_CUTOFFS,
    regressors: Regressors = NONE,
) -> Training:
    """Backtest every candidate on `history`, and fit the one that won on all of it.

    A candidate wins only where its error was below every baseline's; else the best baseline is published in its place,
    and the method says so. The same history and seed give the same model and report.

    Args:
        history: rows of `daily_category_sales` in any order, with `sale_date`, `product_category`, `revenue` and
            `orders`; where there is a column `units`, units are forecast too, by a model of their own.
        country: of the holiday calendar, ISO 3166-1 as `US`.
        horizon: days ahead, 1 to 28.
        seed: of the models and the bootstrap.
        candidates: names of the candidate models that take part; all by default.
        most_cutoffs: cut-offs of the backtest that are scored.
        regressors: events and the like.

    Raises:
        ValueError: the horizon is outside 1 to 28, the seed negative, or a column or value of the history missing.
    """
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise ValueError(f"horizon must be 1 to {LONGEST_HORIZON} days, is {horizon}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, is {seed}")
    sales = daily_sales(history)
    if sales is None:
        return Training(None, None, training_report.of_nothing(history))
    horizon = whole_horizon(horizon, sales.grain)
    holidays = forecast_calendar(country, sales, horizon, regressors)
    revenue, units = _fit_revenue_and_units(sales, holidays, horizon, seed, most_cutoffs, candidates)
    report = training_report.of_revenue(sales, holidays, revenue.backtest, revenue.model, revenue.fallbacks)
    model, tested_units = revenue.model, None
    if units is not None:
        model, tested_units = replace(model, units=units.model), units.backtest
        report |= {"units": training_report.of_units(tested_units, seed)}
    learned_from = revenue.panel.select(modeled(revenue.fallbacks))
    return Training(model, revenue.backtest, report, tested_units, learned_from, holidays)


def _fit_revenue_and_units(
    sales: DailySales,
    holidays: HolidayCalendar,
    horizon: int,
    seed: int,
    most_cutoffs: int,
    candidates: Sequence[str] | None,
) -> tuple[_Fit, _Fit | None]:
    def fit(measure: str, candidates: Sequence[str] | None, most_cutoffs: int) -> _Fit:
        return _test_and_fit(sales, holidays, horizon, seed, most_cutoffs, candidates, measure)

    if sales.units is None:
        return fit(REVENUE, candidates, most_cutoffs), None
    # Side by side, because at the end of each a core would have nothing to do. The limit is set here, once for both.
    needed = FITTED_CANDIDATES if choose_cutoffs(sales.first_day, sales.last_day, horizon) else ()
    with single_threaded_fits(needed), ThreadPoolExecutor(1) as second_thread:
        units = second_thread.submit(fit, UNITS, UNIT_CANDIDATES, min(most_cutoffs, UNIT_CUTOFFS))
        return fit(REVENUE, candidates, most_cutoffs), units.result()


def _test_and_fit(
    sales: DailySales,
    holidays: HolidayCalendar,
    horizon: int,
    seed: int,
    most_cutoffs: int,
    candidates: Sequence[str] | None,
    measure: str,
) -> _Fit:
    """Backtest revenue or units, and fit the family that won on all days."""
    options: dict[str, Any] = {"horizon": horizon, "seed": seed}
    tested = run_backtest(sales, holidays, **options, most_cutoffs=most_cutoffs, candidates=candidates, measure=measure)
    panel = panel_at(sales, sales.last_day, measure)
    fallbacks = choose_fallbacks(panel)
    largest = panel.select(modeled(fallbacks))
    family, why = _winner(tested)
    names = () if family in BASELINE_NAMES or not largest.categories else (family,)
    with single_threaded_fits(names):
        fitted = fit_candidates(largest, holidays, names, **options)
    conformal = None if tested is None else tested.latest[family]
    model = ForecastModel(
        family,
        why,
        horizon,
        seed,
        holidays.country,
        fitted,
        sales.categories,
        conformal,
        holidays.regressors.names,
    )
    return _Fit(tested, model, panel, fallbacks)


def _winner(tested: Backtest | None) -> tuple[str, str | None]:
    """The family that is published, and why where it is a baseline."""
    if tested is None:
        rule, _, why = UNTESTED.partition(": ")
        return rule, why
    return tested.champion, NO_MODEL_BETTER if tested.champion in BASELINE_NAMES else None
