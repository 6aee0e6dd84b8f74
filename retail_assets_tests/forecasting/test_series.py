"""Which days are known, closed, or zero."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retail_assets.forecasting.data.series import LONGEST_HISTORY_DAYS, REJECTED_DAYS, daily_sales, panel_at, weekday
from retail_assets_tests.forecasting.sales_histories import FIRST, history, row, sales_of


def steady(number: int) -> float:
    return 100.0


def without(*closed: int):
    return lambda number: None if number in closed else 100.0


def test_no_rows_are_no_series():
    assert daily_sales(history(0, {})) is None


def test_a_day_without_a_row_of_a_category_is_zero():
    sales = sales_of(history(10, {"a": steady, "b": without(4)}))
    assert sales.revenue[1, 4] == 0
    assert panel_at(sales, sales.last_day).values[1, 4] == 0


def test_the_order_of_rows_does_not_matter():
    rows = history(30, {"a": steady, "b": lambda number: number * 1.5})
    forwards, shuffled = sales_of(rows), sales_of(rows.sample(frac=1, random_state=3))
    assert forwards.categories == shuffled.categories
    np.testing.assert_array_equal(forwards.revenue, shuffled.revenue)


def test_a_day_on_which_a_busy_shop_sold_nothing_was_closed_and_is_unknown():
    sales = sales_of(history(40, {"a": without(20), "b": without(20)}))
    panel = panel_at(sales, sales.last_day)
    assert np.flatnonzero(panel.closed).tolist() == [20]
    assert np.isnan(panel.values[:, 20]).all()


def test_a_day_on_which_a_quiet_shop_sold_nothing_proves_nothing_and_is_zero():
    sales = sales_of(history(40, {"a": without(20)}, orders=3))
    panel = panel_at(sales, sales.last_day)
    assert not panel.closed.any()
    assert panel.values[0, 20] == 0


def rejected_on(rows: pd.DataFrame, *numbers: int) -> pd.DataFrame:
    rows.attrs[REJECTED_DAYS] = [FIRST + timedelta(days=number) for number in numbers]
    return rows


@pytest.mark.parametrize("orders", [3, 30])
def test_a_day_whose_rows_were_all_rejected_is_unknown_in_a_quiet_and_in_a_busy_shop(orders):
    sales = sales_of(rejected_on(history(40, {"a": without(20)}, orders=orders), 20, 25, 100))
    panel = panel_at(sales, sales.last_day)
    assert np.flatnonzero(np.isnan(panel.values[0])).tolist() == [20]
    assert not panel.closed.any()
    assert np.flatnonzero(sales.unknown).tolist() == [20]
    assert "All rows of 1 day were rejected" in sales.notes[0]


def test_a_rejected_row_on_a_closed_weekday_does_not_open_it():
    sundays = [number for number in range(70) if number % 7 == 6]
    sales = sales_of(rejected_on(history(69, {"a": without(*sundays)}), 62))
    assert panel_at(sales, sales.last_day).weekdays_closed().tolist() == [False] * 6 + [True]


def test_the_forecast_of_a_history_with_rejected_days_learns_no_zero_from_them():
    lost = list(range(30, 51))
    rows = history(120, {"a": without(*lost)}, orders=3)
    zeros = weekday_mean_of(sales_of(rows.copy()))
    unknown = weekday_mean_of(sales_of(rejected_on(rows, *lost)))
    assert zeros < 100
    assert unknown == 100


def weekday_mean_of(sales) -> float:
    panel = panel_at(sales, FIRST + timedelta(days=60))
    return float(np.nanmean(panel.values))


def test_sundays_off_are_a_closed_weekday():
    sundays = [number for number in range(70) if number % 7 == 6]
    sales = sales_of(history(69, {"a": without(*sundays)}))
    assert panel_at(sales, sales.last_day).weekdays_closed().tolist() == [False] * 6 + [True]


def test_a_weekday_silent_eight_of_eight_weeks_is_a_day_off_in_a_quiet_shop_too():
    mondays = [number for number in range(70) if number % 7 == 0]
    sales = sales_of(history(70, {"a": without(*mondays), "b": without(*mondays)}, orders=3))
    panel = panel_at(sales, sales.last_day)
    closed = np.flatnonzero(panel.closed)
    assert panel.weekdays_closed().tolist() == [True] + [False] * 6
    assert set(panel.days[closed].astype(str)) == set(sales.days[weekday(sales.days) == 0].astype(str))
    assert np.isnan(panel.values[:, closed]).all()


def test_seven_silent_mondays_of_a_quiet_shop_prove_nothing_yet_and_what_follows_does_not_count():
    mondays = [number for number in range(70, 140) if number % 7 == 0]
    sales = sales_of(history(140, {"a": without(*mondays)}, orders=3))
    seven, eight = (panel_at(sales, FIRST + timedelta(days=mondays[count - 1] + 2)) for count in (7, 8))
    assert not seven.closed.any()
    assert eight.closed.sum() == 8


def test_a_quiet_shop_that_opens_on_a_day_off_again_is_open():
    mondays = [number for number in range(70) if number % 7 == 0]
    sales = sales_of(history(100, {"a": without(*mondays)}, orders=3))
    assert not panel_at(sales, sales.last_day).weekdays_closed().any()


def test_a_shop_that_sells_now_and_then_has_no_days_off_by_chance():
    for seed in range(20):
        sells = np.random.default_rng(seed).random(400) < 0.3
        revenue = [10.0 if sold else None for sold in sells]
        sales = sales_of(history(400, {"a": revenue.__getitem__}, orders=1))
        assert not panel_at(sales, sales.last_day).closed.any()


def test_a_market_stall_is_closed_from_monday_to_friday():
    sales = sales_of(history(140, {"a": lambda number: 50.0 if number % 7 >= 5 else None}, orders=4))
    assert panel_at(sales, sales.last_day).weekdays_closed().tolist() == [True] * 5 + [False] * 2


def test_before_its_first_sale_a_category_is_unknown_not_zero():
    sales = sales_of(history(20, {"a": steady, "new": lambda number: 5.0 if number >= 12 else None}))
    panel = panel_at(sales, sales.last_day)
    assert np.isnan(panel.values[1, :12]).all()
    assert panel.first.tolist() == [0, 12]


def test_a_category_is_not_there_before_its_first_sale():
    sales = sales_of(history(20, {"a": steady, "new": lambda number: 5.0 if number >= 12 else None}))
    assert panel_at(sales, FIRST + timedelta(days=11)).categories == ("a",)


def test_a_partial_last_day_is_left_out_and_named():
    rows = history(60, {"a": steady})
    partial = pd.DataFrame([row(FIRST + timedelta(days=60), "a", 30.0, orders=15)])
    sales = sales_of(pd.concat([rows, partial]))
    assert sales.last_day == FIRST + timedelta(days=59)
    assert "2023-03-03 looks like a partial day (15 orders" in sales.notes[0]


def test_a_weak_but_plausible_last_day_is_kept():
    rows = history(60, {"a": steady})
    weak = pd.DataFrame([row(FIRST + timedelta(days=60), "a", 60.0, orders=30)])
    assert sales_of(pd.concat([rows, weak])).last_day == FIRST + timedelta(days=60)


def test_one_stray_sale_in_the_far_future_does_not_move_the_cutoff():
    stray = pd.DataFrame([row(date(2099, 1, 5), "a", 9.0, orders=1)])
    assert sales_of(pd.concat([history(100, {"a": steady}), stray])).last_day == FIRST + timedelta(days=99)


def test_more_than_five_years_are_cut_to_the_last_five():
    sales = sales_of(history(2000, {"a": steady}))
    assert len(sales.days) == LONGEST_HISTORY_DAYS
    assert "are left out" in sales.notes[0]


def test_a_frame_without_a_column_is_refused_by_the_columns_name():
    with pytest.raises(ValueError, match="orders"):
        sales_of(history(5, {"a": steady}).drop(columns="orders"))


@pytest.mark.parametrize("column", ["sale_date", "product_category", "revenue"])
def test_a_missing_value_is_refused(column):
    rows = history(5, {"a": steady})
    rows[column] = rows[column].astype(object)
    rows.loc[2, column] = None
    with pytest.raises(ValueError, match="is missing"):
        sales_of(rows)


@pytest.mark.parametrize("day", [FIRST - timedelta(days=1), FIRST + timedelta(days=5)])
def test_a_cutoff_outside_the_history_is_refused(day):
    with pytest.raises(ValueError, match="outside"):
        panel_at(sales_of(history(5, {"a": steady})), day)


def test_weekday_counts_from_monday():
    days = np.array(["2023-01-02", "2023-01-08", "1969-12-29"], dtype="datetime64[D]")
    assert weekday(days).tolist() == [0, 6, 0]


@pytest.mark.parametrize("orders", [5, 30])
@pytest.mark.parametrize(
    "strays", [(date(2099, 12, 31),), (date(2099, 12, 30), date(2099, 12, 31)), (date(1970, 1, 1),)]
)
def test_days_of_a_mistyped_year_set_neither_the_cutoff_nor_the_first_day(orders, strays):
    rows = history(100, {"a": steady}, orders=orders)
    wrong = pd.DataFrame([row(day, "a", 10.0, 1) for day in strays])
    sales = sales_of(pd.concat([rows, wrong]))
    assert (sales.first_day, sales.last_day) == (FIRST, FIRST + timedelta(days=99))
    assert any("stray" in note and str(strays[0]) in note for note in sales.notes)


def test_a_shop_that_opens_again_after_weeks_is_not_stray():
    rows = history(150, {"a": lambda number: None if 60 <= number < 140 else 10.0})
    sales = sales_of(rows)
    assert (sales.first_day, sales.last_day) == (FIRST, FIRST + timedelta(days=149))
    assert sales.notes == ()
