"""A shop whose sales follow the weather, or do not, with weather forecasts as they were issued."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.regressors import Regressors
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.lifecycle.training import Training
from retail_assets.weather.issued import NAMES
from retail_assets_tests.forecasting.sales_histories import FIRST, history, noisy_week

DAYS = 300
_FIRST_DAY = np.datetime64(FIRST)


def temperature() -> np.ndarray:
    """Degrees from the usual, by day: it changes from day to day, and nothing before predicts it."""
    return np.random.default_rng(5).normal(0.0, 5.0, DAYS + 60)


def sales(effect: float) -> pd.DataFrame:
    """Two categories that rise and fall over weeks; each degree more than usual sells `effect` more."""
    warm = temperature()

    def category(level: float, seed: int) -> Any:
        week = noisy_week(level, noise=0.05, seed=seed)
        return lambda day: week(day) * float(np.exp(effect * warm[day] + 0.5 * np.sin(day / 8)))

    return history(DAYS, {"a": category(100, 1), "b": category(60, 2)})


def issued(*, error: float = 0.3, leads: range = range(1, 8), known_late: bool = False) -> Regressors:
    """The weather as it was forecast, by day and day of issue; with `known_late` also as it turned out, afterwards."""
    warm, draws = temperature(), np.random.default_rng(6)
    entries = [
        (day, warm[day] + error * lead * draws.normal(), day - lead)
        for day in range(8, DAYS + 40)
        for lead in leads
        if day - lead <= DAYS - 1
    ]
    if known_late:
        entries += [(day, 1000.0 * (day % 2), day + after) for day in range(8, DAYS + 40) for after in (0, 3)]
    days, values, known_on = (np.array(column) for column in zip(*entries, strict=True))
    return none_issued(_FIRST_DAY + days.astype(int), values.astype(float), _FIRST_DAY + known_on.astype(int))


def none_issued(*temperatures: Any) -> Regressors:
    """The names of weather, without any value; or with these days, values and days of issue of the temperature."""
    empty = (np.array([], "datetime64[D]"), np.array([], float), np.array([], "datetime64[D]"))
    days, values, known_on = zip(empty, temperatures or empty, strict=True)
    return Regressors(NAMES, days, values, known_on, "w", NAMES)


@dataclass(frozen=True)
class WeatherShop:
    """The backtests with weather and without, and the table of weather where there is one."""

    with_weather: Backtest
    without: Backtest

    @property
    def cutoffs(self) -> int:
        return len(self.without.cutoffs)

    def forecasts_and_sales(self, *, weather: bool) -> tuple[np.ndarray, np.ndarray]:
        tested = self.with_weather if weather else self.without
        return tested.forecasts[tested.champion], tested.actual


def backtest_of(training: Training) -> Backtest:
    assert training.backtest is not None
    return training.backtest


def shifted(regressors: Regressors, days: int) -> Regressors:
    """The same values, each known so many days later."""
    later = tuple(known + np.timedelta64(days, "D") for known in regressors.known_on)
    return replace(regressors, known_on=later)
