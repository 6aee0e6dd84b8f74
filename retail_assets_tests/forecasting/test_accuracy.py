"""Matured forecasts: joined to the days that came, and judged against the promise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retail_assets.forecasting.data.series import TOTAL
from retail_assets.forecasting.evaluation.accuracy import figure, judge, matured
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets.tables import FORECAST_ACCURACY
from retail_assets_tests.forecasting.sales_histories import FIRST, history, noisy_week

ISSUED_AT = 60


def amounts(factor=1.0):
    a, b = noisy_week(100, seed=1), noisy_week(50, seed=2)
    grown = lambda n: factor if n >= ISSUED_AT else 1.0  # noqa: E731
    return {"a": lambda n: a(n) * grown(n), "b": lambda n: b(n) * grown(n)}


@pytest.fixture(scope="module")
def issued():
    return forecast_daily(history(ISSUED_AT, amounts()), country="US").table


def test_nothing_has_matured_on_the_day_of_issue(issued):
    made = matured([issued], history(ISSUED_AT, amounts()))
    assert (made.num_rows, made.schema) == (0, FORECAST_ACCURACY.arrow_schema())
    assert judge(made, 0.1).alarm is None
    assert figure(made, 0.1) is None
    assert matured([], history(0, {})).num_rows == 0


def test_a_matured_day_says_what_was_forecast_and_what_came(issued):
    rows = history(ISSUED_AT + 10, amounts())
    made = matured([issued], rows).to_pandas()
    assert len(made) == 10 * 3
    one = made[(made["product_category"] == "a") & (made["horizon_day"] == 4)].iloc[0]
    sold = rows[(rows["product_category"] == "a") & (rows["sale_date"] == FIRST + timedelta(days=ISSUED_AT + 3))]
    assert one["actual"] == pytest.approx(float(sold["revenue"].iloc[0]))
    assert one["error"] == pytest.approx(one["mean"] - one["actual"], abs=0.01)
    day = made[made["horizon_day"] == 4].set_index("product_category")["actual"]
    assert day[TOTAL] == pytest.approx(day["a"] + day["b"])


def test_closed_days_are_not_scored_and_an_unsold_category_sold_nothing(issued):
    rows = history(ISSUED_AT + 10, amounts())
    closed, idle = FIRST + timedelta(days=ISSUED_AT + 2), FIRST + timedelta(days=ISSUED_AT + 5)
    rows = rows[(rows["sale_date"] != closed) & ~((rows["sale_date"] == idle) & (rows["product_category"] == "b"))]
    made = matured([issued], rows).to_pandas()
    assert closed not in set(made["forecast_date"])
    assert made[(made["forecast_date"] == idle) & (made["product_category"] == "b")]["actual"].tolist() == [0.0]


def test_a_forecast_issued_twice_is_scored_once(issued):
    assert matured([issued, issued], history(ISSUED_AT + 3, amounts())).num_rows == 9


def test_decay_raises_an_alarm_and_a_fair_forecast_does_not(issued):
    fair = matured([issued], history(ISSUED_AT + 20, amounts()))
    decayed = matured([issued], history(ISSUED_AT + 20, amounts(factor=2.0)))
    promised = 0.25
    assert judge(fair, promised).alarm is None
    assert "the backtest promised 25.0%" in (judge(decayed, promised).alarm or "")
    assert judge(decayed, promised).days == 20
    assert (figure(decayed, promised) or b"").startswith(b"\x89PNG")


def test_without_a_promise_only_the_intervals_can_alarm(issued):
    decayed = matured([issued], history(ISSUED_AT + 20, amounts(factor=3.0)))
    assert "intervals held only" in (judge(decayed, None).alarm or "")


def test_a_few_days_raise_no_alarm(issued):
    assert judge(matured([issued], history(ISSUED_AT + 5, amounts(factor=3.0))), 0.1).alarm is None


PRICES = {"a": 2.0, "b": 0.5}


def with_units(rows, factor=1.0):
    return rows.assign(units=rows["revenue"].astype(float) / rows["product_category"].map(PRICES) * factor)


@pytest.fixture(scope="module")
def issued_with_units():
    return forecast_daily(with_units(history(ISSUED_AT, amounts())), country="US").table


def test_units_of_a_matured_day_are_scored_beside_its_revenue(issued_with_units):
    rows = with_units(history(ISSUED_AT + 10, amounts()))
    made = matured([issued_with_units], rows).to_pandas().set_index(["product_category", "horizon_day"])
    said = issued_with_units.to_pandas().set_index(["product_category", "horizon_day"])
    for name, price in PRICES.items():
        for day in range(1, 11):
            one, then = made.loc[(name, day)], said.loc[(name, day)]
            assert one["units"] == then["units"]
            assert one["units_actual"] == pytest.approx(one["actual"] / price, abs=0.01)
            assert one["units_inside80"] == (then["units_p10"] <= one["units_actual"] <= then["units_p90"])
    total = made.loc[TOTAL]
    assert total["units_actual"].to_numpy() == pytest.approx(
        (made.loc["a"]["units_actual"] + made.loc["b"]["units_actual"]).to_numpy(), abs=0.01
    )
    assert total["units_inside80"].isna().all()


def test_the_error_of_units_weighs_each_category_by_its_price(issued_with_units):
    rows = history(ISSUED_AT + 20, amounts())
    same = judge(matured([issued_with_units], with_units(rows)), 0.25)
    assert same.units_wape == pytest.approx(same.wape, rel=0.15)
    doubled = judge(matured([issued_with_units], with_units(rows, factor=2.0)), 0.25)
    assert (doubled.units_wape or 0) > 1.5 * (same.units_wape or 0) > 0
    assert doubled.wape == same.wape


def test_a_forecast_without_units_and_a_history_without_them_are_scored_by_revenue(issued, issued_with_units):
    rows = with_units(history(ISSUED_AT + 10, amounts()))
    older = issued_with_units.drop_columns(["units", "units_p10", "units_p90"])
    for made in (matured([older], rows), matured([issued_with_units], rows.drop(columns="units"))):
        assert made.num_rows == 30
        assert made["units_actual"].null_count == made["units_inside80"].null_count == 30
        assert judge(made, 0.25).units_wape is None
    before = matured([issued_with_units], rows).drop_columns(["units", "units_actual", "units_inside80"])
    assert judge(before, 0.25).units_wape is None
