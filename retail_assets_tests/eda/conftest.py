"""A shop in memory: sales as a list of dicts, in the two tables that the queries read, in a real DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from retail_assets.eda.data import EdaData, load
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES

Shop = Callable[[Iterable[dict[str, Any]]], EdaData]

_MART = """
insert into daily_category_sales
select sale_date, product_category, sum(total_amount), sum(quantity), count(distinct order_id),
       count(distinct customer_id), count(*), sum(case when total_amount < 0 then total_amount else 0 end)
from sales group by sale_date, product_category
"""


def sale(number: int, **known: Any) -> dict[str, Any]:
    """One line of `sales`; what is not `known` is ordinary."""
    row: dict[str, Any] = {
        "transaction_id": f"T{number}",
        "order_id": f"O{number}",
        "sold_at": dt.datetime(2024, 1, 1, 12),
        "customer_id": f"C{number}",
        "gender": None,
        "age": None,
        "age_group": None,
        "product_id": None,
        "product_category": "Books",
        "quantity": 1,
        "total_amount": 10,
        "store_id": None,
        "source": "test",
        "landed_on": dt.date(2024, 1, 1),
        "source_file": "f.csv",
        "source_line": number + 2,
    } | known
    row.setdefault("sale_date", row["sold_at"].date())
    row["quantity"], row["total_amount"] = Decimal(str(row["quantity"])), Decimal(str(row["total_amount"]))
    row.setdefault("unit_price", (abs(row["total_amount"]) / abs(row["quantity"])).quantize(Decimal("0.0001")))
    return row


def open_shop(rows: Iterable[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table in (SALES, DAILY_CATEGORY_SALES):
        columns = ", ".join(f"{c.name} {c.type}" for c in table.columns)
        connection.execute(f"create table {table.name} ({columns})")
    arrow = pa.Table.from_pylist(list(rows), schema=pa.schema([(c.name, c.arrow_type()) for c in SALES.columns]))
    connection.register("arrived", arrow)
    connection.execute("insert into sales select * from arrived")
    connection.execute(_MART)
    return connection


def analyse(rows: Iterable[dict[str, Any]]) -> EdaData:
    with open_shop(rows) as connection:
        return load(lambda sql: connection.sql(sql).to_arrow_table())


@pytest.fixture
def shop() -> Shop:
    return analyse
