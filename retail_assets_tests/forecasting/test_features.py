"""Features of a day ahead: equal to hand-computed ones, and independent of everything after the origin."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.models.features import FEATURES, LOWEST_BASE, SHOP_FEATURES, make_rows, weekday_strength
from retail_assets_tests.trials import trials

DAYS = np.datetime64("2023-01-02", "D") + np.arange(140)
HOLIDAYS = holiday_calendar("US", date(2023, 1, 2), date(2023, 7, 1))


def rows_of(values, origin=99, horizon=28):
    values = np.atleast_2d(np.asarray(values, dtype=float))
    series = np.arange(len(values))
    return make_rows(values, DAYS[: values.shape[1]], series, np.full(len(values), origin), horizon, HOLIDAYS)


def feature(rows, name):
    return rows.x[:, FEATURES.index(name)]


def test_weekday_features_are_those_of_the_same_weekday_in_the_weeks_before():
    values = np.arange(100.0) + 1  # 1 … 100; the origin is day 100
    rows, level = rows_of(values), values[-28:].mean()
    # One day ahead the same weekday was 94; eight days ahead it is 94 again: the weeks between are not known.
    assert feature(rows, "weekday_last")[[0, 7, 6]] == pytest.approx(np.array([94, 94, 100]) / level)
    assert feature(rows, "weekday_mean2")[0] == pytest.approx((94 + 87) / 2 / level)
    assert feature(rows, "weekday_mean4")[0] == pytest.approx(np.mean([94, 87, 80, 73]) / level)
    assert feature(rows, "weekday_mean8")[0] == pytest.approx(np.mean(np.arange(94, 44, -7)) / level)
    assert feature(rows, "weekday_median8")[0] == pytest.approx(np.median(np.arange(94, 44, -7)) / level)
    assert feature(rows, "last")[0] == pytest.approx(100 / level)
    assert feature(rows, "mean7")[0] == pytest.approx(97 / level)
    assert feature(rows, "cv28")[0] == pytest.approx(values[-28:].std() / level)
    assert feature(rows, "step").tolist() == list(range(1, 29))


def test_the_target_of_a_row_is_its_own_day_and_unknown_after_the_end():
    rows = rows_of(np.arange(110.0), origin=99)
    np.testing.assert_array_equal(rows.y[:10], np.arange(100.0, 110.0))
    assert np.isnan(rows.y[10:]).all()


def test_a_pure_weekly_pattern_is_its_own_base():
    pattern = np.tile([10.0, 20, 30, 40, 50, 60, 70], 20)
    rows = rows_of(pattern, origin=99)
    np.testing.assert_allclose(rows.base, pattern[100:128])


def test_a_flat_series_has_no_weekly_pattern():
    rows = rows_of(np.full(100, 8.0))
    np.testing.assert_allclose(rows.base, 8.0)


def test_noise_is_shrunk_to_the_level():
    noise = np.random.default_rng(1).normal(100, 20, (200, 8, 7))
    assert weekday_strength(noise).mean() < 0.35
    pattern = np.arange(7) * 40.0
    assert weekday_strength(noise + pattern).min() > 0.9


def test_a_weekday_without_sales_does_not_make_a_base_of_zero():
    rows = rows_of(np.tile([100.0, 100, 100, 100, 100, 100, 0], 15)[:100])
    assert rows.base.min() == pytest.approx(LOWEST_BASE * 600 / 7)


def test_features_of_the_shop_are_those_of_the_sum_of_its_categories():
    ramp, week = np.arange(100.0) + 1, np.tile([10.0, 20, 30, 40, 50, 60, 70], 15)[:100]
    late = np.where(np.arange(100) < 90, np.nan, 500.0)  # sold for ten days: the days before count as nothing
    rows = rows_of([ramp, week, late])
    shop = rows_of(ramp + week + np.nan_to_num(late))
    expected = [feature(shop, name) for name in ("mean7", "mean14", "mean56", "seasonal_index")]
    assert len(expected) == len(SHOP_FEATURES)
    for category in range(3):
        np.testing.assert_allclose(rows.x_shop[28 * category : 28 * (category + 1)], np.column_stack(expected))


@pytest.mark.parametrize(
    "values", [np.zeros(100), np.full(100, -5.0), np.full(100, np.nan)], ids=["zero", "negative", "unknown"]
)
def test_a_series_without_a_level_above_zero_is_not_usable(values):
    rows = rows_of(values)
    assert not rows.usable.any()
    assert np.isfinite(rows.x).all()


@settings(max_examples=trials(60), deadline=None)
@given(data=st.data())
def test_nothing_after_the_origin_reaches_a_feature(data):
    seed, origin = data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 138))
    random = np.random.default_rng(seed)
    values = np.where(random.random((3, 140)) < 0.2, np.nan, random.normal(50, 40, (3, 140)))
    changed = values.copy()
    changed[:, origin + 1 :] = random.normal(1e6, 1e5, changed[:, origin + 1 :].shape)
    before, after = rows_of(values, origin), rows_of(changed, origin)
    np.testing.assert_array_equal(before.x, after.x)
    np.testing.assert_array_equal(before.base, after.base)
    np.testing.assert_array_equal(before.usable, after.usable)
    np.testing.assert_array_equal(before.x_shop, after.x_shop)
    np.testing.assert_array_equal(before.x_family, after.x_family)


@settings(max_examples=trials(60), deadline=None)
@given(
    seed=st.integers(0, 10**6), origin=st.integers(0, 139), gaps=st.floats(0, 1), scale=st.sampled_from([1e-6, 1, 1e12])
)
def test_features_are_always_finite_and_bases_above_zero(seed, origin, gaps, scale):
    random = np.random.default_rng(seed)
    values = np.where(random.random((4, 140)) < gaps, np.nan, random.normal(1, 2, (4, 140)) * scale)
    rows = rows_of(values, origin)
    assert np.isfinite(rows.x).all()
    assert np.isfinite(rows.x_shop).all()
    assert (rows.base > 0).all()


@settings(max_examples=trials(30), deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.sampled_from([1e-3, 0.5, 10.0, 1e6]))
def test_features_do_not_depend_on_the_size_of_a_category(seed, factor):
    values = np.random.default_rng(seed).gamma(2, 50, (1, 120))
    one, other = rows_of(values), rows_of(values * factor)
    np.testing.assert_allclose(one.x, other.x, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.x_shop, other.x_shop, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.base * factor, other.base, rtol=1e-6)
