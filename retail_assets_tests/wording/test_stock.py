"""What is advised about stock, recomputed from the sales of five shops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retail_assets.decisions.segment_report import forecast_rows
from retail_assets.decisions.stock import history_of, notes, stock
from retail_assets.forecasting.data.sources import daily_history
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES_FORECAST
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording.statement import recorded
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import check_stock  # noqa: F401  registers the checks
from retail_assets_tests.wording.calendars import days_of
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.forecasts import FORECAST_SHOPS, Trained
from retail_assets_tests.wording.shops import SCHEMA, Shop


@pytest.mark.parametrize("name", FORECAST_SHOPS)
def test_the_advice_on_stock_is_recomputed(name: str, forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named(name)
    rows = forecast_rows(trained.shop.warehouse)
    assert len(rows) == trained.forecast.num_rows
    first, last = days_of(trained.shop)
    history = history_of(trained.history, trained.shop.country, rows)
    with recorded() as statements:
        entries = stock(rows, {}, trained.shop.currency, year=(last - first).days >= 364, history=history)
    assert entries
    assert " ".join(s.text for s in statements) == " ".join(entry["text"] for entry in entries)
    for statement in statements:
        assert_right(trained.shop, statement)


def test_a_source_that_reports_weeks_has_weeks_to_stock_up_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sold = [
        line(
            f"{week}/{n}",
            dt.date(2022, 1, 7) + dt.timedelta(weeks=week),
            None,
            float(rng.integers(5, 9)),
            category="Tea",
        )
        for week in range(40)
        for n in range(60)
    ]
    warehouse = DuckDBWarehouse(tmp_path / "weekly.duckdb", SCHEMA)
    fill(warehouse, sold, "GB")
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    shop = Shop("weekly", warehouse, tmp_path / "weekly.duckdb", "GBP", "GB")
    history = daily_history(warehouse)
    training = train(history, country="GB", candidates=["auto_theta"], most_cutoffs=1)
    assert training.model is not None
    table = score(training.model, history)
    warehouse.replace(SALES_FORECAST, table)
    with recorded() as statements:
        stock(table.to_pylist(), {}, "GBP", history=history_of(history, "GB", table.to_pylist()))
    week, chance = statements
    assert "the average week before the forecast" in week.text
    assert_right(shop, chance)


def test_a_forecast_that_has_seen_less_than_the_segments_is_noted(forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named("young")
    _, last = days_of(trained.shop)
    assert trained.training.model is not None
    seen = trained.history[trained.history["sale_date"] < trained.history["sale_date"].max()]
    stale = score(trained.training.model, seen)
    trained.shop.warehouse.replace(SALES_FORECAST, stale)
    try:
        with recorded() as statements:
            [note] = notes(stale.to_pylist(), last)
        [statement] = statements
        assert statement.text == note
        assert_right(trained.shop, statement)
    finally:
        trained.shop.warehouse.replace(SALES_FORECAST, trained.forecast)
