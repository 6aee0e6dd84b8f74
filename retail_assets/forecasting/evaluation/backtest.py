"""The result of a backtest: what each model would have predicted at past cut-offs, against what was sold.

How it is made is in `rolling_origin`; what is reported of it in `report` and `verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from retail_assets.forecasting.data.grain import unit_of
from retail_assets.forecasting.data.series import Bools, Floats
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.candidates import (
    CANDIDATES,
    COMBINATIONS,
    PRODUCT_MODEL,
    YEARLY_MEAN,
    YEARLY_MODEL,
)
from retail_assets.forecasting.models.last_year import FEWEST_DAYS

# With fewer cut-offs there is nothing to resample: no interval, and no claim of skill.
FEWEST_CUTOFFS_FOR_INTERVAL = 3
# A model with skill may clearly lose one cut-off of so many; with fewer cut-offs none. An RMSE that is higher by up to
# this share is no loss: where a pattern shows in some months only, as holidays, the other cut-offs are ties.
CUTOFFS_PER_LOSS = 5
CLEARLY_LOST = 0.1
# A model takes the place of a baseline, and a single one that of the preferred one, only if it is better by more than
# luck. A mean of models has to be better by more than another seed would make it: the score of gradient boosting moves
# by about 0.5 % between seeds, and means of models of different kinds are rarely bad elsewhere.
MARGIN, MARGIN_OF_ONE, MARGIN_OF_MEAN = 0.01, 0.03, 0.005
#: Every model of a backtest, in the order of reports.
MODEL_NAMES = (*CANDIDATES, *BASELINE_NAMES)
Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Backtest:
    """Forecasts and actuals, (cut-offs, categories, horizon); all categories of the history, in its order.

    Attributes:
        categories: names of the categories.
        cutoffs: the last day that each forecast had seen, oldest first.
        actual: what was sold, in money; NaN on days that are not scored.
        forecasts: what each model predicted, by its name.
        naive_error: (cut-offs, categories), the mean absolute error of the seasonal naive forecast one week ahead
            within the training days, which MASE divides by (Hyndman & Koehler 2006).
        modeled: marks the categories that models themselves forecast; in the others a fallback took their place.
        unscored_days: days on which the shop was closed, or of which all rows were rejected.
        quantiles: (cut-offs, categories + 1, horizon, levels) by model, the total last; NaN where there was no earlier
            error to learn from.
        holiday: (cut-offs, horizon), marks days within a day of a holiday.
        holidays: the names of all holidays by their date.
        season: (cut-offs, horizon), marks days on which people shop for a holiday, a week before to days after it.
        grain: days of one step of the horizon: 1, or 7 where the source reports weeks. What is called a day of the
            horizon is then a week.
        latest: the calibration of each model by every error there is, for the forecast that follows the history.
        first_day: of the history; the first cut-off where it does not matter.
    """

    categories: tuple[str, ...]
    cutoffs: tuple[date, ...]
    actual: Floats
    forecasts: dict[str, Floats]
    naive_error: Floats
    modeled: Bools
    unscored_days: tuple[date, ...]
    quantiles: dict[str, Floats] = field(default_factory=dict)
    holiday: Bools | None = None
    season: Bools | None = None
    holidays: Mapping[date, str] = field(default_factory=dict)
    latest: dict[str, intervals.Conformal] = field(default_factory=dict)
    grain: int = 1
    first_day: date | None = None

    @property
    def learned(self) -> tuple[str, ...]:
        """The candidate models that took part, in the order of preference where none is better."""
        return tuple(name for name in CANDIDATES if name in self.forecasts)

    @property
    def unit(self) -> str:
        """What one step of the horizon is called: `day` or `week`."""
        return unit_of(self.grain)

    @property
    def days(self) -> tuple[date, date]:
        """The first day of the history, and the last one that was forecast."""
        return self.first_day or self.cutoffs[0], self.cutoffs[-1] + timedelta(days=self.actual.shape[2] * self.grain)

    def select(self, cutoffs: slice) -> Backtest:
        """Make the backtest of some of the cut-offs."""
        return replace(
            self,
            cutoffs=self.cutoffs[cutoffs],
            actual=self.actual[cutoffs],
            forecasts={name: values[cutoffs] for name, values in self.forecasts.items()},
            naive_error=self.naive_error[cutoffs],
            quantiles={name: values[cutoffs] for name, values in self.quantiles.items()},
            holiday=None if self.holiday is None else self.holiday[cutoffs],
            season=None if self.season is None else self.season[cutoffs],
        )

    def score(self, model: str) -> float:
        """Score a model for the ranking: geometric mean of the RMSE of categories and of their total, in money."""
        metrics = self.metrics(model)
        return float(np.sqrt((metrics["rmse"] or 0.0) * (metrics["total_rmse"] or 0.0)))

    @property
    def preferred_model(self) -> str:
        """The model that is published unless another is clearly better: what serves most shops of this length.

        With a year to remember that is the boosting which does; with few cut-offs to judge the memory by, its mean
        with the boosting that has none. Else it is the product's model.
        """
        judged = sum((cutoff - (self.first_day or cutoff)).days + 1 >= FEWEST_DAYS for cutoff in self.cutoffs)
        order: tuple[str, ...] = (PRODUCT_MODEL,)
        if judged:
            order = (YEARLY_MODEL if judged >= FEWEST_CUTOFFS_FOR_INTERVAL else YEARLY_MEAN, PRODUCT_MODEL)
        return next((name for name in order if name in self.learned), self.learned[0])

    @property
    def best_model(self) -> str:
        """The preferred model, unless another candidate is clearly better: of several, one is always ahead by luck.

        A mean of models has to be better by 0.5 %, a single one by 3 %: the mean of good models is rarely bad
        elsewhere.
        """
        first = self.preferred_model
        bar = {name: MARGIN_OF_MEAN if name in COMBINATIONS else MARGIN_OF_ONE for name in self.learned} | {first: 0.0}
        return min(self.learned, key=lambda name: (self.score(name) / (1 - bar[name]), name != first))

    @property
    def best_baseline(self) -> str:
        """The baseline with the lowest score."""
        return min((name for name in BASELINE_NAMES if name in self.forecasts), key=self.score)

    @property
    def is_ahead(self) -> bool:
        """Whether the best candidate's score is more than 1 % below every baseline's, those of a year among them."""
        return self.score(self.best_model) < self.score(self.best_baseline) * (1 - MARGIN)

    @property
    def champion(self) -> str:
        """The model that is published: the best candidate, or the best baseline where it is clearly better.

        With few cut-offs one of six baselines is ahead of a good model now and then. It is clearly better where it won
        at more than half of the cut-offs, or by more than 3 %; a tie goes to the baseline.
        """
        if self.is_ahead:
            return self.best_model
        rule = self.best_baseline
        lost = self.cutoffs_better(rule) * 2 < len(self.cutoffs)
        far = self.score(self.best_model) > self.score(rule) * (1 + MARGIN_OF_ONE)
        return rule if lost or far else self.best_model

    @property
    def has_skill(self) -> bool:
        """Whether the best candidate is ahead of every baseline, and by more than chance where that can be tested.

        Resampled, 3 to 6 cut-offs scatter too little. So a claim also needs that at most one cut-off in five was
        clearly lost. (Of 40 seeded shops without a pattern one has skill then; with the interval alone, two have. The
        bar of 10 % was chosen on these shops.)
        """
        if not self.is_ahead:
            return False
        rule = self.best_baseline
        interval = self.skill_interval(rule, seed=0)
        ours, theirs = self._squared_error(self.best_model), self._squared_error(rule)
        lost = int((ours > theirs * (1 + CLEARLY_LOST) ** 2).sum())
        return interval is None or (interval[0] > 0 and lost <= len(ours) // CUTOFFS_PER_LOSS)

    def metrics(
        self, model: str, *, cutoff: int | None = None, category: int | None = None, days: Bools | None = None
    ) -> Metrics:
        """Compute the metrics of a model over category-days; `total_*` over days of the sum of categories.

        RMSE and MAE are in money. WAPE is Σ|error| / Σ actual and bias Σ error / Σ actual; both are None where the
        actuals do not sum above zero. `coverage80` and `coverage95` are the shares of days inside the intervals,
        `width80` and `width95` their mean width in money.

        Args:
            model: name of a model.
            cutoff: index of the only cut-off; all by default.
            category: index of the only category; the number of categories stands for the total. All by default.
            days: (cut-offs, horizon), marks the days to keep; all by default.
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
        """Compute 1 - RMSE of the best candidate (or of `model`) / RMSE of the baseline; None where that is exact."""
        against = self.metrics(baseline, category=category)["rmse"]
        ours = self.metrics(model or self.best_model, category=category)["rmse"]
        level = float(np.nanmax(np.abs(self.actual), initial=0.0))
        if against is None or ours is None or against <= 1e-9 * level:
            return None
        return 1.0 - ours / against

    def cutoffs_better(self, baseline: str) -> int:
        """Count the cut-offs at which the best candidate's RMSE was below the baseline's."""
        ours, theirs = self._squared_error(self.best_model), self._squared_error(baseline)
        return int((ours < theirs * (1 - 1e-9)).sum())

    def skill_interval(self, baseline: str, *, seed: int, draws: int = 2000) -> tuple[float, float] | None:
        """Compute the 90 % bootstrap interval of the skill.

        Whole cut-offs are drawn, as their errors are dependent. None with fewer than 3 cut-offs, or where the
        baseline was exact.
        """
        ours, theirs = self._squared_error(self.best_model), self._squared_error(baseline)
        if len(self.cutoffs) < FEWEST_CUTOFFS_FOR_INTERVAL or self.skill(baseline) is None or not (theirs > 0).all():
            return None
        drawn = np.random.default_rng(seed).integers(0, len(ours), (draws, len(ours)))
        skill = 1.0 - np.sqrt(ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1))
        low, high = np.quantile(skill, [0.05, 0.95])
        return float(low), float(high)

    def _squared_error(self, model: str) -> Floats:
        return np.nansum((self.forecasts[model] - self.actual) ** 2, axis=(1, 2))


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


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _root_mean_square(error: Floats) -> float | None:
    mean = _mean(error**2)
    return None if mean is None else float(np.sqrt(mean))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
