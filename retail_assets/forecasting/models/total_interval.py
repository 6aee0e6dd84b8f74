"""The interval of the total: its own rolling residuals, with a part that grows with the horizon.

A model's errors are known at a few cut-offs only, and on a random walk the 28 errors of a cut-off are nearly one. So
the spread of the total is a ratio estimate: a simple rule (the mean of the last four same weekdays) is scored at every
day of the last year, and the model at its cut-offs shows how much larger or smaller its errors are than the rule's on
the same days.

    spread(h) = Σ w |model| / Σ w |rule| on the same days * √(a + b h) of the rule's errors, a, b >= 0

A cut-off weighs 0.7 times as much as the next one: a model that has more to learn from than it had a year ago, or shops
that calm down, would keep the wide intervals of their beginning.

√(a + b h) is how errors grow on a random walk plus noise; b is zero where nothing drifts. It is fitted by weighted
least squares: near days are known from many independent periods, far ones from few. The shape is that of the rule's
errors, the same above and below: a drift of the past is none of the future.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retail_assets.forecasting.data.series import Floats, Ints
from retail_assets.forecasting.models.intervals import ONE_AND_TOTAL, Conformal, day_scale

RULE_PERIODS = 4
DAYS_OF_RESIDUALS = 365
# A level is the mean of the last 28 days, as `intervals.levels` has it.
_LEVEL_DAYS = 28
# A step with fewer errors of the rule takes the curve that the others give.
_FEWEST_ERRORS = 5
# Of a standard normal: mean |z|, and the 80 % quantile of |z|.
_MEAN_ABSOLUTE, _Z80 = 0.797885, 1.281552
# Where errors drift, few periods show too little of it. On simulated random walks this factor per independent period
# brings the coverage of the 80 % interval to 79 to 82 %.
_DOUBT_ABOUT_DRIFT = 1.0
# By how much a cut-off weighs less than the next.
_WEIGHT_OF_EARLIER = 0.7


def rolling_errors(total: Floats, horizon: int, period: int) -> Floats:
    """Score the rule from every day: scaled errors, (days, horizon), row = last day that the forecast has seen.

    Args:
        total: (days,) up to the cut-off, NaN where unknown. Errors on later days are NaN.
        horizon: steps ahead.
        period: steps after which a season repeats: 7 on days, 1 on weeks.
    """
    days = len(total)
    reach = RULE_PERIODS * period
    window = max(_LEVEL_DAYS * period // 7, RULE_PERIODS)
    padded = np.concatenate([np.full(max(reach, window), np.nan), total, np.full(horizon, np.nan)])
    start = max(reach, window)
    origin = start + np.arange(days)
    level = _mean(padded[origin[:, None] - np.arange(window)])
    errors = np.full((days, horizon), np.nan)
    for step in range(1, horizon + 1):
        ahead = (step - 1) % period + 1
        point = _mean(padded[origin[:, None] + ahead - period * np.arange(1, RULE_PERIODS + 1)])
        error = padded[origin + step] - point
        errors[:, step - 1] = error / day_scale(point[:, None], np.nan_to_num(level))[:, 0]
    # From the first days there is no rule yet, only a day or two.
    errors[: window - 1] = np.nan
    return errors


def calibrate_total(conformal: Conformal, own: Floats, origins: Ints, rule: Floats) -> Conformal:
    """Replace the total's row of a calibration, and that of an only category; unchanged where evidence is thin.

    Args:
        conformal: the calibration of all rows.
        own: (origins, horizon), the model's scaled errors of the total, oldest first; NaN where unknown.
        origins: (origins,), the rows of `rule` that belong to them.
        rule: (days, horizon), as `rolling_errors` returns them at the cut-off.
    """
    recent = rule[-DAYS_OF_RESIDUALS:]
    known = ~np.isnan(recent)
    enough = known.sum(axis=0) >= _FEWEST_ERRORS
    same_days = ~np.isnan(own) & ~np.isnan(rule[origins])
    if enough.sum() < 2 or not same_days.any():
        return conformal
    mean = np.where(known, np.abs(recent), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    variance = (mean / _MEAN_ABSOLUTE) ** 2
    if not (variance[enough] > 0).all():
        return conformal
    growth, drifting = _fit(variance, enough)
    weight = _WEIGHT_OF_EARLIER ** np.arange(len(own))[::-1, None] / growth
    ours, rules = np.abs(own) * weight, np.abs(rule[origins]) * weight
    if not (ours[same_days].sum() > 0 and rules[same_days].sum() > 0):
        return conformal
    ratio = ours[same_days].sum() / rules[same_days].sum()
    periods = max(len(recent) / rule.shape[1], 2.0)
    steps = ratio * growth * (1 + _DOUBT_ABOUT_DRIFT * drifting / periods)
    standard = np.abs(recent / growth)[known]
    inner, outer = np.quantile(standard, [0.8, 0.95])
    spread, shape = conformal.spread.copy(), conformal.shape.copy()
    rows = slice(0 if len(spread) == ONE_AND_TOTAL else -1, None)
    spread[rows], shape[rows] = steps.mean(), [-outer, -inner, 0.0, inner, outer]
    return replace(conformal, spread=spread, shape=shape, growth=steps / steps.mean())


def _fit(variance: Floats, enough: Floats) -> tuple[Floats, float]:
    """Fit a + b h, a and b not below zero: its root over the steps, and the share that drifts at the middle step.

    The weight of a step is the inverse of its estimate's spread: the root of the number of independent periods.
    """
    from scipy.optimize import nnls

    step = np.arange(1, len(variance) + 1, dtype=np.float64)
    design = np.column_stack([np.ones(len(step)), step])
    weight = 1 / (variance[enough] * np.sqrt(step[enough]))
    (still, drift), _ = nnls(design[enough] * weight[:, None], variance[enough] * weight)
    middle = drift * step.mean()
    return np.sqrt(design @ np.array([still, drift])) * _Z80, float(middle / (still + middle))


def _mean(values: Floats) -> Floats:
    """The mean of the known values of each row; NaN where none is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
