"""Each model alone."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import skops.io

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models import boosting
from retail_assets.forecasting.models.baselines import RecentMean, SeasonalNaive, WeekdayMean
from retail_assets.forecasting.models.boosting import GradientBoosting, training_rows
from retail_assets.models.archive import canonical
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of

HOLIDAYS = holiday_calendar("US", date(2023, 1, 1), date(2024, 12, 31))


def panel_of(days, **categories):
    sales = sales_of(history(days, categories))
    return panel_at(sales, sales.last_day)


def predict(model, panel, horizon=14):
    return model.fit(panel, HOLIDAYS).predict(panel, HOLIDAYS, horizon)


def test_seasonal_naive_repeats_the_last_week():
    panel = panel_of(30, a=lambda number: float(number))
    np.testing.assert_array_equal(predict(SeasonalNaive(), panel)[0], [*range(23, 30), *range(23, 30)])


def test_seasonal_naive_looks_a_week_further_back_past_a_closed_day():
    panel = panel_of(30, a=lambda number: None if number == 25 else float(number))
    assert predict(SeasonalNaive(), panel)[0, :7].tolist() == [23, 24, 18, 26, 27, 28, 29]


def test_weekday_mean_averages_eight_weeks():
    panel = panel_of(70, a=lambda number: float(number))
    assert predict(WeekdayMean(), panel)[0, 0] == pytest.approx(np.mean([63 - 7 * week for week in range(8)]))


def test_recent_mean_is_flat():
    panel = panel_of(70, a=lambda number: float(number))
    np.testing.assert_allclose(predict(RecentMean(), panel), np.mean(range(14, 70)))


@pytest.mark.parametrize("model", [SeasonalNaive(), WeekdayMean(), RecentMean()])
def test_one_day_of_history_is_repeated(model):
    np.testing.assert_array_equal(predict(model, panel_of(1, a=lambda _: 42.0)), np.full((1, 14), 42.0))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("horizon", 0), ("n_estimators", 0), ("max_depth", -1), ("min_samples_leaf", 0), ("learning_rate", 0.0),
     ("learning_rate", 1.5), ("subsample", 0.0), ("max_features", 2.0), ("random_state", -1)],
)  # fmt: skip
def test_a_parameter_out_of_range_is_refused_by_name(parameter, value):
    with pytest.raises(ValueError, match=parameter):
        GradientBoosting(**{parameter: value})


def test_boosting_is_repeatable_and_its_seed_matters():
    panel = panel_of(120, a=noisy_week(100, seed=1))
    same = [predict(GradientBoosting(n_estimators=20, random_state=5), panel) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], predict(GradientBoosting(n_estimators=20, random_state=6), panel))


def test_boosting_is_byte_for_byte_what_scikit_learn_fits():
    panel = panel_of(200, a=noisy_week(100, seed=1), b=lambda number: float(number % 5))  # noise, and many ties
    rows = training_rows(panel, HOLIDAYS, horizon=28, random_state=0)
    ours = GradientBoosting(n_estimators=40).fit_rows(rows).model_
    x, base = GradientBoosting().inputs(rows)
    theirs = GradientBoosting(n_estimators=40)._regressor().fit(x, rows.y / base)
    assert type(ours) is type(theirs)
    assert canonical(skops.io.dumps(ours)) == canonical(skops.io.dumps(theirs))


def test_a_model_of_before_the_features_of_the_shop_still_predicts(monkeypatch):
    panel = panel_of(200, a=noisy_week(100, seed=1), b=noisy_week(30, seed=2))
    with monkeypatch.context() as before:
        before.setattr(GradientBoosting, "inputs", lambda self, rows: (rows.x, rows.base))
        old = GradientBoosting(n_estimators=20).fit(panel, HOLIDAYS)
        expected = old.predict(panel, HOLIDAYS, 14)
    np.testing.assert_array_equal(old.predict(panel, HOLIDAYS, 14), expected)


def test_boosting_predicts_the_mean_of_skewed_sales_though_it_fits_the_median():
    draws = np.random.default_rng(0).exponential(100, 400)
    panel = panel_of(400, a=lambda number: float(draws[number]))
    forecast = predict(GradientBoosting(n_estimators=60), panel, 28)
    assert forecast.mean() == pytest.approx(panel.values[0, -28:].mean(), rel=0.25)


def test_boosting_with_too_few_rows_falls_back_to_the_seasonal_base():
    panel = panel_of(35, a=lambda number: 10.0 * (number % 7))
    model = GradientBoosting().fit(panel, HOLIDAYS)
    assert model.model_ is None
    np.testing.assert_allclose(model.predict(panel, HOLIDAYS, 7)[0], [1.5, 10, 20, 30, 40, 50, 60])


def test_boosting_has_no_answer_for_a_category_without_a_level():
    panel = panel_of(120, a=noisy_week(100), nothing=lambda _: 0.0)
    forecast = predict(GradientBoosting(n_estimators=5), panel)
    assert np.isfinite(forecast[0]).all()
    assert np.isnan(forecast[1]).all()


def test_training_ends_at_the_cutoff_and_starts_every_seven_days():
    panel = panel_of(70, a=lambda number: float(number + 1))
    rows = training_rows(panel, HOLIDAYS, horizon=28, random_state=0)
    assert rows.y.max() == 70
    # Origins 7, 14, … 42 days before the cut-off see 7, 14, 21, then 28 days ahead each.
    assert len(rows.y) == 7 + 14 + 21 + 28 * 3


def test_many_pairs_are_sampled_by_seed(monkeypatch):
    monkeypatch.setattr(boosting, "MOST_TRAINING_PAIRS", 10)
    panel = panel_of(200, a=noisy_week(100), b=noisy_week(10, seed=2))
    one, same, other = (training_rows(panel, HOLIDAYS, horizon=28, random_state=seed) for seed in (1, 1, 2))
    assert len(one.y) <= 280
    np.testing.assert_array_equal(one.y, same.y)
    assert not np.array_equal(one.y, other.y)


def test_a_planted_holiday_effect_is_learnt():
    holidays = set(holiday_calendar("US", date(2021, 1, 1), date(2024, 2, 1)).names)
    first = date(2021, 1, 4)
    week = noisy_week(100, noise=0.05)
    sales = sales_of(
        history(1085, {"a": lambda n: week(n) * (2.5 if first + timedelta(days=n) in holidays else 1.0)}, first=first)
    )
    panel, calendar = panel_at(sales, date(2023, 12, 20)), holiday_calendar("US", first, date(2024, 2, 1))
    forecast = GradientBoosting().fit(panel, calendar).predict(panel, calendar, 7)[0]
    christmas, ordinary_monday = forecast[4], 100.0
    assert christmas > 1.5 * ordinary_monday
