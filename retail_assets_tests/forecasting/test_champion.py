"""Which model is published, and when skill is claimed: not by luck of a few cut-offs, and not on noise."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import forecast_calendar, holiday_calendar
from retail_assets.forecasting.evaluation.rolling_origin import run_backtest
from retail_assets.forecasting.evaluation.verdict import verdict
from retail_assets_tests.forecasting.sales_histories import FIRST, WEEKLY, history, noisy_week, pure_noise, sales_of
from retail_assets_tests.forecasting.test_backtest import by_hand

ACTUAL = np.full((2, 2), 10.0)
FAST = ("gradient_boosting",)


def at_cutoffs(backtest, **forecasts):
    """The same backtest with a forecast of its own per cut-off for some models."""
    changed = {name: np.broadcast_to(np.reshape(v, (-1, 1, 1)), (len(v), 2, 2)) for name, v in forecasts.items()}
    return dataclasses.replace(backtest, forecasts={**backtest.forecasts, **changed})


def test_a_single_model_must_be_clearly_better_and_a_mean_of_models_a_little():
    def best(**forecasts):
        return by_hand(ACTUAL, 6, gradient_boosting=9.0, seasonal_naive=5.0, **forecasts).best_model

    assert best(auto_ets=9.02) == "gradient_boosting"
    assert best(auto_ets=9.05) == "auto_ets"
    assert best(combination=9.003) == "gradient_boosting"
    assert best(combination=9.007) == "combination"


def test_memory_of_the_year_is_preferred_only_where_it_was_judged():
    models = {"gradient_boosting": 9.0, "yearly_boosting": 9.0, "boosting_mean_year": 9.0, "seasonal_naive": 5.0}
    tested = by_hand(ACTUAL, 6, **models)
    last = tested.cutoffs[-1]
    for days, preferred in ((419, "gradient_boosting"), (440, "boosting_mean_year"), (700, "yearly_boosting")):
        judged = dataclasses.replace(tested, first_day=last - timedelta(days=days - 1))
        assert judged.preferred_model == judged.champion == preferred


def test_memory_of_the_year_is_left_where_it_is_clearly_worse():
    tested = by_hand(ACTUAL, 6, gradient_boosting=9.0, yearly_boosting=8.5, boosting_mean_year=8.75, seasonal_naive=5.0)
    assert dataclasses.replace(tested, first_day=date(2020, 1, 1)).champion == "gradient_boosting"


def test_a_baseline_that_wins_by_a_little_at_few_cutoffs_is_luck():
    even = by_hand(ACTUAL, 6, gradient_boosting=9.0, seasonal_naive=1.0)
    lucky = at_cutoffs(even, weekday_mean=[8.99, 8.99, 8.99, 8.99, 8.99, 9.1], gradient_boosting=[9.0] * 6)
    assert not lucky.has_skill
    assert lucky.champion == "gradient_boosting"
    assert "within chance. Published: gradient boosting." in verdict(lucky, seed=0)
    mostly = at_cutoffs(even, weekday_mean=[9.01, 9.01, 9.01, 9.01, 8.99, 8.99], gradient_boosting=[9.0] * 6)
    assert mostly.champion == "weekday_mean"
    far = at_cutoffs(even, weekday_mean=[8.99, 8.99, 8.99, 9.9, 9.9, 9.9], gradient_boosting=[9.0] * 6)
    assert far.champion == "weekday_mean"


def test_a_lead_within_chance_is_published_but_no_claim():
    even = by_hand(ACTUAL, 6, gradient_boosting=9.0, seasonal_naive=1.0)
    tested = at_cutoffs(even, weekday_mean=[9.05, 9.05, 9.05, 9.05, 9.05, 8.0], gradient_boosting=[9.0] * 6)
    assert tested.is_ahead
    assert not tested.has_skill
    assert tested.champion == "gradient_boosting"


def wandering(level, seed):
    steps = np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.03, 1000)))
    return lambda number: float(level * steps[number])


@pytest.mark.parametrize(
    "kind",
    [
        lambda seed: pure_noise(400, seed=seed),
        lambda seed: noisy_week(300, noise=0.3, seed=seed),
        lambda s: wandering(200, s),
    ],
    ids=["white noise", "weekly pattern", "random walk"],
)
def test_no_skill_is_claimed_on_noise(kind):
    sales = sales_of(history(240, {name: kind(at) for at, name in enumerate("ab")}))
    tested = run_backtest(sales, forecast_calendar("US", sales, 28), horizon=28, seed=0, candidates=FAST)
    assert tested is not None
    assert not tested.has_skill


@pytest.mark.slow
def test_skill_is_claimed_where_a_pattern_was_planted():
    """A rush before every holiday: no baseline knows of it."""
    holidays = holiday_calendar("US", FIRST, FIRST + timedelta(days=400)).names
    rush = {(day - FIRST).days - before: 2.0 - 0.2 * before for day in holidays for before in range(4)}
    draws = np.random.default_rng(0).normal(1, 0.15, (2, 400))

    def amounts(row):
        return lambda n: max(100 * (row + 1) * WEEKLY[n % 7] * rush.get(n, 1.0) * draws[row, n], 1.0)

    sales = sales_of(history(380, {"a": amounts(0), "b": amounts(1)}))
    tested = run_backtest(sales, forecast_calendar("US", sales, 28), horizon=28, seed=0, candidates=FAST)
    assert tested is not None
    assert tested.has_skill
