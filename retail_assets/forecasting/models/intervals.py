"""Prediction intervals: conformal, from the errors of earlier forecasts (Vovk et al. 2005).

A forecast is made at each of several past cut-offs as it would have been made then; its errors on the days that
followed are the evidence. Errors are scaled twice: by the size of the day (the spread of a sum of purchases grows with
the root of its mean), and by the series' own spread. The scaled errors have one shape for all series, whose quantiles
are taken at the ranks that make a new error exchangeable with the old ones. The errors of the total are those of the
sum, so that errors of categories cancel as far as they really do; `total_interval` calibrates it where it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retail_assets.forecasting.data.series import WEEK, WINDOW_DAYS, Bools, Floats, Ints, Panel, total_of

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
LEVEL_NAMES = ("p025", "p10", "p50", "p90", "p975")
#: Positions in LEVELS of the ends of the 80 and the 95 % interval.
INNER, OUTER = (1, 3), (0, 4)
# The spread of the group counts as much as this many days of a series' own errors.
_DAYS_OF_DOUBT = 14
# Errors near holidays are wider in most shops, not in all: of what this many such days show, half is believed. It is as
# much doubt as about what one holiday did before (`last_year`): a cut-off has all categories' errors of a day at once.
_DAYS_OF_DOUBT_NEAR_HOLIDAYS, _LARGEST_FACTOR = 1, 3.0
# Below this share of the level the size of a day says nothing about its spread.
_LEAST_SIZE = 0.05
# Quantiles of the standard normal over its own 80 % quantile of |z|: where there is no error to learn from.
_NORMAL: Floats = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964]) / 1.281552
#: Rows of a shop with one category.
ONE_AND_TOTAL = 2
# Fewer errors than this give no shape, only a spread.
_FEWEST_FOR_SHAPE = 28
# The spread of a series without any errors: as large as its level.
_UNKNOWN_SPREAD = 1.0


@dataclass(frozen=True)
class Conformal:
    """A calibration: the spread of each series, and the shape of its group.

    Attributes:
        spread: (rows,), of each series; the last row is the total.
        shape: (rows, levels), quantiles of scaled errors.
        measured: (rows,), marks the series with errors of their own.
        growth: (horizon,), factor of the total's spread by step; None where it is the same at each.
        near_holiday: factor of every spread within a day of a holiday.
    """

    spread: Floats
    shape: Floats
    measured: Bools
    growth: Floats | None = None
    near_holiday: float = 1.0


def day_scale(forecast: Floats, level: Floats) -> Floats:
    """Compute the unit of error of each day, √(forecast · level), in money; NaN where there is no level.

    Args:
        forecast: (…, rows, horizon), in money.
        level: (…, rows), the mean day before the cut-off.
    """
    height = np.abs(level)[..., None]
    return np.where(height > 0, np.sqrt(np.maximum(np.abs(forecast), _LEAST_SIZE * height) * height), np.nan)


def calibrate(scaled: Floats, group: Ints) -> Conformal:
    """Learn a calibration from scaled errors.

    Args:
        scaled: (origins, rows, days), NaN where there is no error. The last row is the total: it takes the shape of its
            group and does not contribute to it.
        group: (rows,), rows of the same group share a shape.
    """
    rows = scaled.shape[1]
    by_row = scaled.transpose(1, 0, 2).reshape(rows, -1)
    count = (~np.isnan(by_row)).sum(axis=1)
    spread = np.full(rows, np.nan)
    for row in np.flatnonzero(count):
        spread[row] = np.quantile(np.abs(by_row[row][~np.isnan(by_row[row])]), 0.8)
    shape = np.tile(_NORMAL, (rows, 1))
    shared = spread.copy()
    members = np.arange(rows) < rows - 1
    for name in np.unique(group):
        inside = (group == name) & members
        known = inside & (count > 0)
        pooled = float(np.median(spread[known])) if known.any() else _UNKNOWN_SPREAD
        # A series that was never wrong is certain, as far as the evidence goes, and stays so.
        doubtful = known & (spread > 0)
        shared[doubtful] = (spread * count + pooled * _DAYS_OF_DOUBT)[doubtful] / (count + _DAYS_OF_DOUBT)[doubtful]
        shared[(group == name) & (count == 0)] = pooled
        standard = (by_row / np.where(shared > 0, shared, np.nan)[:, None])[inside]
        standard = standard[~np.isnan(standard)]
        if len(standard) >= _FEWEST_FOR_SHAPE:
            shape[group == name] = conformal_quantiles(standard)
    return Conformal(shared, shape, count > 0)


def holiday_factor(scaled: Floats, near: Bools) -> float:
    """Learn how much wider errors are near holidays than on other days, at least 1.

    The errors of one day are related, so the evidence is counted in days, and shrunk to 1 by as many days of doubt.

    Args:
        scaled: (origins, rows, days), NaN where there is no error; the last row is the total.
        near: (origins, days), marks the days within a day of a holiday.
    """
    errors = np.abs(scaled[:, :-1])
    spread = np.nanmedian(errors.transpose(1, 0, 2).reshape(errors.shape[1], -1), axis=1) if errors.size else errors
    usable = np.isfinite(spread) & (spread > 0)
    if not usable.any():
        return 1.0
    standard = errors[:, usable] / spread[usable][:, None]
    on, off = (np.where(days[:, None, :], standard, np.nan) for days in (near, ~near))
    days = int((~np.isnan(on)).any(axis=1).sum())
    if not days or np.isnan(off).all():
        return 1.0
    ratio = float(np.nanquantile(on, 0.8) / np.nanquantile(off, 0.8))
    return float(np.clip(1.0 + (ratio - 1.0) * days / (days + _DAYS_OF_DOUBT_NEAR_HOLIDAYS), 1.0, _LARGEST_FACTOR))


def conformal_quantiles(errors: Floats) -> Floats:
    """Compute quantiles of errors at LEVELS, the ends moved out to the rank that covers one more (Lei et al. 2018).

    >>> conformal_quantiles(np.arange(1.0, 40.0)).tolist()
    [1.0, 4.0, 20.0, 36.0, 39.0]
    """
    ordered, n = np.sort(errors), len(errors)
    ranks = [int(np.floor((n + 1) * level)) if level < 0.5 else int(np.ceil((n + 1) * level)) for level in LEVELS]
    quantiles = ordered[np.clip(np.array(ranks) - 1, 0, n - 1)]
    quantiles[LEVELS.index(0.5)] = np.median(ordered)
    return quantiles


def quantiles(
    point: Floats, level: Floats, conformal: Conformal, below_zero: Bools, near: Bools | None = None
) -> Floats:
    """Compute quantiles around a forecast: (rows, horizon, levels), ordered.

    A day that is forecast as exactly zero (closed shop, ended category) is certain.

    Args:
        point: (rows, horizon), the forecast in money.
        level: (rows,), the mean day before the cut-off.
        conformal: the calibration of the rows.
        below_zero: (rows,), marks the rows whose quantiles may be below zero.
        near: (horizon,), marks the days within a day of a holiday; by default none is.
    """
    scale = np.nan_to_num(day_scale(point, level))
    spread = conformal.spread[:, None] * scale
    if near is not None:
        spread = spread * np.where(near, conformal.near_holiday, 1.0)
    if conformal.growth is not None and len(conformal.growth) == point.shape[1]:
        # The only category of a shop is its total.
        spread[0 if len(spread) == ONE_AND_TOTAL else -1 :] *= conformal.growth
    around = point[:, :, None] + spread[:, :, None] * conformal.shape[:, None, :]
    around = np.where((point == 0)[:, :, None], 0.0, around)
    floored = np.where(below_zero[:, None, None], around, np.maximum(around, 0.0))
    return np.sort(floored, axis=2)


def with_total(values: Floats) -> Floats:
    """Append the sum of the rows: (…, rows + 1, days). It is NaN only where no row is known.

    >>> with_total(np.array([[1.0, np.nan], [2.0, np.nan]])).tolist()
    [[1.0, nan], [2.0, nan], [3.0, nan]]
    """
    return np.concatenate([values, total_of(values)[..., None, :]], axis=-2)


def spread_in_history(panel: Panel) -> Floats:
    """Compute scaled errors, (1, categories + 1, days), where no earlier forecast was possible.

    Each day is compared with the mean of the other days of the last 8 weeks on the same weekday, or with all days where
    there are fewer than three weeks. This shows how days scatter, not how well they are predicted: the report calls
    such intervals unmeasured.
    """
    window = with_total(panel.values[:, -WINDOW_DAYS:])
    known = ~np.isnan(window)
    period = WEEK if window.shape[1] >= 3 * WEEK else 1
    expected = np.full(window.shape, np.nan)
    for start in range(period):
        alike = slice(start, None, period)
        count = known[:, alike].sum(axis=1, keepdims=True)
        total = np.nansum(window[:, alike], axis=1, keepdims=True)
        others = (total - np.nan_to_num(window[:, alike])) / np.maximum(count - 1, 1)
        expected[:, alike] = np.where(known[:, alike] & (count > 1), others, np.nan)
    scale = day_scale(np.nan_to_num(expected), levels(panel))
    return ((window - expected) / scale)[None]


def levels(panel: Panel) -> Floats:
    """Compute the level of each category and of their total, (categories + 1,).

    It is the mean known day of the last 28, or of 8 weeks where that is zero. Without the longer memory, a forecast
    above zero after four empty weeks would count as certain.
    """
    mean = _mean_day(panel.values[:, -28:])
    mean = np.where(mean == 0, _mean_day(panel.values[:, -WINDOW_DAYS:]), mean)
    return np.append(mean, mean.sum())


def _mean_day(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def for_names(conformal: Conformal, had: Sequence[str], wanted: Sequence[str]) -> Conformal:
    """Rearrange a calibration for other categories; a new category takes the median spread.

    Args:
        conformal: rows of the categories `had`, then the total.
        had: categories of the calibration.
        wanted: categories of the result.
    """
    at = {name: row for row, name in enumerate(had)}
    measured = conformal.measured[:-1]
    middle = float(np.median(conformal.spread[:-1][measured])) if measured.any() else _UNKNOWN_SPREAD
    rows = np.array([*(at.get(name, -1) for name in wanted), len(had)])
    new = rows < 0
    # The total has a shape of its own: a new category takes that of the first one with errors.
    middle_shape = conformal.shape[:-1][measured][0] if measured.any() else conformal.shape[-1]
    return Conformal(
        np.where(new, middle, conformal.spread[rows]),
        np.where(new[:, None], middle_shape, conformal.shape[rows]),
        np.where(new, False, conformal.measured[rows]),
        conformal.growth,
        conformal.near_holiday,
    )
