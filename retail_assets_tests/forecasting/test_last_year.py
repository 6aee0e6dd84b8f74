"""Memory of the year: it helps shops with seasons and holidays, leaves others alone, and knows no future."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.forecasting.data.calendar import forecast_calendar, holiday_calendar
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.evaluation.rolling_origin import run_backtest
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models.boosting import GradientBoosting, YearlyBoosting, training_rows
from retail_assets.forecasting.models.candidates import fit_candidates
from retail_assets.forecasting.models.family_holidays import FAMILY_FEATURES
from retail_assets.forecasting.models.features import SHOP_FEATURES, make_rows
from retail_assets.forecasting.models.last_year import FEWEST_DAYS, YEAR, YEAR_FEATURES, last_year
from retail_assets.forecasting.models.serialization import dumps, loads
from retail_assets_tests.forecasting.sales_histories import WEEKLY, history, sales_of
from retail_assets_tests.trials import trials

FIRST = date(2022, 1, 3)
DAYS = np.datetime64(FIRST, "D") + np.arange(760)
HOLIDAYS = holiday_calendar("FR", FIRST, FIRST + timedelta(days=800))


def day_of_year(number):
    return (FIRST + timedelta(days=number)).timetuple().tm_yday


def summer(number):
    """A tourist summer: twice the sales around the end of July."""
    return 1 + np.exp(-(((day_of_year(number) - 210) / 30) ** 2))


def shop(season=lambda number: 1.0, *, days=700, noise=0.15, seed=0):
    """Three categories with a weekly pattern, a season and noise."""
    draws = np.random.default_rng(seed).normal(1.0, noise, (3, days))

    def amounts(row, level):
        return lambda n: max(level * WEEKLY[n % 7] * season(n) * draws[row, n], 1.0)

    return history(days, {name: amounts(at, 100.0 * (at + 1)) for at, name in enumerate("abc")}, first=FIRST)


def wape(model, rows, cutoff):
    sales = sales_of(rows)
    calendar = forecast_calendar("FR", sales, 28)
    panel = panel_at(sales, cutoff)
    forecast = model.fit(panel, calendar).predict(panel, calendar, 28)
    actual = sales.revenue[:, panel.origin + 1 : panel.origin + 29]
    return np.abs(forecast - actual).sum() / actual.sum()


@settings(max_examples=trials(25), deadline=None)
@given(data=st.data())
def test_nothing_after_the_origin_reaches_the_memory_of_a_year(data):
    seed, origin = data.draw(st.integers(0, 10**6)), data.draw(st.integers(30, 758))
    random = np.random.default_rng(seed)
    values = np.where(random.random((3, 760)) < 0.1, np.nan, random.gamma(3, 20, (3, 760)))
    changed = values.copy()
    changed[:, origin + 1 :] = random.gamma(3, 1e5, changed[:, origin + 1 :].shape)
    series, origins = np.arange(3), np.full(3, origin)
    orders = random.integers(0, 60, 760).astype(float)
    other = np.concatenate([orders[: origin + 1], random.integers(0, 9000, 760 - origin - 1)])
    before, after = (
        make_rows(v, DAYS, series, origins, 28, HOLIDAYS, orders=counted)
        for v, counted in ((values, orders), (changed, other))
    )
    for name in ("x", "base", "usable", "x_year", "x_shop", "x_family", "lift"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert np.isfinite(before.x_year).all()
    assert (before.lift > 0).all()


def test_the_rows_a_model_learns_from_end_at_the_cutoff():
    rows = shop(summer)
    sales = sales_of(rows)
    cutoff = sales.first_day + timedelta(days=600)
    changed = rows.copy()
    changed.loc[changed["sale_date"] > cutoff, "revenue"] *= 9
    calendar = forecast_calendar("FR", sales, 28)
    one, other = (
        training_rows(panel_at(sales_of(r), cutoff), calendar, horizon=28, random_state=0) for r in (rows, changed)
    )
    for name in ("x", "base", "y", "x_year", "x_shop", "x_family", "lift"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_the_season_is_the_one_of_last_year_relative_to_its_level():
    week = np.tile([1.0, 2, 3, 4, 5, 6, 7], 110)[:760]
    values = np.array([100.0 * week * np.where((np.arange(760) >= 200) & (np.arange(760) < 260), 2.0, 1.0)])
    memory = last_year(values, DAYS, 28, holiday_calendar("XX", FIRST, FIRST))
    _, season = memory.lift(np.array([0]), np.array([YEAR + 190]), 28)
    # The three weeks that are smoothed lie partly in the season two weeks ahead, and wholly four weeks ahead.
    assert season[0, -1] == pytest.approx(np.log(2), abs=0.1)
    assert 0.05 < season[0, 8] < season[0, 15] < season[0, -1]


def test_the_same_holiday_of_last_year_is_expected_again_by_half_of_its_effect():
    values = np.full((1, 760), 100.0)
    national = [day for day, name in HOLIDAYS.names.items() if name == "National Day"]
    at = [int((np.datetime64(day) - DAYS[0]).astype(int)) for day in national]
    values[0, at[0]] = 300.0
    memory = last_year(values, DAYS, 28, HOLIDAYS)
    lift, _ = memory.lift(np.array([0]), np.array([at[1] - 10]), 28)
    assert lift[0, 9] == pytest.approx(np.log(3) / 2)
    assert np.abs(np.delete(lift[0], 9)).max() < 0.01


@pytest.mark.parametrize(
    ("on_holiday", "usual", "factor", "weight"),
    [(3, 3, 2, 3 / 23), (400, 400, 2, 400 / 420), (900, 300, 3, 900 / 920), (900, 100, 3, 900 / 920)],
    ids=["three orders", "as many as usual", "three times the orders", "nine times the orders"],
)
def test_a_holiday_is_remembered_upward_only_as_far_as_its_orders_speak_for_it(on_holiday, usual, factor, weight):
    """As in `holiday_memory`: three large orders on a holiday were chance, and lifted the next year's by half."""
    values = np.full((1, 760), 100.0)
    at = [(np.datetime64(day) - DAYS[0]).astype(int) for day, name in HOLIDAYS.names.items() if name == "National Day"]
    values[0, at[0]], orders = 300.0, np.full(760, float(usual))
    orders[at[0]] = on_holiday
    lift, _ = last_year(values, DAYS, 28, HOLIDAYS, orders).lift(np.array([0]), np.array([at[1] - 10]), 28)
    assert lift[0, 9] == pytest.approx(np.log(factor) * weight / 2)
    values[0, at[0]] = 30.0
    lift, _ = last_year(values, DAYS, 28, HOLIDAYS, orders).lift(np.array([0]), np.array([at[1] - 10]), 28)
    assert lift[0, 9] == pytest.approx(np.log(0.3) / 2)


def test_a_season_that_came_twice_counts_more_than_once():
    days = np.datetime64("2020-01-06", "D") + np.arange(1160)
    values = np.array([np.where(np.arange(1160) % YEAR >= 300, 200.0, 100.0)])
    memory = last_year(values, days, 28, holiday_calendar("XX", FIRST, FIRST))
    once, season = memory.lift(np.array([0]), np.array([YEAR + 299]), 28)
    twice, _ = memory.lift(np.array([0]), np.array([2 * YEAR + 299]), 28)
    assert season[0, -1] == pytest.approx(np.log(2), abs=0.01)
    assert once[0, -1] == pytest.approx(0.6 * season[0, -1], rel=0.02)
    assert twice[0, -1] == pytest.approx(0.75 * season[0, -1], rel=0.02)


@pytest.mark.parametrize("day", [165, 215], ids=["the rise", "the fall"])
def test_a_tourist_summer_is_remembered(day):
    rows, cutoff = shop(summer), FIRST + timedelta(days=365 + day)
    assert wape(YearlyBoosting(), rows, cutoff) < 0.85 * wape(GradientBoosting(), rows, cutoff)


def test_a_christmas_peak_is_remembered():
    def season(number):
        before = 358 - day_of_year(number)
        return 1 + (1.5 * np.exp(-before / 10) if before >= 0 else 0.0)

    rows, cutoff = shop(season, days=740), FIRST + timedelta(days=365 + 335)
    assert wape(YearlyBoosting(), rows, cutoff) < 0.85 * wape(GradientBoosting(), rows, cutoff)


@pytest.mark.parametrize(
    "season",
    [lambda n: 1.0, lambda n: 1.001**n, lambda n: 0.997**n + 0.05],
    ids=["weekly rhythm only", "growth", "decaying cohort"],
)
def test_shops_without_a_season_are_hardly_worse(season):
    rows = shop(season)
    fast: dict[str, Any] = {"n_estimators": 60, "learning_rate": 0.15}
    cutoffs = [FIRST + timedelta(days=day) for day in (470, 530, 590, 650)]
    remembered, without = (
        sum(wape(kind(**fast), rows, cutoff) for cutoff in cutoffs) for kind in (YearlyBoosting, GradientBoosting)
    )
    assert remembered < 1.06 * without


def test_with_less_than_a_year_the_memory_is_the_model_without():
    sales = sales_of(shop(days=FEWEST_DAYS + 27))
    calendar = forecast_calendar("FR", sales, 28)
    panel = panel_at(sales, FIRST + timedelta(days=FEWEST_DAYS - 2))
    fitted = fit_candidates(panel, calendar, ["yearly_boosting", "gradient_boosting"], horizon=28, seed=0)
    assert fitted["yearly_boosting"] is fitted["gradient_boosting"]
    tested = run_backtest(sales, calendar, horizon=28, seed=0, candidates=["yearly_boosting", "gradient_boosting"])
    assert tested is not None
    assert tested.learned == ("gradient_boosting",)


def test_a_model_with_memory_is_chosen_stored_and_explained():
    rows = shop(summer, days=600)
    training = train(rows, country="FR", candidates=["yearly_boosting", "gradient_boosting"], most_cutoffs=4)
    assert training.model is not None
    assert training.model.family == "yearly_boosting"
    assert training.model.feature_names[-8:] == (*YEAR_FEATURES, *SHOP_FEATURES, *FAMILY_FEATURES)
    again = loads(dumps(training.model))
    assert dumps(again) == dumps(training.model)
    explained = training.explanation()
    assert explained is not None
    assert explained.features == training.model.feature_names
