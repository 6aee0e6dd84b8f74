"""Dimensions and the mart against the same questions answered in plain Python."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retail_assets.defs.checks.reconciliation import stores_against_categories
from retail_assets.errors import WarehouseError
from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    NO_STORE,
    SALES,
    Table,
)
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.landings import DAY, SOURCE, Row, latest_lines, line, ordered, publish, rows_of

MADE = (
    (DIM_CUSTOMER, marts.DIM_CUSTOMER),
    (DIM_PRODUCT, marts.DIM_PRODUCT),
    (DIM_STORE, marts.DIM_STORE),
    (DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES),
    (DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES),
)

NAMED = {table.name: table for table in (DIM_STORE, DAILY_CATEGORY_SALES, DAILY_STORE_CATEGORY_SALES)}

_SALES = st.lists(
    st.fixed_dictionaries(
        {
            "cents": st.integers(-500, 500),
            "order_id": st.sampled_from(["O1", "O2", "O3"]),
            "sold_at": st.sampled_from([dt.datetime(2024, 1, d, h) for d in (1, 2, 3) for h in (0, 23)]),
            "customer_id": st.sampled_from([None, "ann", "bob"]),
            "gender": st.sampled_from([None, "Female", "Other"]),
            "age": st.none() | st.integers(0, 120),
            "age_group": st.sampled_from([None, "25-34"]),
            "product_id": st.sampled_from([None, "P1", "P2"]),
            "product_category": st.sampled_from(["Books", "Tee & Kaffee", "本"]),
            "store_id": st.sampled_from([None, "S1", "S2", "本店"]),
            "landed_on": st.sampled_from([DAY, DAY + dt.timedelta(days=1)]),
        }
    ),
    max_size=12,
)


def sold(sales: Sequence[dict[str, Any]]) -> list[Row]:
    return [line(f"T{number:02d}", at=number + 2, **sale) for number, sale in enumerate(sales)]


def made(rows: Sequence[Row]) -> dict[str, list[tuple[Any, ...]]]:
    """The tables that the SQL makes from these sales."""
    import pyarrow as pa

    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder, "w.duckdb"), SOURCE)
        warehouse.replace(SALES, pa.Table.from_pylist(list(rows), schema=SALES.arrow_schema()))
        counts = {table.name: warehouse.rebuild(table, select) for table, select in MADE}
        tables = {table.name: rows_of(warehouse, table) for table, _ in MADE}
        assert counts == {name: len(of) for name, of in tables.items()}
        return tables


def grouped(rows: Sequence[Row], *columns: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[c] for c in columns)].append(row)
    yield from groups.items()


def latest_known(rows: Sequence[Row], column: str) -> Any:
    known = [r for r in rows if r[column] is not None]
    return max(known, key=lambda r: (r["sold_at"], r["landed_on"], r["transaction_id"]))[column] if known else None


def revenue(rows: Sequence[Row]) -> Decimal:
    return sum((r["total_amount"] for r in rows), Decimal("0.00"))


def units(rows: Sequence[Row]) -> Decimal:
    return sum((r["quantity"] for r in rows), Decimal("0.000"))


def measures(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "revenue": revenue(rows),
        "units": units(rows),
        "orders": len({r["order_id"] for r in rows}),
        "customers": len({r["customer_id"] for r in rows} - {None}),
        "lines": len(rows),
        "returned": revenue([r for r in rows if r["total_amount"] < 0]),
    }


def expected(rows: Sequence[Row]) -> dict[str, list[tuple[Any, ...]]]:
    customers = [
        {
            "customer_id": customer,
            "gender": latest_known(of, "gender"),
            "age": latest_known(of, "age"),
            "age_group": latest_known(of, "age_group"),
            "first_sale_date": min(r["sale_date"] for r in of),
            "last_sale_date": max(r["sale_date"] for r in of),
            "orders": len({r["order_id"] for r in of}),
            "revenue": revenue(of),
        }
        for (customer,), of in grouped(rows, "customer_id")
        if customer is not None
    ]
    keyed = [r | {"product_key": r["product_id"] or r["product_category"]} for r in rows]
    products = [
        {
            "product_key": key,
            "product_id": of[0]["product_id"],
            "product_category": latest_known(of, "product_category"),
            "first_sale_date": min(r["sale_date"] for r in of),
            "last_sale_date": max(r["sale_date"] for r in of),
            "revenue": revenue(of),
            "units": units(of),
        }
        for (key,), of in grouped(keyed, "product_key")
    ]
    daily = [
        {"sale_date": day, "product_category": category, **measures(of)}
        for (day, category), of in grouped(rows, "sale_date", "product_category")
    ]
    placed = [r | {"store_id": r["store_id"] or NO_STORE} for r in rows]
    by_store = [
        {"sale_date": day, "store_id": store, "product_category": category, **measures(of)}
        for (day, store, category), of in grouped(placed, "sale_date", "store_id", "product_category")
    ]
    stores = [
        {
            "store_id": store,
            "first_sale_date": min(r["sale_date"] for r in of),
            "last_sale_date": max(r["sale_date"] for r in of),
            **measures(of),
        }
        for (store,), of in grouped(placed, "store_id")
    ]
    tables: tuple[tuple[Table, list[dict[str, Any]]], ...] = (
        (DIM_CUSTOMER, customers),
        (DIM_PRODUCT, products),
        (DIM_STORE, stores),
        (DAILY_CATEGORY_SALES, daily),
        (DAILY_STORE_CATEGORY_SALES, by_store),
    )
    return {table.name: ordered(table, of) for table, of in tables}


@given(_SALES)
@settings(max_examples=trials(15))
def test_dimensions_and_mart_say_what_the_sales_say(sales: list[dict[str, Any]]) -> None:
    rows = sold(sales)
    assert made(rows) == expected(rows)


_SOLD = st.tuples(
    st.sampled_from("ABCD"),
    st.integers(-300, 300),
    st.sampled_from([None, "S1", "S2"]),
    st.sampled_from(["Books", "Tea"]),
    st.integers(1, 2),
)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(_SOLD, max_size=5)), min_size=1, max_size=4))
@settings(max_examples=trials(ordinary=8, soak=300))
@pytest.mark.soak
def test_after_any_sequence_of_landings_the_stores_say_what_the_sales_say(
    loads: list[tuple[int, list[tuple[str, int, str | None, str, int]]]],
) -> None:
    """Corrections move a sale to another store, category or day; nothing of the old place stays."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Store(f"{folder}/lake"), SOURCE)
        warehouse = DuckDBWarehouse(Path(folder, "w.duckdb"), SOURCE)
        landed: dict[dt.date, list[Row]] = {}
        for number, (late, content) in enumerate(loads):
            day = DAY + dt.timedelta(days=late)
            landed[day] = [
                line(
                    name,
                    cents,
                    day,
                    at=at,
                    store_id=store,
                    product_category=category,
                    sold_at=dt.datetime(2024, 1, on, 9),
                )
                for at, (name, cents, store, category, on) in enumerate(content, 2)
            ]
            warehouse.load_landings(lake.store, [publish(lake, day, landed[day], run=f"run{number}")])
            for table, select in MADE:
                warehouse.rebuild(table, select)
            current = expected(latest_lines(row for rows in landed.values() for row in rows))
            assert {name: rows_of(warehouse, table) for name, table in NAMED.items()} == {
                name: current[name] for name in NAMED
            }
            assert warehouse.query(stores_against_categories()).num_rows == 0


def test_no_sales_make_empty_tables() -> None:
    assert made([]) == {table.name: [] for table, _ in MADE}


def test_a_customer_keeps_what_was_known_when_the_latest_sale_is_silent() -> None:
    sales = [
        line("T1", 100, sold_at=dt.datetime(2024, 1, 1), customer_id="ann", gender="Female", age=30, age_group="25-34"),
        line("T2", -100, at=3, sold_at=dt.datetime(2024, 1, 2), customer_id="ann", age=31),
    ]
    [ann] = made(sales)["dim_customer"]
    assert ann[:4] == ("ann", "Female", 31, "25-34")
    assert ann[-1] == Decimal("0.00")


def test_sums_that_do_not_fit_are_refused_and_not_wrapped() -> None:
    most = Decimal("9999999999999999.99")
    with pytest.raises(WarehouseError):
        made([line(f"T{i}", 1, at=i + 2, total_amount=most) for i in range(2)])


def test_the_calendar_has_every_day_once_with_its_holidays() -> None:
    first, last = dt.date(2020, 12, 24), dt.date(2021, 1, 4)
    rows = marts.dim_date(first, last, "US").to_pylist()
    assert [r["calendar_date"] for r in rows] == [first + dt.timedelta(days=i) for i in range(12)]
    by_day = {r["calendar_date"].isoformat(): r for r in rows}
    assert by_day["2020-12-25"]["holiday"] == "Christmas Day"
    assert by_day["2020-12-26"] == {
        "calendar_date": dt.date(2020, 12, 26),
        "year": 2020,
        "quarter": 4,
        "month": 12,
        "day_of_month": 26,
        "iso_week": 52,
        "weekday": 6,
        "is_weekend": True,
        "holiday": None,
    }
    assert (by_day["2021-01-01"]["iso_week"], by_day["2021-01-01"]["quarter"]) == (53, 1)
    assert by_day["2021-01-04"]["is_weekend"] is False


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 40))
@settings(max_examples=trials(25))
def test_the_calendar_agrees_with_python(first: dt.date, days: int) -> None:
    rows = marts.dim_date(first, first + dt.timedelta(days=days), "XX").to_pylist()
    assert len(rows) == days + 1
    for row in rows:
        day = row["calendar_date"]
        assert (row["year"], row["month"], row["day_of_month"]) == (day.year, day.month, day.day)
        assert dt.date.fromisocalendar(_iso_year(day), row["iso_week"], row["weekday"]) == day
        assert (row["quarter"], row["is_weekend"]) == ((day.month - 1) // 3 + 1, day.strftime("%a") in ("Sat", "Sun"))


def _iso_year(day: dt.date) -> int:
    """The year of the week's Thursday."""
    return (day + dt.timedelta(days=4 - day.isoweekday())).year


def test_a_country_without_a_calendar_has_no_holidays() -> None:
    rows = marts.dim_date(dt.date(2024, 12, 24), dt.date(2025, 1, 2), "XX").to_pylist()
    assert {r["holiday"] for r in rows} == {None}


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.UTF-8", "zh_HK"])
def test_the_names_of_holidays_do_not_depend_on_the_locale_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    for name in ("LANGUAGE", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", locale)
    day = dt.date(2024, 1, 1)
    assert [marts.dim_date(day, day, of)["holiday"].to_pylist() for of in ("DE", "HK", "US")] == [
        ["New Year's Day"]
    ] * 3


def test_a_holiday_with_a_very_long_name_fits_its_column() -> None:
    [row] = marts.dim_date(dt.date(2015, 9, 3), dt.date(2015, 9, 3), "HK").to_pylist()
    [most] = next(c for c in DIM_DATE.columns if c.name == "holiday").numbers
    assert row["holiday"].startswith("70th Anniversary of the Victory")
    assert len(row["holiday"].encode()) <= most
