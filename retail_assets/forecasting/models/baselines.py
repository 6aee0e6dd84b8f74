"""The baselines: simple rules that read the last 8 weeks, forecast any category, and must be beaten by a model."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import WEEK, WINDOW_DAYS, WINDOW_WEEKS, Floats, Panel
from retail_assets.forecasting.models.features import weekday_statistics


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
        window = _window(panel).reshape(len(panel.categories), -1)
        known = ~np.isnan(window)
        mean = np.where(known, window, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.repeat(mean[:, None], horizon, axis=1)


BASELINES: tuple[type[SeasonalNaive | WeekdayMean | RecentMean], ...] = (SeasonalNaive, WeekdayMean, RecentMean)
BASELINE_NAMES = tuple(kind.name for kind in BASELINES)


def _window(panel: Panel) -> Floats:
    """The last 8 weeks as (categories, 8, 7): its columns are the weekdays of the 7 days after the cut-off."""
    window = panel.values[:, -WINDOW_DAYS:]
    padding = np.full((len(window), WINDOW_DAYS - window.shape[1]), np.nan)
    return np.concatenate([padding, window], axis=1).reshape(-1, WINDOW_WEEKS, WEEK)


def _by_weekday(panel: Panel, statistic: str, horizon: int) -> Floats:
    return weekday_statistics(_window(panel))[statistic][:, np.arange(horizon) % WEEK]
