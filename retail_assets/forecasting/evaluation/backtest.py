"""Rolling-origin backtest: what each model would have said at past cut-offs, against what came (Tashman 2000).

At each cut-off everything is computed again from the days up to it: closed days, methods, features, fit. The last
cut-off is the held-out end of the history. Days on which the shop was closed are not scored: nobody was there to buy.
Up to four cut-offs before the scored ones only teach the intervals how wrong each model is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import (
    REVENUE,
    WEEK,
    Bools,
    DailySales,
    Floats,
    Panel,
    closed_days,
    panel_at,
    prices_at,
    recorded,
    to_date,
)
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.boosting import BASELINES
from retail_assets.forecasting.models.candidates import (
    COMBINATION,
    CONTENDERS,
    PRODUCT_MODEL,
    fit_contenders,
    names_for,
    one_core_a_fit,
    one_core_here,
    predictions,
)
from retail_assets.forecasting.models.fallback import (
    FEWEST_DAYS_FOR_MODELS,
    MODELLED,
    apply_methods,
    baseline_forecasts,
    choose_methods,
    modelled,
    returns_dominate,
)

MOST_CUTOFFS = 6
CALIBRATION_CUTOFFS = 4
# Errors older than this many cut-offs say little of today's.
MOST_CUTOFFS_TO_CALIBRATE = 8
# With fewer cut-offs there is nothing to resample: no interval, and no claim of skill.
FEWEST_CUTOFFS_FOR_INTERVAL = 3
# Another model takes the product's place, and a model that of a simple rule, only if it is better by more than another
# seed would make it.
MARGIN = 0.01
BASELINE_NAMES = tuple(kind.name for kind in BASELINES)
MODEL_NAMES = (*CONTENDERS, COMBINATION, *BASELINE_NAMES)
Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Backtest:
    """Forecasts and actuals, (cut-offs, categories, horizon); all categories of the history, in its order.

    `actual` is NaN on days that are not scored. `naive_error` is (cut-offs, categories): the mean absolute error of
    the seasonal naive forecast one week ahead within the training days, which MASE divides by (Hyndman & Koehler 2006).
    `modelled` marks the categories that models themselves forecast; their place is taken by a rule in the others.
    `quantiles` is (cut-offs, categories + 1, horizon, levels) by model, the total last; NaN where there was no earlier
    error to learn from. `holiday`, (cut-offs, horizon), marks days within a day of a holiday. `latest` calibrates each
    model with every error there is: for the forecast that follows the history.
    """

    categories: tuple[str, ...]
    cutoffs: tuple[date, ...]
    actual: Floats
    forecasts: dict[str, Floats]
    naive_error: Floats
    modelled: Bools
    unscored_days: tuple[date, ...]
    quantiles: dict[str, Floats] = field(default_factory=dict)
    holiday: Bools | None = None
    latest: dict[str, intervals.Conformal] = field(default_factory=dict)

    @property
    def learned(self) -> tuple[str, ...]:
        """The models that learn from history, the product's first, in the order of preference where none is better."""
        return tuple(name for name in (*CONTENDERS, COMBINATION) if name in self.forecasts)

    def score(self, model: str) -> float:
        """What models are ranked by: the geometric mean of the RMSE of categories and of their total, in money."""
        metrics = self.metrics(model)
        return float(np.sqrt((metrics["rmse"] or 0.0) * (metrics["total_rmse"] or 0.0)))

    @property
    def best_model(self) -> str:
        """Of the learned models the product's, unless another's score is more than 1 % lower."""
        first = PRODUCT_MODEL if PRODUCT_MODEL in self.learned else self.learned[0]
        best = min(self.learned, key=self.score)
        return best if self.score(best) < self.score(first) * (1 - MARGIN) else first

    @property
    def best_baseline(self) -> str:
        return min(BASELINE_NAMES, key=self.score)

    @property
    def champion(self) -> str:
        """The best learned model where its score is more than 1 % below every baseline's; else the best baseline.

        Of several models one is always a little ahead by luck, or by remembering the mean of noise for longer.
        """
        best, rule = self.best_model, self.best_baseline
        return best if self.score(best) < self.score(rule) * (1 - MARGIN) else rule

    @property
    def has_skill(self) -> bool:
        """The champion is a learned model."""
        return self.champion not in BASELINE_NAMES

    def metrics(
        self, model: str, *, cutoff: int | None = None, category: int | None = None, days: Bools | None = None
    ) -> Metrics:
        """RMSE, MAE (money), WAPE, MASE and bias (shares) over category-days; `total_*` of the sum of categories.

        WAPE is Σ|error| / Σ actual and bias Σ error / Σ actual; both are None where the actuals do not sum above zero.
        `coverage80` and `coverage95` are the shares of days inside the intervals, `width80` and `width95` their mean
        width in money. `category` may be the number of categories, which is the total. `days`, (cut-offs, horizon),
        keeps some.
        """
        at = slice(None) if cutoff is None else slice(cutoff, cutoff + 1)
        forecast, actual, scale = self.forecasts[model][at], self.actual[at], self.naive_error[at]
        if days is not None:
            actual = np.where(days[at][:, None, :], actual, np.nan)
        whole, total_actual = forecast.sum(axis=1, keepdims=True), actual.sum(axis=1, keepdims=True)
        of_total = category == len(self.categories)
        if of_total:
            forecast, actual, scale = whole, total_actual, np.full((len(actual), 1), np.nan)
        elif category is not None:
            of = slice(category, category + 1)
            forecast, actual, scale = forecast[:, of], actual[:, of], scale[:, of]
        error = forecast - actual
        sold = float(np.nansum(actual))
        spread_scale = np.broadcast_to(scale[:, :, None], error.shape)
        scaled = np.abs(error) / np.where(spread_scale > 0, spread_scale, np.nan)
        result = {
            "rmse": _root_mean_square(error),
            "mae": _mean(np.abs(error)),
            "wape": _share(float(np.nansum(np.abs(error))), sold),
            "mase": _mean(scaled),
            "bias": _share(float(np.nansum(error)), sold),
        }
        ends = self.quantiles.get(model)
        if ends is not None:
            rows = slice(-1, None) if of_total else slice(0, -1) if category is None else slice(category, category + 1)
            result |= _coverage(actual, ends[at][:, rows])
        if category is None:
            total = whole - total_actual
            result["total_rmse"] = _root_mean_square(total)
            result["total_wape"] = _share(float(np.nansum(np.abs(total))), float(np.nansum(total_actual)))
            if ends is not None:
                covered = _coverage(total_actual, ends[at][:, -1:])
                result |= {f"total_{name}": value for name, value in covered.items()}
        return result

    def skill(self, baseline: str, *, model: str | None = None, category: int | None = None) -> float | None:
        """1 - RMSE of the best learned model (or of `model`) / RMSE of the baseline; None where that was exact."""
        against = self.metrics(baseline, category=category)["rmse"]
        ours = self.metrics(model or self.best_model, category=category)["rmse"]
        level = float(np.nanmax(np.abs(self.actual), initial=0.0))
        if against is None or ours is None or against <= 1e-9 * level:
            return None
        return 1.0 - ours / against

    def cutoffs_better(self, baseline: str) -> int:
        """Cut-offs at which the best learned model's RMSE was the lower."""
        ours, theirs = self._squared_error(self.best_model), self._squared_error(baseline)
        return int((ours < theirs * (1 - 1e-9)).sum())

    def skill_interval(self, baseline: str, *, seed: int, draws: int = 2000) -> tuple[float, float] | None:
        """90 % bootstrap interval of the skill, cut-offs drawn whole: errors within one are not independent."""
        ours, theirs = self._squared_error(self.best_model), self._squared_error(baseline)
        if len(self.cutoffs) < FEWEST_CUTOFFS_FOR_INTERVAL or self.skill(baseline) is None or not (theirs > 0).all():
            return None
        drawn = np.random.default_rng(seed).integers(0, len(ours), (draws, len(ours)))
        skill = 1.0 - np.sqrt(ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1))
        low, high = np.quantile(skill, [0.05, 0.95])
        return float(low), float(high)

    def _squared_error(self, model: str) -> Floats:
        return np.nansum((self.forecasts[model] - self.actual) ** 2, axis=(1, 2))


def choose_cutoffs(first: date, last: date, horizon: int, most: int = MOST_CUTOFFS) -> list[date]:
    """Up to 6 cut-offs, oldest first, one horizon apart; the last leaves out the history's end, each has 70 days."""
    steps = ((last - first).days + 1 - FEWEST_DAYS_FOR_MODELS) // horizon
    return [last - timedelta(days=horizon * step) for step in range(min(steps, most), 0, -1)]


def run_backtest(
    sales: DailySales,
    holidays: HolidayCalendar,
    *,
    horizon: int,
    seed: int,
    contenders: Sequence[str] | None = None,
    most_cutoffs: int = MOST_CUTOFFS,
    measure: str = REVENUE,
) -> Backtest | None:
    """Forecast from each cut-off; None where at no cut-off any category qualified for a model.

    `contenders` names the learned models that take part, by default all that this many categories leave time for;
    `most_cutoffs` are scored. Units are forecast and scored at the prices of each cut-off.
    """
    cutoffs = choose_cutoffs(sales.first_day, sales.last_day, horizon, most_cutoffs + CALIBRATION_CUTOFFS)
    scored_from = cutoffs[-most_cutoffs:][0] if cutoffs else sales.last_day
    panels = [panel_at(sales, cutoff, measure) for cutoff in cutoffs]
    chosen = [(panel, methods) for panel in panels if MODELLED in (methods := choose_methods(panel))]
    first_scored = sum(panel.cutoff < scored_from for panel, _ in chosen)
    if len(chosen) == first_scored:
        return None
    fitted_names = names_for(max(sum(modelled(methods)) for _, methods in chosen), contenders)
    closed = closed_days(sales.traded, sales.orders)
    observed = np.where(closed, np.nan, recorded(sales, measure))
    shape = (len(chosen), len(sales.categories), horizon)
    actual, naive_error = np.full(shape, np.nan), np.full(shape[:2], np.nan)
    names = [name for name in MODEL_NAMES if name in (*fitted_names, *BASELINE_NAMES)]
    forecasts = {name: np.zeros(shape) for name in names}
    of_models, below_zero = np.zeros(shape[:2], dtype=bool), np.zeros((len(chosen), shape[1] + 1), dtype=bool)
    level = np.zeros((len(chosen), shape[1] + 1))

    def forecast(at: int) -> dict[str, Floats]:
        panel, methods = chosen[at]
        baselines = baseline_forecasts(panel, holidays, horizon)
        largest = panel.select(modelled(methods))
        fitted = fit_contenders(largest, holidays, fitted_names, horizon=horizon, seed=seed)
        made = predictions(fitted, largest, holidays, horizon, fitted_names)
        return baselines | {
            name: apply_methods(panel, holidays, methods, baselines, values) for name, values in made.items()
        }

    # Threads, for trees grow without Python's lock: the fits are most of the time, and independent of each other.
    threads = min(len(chosen), os.cpu_count() or 1)
    with one_core_a_fit(fitted_names), ThreadPoolExecutor(threads, initializer=one_core_here) as pool:
        # The latest first: it has the most to learn from, and would keep one core at the end.
        waited = [pool.submit(forecast, at) for at in reversed(range(len(chosen)))]
        made = [each.result() for each in reversed(waited)]
    for at, (panel, methods) in enumerate(chosen):
        after = slice(panel.origin + 1, panel.origin + 1 + horizon)
        actual[at] = observed[:, after] * prices_at(sales, panel.origin + 1, measure)[:, None]
        # A category that is not known yet stays at zero in every model.
        known = np.searchsorted(sales.categories, panel.categories)
        naive_error[at, known] = _naive_error(panel)
        of_models[at, known] = modelled(methods)
        below_zero[at, known] = returns_dominate(panel)
        below_zero[at, -1] = np.nansum(panel.values[:, -WEEK * 8 :]) < 0
        level[at, [*known, -1]] = intervals.levels(panel)
        for name, values in made[at].items():
            forecasts[name][at, known] = values
    ever_modelled: Bools = np.asarray(of_models[first_scored:].any(axis=0))
    # At each cut-off the groups are those of that day: what a category becomes later is not known yet.
    group = np.concatenate([np.where(of_models, 0, 1), np.zeros((len(chosen), 1), dtype=int)], axis=1)
    quantiles, latest = {}, {}
    for name in names:
        quantiles[name], latest[name] = _intervals(forecasts[name], actual, level, group, below_zero, first_scored)
    after_first = np.arange(len(closed)) > chosen[first_scored][0].origin
    unscored = tuple(to_date(day) for day in sales.days[closed & after_first])
    scored = slice(first_scored, None)
    return Backtest(
        sales.categories,
        tuple(panel.cutoff for panel, _ in chosen[scored]),
        actual[scored],
        {name: values[scored] for name, values in forecasts.items()},
        naive_error[scored],
        ever_modelled,
        unscored,
        quantiles,
        np.array([_near_holiday(panel, holidays, horizon) for panel, _ in chosen[scored]]),
        latest,
    )


def _intervals(
    forecasts: Floats, actual: Floats, level: Floats, group: Any, below_zero: Bools, first_scored: int
) -> tuple[Floats, intervals.Conformal]:
    """Quantiles at each scored cut-off from the errors at those before it, and the calibration by all of them."""
    point = intervals.with_total(forecasts)
    # The total is scored only on days that every category is: an unknown part leaves an unknown sum.
    outcome = np.concatenate([actual, actual.sum(axis=1, keepdims=True)], axis=1)
    scaled = (outcome - point) / intervals.day_scale(point, level)
    made = np.full((len(forecasts) - first_scored, *point.shape[1:], len(intervals.LEVELS)), np.nan)
    for at in range(max(first_scored, 1), len(forecasts)):
        past = scaled[max(at - MOST_CUTOFFS_TO_CALIBRATE, 0) : at]
        made[at - first_scored] = intervals.quantiles(
            point[at], level[at], intervals.calibrate(past, group[at]), below_zero[at]
        )
    return made, intervals.calibrate(scaled[-MOST_CUTOFFS_TO_CALIBRATE:], group[-1])


def _near_holiday(panel: Panel, holidays: HolidayCalendar, horizon: int) -> Bools:
    """(horizon,): the day of a holiday, the day before and the day after, when people shop for it."""
    near = {day + timedelta(days=step) for day in holidays.names for step in (-1, 0, 1)}
    return np.array([to_date(day) in near for day in panel.future_days(horizon)], dtype=bool)


def report(backtest: Backtest, methods: dict[str, str], *, seed: int) -> dict[str, Any]:
    """The backtest as JSON-able numbers: by model, cut-off, category, horizon and kind of day, and the skill."""
    names, count = [name for name in MODEL_NAMES if name in backtest.forecasts], len(backtest.categories)
    best = backtest.best_model
    return {
        "cutoffs": [str(day) for day in backtest.cutoffs],
        "unscored_days": [str(day) for day in backtest.unscored_days],
        "models": models_of(backtest),
        "champion": backtest.champion,
        "has_skill": backtest.has_skill,
        "best_model": best,
        "best_simple_rule": backtest.best_baseline,
        "ranked_by": "geometric mean of the RMSE of categories and of their total; "
        f"{PRODUCT_MODEL} unless another is more than {MARGIN:.0%} better",
        "skill": {
            name: {
                "rmse_reduction": _round(backtest.skill(name)),
                "interval90": [_round(end) for end in backtest.skill_interval(name, seed=seed) or ()] or None,
                "cutoffs_better": backtest.cutoffs_better(name),
            }
            for name in names
            if name != best
        },
        "by_cutoff": {
            str(day): {name: _rounded(backtest.metrics(name, cutoff=at)) for name in names}
            for at, day in enumerate(backtest.cutoffs)
        },
        "by_horizon": {
            label: {name: _rounded(backtest.metrics(name, days=mask)) for name in names}
            for label, mask in backtest_horizons(backtest).items()
        },
        "by_kind_of_day": {
            label: {name: _rounded(backtest.metrics(name, days=mask)) for name in names}
            for label, mask in kinds_of_day(backtest).items()
        },
        "total": {name: _rounded(backtest.metrics(name, category=count)) for name in names},
        "by_category": {
            name: {
                "method": methods.get(name),
                "modelled_in_backtest": bool(backtest.modelled[at]),
                "skill_vs_seasonal_naive": _round(backtest.skill("seasonal_naive", category=at)),
                "models": {model: _rounded(backtest.metrics(model, category=at)) for model in names},
            }
            for at, name in enumerate(backtest.categories)
        },
    }


def models_of(backtest: Backtest) -> dict[str, Metrics]:
    """The metrics of each model that took part, rounded for a report."""
    return {name: _rounded(backtest.metrics(name)) for name in MODEL_NAMES if name in backtest.forecasts}


def backtest_horizons(backtest: Backtest) -> dict[str, Bools]:
    """(cut-offs, horizon) masks: the first week, and all days."""
    cutoffs, _, horizon = backtest.actual.shape
    steps = np.broadcast_to(np.arange(1, horizon + 1), (cutoffs, horizon))
    return {str(days): steps <= days for days in sorted({min(WEEK, horizon), horizon})}


def kinds_of_day(backtest: Backtest) -> dict[str, Bools]:
    """(cut-offs, horizon) masks of holidays (with the days around them) and ordinary days, where there are any."""
    if backtest.holiday is None:
        return {}
    kinds = {"ordinary": ~backtest.holiday, "holiday": backtest.holiday}
    return {name: mask for name, mask in kinds.items() if mask.any()}


_WORDS = {
    "gradient_boosting": "gradient boosting",
    "hist_gradient_boosting": "histogram gradient boosting",
    "auto_ets": "exponential smoothing",
    "auto_theta": "the Theta method",
    "combination": "the mean of three models",
    "seasonal_naive": "seasonal naive",
    "weekday_mean": "the same-weekday mean of 8 weeks",
    "recent_mean": "the mean day of the last 8 weeks",
}


def in_words(model: str) -> str:
    """A model's name as a reader says it."""
    return _WORDS[model]


def verdict(backtest: Backtest, *, seed: int) -> str:
    """One honest paragraph: skill is claimed only where it was measured at 3 cut-offs or more and exceeds chance."""
    best, count = backtest.best_baseline, len(backtest.cutoffs)
    model = _WORDS[backtest.best_model]
    naive, over_best = backtest.skill("seasonal_naive"), backtest.skill(best)
    where = f"over {count} cut-offs" if count > 1 else "at the only cut-off the history allows"
    published = f"Published: {_WORDS[backtest.champion]}."
    if naive is None or over_best is None:
        return f"No skill of {model}: {_WORDS[best]} was already exact {where}. {published}"
    against_naive = f"its RMSE is {_percent(naive)} seasonal naive's {where}"
    interval = backtest.skill_interval(best, seed=seed)
    if best == "seasonal_naive":
        against_best = ""
    else:
        joined = "and" if (naive >= 0) == (over_best >= 0) else "but"
        against_best = f", {joined} {_percent(over_best)} that of {_WORDS[best]}, the best simple rule"
    if not backtest.has_skill:
        lesson = " There is no pattern to learn beyond that rule." if best != "seasonal_naive" else ""
        return f"No skill of {model}: {against_naive}{against_best}.{lesson} {published}"
    if interval is None:
        return f"Skill not proven, too few cut-offs: {against_naive}{against_best}. {published}"
    chance = f"90 % interval of the gain over {_WORDS[best]}: {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
    wins = f"better at {backtest.cutoffs_better(best)} of {count} cut-offs"
    claim = f"{model[0].upper()}{model[1:]} has skill" if interval[0] > 0 else "Low skill, within chance"
    return f"{claim}: {against_naive}{against_best} ({chance}; {wins}). {published}"


def _coverage(actual: Floats, ends: Floats) -> Metrics:
    """Shares of known days inside the intervals, and their mean width in money; None where none was made."""
    result: Metrics = {}
    for name, (low, high) in (("80", intervals.INNER), ("95", intervals.OUTER)):
        known = ~np.isnan(actual) & ~np.isnan(ends[..., low])
        inside = (actual >= ends[..., low] - 0.005) & (actual <= ends[..., high] + 0.005)
        width = ends[..., high] - ends[..., low]
        result[f"coverage{name}"] = float(inside[known].mean()) if known.any() else None
        result[f"width{name}"] = float(width[known].mean()) if known.any() else None
    return result


def _naive_error(panel: Panel) -> Floats:
    difference = np.abs(panel.values[:, WEEK:] - panel.values[:, :-WEEK])
    known = ~np.isnan(difference)
    total = np.where(known, difference, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def _percent(skill: float) -> str:
    return f"{abs(100 * skill):.1f} % {'below' if skill >= 0 else 'above'}"


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _root_mean_square(error: Floats) -> float | None:
    mean = _mean(error**2)
    return None if mean is None else float(np.sqrt(mean))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _rounded(metrics: Metrics) -> Metrics:
    return {name: _round(value) for name, value in metrics.items()}
