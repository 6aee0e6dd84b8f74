"""Holidays at home are distinguished from holidays out, where a shop's sales show them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.forecasting.data.calendar import NO_FAMILY_HOLIDAY, family_holiday, holiday_calendar
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models import features
from retail_assets.forecasting.models.boosting import GradientBoosting
from retail_assets.forecasting.models.family_holidays import family_feature
from retail_assets_tests.forecasting.sales_histories import WEEKLY, history, sales_of
from retail_assets_tests.trials import trials

FIRST = date(2022, 12, 5)
DAYS = np.datetime64(FIRST, "D") + np.arange(400)
HOLIDAYS = holiday_calendar("US", FIRST, FIRST + timedelta(days=430))
DISTANCE = family_holiday(DAYS, HOLIDAYS)


def sold(effect: float, noise: float = 0.1, seed: int = 0):
    """Sales that rise by `effect` in the three days before a family holiday and fall by it on the day and the next."""
    factor = np.where((DISTANCE >= -3) & (DISTANCE < 0), 1 + effect, 1.0)
    factor = np.where((DISTANCE == 0) | (DISTANCE == 1), 1 - effect, factor)
    return 100 * factor * np.random.default_rng(seed).normal(1.0, noise, 400)


@pytest.mark.parametrize("seed", range(20))
def test_only_a_shop_whose_sales_show_family_holidays_has_the_feature(seed):
    assert (family_feature(sold(0.4, seed=seed), 360, DAYS, HOLIDAYS) == DISTANCE).all()
    assert (family_feature(sold(0.0, seed=seed), 360, DAYS, HOLIDAYS) == NO_FAMILY_HOLIDAY).all()


def test_a_history_without_family_holidays_proves_nothing():
    since_may = DAYS[150:]
    calendar = holiday_calendar("US", date(2023, 5, 4), date(2024, 1, 31))
    assert (family_feature(sold(0.4)[150:], 80, since_may, calendar) == NO_FAMILY_HOLIDAY).all()
    assert (family_feature(np.full(400, np.nan), 360, DAYS, HOLIDAYS) == NO_FAMILY_HOLIDAY).all()
    assert (family_feature(np.zeros(400), 360, DAYS, HOLIDAYS) == NO_FAMILY_HOLIDAY).all()


@settings(max_examples=trials(40), deadline=None)
@given(seed=st.integers(0, 10**6), known=st.integers(0, 399))
def test_days_after_the_latest_origin_do_not_decide(seed, known):
    random = np.random.default_rng(seed)
    values = np.where(random.random(400) < 0.1, np.nan, sold(0.2, seed=seed))
    changed = values.copy()
    changed[known:] = random.gamma(2, 500, 400 - known)
    one, other = (family_feature(series, known, DAYS, HOLIDAYS) for series in (values, changed))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", [1, 2])
def test_people_who_stock_up_before_holidays_at_home_are_expected_before_a_first_christmas(seed, monkeypatch):
    """The week before a first Christmas was forecast like that before Labor Day, when nobody stocks up."""
    draws = np.random.default_rng(seed).normal(1.0, 0.1, (6, 400))

    def amounts(row):
        return lambda n: 100 * (row + 1) * WEEKLY[n % 7] * (1.5 if -7 <= DISTANCE[n] < 0 else 1.0) * draws[row, n]

    sales = sales_of(history(390, {name: amounts(at) for at, name in enumerate("abcdef")}, first=FIRST))
    cutoff = date(2023, 12, 3)
    panel = panel_at(sales, cutoff)
    before_christmas = slice((date(2023, 12, 18) - cutoff).days - 1, (date(2023, 12, 25) - cutoff).days - 1)

    def bias():
        forecast = GradientBoosting().fit(panel, HOLIDAYS).predict(panel, HOLIDAYS, 28).sum(axis=0)
        actual = sales.revenue[:, panel.origin + 1 :].sum(axis=0)
        return forecast[before_christmas].sum() / actual[before_christmas].sum() - 1

    with_feature = bias()
    nowhere = np.full(400, float(NO_FAMILY_HOLIDAY))
    monkeypatch.setattr(features, "family_feature", lambda sold, known, days, holidays: nowhere[: len(days)])
    assert abs(with_feature) < 0.75 * abs(bias())
