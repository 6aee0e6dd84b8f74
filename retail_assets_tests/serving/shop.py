"""A small shop whose bundle is published: real segments and sales, a made-up forecast. For the tests of every door."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from retail_assets.contracts.loading import load
from retail_assets.exports.bundle.content import Check
from retail_assets.exports.bundle.publish import Published, publish_bundle
from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
from retail_assets.segmentation.lifecycle.retraining import train_if_due
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.storage import Store
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    FORECAST_BACKTEST,
    INSIGHTS,
    SALES_CLEAN,
    SALES_FORECAST,
    SALES_QUARANTINE,
    Table,
)
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.warehouse.protocol import Warehouse
from retail_assets_tests.segmentation.shoppers import PLANTED, fill, line, planted_sales

SOURCE = "retail_sales"
LAST = dt.date(2023, 12, 31)
NOW = dt.datetime(2024, 1, 1, 6, tzinfo=dt.UTC)
FORECAST_VERSION = "20231231-aaaaaaaaaa"
CATEGORIES = ("Books", "Games", "Toys")


@dataclass(frozen=True)
class Shop:
    """The places of the shop; `uri` is what a predictor opens."""

    folder: Path
    warehouse: Warehouse
    output: Store
    models: ModelStore
    serving: Store

    @property
    def uri(self) -> str:
        return self.serving.uri_of(SOURCE)

    def publish(self, *, now: dt.datetime = NOW, keep_days: int = 7, checks: Iterable[Check] = ()) -> Published:
        """Publish a bundle of the tables as they are."""
        return publish_bundle(
            self.warehouse,
            self.output,
            self.models,
            self.serving,
            source=SOURCE,
            contract=load(SOURCE),
            catalog=DEFAULT,
            checks=tuple(checks),
            now=now,
            keep_days=keep_days,
        )

    def forecast_times(self, factor: float) -> None:
        """Replace the forecast by a multiple of what it was at first, so that the next bundle is another."""
        replace(self.warehouse, SALES_FORECAST, forecast_rows(factor))


def shop_at(folder: Path, each: int = 30, serving: str | None = None, warehouse: Warehouse | None = None) -> Shop:
    """Make a shop of 4 x `each` customers with a year of sales, and train its segments; nothing is published yet."""
    warehouse = warehouse or DuckDBWarehouse(folder / "shop.duckdb", SOURCE)
    sales, _ = planted_sales(tuple(PLANTED), each)
    sales += [line("last", LAST, None, 12.5), line("one", LAST, "Once", 20), line("old", "2023-01-02", "Back", 30)]
    sales += [line("back", "2023-01-03", "Back", -30, quantity=-1)]
    fill(warehouse, sales)
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    warehouse.rebuild(SALES_CLEAN, f"SELECT {SALES_CLEAN.column_list} FROM sales")
    make_features(warehouse)
    output, models = Store(str(folder / "output")), ModelStore(Store(str(folder / "models")), SOURCE, SEGMENTS)
    train_if_due(warehouse, models, output, DEFAULT, at=NOW, run_id="run")
    model, version = model_in_use(models)
    assert model is not None
    score_all(warehouse, model, version)
    profiles = make_profiles(warehouse)
    replace(warehouse, SALES_FORECAST, forecast_rows(1.0))
    replace(warehouse, FORECAST_BACKTEST, _backtest())
    replace(warehouse, SALES_QUARANTINE, _rejected())
    replace(warehouse, INSIGHTS, [{"id": "trend", "place": 1, "sentence": "Revenue rose by **3 %**."}])
    advice = {
        name: {
            "action": f"Do something for {name}.",
            "text": "They buy Books.",
            "categories": [{"category": "Books", "share": 0.4, "revenue": "12.00"}],
            "when": {"best_weekdays": ["Sunday"]},
        }
        for name in profiles["persona"].to_pylist()
    }
    stock = [{"category": "Books", "text": "Stock up on Books.", "stock_up": True}]
    content = {"segments": advice, "stock": stock, "notes": ["One season only."]}
    output.write("segments/recommendations.json", json.dumps(content).encode())
    return Shop(folder, warehouse, output, models, Store(serving or str(folder / "serving")))


def replace(warehouse: Warehouse, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the rows of a table; columns that are left out are null."""
    empty = dict.fromkeys(table.names)
    warehouse.replace(table, pa.Table.from_pylist([{**empty, **row} for row in rows], schema=table.arrow_schema()))


def forecast_rows(factor: float) -> Iterable[dict[str, Any]]:
    """28 days for each category and the total; the mean of day n of the i-th is `factor` (100 i + n)."""
    for place, name in enumerate([*CATEGORIES, "TOTAL"], 1):
        for ahead in range(1, 29):
            mean = factor * (100 * place + ahead)
            yield {
                "product_category": name,
                "forecast_date": LAST + dt.timedelta(days=ahead),
                "cutoff_date": LAST,
                "horizon_day": ahead,
                "mean": mean,
                "p025": mean * 0.5,
                "p10": mean * 0.75,
                "p50": mean * 0.98,
                "p90": mean * 1.25,
                "p975": mean * 1.5,
                "units": mean / 10,
                "units_p10": None if name == "TOTAL" else mean / 20,
                "units_p90": None if name == "TOTAL" else mean / 5,
                "seasonal_naive": mean * 0.9,
                "method": "gradient_boosting",
                "model_version": FORECAST_VERSION,
                "issued_at": dt.datetime(2024, 1, 1),
            }


def _backtest() -> Iterable[dict[str, Any]]:
    for model, wape in (("gradient_boosting", 0.13), ("seasonal_naive", 0.17)):
        yield {
            "measure": "revenue",
            "model": model,
            "product_category": "ALL",
            "horizon": 28,
            "kind_of_day": "all",
            "days": 100,
            "wape": wape,
            "champion": model == "gradient_boosting",
            "cutoffs": 6,
            "model_version": FORECAST_VERSION,
        }


def _rejected() -> Iterable[dict[str, Any]]:
    for number, reasons in enumerate(("quantity_missing", "quantity_missing", "date_invalid,quantity_missing"), 1):
        yield {
            "source": SOURCE,
            "landed_on": LAST,
            "source_file": "f",
            "source_line": number,
            "reasons": reasons,
            "raw_text": "x",
            "contract_version": "1",
            "total_amount": None if number == 1 else number,
        }
