"""The measures, dimensions and joins that are documented are true of the tables, on both warehouses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from retail_assets.defs.checks.daily_quality import DIFFERENCES
from retail_assets.tables import ALL, DAILY_QUALITY, SALES_QUARANTINE, Column, Table
from retail_assets.warehouse import semantics
from retail_assets.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack
    from retail_assets_tests.warehouse.contract.warehouses import Place

#: Every landing day of the sales and of the rejected rows.
_QUALITY = """
    SELECT landed_on, count(*) AS landed, sum(is_clean) AS clean, sum(1 - is_clean) AS quarantined, 0 AS superseded,
           0 AS excluded, 0 AS erased, sum(amount) AS clean_amount, 0 AS quarantined_amount, 0 AS superseded_amount,
           0 AS excluded_amount, 0.5 AS quarantined_share, 'it' AS top_reason, 7 AS top_reason_rows
    FROM (
        SELECT landed_on, 1 AS is_clean, total_amount AS amount FROM sales_clean
        UNION ALL SELECT landed_on, 0, 0 FROM sales_quarantine
    ) AS q GROUP BY landed_on"""
MEASURES = [(table, measure) for table in ALL for measure in semantics.measures(table)]
#: A day between the first and the last of the many sales.
SOLD = dt.date(2023, 6, 15)


def some_rows(table: Table) -> pa.Table:
    """Rows for a table that the many sales do not make; two of a kind in every dimension."""
    rows = [{c.name: _value(c, number) for c in table.columns} for number in range(8)]
    return pa.Table.from_pylist(rows, schema=table.arrow_schema())


def _value(column: Column, number: int) -> Any:
    if column.type.startswith("varchar"):
        return ("TOTAL", "it's", "\\", "本")[number // 2][: column.numbers[0]]
    values: dict[str, Any] = {
        "bigint": number,
        "integer": number,
        "double": number * 1.5 - 3,
        "boolean": number % 3 == 0,
        "date": SOLD + dt.timedelta(days=number // 2),
        "timestamp": dt.datetime(2024, 1, 1, number),
    }
    return values.get(column.type, Decimal(number * 7 - 9))


_COMPLETE: set[str] = set()


@pytest.fixture
def complete(both: tuple[Place, Place], stack: Stack) -> tuple[Place, Place]:
    """Every table there is; the rest is made once."""
    if both[1].warehouse.schema in _COMPLETE:
        return both
    _COMPLETE.add(both[1].warehouse.schema)
    for place in both:
        for table in ALL:
            if not place.warehouse.exists(table):
                place.warehouse.replace(table, some_rows(table))
        place.warehouse.rebuild(DAILY_QUALITY, _QUALITY)
    return both


def value_of(warehouse: Warehouse, table: Table, sql: str) -> Any:
    [row] = warehouse.query(f"SELECT {sql} AS answer FROM {table.name}").to_pylist()
    return row["answer"]


@pytest.mark.parametrize(("table", "measure"), MEASURES, ids=lambda x: x.name)
def test_a_measure_is_the_same_on_both(complete: tuple[Place, Place], table: Table, measure: semantics.Measure) -> None:
    embedded, redshift = (value_of(place.warehouse, table, measure.sql) for place in complete)
    assert (embedded is None) == (redshift is None)
    if embedded is not None:
        assert float(redshift) == pytest.approx(float(embedded), rel=1e-9)


@pytest.mark.parametrize(("table", "measure"), [m for m in MEASURES if m[1].additive], ids=lambda x: x.name)
def test_an_additive_measure_adds_up_over_every_dimension(
    complete: tuple[Place, Place], table: Table, measure: semantics.Measure
) -> None:
    warehouse = complete[0].warehouse
    whole = value_of(warehouse, table, measure.sql)
    assert set(measure.not_over) <= set(table.names)
    for column in semantics.dimensions(table):
        parts = warehouse.query(f"SELECT {measure.sql} AS part FROM {table.name} GROUP BY {column.name}").to_pylist()
        known = [row["part"] for row in parts if row["part"] is not None]
        assert sum(map(float, known)) == pytest.approx(float(whole or 0), rel=1e-9, abs=1e-9), column.name


@pytest.mark.parametrize("join", semantics.JOINS, ids=lambda j: f"{j.table.name}.{j.sql}")
def test_a_join_finds_one_row_and_one_only(complete: tuple[Place, Place], join: semantics.Join) -> None:
    assert join.to.key == (join.column,)
    for place in complete:
        unmatched = place.warehouse.query(
            f"SELECT count(*) AS n FROM (SELECT {join.sql} AS k FROM {join.table.name}) AS f "
            f"LEFT JOIN {join.to.name} AS t ON t.{join.column} = f.k WHERE f.k IS NOT NULL AND t.{join.column} IS NULL"
        ).to_pylist()
        made_up = join.table.name == "forecast_accuracy" and value_of(place.warehouse, join.to, "count(*)") < 8
        assert made_up or unmatched == [{"n": 0}]
        twice = f"SELECT {join.column} FROM {join.to.name} GROUP BY {join.column} HAVING count(*) > 1"
        assert place.warehouse.query(twice).num_rows == 0


def test_measures_of_one_name_and_unit_agree_between_the_tables_of_sales(
    complete: tuple[Place, Place],
) -> None:
    of_sales = ("sales", "daily_category_sales", "daily_store_category_sales", "dim_product", "dim_store")
    for place in complete:
        for name in ("revenue", "units", "lines", "returned"):
            values = {
                table.name: float(value_of(place.warehouse, table, measure.sql) or 0)
                for table, measure in MEASURES
                if measure.name == name and table.name in of_sales
            }
            assert len(values) >= 3
            assert len({round(value, 2) for value in values.values()}) == 1, (name, values)
        shares = [
            value_of(place.warehouse, *semantic("return_share", table))
            for table in ("sales", "daily_category_sales", "daily_store_category_sales")
        ]
        assert shares[1] == pytest.approx(shares[2])


def semantic(name: str, table: str) -> tuple[Table, str]:
    of, measure = semantics.measure(f"{table}.{name}")
    return of, measure.sql


def test_the_check_of_landing_days_finds_the_same_on_both(complete: tuple[Place, Place]) -> None:
    for place in complete:
        assert place.warehouse.query(DIFFERENCES).num_rows == 0
    days = value_of(complete[0].warehouse, DAILY_QUALITY, "count(*)")
    for place in complete:
        place.warehouse.rebuild(DAILY_QUALITY, f"SELECT * FROM ({_QUALITY}) AS q WHERE 1 = 0")
        assert place.warehouse.query(DIFFERENCES).num_rows == days
        place.warehouse.rebuild(DAILY_QUALITY, _QUALITY)


def test_orders_of_a_row_of_the_daily_marts_are_those_of_the_sales(complete: tuple[Place, Place]) -> None:
    """The measure is semi-additive because the orders of its rows overlap: of one row it is the number of orders."""
    warehouse = complete[0].warehouse
    daily, measure = semantics.measure("daily_category_sales.orders")
    by = "sale_date, product_category"
    assert warehouse.query(f"SELECT {by}, {measure.sql} AS n FROM {daily.name} GROUP BY {by} ORDER BY {by}").equals(
        warehouse.query(
            f"SELECT {by}, CAST(count(DISTINCT order_id) AS HUGEINT) AS n FROM sales GROUP BY {by} ORDER BY {by}"
        )
    )


def test_every_table_has_measures_of_names_of_its_own() -> None:
    assert set(semantics.MEASURES) == {table.name for table in ALL}
    for table in ALL:
        names = [measure.name for measure in semantics.measures(table)]
        assert names
        assert len(set(names)) == len(names), table.name
        for measure in semantics.measures(table):
            assert measure.unit
            assert measure.description
            assert not measure.description.endswith("."), measure
            assert measure.additive or not measure.not_over


def test_every_column_has_one_role() -> None:
    roles = {(t.name, c.name): semantics.role(t, c) for t in ALL for c in t.columns}
    assert roles["sales", "transaction_id"] == "key"
    assert roles["sales", "age"] == roles["sales", "customer_id"] == "dimension"
    assert roles["sales", "total_amount"] == "number"
    assert roles["insights", "sentence"] == roles[SALES_QUARANTINE.name, "raw_text"] == "text"
    with pytest.raises(KeyError):
        semantics.measure("sales.nothing")
