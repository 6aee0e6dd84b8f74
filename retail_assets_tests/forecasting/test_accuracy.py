"""Past forecasts: scored against actuals, and compared with what the backtest promised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retail_assets.forecasting.data.series import TOTAL
from retail_assets.forecasting.evaluation.accuracy import accuracy_drift, score_past_forecasts
from retail_assets.forecasting.figures.accuracy import FIGURE, draw_figures
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


def test_nothing_is_scored_on_the_day_of_issue(issued):
    scored = score_past_forecasts([issued], history(ISSUED_AT, amounts()))
    assert (scored.num_rows, scored.schema) == (0, FORECAST_ACCURACY.arrow_schema())
    assert accuracy_drift(scored, 0.1).alarm is None
    assert draw_figures(scored, 0.1).left_out == {FIGURE: "Fewer than two days with sales have a past forecast."}
    assert score_past_forecasts([], history(0, {})).num_rows == 0


def test_a_scored_day_has_forecast_and_actual(issued):
    rows = history(ISSUED_AT + 10, amounts())
    scored = score_past_forecasts([issued], rows).to_pandas()
    assert len(scored) == 10 * 3
    one = scored[(scored["product_category"] == "a") & (scored["horizon_day"] == 4)].iloc[0]
    sold = rows[(rows["product_category"] == "a") & (rows["sale_date"] == FIRST + timedelta(days=ISSUED_AT + 3))]
    assert one["actual"] == pytest.approx(float(sold["revenue"].iloc[0]))
    assert one["error"] == pytest.approx(one["mean"] - one["actual"], abs=0.01)
    day = scored[scored["horizon_day"] == 4].set_index("product_category")["actual"]
    assert day[TOTAL] == pytest.approx(day["a"] + day["b"])


def test_closed_days_are_not_scored_and_an_unsold_category_sold_nothing(issued):
    rows = history(ISSUED_AT + 10, amounts())
    closed, idle = FIRST + timedelta(days=ISSUED_AT + 2), FIRST + timedelta(days=ISSUED_AT + 5)
    rows = rows[(rows["sale_date"] != closed) & ~((rows["sale_date"] == idle) & (rows["product_category"] == "b"))]
    scored = score_past_forecasts([issued], rows).to_pandas()
    assert closed not in set(scored["forecast_date"])
    assert scored[(scored["forecast_date"] == idle) & (scored["product_category"] == "b")]["actual"].tolist() == [0.0]


def test_a_forecast_issued_twice_is_scored_once(issued):
    assert score_past_forecasts([issued, issued], history(ISSUED_AT + 3, amounts())).num_rows == 9


def test_decay_raises_an_alarm_and_a_fair_forecast_does_not(issued):
    fair = score_past_forecasts([issued], history(ISSUED_AT + 20, amounts()))
    decayed = score_past_forecasts([issued], history(ISSUED_AT + 20, amounts(factor=2.0)))
    promised = 0.25
    assert accuracy_drift(fair, promised).alarm is None
    assert "the backtest promised 25.0 %" in (accuracy_drift(decayed, promised).alarm or "")
    assert accuracy_drift(decayed, promised).days == 20
    assert draw_figures(decayed, promised)[FIGURE].startswith(b"\x89PNG")


def test_without_a_promise_only_the_intervals_can_alarm(issued):
    decayed = score_past_forecasts([issued], history(ISSUED_AT + 20, amounts(factor=3.0)))
    assert "intervals held only" in (accuracy_drift(decayed, None).alarm or "")


def test_a_few_days_raise_no_alarm(issued):
    assert (
        accuracy_drift(score_past_forecasts([issued], history(ISSUED_AT + 5, amounts(factor=3.0))), 0.1).alarm is None
    )


PRICES = {"a": 2.0, "b": 0.5}


def with_units(rows, factor=1.0):
    return rows.assign(units=rows["revenue"].astype(float) / rows["product_category"].map(PRICES) * factor)


@pytest.fixture(scope="module")
def issued_with_units():
    return forecast_daily(with_units(history(ISSUED_AT, amounts())), country="US").table


def test_units_of_a_past_day_are_scored_beside_its_revenue(issued_with_units):
    rows = with_units(history(ISSUED_AT + 10, amounts()))
    scored = score_past_forecasts([issued_with_units], rows).to_pandas().set_index(["product_category", "horizon_day"])
    forecasts = issued_with_units.to_pandas().set_index(["product_category", "horizon_day"])
    for name, price in PRICES.items():
        for day in range(1, 11):
            one, then = scored.loc[(name, day)], forecasts.loc[(name, day)]
            assert one["units"] == then["units"]
            assert one["units_actual"] == pytest.approx(one["actual"] / price, abs=0.01)
            assert one["units_inside80"] == (then["units_p10"] <= one["units_actual"] <= then["units_p90"])
    total = scored.loc[TOTAL]
    assert total["units_actual"].to_numpy() == pytest.approx(
        (scored.loc["a"]["units_actual"] + scored.loc["b"]["units_actual"]).to_numpy(), abs=0.01
    )
    assert total["units_inside80"].isna().all()


def test_the_error_of_units_weighs_each_category_by_its_price(issued_with_units):
    rows = history(ISSUED_AT + 20, amounts())
    same = accuracy_drift(score_past_forecasts([issued_with_units], with_units(rows)), 0.25)
    assert same.units_wape == pytest.approx(same.wape, rel=0.15)
    doubled = accuracy_drift(score_past_forecasts([issued_with_units], with_units(rows, factor=2.0)), 0.25)
    assert (doubled.units_wape or 0) > 1.5 * (same.units_wape or 0) > 0
    assert doubled.wape == same.wape


def test_a_forecast_without_units_and_a_history_without_them_are_scored_by_revenue(issued, issued_with_units):
    rows = with_units(history(ISSUED_AT + 10, amounts()))
    older = issued_with_units.drop_columns(["units", "units_p10", "units_p90"])
    for scored in (
        score_past_forecasts([older], rows),
        score_past_forecasts([issued_with_units], rows.drop(columns="units")),
    ):
        assert scored.num_rows == 30
        assert scored["units_actual"].null_count == scored["units_inside80"].null_count == 30
        assert accuracy_drift(scored, 0.25).units_wape is None
    before = score_past_forecasts([issued_with_units], rows).drop_columns(["units", "units_actual", "units_inside80"])
    assert accuracy_drift(before, 0.25).units_wape is None
