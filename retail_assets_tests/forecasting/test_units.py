"""Units: forecast alongside revenue, by a model of their own, at the prices of the cut-off."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retail_assets.forecasting.data.series import UNITS, daily_sales, panel_at
from retail_assets.forecasting.lifecycle import record
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.forecasting.models.serialization import dumps, loads
from retail_assets_tests.forecasting.sales_histories import history, noisy_week, sales_of

PRICES = {"bread": 2.5, "fuel": 0.0025}  # fuel is counted in thousandths


@pytest.fixture(scope="module")
def sold() -> pd.DataFrame:
    rows = history(220, {name: noisy_week(100, noise=0.1, seed=at) for at, name in enumerate(PRICES)})
    return rows.assign(units=rows["revenue"].astype(float) / rows["product_category"].map(PRICES))


@pytest.fixture(scope="module")
def trained(sold):
    return train(sold, country="US", candidates=("gradient_boosting",))


def model_of(rows: pd.DataFrame) -> ForecastModel:
    training = train(rows, country="US", candidates=("gradient_boosting",), most_cutoffs=1)
    assert training.model is not None
    assert "units" not in training.report
    return training.model


@pytest.fixture(scope="module")
def table(sold, trained) -> pd.DataFrame:
    return score(loads(dumps(trained.model)), sold).to_pandas()


def test_units_at_a_steady_price_are_the_revenue_by_that_price(table):
    for name, price in PRICES.items():
        rows = table[table["product_category"] == name]
        assert (rows["units"] * price).to_numpy() == pytest.approx(rows["mean"].to_numpy(), rel=0.02)


def test_units_lie_in_their_interval_and_the_interval_is_about_that_of_revenue(table):
    rows = table[table["product_category"] == "bread"]
    assert (rows["units_p10"] <= rows["units_p90"]).all()
    assert (rows["units_p10"] >= 0).all()
    width = ((rows["units_p90"] - rows["units_p10"]) * PRICES["bread"]).mean()
    assert width == pytest.approx((rows["p90"] - rows["p10"]).mean(), rel=0.25)


def test_the_total_is_the_sum_of_units_and_pieces_and_gallons_have_no_interval(table):
    total = table[table["product_category"] == "TOTAL"].set_index("forecast_date")
    parts = table[table["product_category"] != "TOTAL"].groupby("forecast_date")["units"].sum()
    assert total["units"].to_numpy() == pytest.approx(parts.to_numpy(), abs=0.01)
    assert total[["units_p10", "units_p90"]].isna().all(axis=None)


def test_a_history_without_units_has_a_forecast_without_them(sold):
    rows = sold.drop(columns="units")
    model = model_of(rows)
    assert model.units is None
    assert score(model, rows).to_pandas()["units"].isna().all()


def test_a_model_without_units_forecasts_the_revenue_of_a_history_that_has_them(sold):
    forecast = score(model_of(sold.drop(columns="units")), sold).to_pandas()
    assert forecast["units"].isna().all()
    assert (forecast["mean"] > 0).any()


def test_revenue_is_forecast_the_same_with_units_and_without(sold, trained, table):
    rows = sold.drop(columns="units")
    alone = train(rows, country="US", candidates=("gradient_boosting",))
    assert alone.model is not None
    assert score(alone.model, rows).to_pandas()["mean"].tolist() == table["mean"].tolist()
    assert alone.report["models"] == trained.report["models"]


def test_the_price_of_a_cutoff_knows_nothing_of_later_days(sold):
    cutoff = sales_of(sold).first_day + timedelta(days=150)
    later = pd.to_datetime(sold["sale_date"]).dt.date > cutoff
    changed = sold.assign(units=np.where(later, sold["units"] * 9, sold["units"]))
    before, after = (panel_at(sales_of(rows), cutoff, UNITS) for rows in (sold, changed))
    assert before.price.tolist() == after.price.tolist()
    assert np.array_equal(before.values, after.values, equal_nan=True)


def test_a_price_that_cannot_be_had_is_one():
    given = {"sale_date": date(2024, 1, 1), "product_category": "gift", "revenue": 0.0, "units": 3.0, "orders": 1}
    panel = panel_at(sales_of(pd.DataFrame([given])), date(2024, 1, 1), UNITS)
    assert panel.price.tolist() == [1.0]
    assert panel.values.tolist() == [[3.0]]


def test_the_backtest_table_tells_both_measures_under_keys_of_their_own(trained):
    rows = record.backtest_rows(trained, "v").to_pandas()
    assert set(rows["measure"]) == {"revenue", "units"}
    assert not rows.duplicated(["measure", "model", "product_category", "horizon", "kind_of_day"]).any()
    pooled = rows[(rows["product_category"] == "ALL") & (rows["horizon"] == 28) & (rows["kind_of_day"] == "all")]
    of_units = pooled[pooled["measure"] == "units"].set_index("model")["rmse"]
    assert of_units.round(6).to_dict() == {m: v["rmse"] for m, v in trained.report["units"]["models"].items()}


def test_units_that_are_missing_on_a_day_are_refused(sold):
    with pytest.raises(ValueError, match="units is missing"):
        daily_sales(sold.assign(units=sold["units"].where(sold.index != 5)))
