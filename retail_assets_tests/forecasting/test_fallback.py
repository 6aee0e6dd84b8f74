"""Which rule forecasts which category."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import holiday_calendar
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models import fallback
from retail_assets.forecasting.models.fallback import baseline_forecasts, choose_fallbacks, open_days
from retail_assets.tables import SALES_FORECAST
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of

HOLIDAYS = holiday_calendar("US", date(2023, 1, 1), date(2024, 12, 31))


def panel_of(days, first=date(2023, 1, 2), orders=50, **categories):
    sales = sales_of(history(days, categories, first=first, orders=orders))
    return panel_at(sales, sales.last_day)


def method_beside_a_large_category(amount, days=200):
    """The method of category z in a shop that otherwise sells a lot every day."""
    return choose_fallbacks(panel_of(days, a=noisy_week(1000), z=amount))[-1]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (lambda n: 500.0 + n % 2, fallback.MODELED),
        (lambda n: 500.0 if n >= 135 else None, fallback.SHORT),
        (lambda n: 500.0 if n >= 190 else None, fallback.TOO_SHORT),
        (lambda n: 500.0 if n == 199 else None, fallback.TOO_SHORT),
        (lambda n: 500.0 if n < 180 else None, fallback.ENDED),
        (lambda n: 500.0 if n < 195 else None, fallback.MODELED),
        (lambda n: 500.0 if n == 3 else None, fallback.ENDED),
        (lambda n: 500.0 if n % 5 == 0 else None, fallback.SPARSE),
        (lambda n: 1.0 + n % 2, fallback.SMALL),
        (lambda n: 500.0, fallback.CONSTANT),
        (lambda n: 0.0, fallback.NO_LEVEL),
        (lambda n: -500.0, fallback.NO_LEVEL),
    ],
    ids=[
        "long", "short", "new", "one day", "ended", "5 days silent", "one sale", "sparse", "small", "constant", "zero",
        "returns",
    ],
)  # fmt: skip
def test_each_kind_of_category_has_its_method(amount, expected):
    assert method_beside_a_large_category(amount) == expected


def test_every_method_fits_its_column():
    limit = next(column for column in SALES_FORECAST.columns if column.name == "method").numbers[0]
    rules = [
        fallback.ENDED,
        fallback.TOO_SHORT,
        fallback.SHORT,
        fallback.NO_LEVEL,
        fallback.SMALL,
        fallback.SPARSE,
        fallback.CONSTANT,
    ]
    beaten = [
        f"{name}: no model is better in the backtest" for name in ("seasonal_naive", "weekday_mean", "recent_mean")
    ]
    assert max(len(rule) for rule in [*rules, *beaten, fallback.UNTESTED]) <= limit


def test_a_weekday_off_is_forecast_as_zero():
    panel = panel_of(100, a=lambda n: None if n % 7 == 6 else 100.0)
    forecast = baseline_forecasts(panel, HOLIDAYS, 14)["recent_mean"][0]
    sundays = [(day.astype(object).weekday() == 6) for day in panel.future_days(14)]
    np.testing.assert_array_equal(forecast == 0, sundays)


def test_a_holiday_the_shop_has_always_closed_on_is_forecast_as_zero():
    christmas = (date(2022, 12, 25) - date(2022, 10, 1)).days
    days = (date(2023, 12, 20) - date(2022, 10, 1)).days + 1
    panel = panel_of(days, first=date(2022, 10, 1), a=lambda n: None if n == christmas else 100.0)
    calendar = holiday_calendar("US", date(2022, 10, 1), date(2024, 1, 17))
    shut = panel.future_days(28)[~open_days(panel, calendar, 28)]
    assert shut.astype(str).tolist() == ["2023-12-25"]


def test_a_holiday_the_shop_once_opened_on_is_not_assumed_closed():
    first = date(2022, 10, 1)
    closed_once = (date(2022, 12, 25) - first).days
    days = (date(2024, 12, 20) - first).days + 1
    panel = panel_of(days, first=first, a=lambda n: None if n == closed_once else 100.0)
    assert open_days(panel, holiday_calendar("US", first, date(2025, 1, 20)), 28).all()


def test_no_forecast_is_below_zero_unless_returns_dominate():
    panel = panel_of(20, mostly_sales=lambda n: -50.0 if n % 7 == 3 else 100.0, returns=lambda n: -20.0)
    forecast = baseline_forecasts(panel, HOLIDAYS, 7)["weekday_mean"]
    assert forecast[0].min() == 0
    assert forecast[1].max() == -20


def test_methods_see_nothing_after_the_cutoff():
    rows = history(200, {"a": noisy_week(100), "b": lambda n: 50.0 + n % 2 if n < 150 else None})
    sales, cutoff = sales_of(rows), date(2023, 1, 2) + timedelta(days=140)
    assert choose_fallbacks(panel_at(sales, cutoff)) == [fallback.MODELED, fallback.MODELED]
    assert choose_fallbacks(panel_at(sales, sales.last_day)) == [fallback.MODELED, fallback.ENDED]
