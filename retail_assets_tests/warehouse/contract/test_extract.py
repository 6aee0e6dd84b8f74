"""Tableau's extract is read from either warehouse, and its control totals agree with both."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.contents import LINES
from retail_assets.exports.tableau.extract import make_extract
from retail_assets.tables import CUSTOMER_SEGMENTS, DAILY_STORE_CATEGORY_SALES, DIM_PRODUCT, DIM_STORE, SALES_FORECAST
from retail_assets.warehouse import marts
from retail_assets_tests.exports.tableau.shops import rows
from retail_assets_tests.warehouse.contract.warehouses import Place


def test_the_extract_holds_what_the_warehouse_holds(place: Place, tmp_path: Path) -> None:
    warehouse = place.warehouse
    for table, select in (
        (DIM_PRODUCT, marts.DIM_PRODUCT),
        (DIM_STORE, marts.DIM_STORE),
        (DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES),
    ):
        warehouse.rebuild(table, select)
    for table in (SALES_FORECAST, CUSTOMER_SEGMENTS):
        made = rows(table, ["TOTAL", "ünï 🍞", "<b>"])
        warehouse.replace(table, pa.Table.from_pylist(made, schema=table.arrow_schema()))
    extract = make_extract(warehouse, tmp_path / "a.hyper", "shop", "EUR", 10**6)
    assert extract.rows == {
        "dim_product": extract.rows["dim_product"],
        "dim_store": 1,
        "daily_store_category_sales": extract.rows["daily_store_category_sales"],
        "sales_forecast": 3,
        "customer_segments": 3,
        "sales": len(place.first),
    }
    held = hyper.query(
        tmp_path / "a.hyper", f"SELECT transaction_id, sold_at, total_amount FROM {hyper.table_of(LINES)}"
    )
    asked = warehouse.query("SELECT transaction_id, sold_at, total_amount FROM sales")
    assert sorted(map(repr, held.to_pylist())) == sorted(map(repr, asked.to_pylist()))
