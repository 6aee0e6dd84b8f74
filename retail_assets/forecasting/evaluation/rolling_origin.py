"""The rolling-origin backtest: forecast from past cut-offs as it would have been done then (Tashman 2000).

At each cut-off everything is computed again from the days up to it: closed days, fallbacks, features, fit. The last
cut-off is the held-out end of the history. Days on which the shop was closed are not scored: nobody could buy. Up to
four cut-offs before the scored ones only show how wrong each model is, for the intervals.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar, holiday_season, near_holiday
from retail_assets.forecasting.data.series import (
    REVENUE,
    WEEK,
    Bools,
    DailySales,
    Floats,
    Ints,
    Panel,
    by_grain,
    panel_at,
    prices_at,
    recorded,
    to_date,
    total_of,
)
from retail_assets.forecasting.evaluation.backtest import MODEL_NAMES, Backtest
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import (
    candidates_for,
    fit_candidates,
    predictions,
    single_threaded_fits,
    single_threaded_here,
)
from retail_assets.forecasting.models.fallback import (
    FEWEST_DAYS_FOR_MODELS,
    MODELED,
    apply_fallbacks,
    baseline_forecasts,
    choose_fallbacks,
    modeled,
    returns_dominate,
)
from retail_assets.forecasting.models.last_year import has_year
from retail_assets.forecasting.models.total_interval import calibrate_total, rolling_errors

MOST_CUTOFFS = 6
CALIBRATION_CUTOFFS = 4
# Errors older than this many cut-offs say little about today's.
MOST_CUTOFFS_TO_CALIBRATE = 8


@dataclass(frozen=True)
class _Origin:
    """A cut-off: the days up to it, and the fallback of each category."""

    panel: Panel
    fallbacks: list[str]


def choose_cutoffs(first: date, last: date, horizon: int, most: int = MOST_CUTOFFS) -> list[date]:
    """Choose up to `most` cut-offs, oldest first, one horizon apart.

    The last one leaves out the last `horizon` days of the history; each has 70 days up to it.

    >>> [str(day) for day in choose_cutoffs(date(2023, 1, 1), date(2023, 5, 31), 28)]
    ['2023-04-05', '2023-05-03']
    """
    steps = ((last - first).days + 1 - FEWEST_DAYS_FOR_MODELS) // horizon
    return [last - timedelta(days=horizon * step) for step in range(min(steps, most), 0, -1)]


def run_backtest(
    sales: DailySales,
    holidays: HolidayCalendar,
    *,
    horizon: int,
    seed: int,
    candidates: Sequence[str] | None = None,
    most_cutoffs: int = MOST_CUTOFFS,
    measure: str = REVENUE,
) -> Backtest | None:
    """Forecast from each cut-off; None where at no cut-off any category qualified for a model.

    Args:
        sales: the history.
        holidays: calendar and events up to `horizon` days after it.
        horizon: days ahead; whole weeks where the source reports weeks.
        seed: of the models.
        candidates: names of the candidate models that take part; by default all for which there is time with this many
            categories.
        most_cutoffs: cut-offs that are scored.
        measure: REVENUE, or UNITS, which are forecast and scored at the prices of each cut-off.
    """
    cutoffs = choose_cutoffs(sales.first_day, sales.last_day, horizon, most_cutoffs + CALIBRATION_CUTOFFS)
    scored_from = cutoffs[-most_cutoffs:][0] if cutoffs else sales.last_day
    panels = [panel_at(sales, cutoff, measure) for cutoff in cutoffs]
    origins = [_Origin(panel, chosen) for panel in panels if MODELED in (chosen := choose_fallbacks(panel))]
    first_scored = sum(origin.panel.cutoff < scored_from for origin in origins)
    if len(origins) == first_scored:
        return None
    # Admitted only where it can be judged: at a cut-off that is scored and has a year behind it.
    year = any(has_year(origin.panel.days) for origin in origins[first_scored:])
    fitted = candidates_for(max(sum(modeled(origin.fallbacks)) for origin in origins), candidates, year=year)
    forecasts_at = _forecast_all(origins, holidays, fitted, horizon, seed)
    names = [name for name in MODEL_NAMES if name in (*fitted, *BASELINE_NAMES)]
    return _scored(sales, holidays, origins, forecasts_at, names, first_scored, horizon, measure)


def as_lived(tested: Backtest, cutoffs: int, product: str) -> tuple[Backtest, dict[date, str]]:
    """Add to the last cut-offs of a backtest the forecasts as they would have been published; name their models.

    At each cut-off the model is the champion of at most six earlier ones, so the first cut-off is never scored.

    Args:
        tested: of at least two cut-offs.
        cutoffs: how many are scored at most.
        product: the name of these forecasts, before those of the models.
    """
    count = len(tested.cutoffs)
    scored = range(max(count - cutoffs, 1), count)
    champions = {at: tested.select(slice(max(at - MOST_CUTOFFS, 0), at)).champion for at in scored}
    part = tested.select(slice(scored[0], count))

    def published(of: Mapping[str, Floats]) -> Floats:
        return np.stack([of[name][at] for at, name in champions.items()])

    forecasts = {product: published(tested.forecasts), **part.forecasts}
    quantiles = {product: published(tested.quantiles), **part.quantiles}
    by_day = {tested.cutoffs[at]: name for at, name in champions.items()}
    return replace(part, forecasts=forecasts, quantiles=quantiles), by_day


def _forecast_all(
    origins: Sequence[_Origin], holidays: HolidayCalendar, fitted: Sequence[str], horizon: int, seed: int
) -> list[dict[str, Floats]]:
    """Forecast from every cut-off: (categories of its panel, horizon) by model."""

    def forecast(origin: _Origin) -> dict[str, Floats]:
        panel, fallbacks = origin.panel, origin.fallbacks
        baselines = baseline_forecasts(panel, holidays, horizon)
        largest = panel.select(modeled(fallbacks))
        models = fit_candidates(largest, holidays, fitted, horizon=horizon, seed=seed)
        predicted = predictions(models, largest, holidays, horizon, fitted)
        return baselines | {
            name: apply_fallbacks(panel, holidays, fallbacks, baselines, values) for name, values in predicted.items()
        }

    # Threads, because trees grow without Python's lock: the fits take most of the time and are independent.
    threads = min(len(origins), os.cpu_count() or 1)
    with single_threaded_fits(fitted), ThreadPoolExecutor(threads, initializer=single_threaded_here) as pool:
        # The latest first: it has the most to learn from, and would keep one core busy at the end.
        pending = [pool.submit(forecast, origin) for origin in reversed(origins)]
        return [each.result() for each in reversed(pending)]


def _scored(
    sales: DailySales,
    holidays: HolidayCalendar,
    origins: Sequence[_Origin],
    forecasts_at: Sequence[dict[str, Floats]],
    names: Sequence[str],
    first_scored: int,
    horizon: int,
    measure: str,
) -> Backtest:
    """Put the forecasts of all cut-offs beside what was sold; those before `first_scored` only calibrate."""
    observed = np.where(sales.unknown, np.nan, recorded(sales, measure))
    shape = (len(origins), len(sales.categories), horizon)
    with_total = (shape[0], shape[1] + 1)
    actual, naive_error = np.full(shape, np.nan), np.full(shape[:2], np.nan)
    forecasts = {name: np.zeros(shape) for name in names}
    of_models, below_zero = np.zeros(shape[:2], dtype=bool), np.zeros(with_total, dtype=bool)
    level = np.zeros(with_total)
    for at, origin in enumerate(origins):
        panel = origin.panel
        after = slice(panel.origin + 1, panel.origin + 1 + horizon)
        actual[at] = observed[:, after] * prices_at(sales, panel.origin + 1, measure)[:, None]
        # A category that has not been sold yet stays at zero in every model.
        known = np.searchsorted(sales.categories, panel.categories)
        naive_error[at, known] = _naive_error(panel)
        of_models[at, known] = modeled(origin.fallbacks)
        below_zero[at, known] = returns_dominate(panel)
        below_zero[at, -1] = np.nansum(panel.values[:, -WEEK * 8 :]) < 0
        level[at, [*known, -1]] = intervals.levels(panel)
        for name, values in forecasts_at[at].items():
            forecasts[name][at, known] = values
    # At each cut-off the groups are those of that day: what a category becomes later is not known yet.
    group = np.concatenate([np.where(of_models, 0, 1), np.zeros((len(origins), 1), dtype=int)], axis=1)
    grain = sales.grain
    holiday = np.array([near_holiday(origin.panel.future_days(horizon), holidays) for origin in origins])
    season = np.array([holiday_season(origin.panel.future_days(horizon), holidays) for origin in origins])
    if grain > 1:
        actual, forecasts = by_grain(actual, grain), {name: by_grain(days, grain) for name, days in forecasts.items()}
        naive_error, level = naive_error * grain, level * grain
        holiday, season = (by_grain(days.astype(np.float64), grain) > 0 for days in (holiday, season))
    residuals = _Residuals(
        np.array([(origin.panel.origin + 1) // grain - 1 for origin in origins]),
        [_rolling_errors(total_of(origin.panel.values), horizon, grain) for origin in origins],
        # At the end nothing is cut off: the total is that of the recorded days, without a panel of their own.
        _rolling_errors((observed * prices_at(sales, len(sales.days), measure)[:, None]).sum(axis=0), horizon, grain),
    )
    quantiles, latest = {}, {}
    for name in names:
        quantiles[name], latest[name] = _intervals(
            forecasts[name], actual, level, group, below_zero, first_scored, residuals, holiday
        )
    scored = slice(first_scored, None)
    after_first = np.arange(len(sales.days)) > origins[first_scored].panel.origin
    return Backtest(
        categories=sales.categories,
        cutoffs=tuple(origin.panel.cutoff for origin in origins[scored]),
        actual=actual[scored],
        forecasts={name: values[scored] for name, values in forecasts.items()},
        naive_error=naive_error[scored],
        modeled=np.asarray(of_models[scored].any(axis=0)),
        unscored_days=tuple(to_date(day) for day in sales.days[sales.unknown & after_first]),
        quantiles=quantiles,
        holiday=holiday[scored],
        season=season[scored],
        holidays=holidays.names,
        latest=latest,
        grain=grain,
        first_day=sales.first_day,
    )


@dataclass(frozen=True)
class _Residuals:
    """Rolling errors of the total, (days, horizon) each: as known at each origin, and at the end of the history."""

    origins: Ints
    known_at: list[Floats]
    at_end: Floats


def _intervals(
    forecasts: Floats,
    actual: Floats,
    level: Floats,
    group: Any,
    below_zero: Bools,
    first_scored: int,
    residuals: _Residuals,
    holiday: Bools,
) -> tuple[Floats, intervals.Conformal]:
    """Compute quantiles at each scored cut-off from the errors before it, and the calibration by all errors."""
    point = intervals.with_total(forecasts)
    # The total is scored only on days that every category is: an unknown part leaves an unknown sum.
    outcome = np.concatenate([actual, actual.sum(axis=1, keepdims=True)], axis=1)
    scaled = (outcome - point) / intervals.day_scale(point, level)
    quantiles = np.full((len(forecasts) - first_scored, *point.shape[1:], len(intervals.LEVELS)), np.nan)

    def calibrated(end: int, group: Any, rule: Floats) -> intervals.Conformal:
        past = slice(max(end - MOST_CUTOFFS_TO_CALIBRATE, 0), end)
        factor = intervals.holiday_factor(scaled[past], holiday[past])
        ordinary = scaled[past] / np.where(holiday[past], factor, 1.0)[:, None, :]
        conformal = replace(intervals.calibrate(ordinary, group), near_holiday=factor)
        return calibrate_total(conformal, ordinary[:, -1], residuals.origins[past], rule)

    for at in range(max(first_scored, 1), len(forecasts)):
        conformal = calibrated(at, group[at], residuals.known_at[at])
        quantiles[at - first_scored] = intervals.quantiles(point[at], level[at], conformal, below_zero[at], holiday[at])
    return quantiles, calibrated(len(forecasts), group[-1], residuals.at_end)


def _rolling_errors(total: Floats, horizon: int, grain: int) -> Floats:
    return rolling_errors(by_grain(total, grain), horizon // grain, WEEK // grain)


def _naive_error(panel: Panel) -> Floats:
    """(categories,): the mean absolute difference to the same weekday of the week before."""
    difference = np.abs(panel.values[:, WEEK:] - panel.values[:, :-WEEK])
    known = ~np.isnan(difference)
    total = np.where(known, difference, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
