"""What Dagster's pages show of an asset: previews that begin with what matters, and numbers that can be plotted."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from retail_assets.defs.assets.forecast import _scores, _summary, _whole_horizon
from retail_assets.defs.metadata import csv_rows, money, numbers, preview
from retail_assets.forecasting.figures.forecast import draw_figures
from retail_assets.spark.java import JavaHome
from retail_assets.tables import FORECAST_BACKTEST


def lines(rows: pa.Table, count: int = 5) -> list[str]:
    return str(preview(rows, count).md_str).splitlines()[2:]


def test_a_preview_begins_with_the_total() -> None:
    rows = pa.table({"product_category": ["Beer", "TOTAL", "Tea", "TOTAL"], "day": [1, 1, 1, 2]})
    assert lines(rows, 3) == ["| TOTAL | 1 |", "| TOTAL | 2 |", "| Beer | 1 |"]
    assert lines(rows.slice(2, 1)) == ["| Tea | 1 |"]
    assert lines(pa.table({"product_category": pa.array([None], pa.string())})) == ["|  |"]


def test_a_preview_rounds_fractions_and_leaves_everything_else_as_it_is() -> None:
    rows = pa.table(
        {
            "float": [16356.780000000002, 0.082151799, 0.0, None],
            "money": [Decimal("1.10"), Decimal("-3.00"), None, None],
            "day": [dt.date(2024, 1, 31)] * 4,
        }
    )
    assert lines(rows) == [
        "| 16356.78 | 1.10 | 2024-01-31 |",
        "| 0.08215 | -3.00 | 2024-01-31 |",
        "| 0.00 |  | 2024-01-31 |",
        "|  |  | 2024-01-31 |",
    ]


def test_an_empty_preview_says_so() -> None:
    assert preview(pa.table({"product_category": pa.array([], pa.string())})).md_str == "*no rows*"


@pytest.mark.parametrize(("value", "shown"), [(4.0, 4), (0.92, 0.92), (Decimal(31), 31), (Decimal("0.5"), 0.5), (7, 7)])
def test_numbers_are_numbers_and_whole_ones_whole(value: float, shown: float) -> None:
    [found] = numbers({"value": value}).values()
    assert (found, type(found)) == (shown, type(shown))


@pytest.mark.parametrize("value", [None, "4", True, float("nan"), float("inf"), [1], {}, dt.date(2024, 1, 1)])
def test_what_is_no_finite_number_is_left_out(value: object) -> None:
    assert numbers({"value": value}) == {}


def test_money_is_exact_to_the_cent() -> None:
    assert money(Decimal("9999999999999.99")).value == 9999999999999.99
    assert money(Decimal("-0.01")).value == -0.01


def test_rows_of_a_csv_file_are_shown_as_they_are() -> None:
    assert lines(csv_rows('a,b\n"1,5",x_y\n')) == ["| 1,5 | x_y |"]


def test_java_is_said_without_the_names_of_python() -> None:
    java = JavaHome(Path("/usr/lib/jvm/java-17"), "17.0.15", "PATH")
    assert java.in_words() == "17.0.15, /usr/lib/jvm/java-17 (PATH)"


def test_scores_of_a_backtest_are_numbers_and_those_that_were_not_measured_are_left_out() -> None:
    measured = SimpleNamespace(metrics={"rmse": 180.8, "wape": 0.14, "coverage80": 1.0, "mase": None})
    assert _scores(measured) == {"backtest_rmse": 180.8, "backtest_wape": 0.14, "backtest_coverage80": 1}  # type: ignore[arg-type]


def test_the_preview_of_a_backtest_compares_models_over_the_whole_horizon() -> None:
    schema = (
        FORECAST_BACKTEST.arrow_schema().empty_table().select(["measure", "model", "horizon", "kind_of_day"]).schema
    )
    rows = [
        {"measure": measure, "model": f"{measure} {horizon} {kind}", "horizon": horizon, "kind_of_day": kind}
        for measure in ("revenue", "units")
        for horizon in (7, 28)
        for kind in ("all", "holiday")
    ]
    assert _whole_horizon(pa.Table.from_pylist(rows, schema=schema))["model"].to_pylist() == ["revenue 28 all"]
    assert not _whole_horizon(schema.empty_table()).num_rows


@pytest.mark.slow
def test_the_pictures_of_a_forecast_are_drawn_from_what_is_recorded_of_its_model() -> None:
    """Also where a year is there to compare with, and for a model of a release that did not record its cut-offs."""
    days = pd.date_range("2023-01-01", "2024-06-30")
    history = pd.DataFrame({"sale_date": days.date, "product_category": "Tea", "revenue": 1000.0, "units": 100.0})
    history["orders"] = 50
    history["revenue"] += 100.0 * pd.Series(days.day_of_week)
    ahead = pd.date_range("2024-07-01", periods=28)
    forecast = pd.DataFrame(
        {"forecast_date": [*ahead.date, *ahead.date], "product_category": ["Tea"] * 28 + ["TOTAL"] * 28}
    )
    for name in ("mean", "p025", "p10", "p50", "p90", "p975", "seasonal_naive"):
        forecast[name] = 1300.0
    forecast["method"] = "gradient_boosting"
    metrics = {"total_wape": 0.09, "total_coverage80": 0.8}
    for data in ({}, {"cutoffs": ["2024-01-01", "2024-02-01"]}):
        in_use: Any = SimpleNamespace(metrics=metrics, family="gradient_boosting", has_skill=True, data=data)
        drawn = draw_figures(history, pa.Table.from_pandas(forecast), _summary(in_use, "US"), currency="USD")
        assert set(drawn) == {"forecast_total.png", "forecast_categories.png"}
