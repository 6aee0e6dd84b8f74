"""The benchmark on anybody's daily file: its rows, champions of earlier cut-offs alone, and the form of its entry."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from benchmarks.forecast import daily, noise
from retail_assets_tests.forecasting.sales_histories import history, noisy_week
from retail_assets_tests.forecasting.test_backtest import by_hand


def test_a_long_frame_becomes_the_largest_series_and_the_rest(tmp_path):
    names = [f"s{number:02d}" for number in range(20)]
    frame = pd.DataFrame(
        {"unique_id": names * 2, "ds": ["2024-01-01"] * 20 + ["2024-01-02"] * 20, "y": [*range(20), *range(20)]}
    )
    frame.assign(unit_price=2.0).to_csv(tmp_path / "shop.csv", index=False)
    rows = daily.read_daily(tmp_path / "shop.csv")
    assert set(rows["product_category"]) == {*names[6:], "OTHER"}
    of = rows[rows["sale_date"] == pd.Timestamp("2024-01-02").date()].set_index("product_category")
    assert list(of.loc["OTHER", ["revenue", "orders"]]) == [15, 7.5]
    assert list(of.loc["s19", ["revenue", "orders"]]) == [19, 9.5]


def test_each_cutoff_is_forecast_by_the_champion_of_those_before_it(monkeypatch):
    tested = by_hand(np.full((2, 2), 10.0), 4, gradient_boosting=9.0, seasonal_naive=5.0)
    # At the second cut-off the smoothing begins to be right: only the last one sees enough of that.
    ets = np.repeat([8.9, 10.0, 10.0, 10.0], 4).reshape(4, 2, 2)
    ends = np.zeros((4, 3, 2, 5))
    tested = dataclasses.replace(
        tested, forecasts={**tested.forecasts, "auto_ets": ets}, quantiles={name: ends for name in tested.forecasts}
    )
    monkeypatch.setattr(daily, "run_backtest", lambda *args, **options: tested)
    product, champions = daily.backtest_daily(history(60, {"a": noisy_week(9)}), "US", seed=0)
    assert champions == ["gradient_boosting", "auto_ets", "auto_ets"]
    assert product.forecasts[daily.PRODUCT][0].tolist() == [[9.0, 9.0], [9.0, 9.0]]
    assert product.cutoffs == tested.cutoffs[1:]


def test_an_entry_has_every_metric_of_every_model():
    tested = by_hand(np.full((2, 2), 10.0), 2, gradient_boosting=9.0)
    made = daily.entry(tested, "gradient_boosting", {"gradient_boosting": 1.5})
    assert made["horizon"] == 2
    ours = made["models"]["gradient_boosting"]
    assert {"rmse", "mae", "wape", "mase", "bias", "total_wape", "total_rmse", "holiday_coverage80", "cpu_s"} <= set(
        ours
    )
    assert (ours["wape"], ours["cpu_s"]) == (0.1, 1.5)


@pytest.mark.parametrize("kind", [*noise.NOISE, *noise.PLANTED])
def test_shops_of_noise_are_the_same_again(kind):
    pd.testing.assert_frame_equal(noise.shop(kind, 5), noise.shop(kind, 5))
    assert (noise.shop(kind, 5)["revenue"] > 0).all()
