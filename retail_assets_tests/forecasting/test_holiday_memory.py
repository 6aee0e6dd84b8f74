"""A holiday on which the shop was closed or slow before is expected so again, as far as that was not chance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from retail_assets.forecasting.data.calendar import holiday_calendar, past_holidays
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.evaluation.rolling_origin import run_backtest
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets.forecasting.models.fallback import baseline_forecasts
from retail_assets.forecasting.models.holiday_memory import remember_holidays
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of

FIRST = date(2022, 10, 3)
LAST = date(2023, 12, 20)
DAYS = (LAST - FIRST).days + 1
CALENDAR = holiday_calendar("US", FIRST, LAST + timedelta(days=28))
NEW_YEAR = (date(2023, 1, 1) - FIRST).days


def shop(on_new_year: float | None, *, noise: float = 0.1, orders: int = 50, days: int = DAYS):
    """Two categories with a weekly pattern that did `on_new_year` of a usual day on New Year's Day; None has no row."""
    a, b = noisy_week(100, noise=noise, seed=1), noisy_week(40, noise=noise, seed=2)

    def amount(of):
        def on(number):
            if number != NEW_YEAR:
                return of(number)
            return None if on_new_year is None else of(number) * on_new_year

        return on

    return history(days, {"a": amount(a), "b": amount(b)}, first=FIRST, orders=orders)


def weekday_mean(rows, day):
    """The same-weekday mean of a day's total, and what remains of it with the memory of holidays."""
    sales = sales_of(rows)
    panel = panel_at(sales, sales.last_day)
    step = (day - LAST).days - 1
    return baseline_forecasts(panel, CALENDAR, 28)["weekday_mean"][:, step], panel


@pytest.mark.parametrize("share", [0.3, 0.6, 1.8])
def test_a_holiday_that_was_slow_or_busy_last_year_is_expected_so_again(share):
    remembered, _ = weekday_mean(shop(share), date(2024, 1, 1))
    usual, _ = weekday_mean(shop(share), date(2024, 1, 8))
    assert remembered.sum() / usual.sum() == pytest.approx(share, rel=0.2)
    assert remembered[0] / remembered[1] == pytest.approx(usual[0] / usual[1], rel=1e-9)


def test_an_ordinary_holiday_and_a_noisy_shop_change_little():
    ordinary, _ = weekday_mean(shop(1.0), date(2024, 1, 1))
    usual, _ = weekday_mean(shop(1.0), date(2024, 1, 8))
    assert ordinary.sum() / usual.sum() == pytest.approx(1.0, abs=0.12)
    noisy, _ = weekday_mean(shop(0.6, noise=0.5), date(2024, 1, 1))
    usual, _ = weekday_mean(shop(0.6, noise=0.5), date(2024, 1, 8))
    assert noisy.sum() / usual.sum() > 0.7


def test_a_quiet_shop_that_sold_nothing_on_a_holiday_is_expected_to_sell_next_to_nothing():
    rows = shop(None, orders=3)
    remembered, panel = weekday_mean(rows, date(2024, 1, 1))
    assert not panel.closed.any()
    usual, _ = weekday_mean(rows, date(2024, 1, 8))
    assert remembered.sum() < 0.1 * usual.sum()


@pytest.mark.parametrize(("orders", "least", "most"), [(3, 1.0, 1.3), (400, 1.8, 2.1)])
def test_what_few_orders_brought_on_a_holiday_is_hardly_remembered(orders, least, most):
    """Three large orders on New Year's Day are chance; four hundred are not, but baskets hardly more than double."""
    remembered, _ = weekday_mean(shop(7.0, orders=orders), date(2024, 1, 1))
    usual, _ = weekday_mean(shop(7.0, orders=orders), date(2024, 1, 8))
    assert least <= remembered.sum() / usual.sum() <= most


def test_a_holiday_with_many_more_orders_is_remembered_as_it_was():
    rows = shop(7.0)
    rows["orders"] = rows["orders"].where(rows["sale_date"] != date(2023, 1, 1), 350)
    remembered, _ = weekday_mean(rows, date(2024, 1, 1))
    usual, _ = weekday_mean(rows, date(2024, 1, 8))
    assert 6.0 <= remembered.sum() / usual.sum() <= 8.0


def test_a_forecast_that_remembers_already_stays_as_it_is():
    """Models with memory of the year lift the holiday themselves: it must not be lifted twice."""
    sales = sales_of(shop(0.5))
    panel = panel_at(sales, sales.last_day)
    step = (date(2024, 1, 1) - LAST).days - 1
    remembered = baseline_forecasts(panel, CALENDAR, 28)["weekday_mean"]
    assert remembered[:, step].sum() < 0.6 * remembered[:, step + 7].sum()
    again = remember_holidays(panel, CALENDAR, remembered)
    assert again[:, step].sum() == pytest.approx(remembered[:, step].sum(), rel=0.02)


def test_a_holiday_without_a_past_stays_as_the_model_says():
    rows = shop(0.3)[lambda frame: frame["sale_date"] >= date(2023, 2, 1)]
    sales = sales_of(rows)
    panel = panel_at(sales, sales.last_day)
    forecast = np.full((2, 28), 70.0)
    np.testing.assert_array_equal(remember_holidays(panel, CALENDAR, forecast), forecast)


def test_what_a_shop_did_on_a_holiday_is_computed_from_days_up_to_the_cutoff():
    sales = sales_of(shop(0.5))
    cutoff = date(2023, 1, 15)
    known = panel_at(sales, cutoff)
    later = sales_of(shop(0.5).assign(revenue=lambda f: f["revenue"].where(f["sale_date"] <= cutoff, 7)))
    one = past_holidays(known.values, known.days, CALENDAR)
    other = past_holidays(panel_at(later, cutoff).values, known.days, CALENDAR)
    assert one.keys() == other.keys()
    assert one["New Year's Day"].ratio.tolist() == other["New Year's Day"].ratio.tolist()
    assert one["New Year's Day"].ratio == pytest.approx([0.5, 0.5], abs=0.15)
    assert one["New Year's Day"].occasions.tolist() == [1, 1]


@pytest.mark.slow
def test_the_backtest_and_the_published_forecast_remember_alike():
    rows = shop(0.4)
    published = forecast_daily(rows, country="US").table.to_pandas()
    total = published[published["product_category"] == "TOTAL"].set_index("forecast_date")["mean"]
    assert total[date(2024, 1, 1)] < 0.6 * total[date(2024, 1, 8)]
    # A backtest whose last cut-off has that New Year ahead: every model and rule but the yardstick remembers.
    longer = sales_of(shop(0.4, days=DAYS + 28))
    tested = run_backtest(longer, CALENDAR, horizon=28, seed=0, candidates=["auto_theta"], most_cutoffs=1)
    step = (date(2024, 1, 1) - tested.cutoffs[-1]).days - 1
    for name, forecasts in tested.forecasts.items():
        day, week_later = forecasts[-1, :, step].sum(), forecasts[-1, :, step + 7].sum()
        assert (day < 0.6 * week_later) == (name != "seasonal_naive"), name
