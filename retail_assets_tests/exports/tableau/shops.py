"""Warehouses for the extract: sales, their marts, and made up forecasts and segments of the same shop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    DIM_PRODUCT,
    DIM_STORE,
    FORECAST_ACCURACY,
    SALES_FORECAST,
    SEGMENT_PROFILES,
    Column,
    Table,
)
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import line, warehouse_at

#: Texts that programs have taken for something else.
HOSTILE = (
    "<script>alert(1)</script>",
    r"$\frac{1}{0}$ \input{/etc/passwd}",
    "=cmd|' /C calc'!A0",
    "*bold* [link](javascript:x)",
    "بيت وحديقة",
    "🍞🥐 Bäckerei",
    "quote \" and ' and [bracket] and ; DROP TABLE sales",
    " ",
    "\t",
)
PERSONA = "High-Value Customers"


def hostile_sales() -> list[dict[str, Any]]:
    """Sales in categories, stores and products with such names, to known and unknown customers."""
    return [
        line(
            f"{n}/{name}",
            dt.date(2024, 1, 1) + dt.timedelta(n),
            None if n % 3 == 0 else f"c{n} {name}",
            "12.34" if n % 4 else "-12.34",
            category=name,
            store_id=None if n % 2 else name,
            product_id=None if n % 5 == 0 else f"p {name}",
            sold_at=dt.datetime(2024, 1, 1, 23, 59, 59, 123456) + dt.timedelta(n),
            discount=None if n % 2 else Decimal("0.01"),
        )
        for n, name in enumerate(HOSTILE)
    ]


def whole(folder: Path, sales: Iterable[dict[str, Any]], *, customers: bool = True) -> DuckDBWarehouse:
    """A warehouse with every table that the extract shows."""
    warehouse = warehouse_at(folder, sales)
    for table, select in (
        (DIM_PRODUCT, marts.DIM_PRODUCT),
        (DIM_STORE, marts.DIM_STORE),
        (DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES),
    ):
        warehouse.rebuild(table, select)
    names = warehouse.query("SELECT DISTINCT product_category AS name FROM sales").column("name").to_pylist()
    known = warehouse.query("SELECT customer_id AS name FROM dim_customer").column("name").to_pylist()
    put(warehouse, SALES_FORECAST, rows(SALES_FORECAST, ["TOTAL", *names]))
    put(warehouse, FORECAST_ACCURACY, [])
    put(warehouse, SEGMENT_PROFILES, rows(SEGMENT_PROFILES, [PERSONA]) if customers else [])
    segments = [{**row, "persona": PERSONA} for row in rows(CUSTOMER_SEGMENTS, known)] if customers else []
    put(warehouse, CUSTOMER_SEGMENTS, segments)
    days = warehouse.query("SELECT DISTINCT landed_on AS day FROM sales ORDER BY 1").column("day").to_pylist()
    put(warehouse, DAILY_QUALITY, rows(DAILY_QUALITY, days))
    return warehouse


def put(warehouse: DuckDBWarehouse, table: Table, made: Sequence[dict[str, Any]]) -> None:
    warehouse.replace(table, pa.Table.from_pylist(list(made), schema=table.arrow_schema()))


def rows(table: Table, keys: Sequence[Any]) -> list[dict[str, Any]]:
    """A row per key, with values of each column's type; some are null where they may be."""
    return [
        {column.name: key if column.name == table.key[0] else _value(column, number) for column in table.columns}
        for number, key in enumerate(keys)
    ]


def _value(column: Column, number: int) -> Any:
    if column.nullable and number % 2:
        return None
    if column.type.startswith("varchar"):
        return HOSTILE[number % len(HOSTILE)][:16]
    if column.type.startswith("decimal"):
        return Decimal(-1) ** number * Decimal("99999999999999.99")
    return {
        "bigint": 2**53 + number,
        "integer": 2**31 - 1 - number,
        "double": (-1) ** number * 1e-7 / (number + 3),
        "boolean": number % 3 == 0,
        "date": dt.date(2024, 2, 29) + dt.timedelta(number),
        "timestamp": dt.datetime(2024, 2, 29, 1, 2, 3, 456789) + dt.timedelta(number),
    }[column.type]
