"""The report over a real warehouse: from tables to files, twice the same, with and without a forecast."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from retail_assets.decisions import segment_report
from retail_assets.segmentation.figures.draw import FIGURES
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES_FORECAST
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import THREE_KINDS, line, planted_sales, warehouse_at


def prepared(warehouse: DuckDBWarehouse) -> tuple[SegmentModel | None, str | None]:
    make_features(warehouse)
    trained = train_from(warehouse)
    score_all(warehouse, trained.model, "v" if trained.model else "none")
    make_profiles(warehouse)
    make_migrations(warehouse)
    return trained.model, trained.why


def forecast(*categories: str) -> pa.Table:
    """28 days of 100 a category, and their total."""
    cutoff = dt.date(2023, 12, 31)
    rows = [
        {
            **dict.fromkeys(SALES_FORECAST.names, 100.0 * (len(categories) if name == "TOTAL" else 1)),
            "product_category": name,
            "forecast_date": cutoff + dt.timedelta(day),
            "cutoff_date": cutoff,
            "horizon_day": day,
            "method": "ridge",
            "model_version": "f",
            "issued_at": dt.datetime(2024, 1, 1),
        }
        for name in (*categories, "TOTAL")
        for day in range(1, 29)
    ]
    return pa.Table.from_pylist(rows, schema=SALES_FORECAST.arrow_schema())


MOVES, CATEGORIES = "segment_migrations.png", "segment_categories.png"


def report_of(warehouse: DuckDBWarehouse, model: SegmentModel | None, why: str | None) -> segment_report.Report:
    return segment_report.make_report(
        warehouse, model, why, version="v", previous=model, catalog=DEFAULT, currency="USD", seed=0
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    sales, _ = planted_sales(THREE_KINDS, 30, first=dt.date(2023, 6, 25), days=190)
    warehouse = warehouse_at(tmp_path_factory.mktemp("report"), [*sales, line("last", "2023-12-31", None, 4)])
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return warehouse


def test_half_a_year_of_sales_gives_every_figure_and_file_the_same_bytes_twice(shop: DuckDBWarehouse) -> None:
    model, why = prepared(shop)
    shop.replace(SALES_FORECAST, forecast("Books", "Games"))
    report = report_of(shop, model, why)
    # The planted shop sells one category.
    assert tuple(report.figures) == tuple(name for name in FIGURES if name not in (MOVES, CATEGORIES))
    assert set(report.figures.left_out) == {MOVES, CATEGORIES}
    assert set(report.files) == {
        segment_report.EVALUATION,
        segment_report.RECOMMENDATIONS,
        segment_report.RECOMMENDATIONS_TEXT,
    }
    evaluation = json.loads(report.files[segment_report.EVALUATION])
    assert evaluation == report.evaluation
    assert evaluation["k"] == 3
    assert set(evaluation["segments"]) == {"High-Value Customers", "Budget Shoppers", "Occasional Shoppers"}
    assert evaluation["bootstrap_ari"] > 0.9
    assert evaluation["name_agreement_with_previous"] == 1
    assert evaluation["kept_month_to_month"] > 0.8
    assert evaluation["high_value"]["next_revenue_share"] > evaluation["high_value"]["customers_share"]
    assert evaluation["anonymous"]["lines"] == 1
    advice = json.loads(report.files[segment_report.RECOMMENDATIONS])
    assert [entry["category"] for entry in advice["stock"]] == ["Books", "Games"]
    assert {entry["expected_revenue"] for entry in advice["stock"]} == {700.0}
    assert all(entry["expected_units"] > 0 for entry in advice["stock"])
    assert report_of(shop, model, why) == report


def test_from_the_second_model_on_there_is_a_figure_of_migrations(shop: DuckDBWarehouse) -> None:
    model, why = prepared(shop)
    score_all(shop, model, "v2")
    make_migrations(shop)
    assert tuple(report_of(shop, model, why).figures) == tuple(name for name in FIGURES if name != CATEGORIES)


@pytest.mark.parametrize(
    ("customers", "drawn"),
    [
        pytest.param(0, (), id="nobody"),
        pytest.param(1, ("segment_map.png", "segment_revenue.png"), id="one"),
        pytest.param(30, ("segment_map.png", "segment_revenue.png"), id="one purchase each"),
    ],
)
def test_a_shop_that_cannot_be_segmented_gets_an_honest_statement(
    tmp_path: Path, customers: int, drawn: tuple[str, ...]
) -> None:
    sales = [line(f"o{c}", dt.date(2023, 1, 1) + dt.timedelta(5 * c), f"c{c}", 9 + c) for c in range(customers)]
    shop = warehouse_at(tmp_path, sales)
    model, why = prepared(shop)
    assert model is None
    report = report_of(shop, model, why)
    assert report.verdict == why
    assert report.evaluation["k"] is None
    assert set(report.evaluation["segments"]) <= {"One Purchase"}
    assert tuple(report.figures) == drawn
    assert {*report.figures, *report.figures.left_out} == set(FIGURES)
    assert any("no forecast" in note for note in json.loads(report.files[segment_report.RECOMMENDATIONS])["notes"])
