"""The features of a forecast, computed here alone: for training, backtest and scoring.

All features of a series come from the 56 days of it and of the whole shop that end at the origin, from the calendar of
the day that is forecast, and where the history is long enough from the same days of the years before (`last_year`);
nothing after the origin is used. The model learns the ratio of a day's revenue to its base, which makes large and small
categories comparable:

    base = MA28 * (1 + λ (SI - 1)),   SI = same-weekday mean of 8 weeks / MA56,   λ = max(0, 1 - 1/F)

with F of a one-way analysis of variance by weekday (Fisher 1925): where weekdays differ by no more than chance, the
weekly pattern is shrunk to none. 1 - 1/F is the positive-part James-Stein factor of a random-effects model
(Efron & Morris 1973).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from retail_assets.forecasting.data.calendar import CALENDAR_FEATURES, HolidayCalendar, calendar_features
from retail_assets.forecasting.data.series import WEEK, WINDOW_DAYS, WINDOW_WEEKS, Bools, Days, Floats, Ints, total_of
from retail_assets.forecasting.models.family_holidays import FAMILY_FEATURES, family_feature
from retail_assets.forecasting.models.last_year import YEAR_FEATURES, has_year, last_year, seasonal

FEATURES = (
    "step",
    "weekday_last",
    "weekday_mean2",
    "weekday_mean4",
    "weekday_mean8",
    "weekday_median8",
    "mean7",
    "mean14",
    "mean56",
    "last",
    "seasonal_index",
    "cv28",
    *CALENDAR_FEATURES,
)
# Of the whole shop, relative to its own level: visitors come to the shop, so its categories rise and fall together, and
# the sum shows it with less noise than any of them.
SHOP_FEATURES = ("shop_mean7", "shop_mean14", "shop_mean56", "shop_seasonal_index")
# Below this share of the level a base would turn a stray sale on an idle weekday into a huge ratio.
LOWEST_BASE = 0.05
# Fewer known days than this of the last 28 do not give a level.
_KNOWN_DAYS_FOR_LEVEL = 14


def feature_names(holidays: HolidayCalendar, *, year: bool = False) -> tuple[str, ...]:
    """Name the columns of `Rows.x`, with `year` also those of `Rows.x_year`, then of `x_shop` and `x_family`."""
    return named_features(holidays.regressors.names, year=year)


def named_features(regressors: Iterable[str], *, year: bool) -> tuple[str, ...]:
    """Name the features of a model in its order; `year` where it reads the years before."""
    return (*FEATURES, *regressors, *(YEAR_FEATURES if year else ()), *SHOP_FEATURES, *FAMILY_FEATURES)


@dataclass(frozen=True)
class Rows:
    """One row per series, origin and day ahead.

    Attributes:
        x: (rows, features), the columns of FEATURES, then the user's events.
        base: (rows,), the seasonal base in money.
        y: (rows,), the revenue of the day; NaN where unknown.
        usable: (rows,), False where the series has no level above zero for a ratio.
        x_year: (rows, 3), the columns of YEAR_FEATURES.
        x_shop: (rows, 4), the columns of SHOP_FEATURES.
        x_family: (rows, 1), the column of FAMILY_FEATURES. Models of before it are still read: what is added later
            stands last.
        lift: (rows,), the factor of the base by the years before; 1 where nothing is known of them.
        remembers: whether the history is long enough for `x_year` and `lift` to say anything.
    """

    x: Floats
    base: Floats
    y: Floats
    usable: Bools
    x_year: Floats
    x_shop: Floats
    x_family: Floats
    lift: Floats
    remembers: bool

    def select(self, keep: Bools) -> Rows:
        """Make the rows that `keep`, (rows,), marks."""
        kept = (self.x[keep], self.base[keep], self.y[keep], self.usable[keep])
        added = self.x_year[keep], self.x_shop[keep], self.x_family[keep]
        return Rows(*kept, *added, self.lift[keep], self.remembers)


def make_rows(
    values: Floats,
    days: Days,
    series: Ints,
    origins: Ints,
    horizon: int,
    holidays: HolidayCalendar,
    *,
    own_year: bool = False,
    orders: Floats | None = None,
) -> Rows:
    """Make the features of the days 1 to `horizon` after each pair of series and origin.

    Days after an origin affect no feature, only `y`. Rows are ordered by pair, then by day.

    Args:
        values: (series, days), NaN where unknown.
        days: (days,).
        series: (pairs,), indices of rows of `values`.
        origins: (pairs,), indices of columns of `values`.
        horizon: days ahead.
        holidays: calendar and events.
        own_year: rows of the first year take the season of their own year (see `last_year`), which reads days after
            the origin: for rows to learn from, never for a forecast.
        orders: (days,), of the shop, by which it is believed what a holiday brought; None where they are not counted.
    """
    padded = np.concatenate(
        [np.full((len(values), WINDOW_DAYS), np.nan), values, np.full((len(values), horizon), np.nan)], 1
    )
    own = _describe(padded[series[:, None], origins[:, None] + np.arange(1, WINDOW_DAYS + 1)])
    strength = weekday_strength(own.relative.reshape(-1, WINDOW_WEEKS, WEEK))
    base = np.maximum(1.0 + strength[:, None] * (own.index - 1.0), LOWEST_BASE) * own.level[:, None]

    step = np.arange(1, horizon + 1)
    column = (step - 1) % WEEK
    shape = (len(series), horizon)
    of_weekday = [own.weekly[name][:, column] for name in ("last", "mean2", "mean4", "mean8", "median8")]
    of_origin = [*own.means.T, _last_known(own.relative)]
    spread = np.sqrt(np.maximum(_mean(own.relative[:, -28:] ** 2, fallback=1.0) - 1.0, 0.0))
    target = origins[:, None] + step
    all_days = days[0] + np.arange(len(days) + horizon)
    columns = [
        np.broadcast_to(step, shape),
        *of_weekday,
        *(np.broadcast_to(values_[:, None], shape) for values_ in of_origin),
        own.index[:, column],
        np.broadcast_to(spread[:, None], shape),
    ]
    x = np.concatenate([np.stack(columns, axis=2), calendar_features(all_days, holidays)[target]], axis=2)
    if holidays.regressors.names:
        known = holidays.regressors.as_known(all_days[origins].astype("datetime64[D]"), all_days[target])
        x = np.concatenate([x, known], axis=2)
    y = padded[series[:, None], target + WINDOW_DAYS]
    season, lift = np.zeros(shape), np.ones(shape)
    if remembers := has_year(days):
        memory = last_year(values, days, horizon, holidays, orders)
        logarithm, season = memory.lift(series, origins, horizon, own_year=own_year)
        lift = np.exp(logarithm)
    year = seasonal(season, all_days[target])
    latest = int(origins.max(initial=-1)) + 1
    family = family_feature(total_of(values), latest, all_days, holidays)[target]
    return Rows(
        x.reshape(-1, x.shape[2]),
        base[:, column].ravel(),
        y.ravel(),
        np.repeat(own.usable, horizon),
        year.reshape(-1, year.shape[2]),
        _of_shop(total_of(padded), origins, column).reshape(-1, len(SHOP_FEATURES)),
        family.reshape(-1, len(FAMILY_FEATURES)),
        lift.ravel(),
        remembers,
    )


@dataclass(frozen=True)
class _Window:
    """The 56 days before each origin: `level` in money (1 where not usable), everything else relative to it."""

    level: Floats
    usable: Bools
    relative: Floats
    weekly: dict[str, Floats]
    means: Floats
    index: Floats


def _describe(window: Floats) -> _Window:
    """Describe windows, (windows, 56), that may contain NaN. The means are those of 7, 14 and 56 days."""
    known = (~np.isnan(window[:, -28:])).sum(axis=1)
    level = _mean(window[:, -28:], fallback=0.0)
    usable = (known >= _KNOWN_DAYS_FOR_LEVEL) & (level > 0)
    level = np.where(usable, level, 1.0)
    relative = window / level[:, None]
    weekly = weekday_statistics(relative.reshape(-1, WINDOW_WEEKS, WEEK))
    means = np.column_stack([_mean(relative[:, -n:], fallback=1.0) for n in (7, 14, 56)])
    index = weekly["mean8"] / np.where(means[:, 2] > 0, means[:, 2], 1.0)[:, None]
    return _Window(level, usable, relative, weekly, means, index)


def _of_shop(padded: Floats, origins: Ints, column: Ints) -> Floats:
    """Make the columns of SHOP_FEATURES, (pairs, horizon, 4), each origin once; 1 where the shop has no level.

    Args:
        padded: (56 + days + horizon,), the sum of all series.
        origins: (pairs,), indices of days.
        column: (horizon,), position in the week after the origin.
    """
    unique, at = np.unique(origins, return_inverse=True)
    shop = _describe(padded[unique[:, None] + np.arange(1, WINDOW_DAYS + 1)])
    means = np.broadcast_to(shop.means[:, None, :], (len(unique), len(column), 3))
    features = np.concatenate([means, shop.index[:, column, None]], axis=2)
    return np.where(shop.usable[:, None, None], features, 1.0)[at]


def weekday_statistics(by_week: Floats) -> dict[str, Floats]:
    """Compute last value, means and median by weekday: each (pairs, 7), from (pairs, weeks, 7) that may contain NaN.

    A weekday that is not known in the window takes the mean of the whole window; an empty window is zero.
    """
    everything = _mean(by_week.reshape(len(by_week), -1), fallback=0.0)[:, None]
    unknown: Bools = np.asarray(np.isnan(by_week).all(axis=1))
    # Weekdays without any value are filled first: numpy warns about an empty median.
    filled = np.where(unknown[:, None, :], everything[:, None, :], by_week)
    last = _last_known(filled.transpose(0, 2, 1))
    statistics = {"last": last, "mean8": _mean(filled.transpose(0, 2, 1)), "median8": np.nanmedian(filled, axis=1)}
    for weeks in (2, 4):
        statistics[f"mean{weeks}"] = _mean(filled[:, -weeks:].transpose(0, 2, 1), fallback=last)
    return statistics


def weekday_strength(by_week: Floats) -> Floats:
    """Compute λ = max(0, 1 - 1/F), (pairs,), of an analysis of variance by weekday.

    Args:
        by_week: (pairs, weeks, 7), may contain NaN.
    """
    known = ~np.isnan(by_week)
    count = known.sum(axis=1)
    filled = np.where(known, by_week, 0.0)
    weekday_mean = filled.sum(axis=1) / np.maximum(count, 1)
    total = count.sum(axis=1)
    grand_mean = filled.sum(axis=(1, 2)) / np.maximum(total, 1)
    weekdays = (count > 0).sum(axis=1)
    between = (count * (weekday_mean - grand_mean[:, None]) ** 2).sum(axis=1) / np.maximum(weekdays - 1, 1)
    residual = np.where(known, by_week - weekday_mean[:, None, :], 0.0)
    within = (residual**2).sum(axis=(1, 2)) / np.maximum(total - weekdays, 1)
    testable = (weekdays > 1) & (total > weekdays) & (between > 0)
    return np.where(testable, np.maximum(0.0, 1.0 - within / np.where(testable, between, 1.0)), 0.0)


def _mean(values: Floats, fallback: float | Floats = np.nan) -> Floats:
    """Mean of the known values over the last axis; `fallback` where none is known. No warnings from numpy.nanmean."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), fallback)


def _last_known(values: Floats) -> Floats:
    """The latest known value along the last axis; zero where none is known."""
    known = ~np.isnan(values)
    at = values.shape[-1] - 1 - known[..., ::-1].argmax(axis=-1)
    last = np.take_along_axis(values, at[..., None], axis=-1)[..., 0]
    return np.where(known.any(axis=-1), last, 0.0)
