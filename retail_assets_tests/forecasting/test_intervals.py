"""Intervals: ordered, never below zero without reason, and held as often as they promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.intervals import INNER, OUTER, calibrate, conformal_quantiles, quantiles
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of
from retail_assets_tests.trials import trials


@settings(max_examples=trials(80))
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1e-3, 1.0, 1e9]),
    gaps=st.floats(0, 1),
    rows=st.integers(1, 4),
    sign=st.sampled_from([1, -1]),
)
def test_quantiles_never_cross_and_are_finite(seed, size, gaps, rows, sign):
    random = np.random.default_rng(seed)
    scaled = np.where(random.random((3, rows + 1, 28)) < gaps, np.nan, random.normal(0, 2, (3, rows + 1, 28)))
    group = np.append(random.integers(0, 2, rows), 0)
    point = random.normal(1, 1, (rows + 1, 28)) * size
    level = random.gamma(1, 1, rows + 1) * size * sign
    below_zero = random.random(rows + 1) < 0.3
    ends = quantiles(point, level, calibrate(scaled, group), below_zero)
    assert np.isfinite(ends).all()
    assert (np.diff(ends, axis=2) >= 0).all()
    assert (ends[~below_zero] >= 0).all()


def test_an_interval_holds_as_often_as_it_promises():
    random = np.random.default_rng(0)
    truth = lambda n: random.gamma(4, 25, (n, 7, 28))  # noqa: E731 - mean 100, skewed
    point = np.full((7, 28), 100.0)
    level = np.full(7, 100.0)
    scaled = (truth(8) - point) / intervals.day_scale(point, level)
    ends = quantiles(point, level, calibrate(scaled, np.zeros(7, dtype=np.int64)), np.zeros(7, dtype=bool))
    new = truth(400)[:, :6]
    for (low, high), promised in ((INNER, 0.8), (OUTER, 0.95)):
        inside = (new >= ends[:6, :, low]) & (new <= ends[:6, :, high])
        assert inside.mean() == pytest.approx(promised, abs=0.02)


def test_few_errors_make_wider_ends_than_many():
    errors = np.linspace(-1, 1, 39)
    few, many = conformal_quantiles(errors), np.quantile(errors, intervals.LEVELS)
    assert few[0] <= many[0]
    assert few[4] >= many[4]
    assert few[2] == pytest.approx(0.0)


def test_errors_of_categories_cancel_in_the_interval_of_the_total():
    random = np.random.default_rng(1)
    noise = random.normal(0, 10, (8, 20, 28))
    actual = 100 + noise
    point = np.full((8, 20, 28), 100.0)
    level = np.append(np.full(20, 100.0), 2000.0)
    outcome, total = intervals.with_total(actual), intervals.with_total(point)
    learned = calibrate((outcome - total) / intervals.day_scale(total, level), np.zeros(21, dtype=np.int64))
    ends = quantiles(total[0], level, learned, np.zeros(21, dtype=bool))
    width = ends[:, :, 3] - ends[:, :, 1]
    # Independent errors: √20 times one category's width, not 20 times.
    assert width[-1].mean() / width[:-1].mean() == pytest.approx(20**0.5, rel=0.25)


def test_a_day_that_is_surely_zero_has_no_width():
    ends = quantiles(
        np.array([[0.0, 5.0], [0.0, 5.0]]), np.array([5.0, 5.0]),
        calibrate(np.random.default_rng(0).normal(size=(3, 2, 28)), np.zeros(2, dtype=np.int64)),
        np.zeros(2, dtype=bool),
    )  # fmt: skip
    assert (ends[:, 0] == 0).all()
    assert (ends[:, 1, 3] > ends[:, 1, 1]).all()


def test_a_short_history_tells_its_scatter():
    sales = sales_of(history(40, {"calm": noisy_week(100, noise=0.02), "wild": noisy_week(100, noise=0.5, seed=1)}))
    panel = panel_at(sales, sales.last_day)
    learned = calibrate(intervals.spread_in_history(panel), np.zeros(3, dtype=np.int64))
    assert learned.spread[1] > 5 * learned.spread[0]


def errors_with_holidays(factor, days=28, origins=6):
    """Scaled errors of four rows and their total, `factor` times as wide on three days of each origin."""
    near = np.zeros((origins, days), dtype=bool)
    near[:, 10:13] = True
    draws = np.random.default_rng(4).normal(0, 1, (origins, 5, days))
    return np.where(near[:, None, :], factor, 1.0) * draws, near


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.5])
def test_the_spread_near_holidays_is_learnt_and_shrunk_to_one(factor):
    learnt = intervals.holiday_factor(*errors_with_holidays(factor))
    assert 1.0 <= learnt < factor + 0.12
    assert learnt > 1 + 0.7 * (factor - 1)


def test_without_holidays_or_errors_there_is_no_spread_of_their_own():
    errors, near = errors_with_holidays(2.0)
    assert intervals.holiday_factor(errors, np.zeros_like(near)) == 1.0
    assert intervals.holiday_factor(np.full_like(errors, np.nan), near) == 1.0
    assert intervals.holiday_factor(errors, np.ones_like(near)) == 1.0


def test_one_holiday_widens_less_than_many_that_say_the_same():
    errors, near = errors_with_holidays(3.0)
    once = near & (np.arange(len(near)) == 0)[:, None] & (np.arange(near.shape[1]) == 10)
    assert intervals.holiday_factor(errors, once) < intervals.holiday_factor(errors, near)


def test_only_days_near_a_holiday_are_wider():
    conformal = intervals.Conformal(np.ones(2), np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], (2, 1)), np.ones(2, bool))
    wide = dataclasses.replace(conformal, near_holiday=1.5)
    point, level = np.full((2, 3), 100.0), np.full(2, 10.0)
    near, below = np.array([False, True, False]), np.zeros(2, bool)
    usual, wider = (intervals.quantiles(point, level, each, below, near) for each in (conformal, wide))
    width = (wider[..., 3] - wider[..., 1]) / (usual[..., 3] - usual[..., 1])
    np.testing.assert_allclose(width, [[1, 1.5, 1], [1, 1.5, 1]])
