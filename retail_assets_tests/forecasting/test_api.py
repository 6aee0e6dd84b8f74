"""The forecast on long frames: the product's own code, judged without looking ahead."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from retail_assets.cli.app import app, main
from retail_assets.forecasting import api
from retail_assets.forecasting.evaluation import peers
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets_tests.forecasting.sales_histories import WEEKLY

DAYS = 240
NOTEBOOK = Path(__file__).parents[2] / "examples" / "forecast_your_own_sales.ipynb"


def long_frame(days: int = DAYS, series: int = 2, seed: int = 0) -> pd.DataFrame:
    noise = np.random.default_rng(seed).normal(1, 0.15, (series, days))
    ds = pd.date_range("2023-01-02", periods=days)
    week = np.resize(WEEKLY, days)
    return pd.concat(
        pd.DataFrame({"unique_id": f"p{n}", "ds": ds, "y": (100 * (n + 1) * week * noise[n]).round(2)})
        for n in range(series)
    )


@pytest.fixture(scope="module")
def frame():
    return long_frame()


@pytest.fixture(scope="module")
def judged(frame):
    return api.backtest(frame, country="FR", cutoffs=2)


def test_the_forecast_is_that_of_the_product():
    frame = long_frame(110)
    made = api.forecast(frame, country="FR")
    table = forecast_daily(api.to_history(frame), country="FR").table.to_pandas()
    assert made["retail_assets"].tolist() == table["mean"].tolist()
    assert made["unique_id"].unique().tolist() == ["p0", "p1", "TOTAL"]
    assert str(made["ds"].iloc[0].date()) == "2023-04-22"
    assert (made["retail_assets-lo-95"] <= made["retail_assets-lo-80"]).all()
    assert (made["retail_assets-hi-80"] <= made["retail_assets-hi-95"]).all()


def test_the_metrics_are_those_of_the_forecasts(judged):
    rows = judged.forecasts[judged.forecasts["unique_id"] != "TOTAL"].dropna(subset="y")
    wape = (rows["retail_assets"] - rows["y"]).abs().sum() / rows["y"].sum()
    assert judged.metrics.loc["retail_assets", "wape"] == pytest.approx(wape)
    total = judged.forecasts[judged.forecasts["unique_id"] == "TOTAL"]
    wape = (total["retail_assets"] - total["y"]).abs().sum() / total["y"].sum()
    assert judged.metrics.loc["retail_assets", "total_wape"] == pytest.approx(wape)
    inside = (total["y"] >= total["retail_assets-lo-80"]) & (total["y"] <= total["retail_assets-hi-80"])
    assert judged.metrics.loc["retail_assets", "total_coverage80"] == pytest.approx(inside.mean(), abs=0.02)
    assert judged.metrics.index[0] == "retail_assets"
    assert {"product", "model", "rule"} == set(judged.metrics["kind"])


def test_at_each_cutoff_the_product_is_the_model_chosen_from_earlier_ones(frame, judged):
    assert [str(day) for day in judged.champions] == ["2023-07-04", "2023-08-01"]
    for cutoff, name in judged.champions.items():
        rows = judged.forecasts[judged.forecasts["cutoff"] == pd.Timestamp(cutoff)]
        assert rows["retail_assets"].tolist() == rows[name].tolist()
    # What is sold after the last cut-off changes neither its forecast nor the choice.
    later = frame.assign(y=frame["y"].where(frame["ds"] <= "2023-08-01", frame["y"] * 3))
    again = api.backtest(later, country="FR", cutoffs=2)
    assert again.champions == judged.champions
    pd.testing.assert_frame_equal(again.forecasts.drop(columns="y"), judged.forecasts.drop(columns="y"))


def test_the_sentences_speak_of_the_product(judged):
    assert judged.in_words[0].startswith("Compared: the product with the models ")
    assert "the best-ranked rule" in judged.in_words[1]


def test_days_of_zero_may_be_there_or_not():
    frame = long_frame(76)
    sundays_off = frame[frame["ds"].dt.day_of_week != 6]
    with_zeros = frame.assign(y=frame["y"].where(frame["ds"].dt.day_of_week != 6, 0.0))
    one, other = (api.forecast(each, country="FR", horizon=7) for each in (sundays_off, with_zeros))
    pd.testing.assert_frame_equal(one, other)
    assert (one.loc[one["ds"].dt.day_of_week == 6, "retail_assets"] == 0).all()


def test_the_smaller_series_are_summed_where_asked():
    rows = api.to_history(long_frame(30, series=4), largest=2)
    assert sorted(rows["product_category"].unique()) == ["OTHER", "p2", "p3"]
    assert rows["revenue"].sum() == pytest.approx(long_frame(30, series=4)["y"].sum())


def test_orders_come_from_their_column_or_the_price_or_the_rhythm_of_the_shop(frame):
    assert api.to_history(frame.assign(orders=7))["orders"].eq(7).all()
    assert api.to_history(frame.assign(unit_price=10.0))["orders"].to_numpy() == pytest.approx(
        api.to_history(frame)["revenue"].to_numpy() / 10
    )
    assert api.to_history(frame)["orders"].eq(20).all()  # sells every day: a silent day is a closed one
    rarely = frame[np.random.default_rng(0).random(len(frame)) < 0.3]
    assert api.to_history(rarely)["orders"].eq(1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="ds"), r"columns \['ds'\] are missing"),
        (lambda f: f.assign(ds="soon"), "ds is not a day in row 1: 'soon'"),
        (lambda f: f.assign(y="much"), "y is not a number in row 1: 'much'"),
        (lambda f: f.assign(unique_id=None), "unique_id is missing in row 1"),
        (lambda f: f.assign(y=0.0), "the frame has no sales"),
        (lambda f: f.head(60), "too short or too sparse"),
    ],
)
def test_a_frame_that_cannot_be_judged_is_refused_with_the_reason(frame, change, message):
    with pytest.raises(ValueError, match=message):
        api.backtest(change(frame), country="FR")


def test_a_weekly_frame_is_judged_in_weeks():
    ds = pd.date_range("2022-01-07", periods=60, freq="7D")
    rows = pd.DataFrame({"unique_id": "s", "ds": ds, "y": 1000 + 50 * np.random.default_rng(0).normal(size=60)})
    found = api.backtest(rows, country="US", cutoffs=2)
    assert len(found.forecasts) == 2 * 2 * 4
    assert any("The source reports weeks" in note for note in found.notes)
    assert "each on the 4 weeks after 2 cut-offs" in found.in_words[0]


def test_peers_stand_beside_the_product_where_their_library_is_installed(frame, judged, monkeypatch):
    class Last:
        def __init__(self, season_length):
            self.season_length = season_length

        def forecast(self, y, h):
            return {"mean": np.resize(y[-self.season_length :], h)}

    class Broken(Last):
        def forecast(self, y, h):
            raise ZeroDivisionError

    models: Any = types.ModuleType("statsforecast.models")
    models.AutoETS, models.AutoTheta, models.MSTL = Last, Last, Broken
    monkeypatch.setitem(sys.modules, "statsforecast", types.ModuleType("statsforecast"))
    monkeypatch.setitem(sys.modules, "statsforecast.models", models)
    monkeypatch.setattr(peers, "installed", lambda: "statsforecast 9")
    found = api.backtest(frame, country="FR", cutoffs=2)
    assert found.peers == "statsforecast 9"
    for name in ("AutoETS", "AutoTheta", "MSTL"):  # seasonal naive in disguise, and the last week where one fails
        assert found.metrics.loc[f"statsforecast {name}", "wape"] == pytest.approx(
            judged.metrics.loc["seasonal_naive", "wape"]
        )
    assert found.metrics.loc["retail_assets", "wape"] == judged.metrics.loc["retail_assets", "wape"]


def test_the_command_prints_the_judgment_and_writes_the_forecasts(frame, judged, tmp_path):
    file, output = tmp_path / "sales.csv", tmp_path / "forecasts.csv"
    frame.to_csv(file, index=False)
    words = ["forecast", "backtest", str(file), "--country", "FR", "--cutoffs", "2", "--output", str(output), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    assert printed["metrics"]["retail_assets"]["wape"] == pytest.approx(judged.metrics.loc["retail_assets", "wape"])
    assert printed["in_words"] == list(judged.in_words)
    assert len(pd.read_csv(output)) == len(judged.forecasts)


def test_the_command_says_in_words_what_it_found_and_that_peers_are_missing(judged, monkeypatch, tmp_path):
    monkeypatch.setattr(api, "backtest", lambda *_, **__: judged)
    file = tmp_path / "sales.csv"
    long_frame(10).to_csv(file, index=False)
    result = CliRunner().invoke(app, ["forecast", "backtest", str(file), "--country", "FR"])
    assert result.exit_code == 0, result.output
    assert "Compared: the product with" in result.output
    assert ("statsforecast is not installed" in result.output) == (judged.peers is None)


def test_a_file_that_cannot_be_judged_is_an_error_of_one_line(tmp_path, capsys):
    assert main(["forecast", "backtest", str(tmp_path / "none.csv"), "--country", "FR"]) == 1
    assert "none.csv cannot be read: No such file" in capsys.readouterr().err
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    assert main(["forecast", "backtest", str(tmp_path / "wrong.csv"), "--country", "FR"]) == 1
    assert "columns ['unique_id', 'ds', 'y'] are missing" in capsys.readouterr().err


def test_the_notebook_runs_from_top_to_bottom(capsys):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    space: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{NOTEBOOK.name}, cell {number}", "exec"), space)
    assert "Compared: the product with" in capsys.readouterr().out
    mondays = space["total"][space["total"].index.day_of_week == 0]
    assert (mondays["retail_assets"] == 0).all()
