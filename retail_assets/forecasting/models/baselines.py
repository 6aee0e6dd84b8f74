"""The baselines: simple rules that forecast any category, and that every model must beat.

Three read the last 8 weeks. Two read the last year: the mean of noise is known the better the longer it is, and a
model with a long memory would otherwise seem to have skill where it only has patience. One repeats the last day, which
nothing beats where sales wander without a pattern.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import WEEK, WINDOW_DAYS, WINDOW_WEEKS, Floats, Panel
from retail_assets.forecasting.models.features import weekday_statistics

YEAR_WEEKS = 52


class _Baseline:
    """A rule that has nothing to learn."""

    def fit(self, panel: Panel, holidays: HolidayCalendar) -> Self:
        return self


class SeasonalNaive(_Baseline):
    """The latest known revenue of the same weekday; on a complete calendar, that of the last week (period 7)."""

    name: ClassVar[str] = "seasonal_naive"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        return _by_weekday(panel, "last", horizon)


class WeekdayMean(_Baseline):
    """The mean of the same weekday over the last 8 weeks."""

    name: ClassVar[str] = "weekday_mean"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        return _by_weekday(panel, "mean8", horizon)


class RecentMean(_Baseline):
    """The mean day of the last 8 weeks: hard to beat where sales have no weekly pattern."""

    name: ClassVar[str] = "recent_mean"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        return _mean_day(_window(panel), horizon)


class YearWeekdayMean(_Baseline):
    """The mean of the same weekday over the last 52 weeks."""

    name: ClassVar[str] = "year_weekday_mean"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        return _by_weekday(panel, "mean8", horizon, YEAR_WEEKS)


class YearMean(_Baseline):
    """The mean day of the last 52 weeks."""

    name: ClassVar[str] = "year_mean"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        return _mean_day(_window(panel, YEAR_WEEKS), horizon)


class LastDay(_Baseline):
    """The latest known day, repeated: hard to beat where sales wander."""

    name: ClassVar[str] = "last_day"

    def predict(self, panel: Panel, holidays: HolidayCalendar, horizon: int) -> Floats:
        values = panel.values[:, -WINDOW_DAYS:]
        known = ~np.isnan(values)
        at = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
        last = np.where(known.any(axis=1), values[np.arange(len(values)), at], 0.0)
        return np.repeat(last[:, None], horizon, axis=1)


Baseline = SeasonalNaive | WeekdayMean | RecentMean | YearWeekdayMean | YearMean | LastDay
BASELINES: tuple[type[Baseline], ...] = (SeasonalNaive, WeekdayMean, RecentMean, YearWeekdayMean, YearMean, LastDay)
BASELINE_NAMES = tuple(kind.name for kind in BASELINES)


def _window(panel: Panel, weeks: int = WINDOW_WEEKS) -> Floats:
    """The last weeks as (categories, weeks, 7): its columns are the weekdays of the 7 days after the cut-off."""
    window = panel.values[:, -weeks * WEEK :]
    padding = np.full((len(window), weeks * WEEK - window.shape[1]), np.nan)
    return np.concatenate([padding, window], axis=1).reshape(-1, weeks, WEEK)


def _mean_day(window: Floats, horizon: int) -> Floats:
    days = window.reshape(len(window), -1)
    known = ~np.isnan(days)
    mean = np.where(known, days, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.repeat(mean[:, None], horizon, axis=1)


def _by_weekday(panel: Panel, statistic: str, horizon: int, weeks: int = WINDOW_WEEKS) -> Floats:
    return weekday_statistics(_window(panel, weeks))[statistic][:, np.arange(horizon) % WEEK]
