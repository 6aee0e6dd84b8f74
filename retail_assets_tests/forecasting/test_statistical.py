"""The statistical challengers: each kind of series has a finite, sensible answer."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models.statistical import AutoEts, AutoTheta, complete
from retail_assets_tests.forecasting.sales_histories import WEEKLY, history, noisy_week, sales_of

HOLIDAYS = holiday_calendar("US", date(2023, 1, 1), date(2024, 12, 31))
BOTH = pytest.mark.parametrize("model", [AutoEts(), AutoTheta()], ids=lambda model: model.name)


def predict(model, days, **categories):
    sales = sales_of(history(days, categories))
    panel = panel_at(sales, sales.last_day)
    return model.fit(panel, HOLIDAYS).predict(panel, HOLIDAYS, 28)


@BOTH
def test_a_weekly_pattern_is_found(model):
    predicted = predict(model, 140, a=noisy_week(100, noise=0.05))[0]
    np.testing.assert_allclose(predicted.reshape(4, 7).mean(axis=0), 100 * np.array(WEEKLY), rtol=0.1)


@BOTH
@pytest.mark.parametrize(
    ("amount", "expected"),
    [(lambda _: 50.0, 50.0), (lambda _: 0.0, 0.0), (lambda _: -3.0, -3.0)],
    ids=["constant", "zero", "returns"],
)
def test_a_constant_is_carried_on(model, amount, expected):
    np.testing.assert_array_equal(predict(model, 100, a=amount), np.full((1, 28), expected))


@BOTH
@pytest.mark.parametrize("days", [1, 5, 15, 27, 28, 40])
def test_any_length_of_history_has_an_answer(model, days):
    assert np.isfinite(predict(model, days, a=noisy_week(100))).all()


@BOTH
def test_gaps_zeros_and_returns_have_an_answer(model):
    gappy = noisy_week(100)
    predicted = predict(
        model, 120, a=lambda n: None if n % 11 < 4 else gappy(n), b=lambda n: -5.0 if n % 9 == 0 else 20.0
    )
    assert np.isfinite(predicted).all()
    assert np.abs(predicted).max() < 1000


def test_closed_days_are_filled_by_like_weekdays():
    values = np.tile(np.arange(7.0), 5)
    holes = values.copy()
    holes[[3, 17, 34]] = np.nan
    np.testing.assert_array_equal(complete(holes), values)
