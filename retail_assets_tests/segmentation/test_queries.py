"""The SQL over a real embedded warehouse; the rows are few enough to add up by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from retail_assets.segmentation import queries
from retail_assets.tables import SALES


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    columns = ", ".join(f"{column.name} {column.type}" for column in SALES.columns)
    connection.execute(f"create table {SALES.name} ({columns})")
    yield connection
    connection.close()


def sell(
    warehouse: duckdb.DuckDBPyConnection, order: str, day: str, customer: str | None, amount: str, quantity: int = 1
) -> None:
    warehouse.execute(
        f"insert into {SALES.name} (order_id, sale_date, customer_id, total_amount, quantity) values (?, ?, ?, ?, ?)",
        [order, day, customer, Decimal(amount), quantity],
    )


def rows(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, object]]:
    result = warehouse.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_a_customer_is_one_row_with_exact_money_and_whole_orders(warehouse: duckdb.DuckDBPyConnection) -> None:
    sell(warehouse, "o1", "2023-01-05", "anna", "10.10")
    sell(warehouse, "o1", "2023-01-05", "anna", "0.20")
    sell(warehouse, "o2", "2023-01-31", "anna", "9.70")
    sell(warehouse, "o3", "2023-03-01", "anna", "20.00")
    sell(warehouse, "o4", "2023-04-01", None, "5.00")
    assert rows(warehouse, queries.CUSTOMERS) == [
        {
            "customer_id": "anna",
            "frequency": 3,
            "monetary": Decimal("40.00"),
            "average_basket": pytest.approx(40 / 3),
            "first_sale_date": date(2023, 1, 5),
            "last_sale_date": date(2023, 3, 1),
            "top_month_share": pytest.approx(0.5),
            "snapshot_date": date(2023, 4, 1),
        }
    ]


def test_a_return_under_its_own_number_is_netted_but_is_no_purchase(warehouse: duckdb.DuckDBPyConnection) -> None:
    sell(warehouse, "o1", "2023-01-05", "bo", "30.00")
    sell(warehouse, "C1", "2023-02-05", "bo", "-10.00", quantity=-1)
    (row,) = rows(warehouse, queries.CUSTOMERS)
    assert (row["frequency"], row["monetary"], row["average_basket"]) == (1, Decimal("20.00"), 20.0)
    assert row["top_month_share"] == 1.0, "a month of returns is no part of the spend"


def test_a_customer_with_nothing_but_returns_has_no_basket_and_no_best_month(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sell(warehouse, "C1", "2023-02-05", "cy", "-10.00", quantity=-1)
    (row,) = rows(warehouse, queries.CUSTOMERS)
    assert (row["frequency"], row["average_basket"], row["top_month_share"]) == (0, 0.0, None)


def test_the_same_month_of_two_years_is_two_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    sell(warehouse, "o1", "2022-12-05", "di", "10.00")
    sell(warehouse, "o2", "2023-12-05", "di", "10.00")
    (row,) = rows(warehouse, queries.CUSTOMERS)
    assert row["top_month_share"] == 0.5


def test_anonymous_sales_are_counted_beside_the_customers(warehouse: duckdb.DuckDBPyConnection) -> None:
    sell(warehouse, "o1", "2023-01-05", "anna", "10.00")
    sell(warehouse, "o2", "2023-01-06", None, "5.00")
    sell(warehouse, "o2", "2023-01-06", None, "6.50")
    assert rows(warehouse, queries.SCOPE) == [
        {
            "snapshot_date": date(2023, 1, 6),
            "sales_lines": 3,
            "anonymous_lines": 2,
            "anonymous_orders": 1,
            "anonymous_revenue": Decimal("11.50"),
        }
    ]


def test_an_empty_table_has_no_customers_and_no_snapshot(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(warehouse, queries.CUSTOMERS) == []
    assert rows(warehouse, queries.SCOPE) == [
        {
            "snapshot_date": None,
            "sales_lines": 0,
            "anonymous_lines": 0,
            "anonymous_orders": 0,
            "anonymous_revenue": Decimal("0.00"),
        }
    ]
