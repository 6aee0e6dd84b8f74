"""Rolling-origin backtest: what each model would have said at past cut-offs, against what came (Tashman 2000).

At each cut-off everything is computed again from the days up to it: closed days, methods, features, fit. The last
cut-off is the held-out end of the history. Days on which the shop was closed are not scored: nobody was there to buy.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from retail_assets.forecasting.calendar import HolidayCalendar
from retail_assets.forecasting.methods import (
    BOOSTING,
    FEWEST_DAYS_FOR_BOOSTING,
    apply_methods,
    baseline_forecasts,
    boosted,
    choose_methods,
)
from retail_assets.forecasting.models import BASELINES, GradientBoosting
from retail_assets.forecasting.series import WEEK, Bools, DailySales, Floats, Panel, closed_days, panel_at, to_date

MOST_CUTOFFS = 6
# With fewer cut-offs there is nothing to resample: no interval, and no claim of skill.
FEWEST_CUTOFFS_FOR_INTERVAL = 3
MODEL_NAMES = (BOOSTING, *(kind.name for kind in BASELINES))
Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Backtest:
    """Forecasts and actuals, (cut-offs, categories, horizon); all categories of the history, in its order.

    `actual` is NaN on days that are not scored. `naive_error` is (cut-offs, categories): the mean absolute error of
    the seasonal naive forecast one week ahead within the training days, which MASE divides by (Hyndman & Koehler 2006).
    `boosted` marks the categories that gradient boosting itself forecast; its place is taken by a rule in the others.
    """

    categories: tuple[str, ...]
    cutoffs: tuple[date, ...]
    actual: Floats
    forecasts: dict[str, Floats]
    naive_error: Floats
    boosted: Bools
    unscored_days: tuple[date, ...]

    @property
    def champion(self) -> str:
        """The model of the lowest RMSE; gradient boosting only where it is strictly below every baseline."""
        rmse = {name: self.metrics(name)["rmse"] or 0.0 for name in MODEL_NAMES}
        best = self.best_baseline
        return BOOSTING if rmse[BOOSTING] < rmse[best] * (1 - 1e-9) else best

    @property
    def best_baseline(self) -> str:
        return min((kind.name for kind in BASELINES), key=lambda name: self.metrics(name)["rmse"] or 0.0)

    def metrics(self, model: str, *, cutoff: int | None = None, category: int | None = None) -> Metrics:
        """RMSE, MAE (money), WAPE, MASE and bias (shares) over category-days; `total_*` of the sum of categories.

        WAPE is Σ|error| / Σ actual and bias Σ error / Σ actual; both are None where the actuals do not sum above zero.
        """
        at = slice(None) if cutoff is None else slice(cutoff, cutoff + 1)
        of = slice(None) if category is None else slice(category, category + 1)
        actual, error = self.actual[at, of], self.forecasts[model][at, of] - self.actual[at, of]
        total = error.sum(axis=1)
        sold = float(np.nansum(actual))
        scale = np.broadcast_to(self.naive_error[at, of, None], error.shape)
        scaled = np.abs(error) / np.where(scale > 0, scale, np.nan)
        result = {
            "rmse": _root_mean_square(error),
            "mae": _mean(np.abs(error)),
            "wape": _share(float(np.nansum(np.abs(error))), sold),
            "mase": _mean(scaled),
            "bias": _share(float(np.nansum(error)), sold),
        }
        if category is None:
            result["total_rmse"] = _root_mean_square(total)
            result["total_wape"] = _share(float(np.nansum(np.abs(total))), sold)
        return result

    def skill(self, baseline: str, *, category: int | None = None) -> float | None:
        """1 - RMSE of gradient boosting / RMSE of the baseline; None where the baseline was exact."""
        against = self.metrics(baseline, category=category)["rmse"]
        ours = self.metrics(BOOSTING, category=category)["rmse"]
        level = float(np.nanmax(np.abs(self.actual), initial=0.0))
        if against is None or ours is None or against <= 1e-9 * level:
            return None
        return 1.0 - ours / against

    def cutoffs_better(self, baseline: str) -> int:
        """Cut-offs at which gradient boosting's RMSE was the lower."""
        ours, theirs = self._squared_error(BOOSTING), self._squared_error(baseline)
        return int((ours < theirs * (1 - 1e-9)).sum())

    def skill_interval(self, baseline: str, *, seed: int, draws: int = 2000) -> tuple[float, float] | None:
        """90 % bootstrap interval of the skill, cut-offs drawn whole: errors within one are not independent."""
        ours, theirs = self._squared_error(BOOSTING), self._squared_error(baseline)
        if len(self.cutoffs) < FEWEST_CUTOFFS_FOR_INTERVAL or self.skill(baseline) is None or not (theirs > 0).all():
            return None
        drawn = np.random.default_rng(seed).integers(0, len(ours), (draws, len(ours)))
        skill = 1.0 - np.sqrt(ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1))
        low, high = np.quantile(skill, [0.05, 0.95])
        return float(low), float(high)

    def _squared_error(self, model: str) -> Floats:
        return np.nansum((self.forecasts[model] - self.actual) ** 2, axis=(1, 2))


def choose_cutoffs(first: date, last: date, horizon: int) -> list[date]:
    """Up to 6 cut-offs, oldest first, one horizon apart; the last leaves out the history's end, each has 70 days."""
    steps = ((last - first).days + 1 - FEWEST_DAYS_FOR_BOOSTING) // horizon
    return [last - timedelta(days=horizon * step) for step in range(min(steps, MOST_CUTOFFS), 0, -1)]


def run_backtest(sales: DailySales, holidays: HolidayCalendar, *, horizon: int, seed: int) -> Backtest | None:
    """Forecast from each cut-off; None where at no cut-off any category qualified for gradient boosting."""
    cutoffs = choose_cutoffs(sales.first_day, sales.last_day, horizon)
    panels = [panel_at(sales, cutoff) for cutoff in cutoffs]
    chosen = [(panel, methods) for panel in panels if BOOSTING in (methods := choose_methods(panel))]
    if not chosen:
        return None
    closed = closed_days(sales.traded, sales.orders)
    observed = np.where(closed, np.nan, sales.revenue)
    shape = (len(chosen), len(sales.categories), horizon)
    actual, naive_error = np.full(shape, np.nan), np.full(shape[:2], np.nan)
    forecasts, modelled = {name: np.zeros(shape) for name in MODEL_NAMES}, np.zeros(shape[:2], dtype=bool)

    def forecast(at: int) -> dict[str, Floats]:
        panel, methods = chosen[at]
        baselines = baseline_forecasts(panel, holidays, horizon)
        model = GradientBoosting(horizon=horizon, random_state=seed).fit(panel.select(boosted(methods)), holidays)
        return {**baselines, BOOSTING: apply_methods(panel, holidays, methods, baselines, model, horizon)}

    # Threads, for trees grow without Python's lock: the fits are most of the time, and independent of each other.
    with ThreadPoolExecutor(max_workers=min(len(chosen), os.cpu_count() or 1)) as pool:
        made = list(pool.map(forecast, range(len(chosen))))
    for at, (panel, methods) in enumerate(chosen):
        actual[at] = observed[:, panel.origin + 1 : panel.origin + 1 + horizon]
        # A category that is not known yet stays at zero in every model.
        known = np.searchsorted(sales.categories, panel.categories)
        naive_error[at, known] = _naive_error(panel)
        modelled[at, known] = boosted(methods)
        for name, values in made[at].items():
            forecasts[name][at, known] = values
    ever_modelled: Bools = np.asarray(modelled.any(axis=0))
    after_first = np.arange(len(closed)) > chosen[0][0].origin
    unscored = tuple(to_date(day) for day in sales.days[closed & after_first])
    cutoffs_used = tuple(panel.cutoff for panel, _ in chosen)
    return Backtest(sales.categories, cutoffs_used, actual, forecasts, naive_error, ever_modelled, unscored)


def report(backtest: Backtest, methods: dict[str, str], *, seed: int) -> dict[str, Any]:
    """The backtest as JSON-able numbers: by model, by cut-off, by category, and the skill of gradient boosting."""
    baselines = [kind.name for kind in BASELINES]
    return {
        "cutoffs": [str(day) for day in backtest.cutoffs],
        "unscored_days": [str(day) for day in backtest.unscored_days],
        "models": {name: _rounded(backtest.metrics(name)) for name in MODEL_NAMES},
        "champion": backtest.champion,
        "best_simple_rule": backtest.best_baseline,
        "skill": {
            name: {
                "rmse_reduction": _round(backtest.skill(name)),
                "interval90": [_round(end) for end in backtest.skill_interval(name, seed=seed) or ()] or None,
                "cutoffs_better": backtest.cutoffs_better(name),
            }
            for name in baselines
        },
        "by_cutoff": {
            str(day): {name: _rounded(backtest.metrics(name, cutoff=at)) for name in MODEL_NAMES}
            for at, day in enumerate(backtest.cutoffs)
        },
        "by_category": {
            name: {
                "method": methods.get(name),
                "boosted_in_backtest": bool(backtest.boosted[at]),
                "skill_vs_seasonal_naive": _round(backtest.skill("seasonal_naive", category=at)),
                "models": {model: _rounded(backtest.metrics(model, category=at)) for model in MODEL_NAMES},
            }
            for at, name in enumerate(backtest.categories)
        },
    }


_WORDS = {
    "seasonal_naive": "seasonal naive",
    "weekday_mean": "the same-weekday mean of 8 weeks",
    "recent_mean": "the mean day of the last 8 weeks",
}


def verdict(backtest: Backtest, *, seed: int) -> str:
    """One honest paragraph: skill is claimed only where it was measured at 3 cut-offs or more and exceeds chance."""
    best, count = backtest.best_baseline, len(backtest.cutoffs)
    naive, over_best = backtest.skill("seasonal_naive"), backtest.skill(best)
    where = f"over {count} cut-offs" if count > 1 else "at the only cut-off the history allows"
    published = f"Published: {'gradient boosting' if backtest.champion == BOOSTING else _WORDS[best]}."
    if naive is None or over_best is None:
        return f"No skill of gradient boosting: {_WORDS[best]} was already exact {where}. {published}"
    against_naive = f"its RMSE is {_percent(naive)} seasonal naive's {where}"
    interval = backtest.skill_interval(best, seed=seed)
    if best == "seasonal_naive":
        against_best = ""
    else:
        joined = "and" if (naive >= 0) == (over_best >= 0) else "but"
        against_best = f", {joined} {_percent(over_best)} that of {_WORDS[best]}, the best simple rule"
    if backtest.champion != BOOSTING:
        lesson = " There is no pattern to learn beyond that rule." if best != "seasonal_naive" else ""
        return f"No skill of gradient boosting: {against_naive}{against_best}.{lesson} {published}"
    if interval is None:
        return f"Skill not proven, too few cut-offs: {against_naive}{against_best}. {published}"
    chance = f"90 % interval of the gain over {_WORDS[best]}: {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
    wins = f"better at {backtest.cutoffs_better(best)} of {count} cut-offs"
    claim = "Gradient boosting has skill" if interval[0] > 0 else "Low skill, within chance"
    return f"{claim}: {against_naive}{against_best} ({chance}; {wins}). {published}"


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
