"""A source that reports weeks is forecast in weeks, and every text says so."""

from __future__ import annotations

import datetime as dt
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retail_assets.decisions.stock import stock
from retail_assets.forecasting import api
from retail_assets.forecasting.data.grain import DAY, WEEK_OF_DAYS, grain_of
from retail_assets.forecasting.data.series import daily_sales, panel_at
from retail_assets.forecasting.evaluation.accuracy import score_past_forecasts
from retail_assets.forecasting.figures.accuracy import draw_figures as accuracy_figures
from retail_assets.forecasting.figures.backtest import draw_figures as backtest_figures
from retail_assets.forecasting.figures.forecast import draw_figures
from retail_assets.forecasting.lifecycle import record
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models.fallback import SPARSE
from retail_assets.forecasting.models.serialization import dumps
from retail_assets_tests.forecasting.sales_histories import row, sales_of

FIRST = date(2022, 2, 4)  # a Friday
LAST = FIRST + timedelta(weeks=119)


def store(level: float, seed: int, weeks: int = 120, orders: int = 1) -> list[dict[str, object]]:
    noise = np.random.default_rng(seed).normal(1, 0.08, weeks)
    return [
        row(
            FIRST + timedelta(weeks=n),
            f"store {seed}",
            level * (1 + 0.3 * np.sin(2 * np.pi * n / 52)) * noise[n],
            orders,
        )
        for n in range(weeks)
    ]


def stores(weeks: int = 120) -> pd.DataFrame:
    return pd.DataFrame([*store(20_000, 1, weeks), *store(5_000, 2, weeks)])


@pytest.fixture(scope="module")
def training():
    return train(stores(), country="US", candidates=["gradient_boosting", "auto_theta"], most_cutoffs=4)


@pytest.fixture(scope="module")
def table(training):
    return score(training.model, stores())


def test_the_grain_is_detected_from_the_dates():
    fridays = np.arange(1, 1 + 7 * 60, 7)
    moved = fridays.copy()
    moved[30] -= 1  # a report before a holiday
    assert grain_of(fridays) == grain_of(np.repeat(fridays, 45)) == grain_of(moved) == WEEK_OF_DAYS
    assert grain_of(fridays[:7]) == DAY  # too few to show a rhythm
    assert grain_of(np.arange(60)) == DAY


MONTHS = {
    "ends": pd.date_range("2022-01-31", periods=24, freq="ME"),
    "last working days": pd.date_range("2022-01-31", periods=24, freq="BME"),
    "first Mondays": pd.date_range("2022-01-01", periods=24, freq="WOM-1MON"),
    "quarters": pd.date_range("2022-01-01", periods=8, freq="QS"),
}


@pytest.mark.parametrize("dates", MONTHS.values(), ids=MONTHS)
def test_a_source_that_reports_months_is_told_that_a_forecast_needs_days_or_weeks(dates):
    """Its months were days with a hundred times the usual sales, and the days between them days without a sale."""
    rows = pd.DataFrame([row(day.date(), name, 20_000.0) for day in dates for name in ("a", "b")])
    assert daily_sales(rows) is None
    made = forecast_daily(rows, country="US")
    assert made.table.num_rows == 0
    assert made.model is None
    reason = f"its {len(dates)} dates are 26 days apart or more. A forecast needs daily or weekly sales"
    assert reason in made.backtest["reason"]
    frame = rows.rename(columns={"sale_date": "ds", "product_category": "unique_id", "revenue": "y"})
    for ask in (api.forecast, api.backtest):
        with pytest.raises(ValueError, match=reason):
            ask(frame, country="US")


def test_a_few_sales_far_apart_are_no_months():
    assert daily_sales(pd.DataFrame([row(date(2024, 1, 1) + timedelta(days=30 * n), "a", 10.0) for n in range(4)]))
    near = [*(30 * n for n in range(12)), 200]
    assert daily_sales(pd.DataFrame([row(date(2024, 1, 1) + timedelta(days=n), "a", 10.0) for n in near]))


def test_weeks_are_spread_over_their_days_and_a_missing_report_is_unknown_not_zero():
    rows = stores()
    sales = sales_of(rows[rows["sale_date"] != FIRST + timedelta(weeks=50)])
    assert (sales.grain, sales.first_day, sales.last_day) == (7, FIRST - timedelta(days=6), LAST)
    assert sales.revenue.sum() == pytest.approx(float(sum(rows["revenue"])) - float(sum(rows["revenue"][50::120])))
    values = panel_at(sales, sales.last_day).values
    assert np.flatnonzero(np.isnan(values[0])).tolist() == list(range(350, 357))
    assert not panel_at(sales, sales.last_day).weekdays_closed().any()


def test_the_table_has_a_row_per_week_dated_as_the_source_dates_them(table):
    frame = table.to_pandas()
    assert frame["product_category"].unique().tolist() == ["store 1", "store 2", "TOTAL"]
    for _, rows in frame.groupby("product_category"):
        assert rows["horizon_day"].tolist() == [7, 14, 21, 28]
        assert rows["forecast_date"].tolist() == [LAST + timedelta(weeks=n) for n in range(1, 5)]
    assert (frame["cutoff_date"] == LAST).all()
    sums = frame[frame["product_category"] != "TOTAL"].groupby("forecast_date")["mean"].sum()
    totals = frame[frame["product_category"] == "TOTAL"].set_index("forecast_date")["mean"]
    np.testing.assert_allclose(sums, totals, atol=0.01)
    assert not frame["method"].str.contains(SPARSE.partition(":")[0]).any()


def test_a_week_is_forecast_with_its_own_size_and_its_intervals_hold(training, table):
    total = table.to_pandas().query("product_category == 'TOTAL'")
    recent = stores().groupby("sale_date")["revenue"].sum().astype(float).tail(4).mean()
    assert total["mean"].mean() == pytest.approx(recent, rel=0.25)
    assert total["seasonal_naive"].tolist() == pytest.approx([float(sum(stores()["revenue"][119::120]))] * 4)
    tested = training.backtest
    assert tested.actual.shape == (4, 2, 4)
    measured = tested.metrics(tested.champion)
    assert measured["wape"] < 0.15
    assert 0.5 <= measured["coverage80"] <= 1
    assert tested.metrics("seasonal_naive")["mase"] == pytest.approx(1, abs=0.4)


def test_reports_cards_and_figures_say_that_rows_are_weeks(training, table):
    assert training.report["data"]["grain"] == "week"
    assert list(training.report["by_horizon"]) == ["7", "28"]
    assert any("The source reports weeks: its dates are Fridays" in note for note in training.report["notes"])
    card = record.model_card(training, record.facts(training, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    assert "Revenue of the next 4 weeks (the source reports weeks)" in card
    assert "The forecast is in weeks" in card
    assert {r["horizon"] for r in record.backtest_rows(training, "v").to_pylist()} == {7, 28}
    assert len(draw_figures(stores(), table, training.report)) == 2
    assert backtest_figures(training.backtest, training.report, training.explanation())


def test_past_weeks_are_scored_against_weeks(training):
    earlier = score(training.model, stores(116))
    scored = score_past_forecasts([earlier], stores()).to_pandas()
    sold = stores().assign(revenue=lambda f: f["revenue"].astype(float)).set_index(["product_category", "sale_date"])
    assert accuracy_figures(score_past_forecasts([earlier], stores()), 0.1)
    of_stores = scored[scored["product_category"] != "TOTAL"]
    assert len(of_stores) == 8
    for week in of_stores.itertuples():
        expected = sold.loc[(week.product_category, week.forecast_date), "revenue"]
        assert week.actual == pytest.approx(expected, abs=0.011)


def test_stock_is_recommended_by_the_week(table):
    entries = stock(table.to_pylist(), {}, "USD")
    assert [entry["category"] for entry in entries] == ["store 1", "store 2"]
    first, last = (date.fromisoformat(entries[0][name]) for name in ("first_day", "last_day"))
    assert last - first == timedelta(days=6)
    assert "strongest day" not in entries[0]["text"]


def test_the_same_weeks_and_seed_give_the_same_bytes_in_any_order_of_rows():
    rows = stores(20)
    one, other = (train(each, country="US", candidates=["gradient_boosting"]) for each in (rows, rows.iloc[::-1]))
    assert one.backtest is not None
    assert one.model is not None
    assert other.model is not None
    assert dumps(one.model) == dumps(other.model)
    assert score(one.model, rows).equals(score(other.model, rows))


def test_a_horizon_is_whole_weeks_and_a_short_history_is_carried_on_in_weeks():
    short = train(stores(9), country="US", horizon=5)
    assert short.model is not None
    assert (short.model.horizon, short.backtest) == (7, None)
    frame = score(short.model, stores(9)).to_pandas()
    assert frame["horizon_day"].tolist() == [7, 7, 7]
    assert (frame["p10"] <= frame["p90"]).all()


def test_a_stall_that_opens_on_saturdays_alone_is_forecast_by_saturday():
    days = [date(2023, 1, 7) + timedelta(weeks=n) for n in range(60)]
    rows = pd.DataFrame([row(day, "stall", 400 + 10 * (n % 5), 40) for n, day in enumerate(days)])
    assert daily_sales(rows).grain == 7
    trained = train(rows, country="US", candidates=["auto_theta"], most_cutoffs=2)
    assert trained.model is not None
    frame = score(trained.model, rows).to_pandas().query("product_category == 'TOTAL'")
    assert {day.weekday() for day in frame["forecast_date"]} == {5}
    assert frame["mean"].mean() == pytest.approx(420, rel=0.1)
