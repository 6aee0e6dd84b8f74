"""Marts, figures and segments: one text of SQL gives the same answers on both warehouses."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from retail_assets.defs.checks.reconciliation import sales_against_definition, stores_against_categories
from retail_assets.eda import queries as eda
from retail_assets.eda.data import load
from retail_assets.eda.statistics import statistics_rows, statistics_table
from retail_assets.forecasting.data import regressors
from retail_assets.forecasting.data.regressors import RegressorsError
from retail_assets.forecasting.evaluation import transaction_amounts
from retail_assets.segmentation.lifecycle.activation import write_activation
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.segmentation.queries import activation, buying_habits, migrations, profiles
from retail_assets.segmentation.queries import customer_features as customers
from retail_assets.segmentation.queries import sales as sales_queries
from retail_assets.storage import Store
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    FORECAST_ACCURACY,
    SALES,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    SUMMARY_STATISTICS,
    Column,
    Table,
)
from retail_assets.warehouse import marts
from retail_assets_tests.warehouse.contract.many_sales import MADE
from retail_assets_tests.warehouse.contract.warehouses import NEXT
from retail_assets_tests.warehouse.landings import DAY, line, rows_of

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack
    from retail_assets_tests.warehouse.contract.warehouses import Place

QUERIES = {
    **eda.QUERIES,
    "customer_features": customers.customer_features(),
    "customer_features_then": customers.customer_features(dt.date(2023, 11, 5), 90),
    "customer_features_of_a_part": customers.customer_features(below="80"),
    "customer_sample": customers.sample(None, 7),
    "scope": sales_queries.SCOPE,
    "counts": customers.COUNTS,
    "next_revenue": sales_queries.revenue_between(dt.date(2023, 6, 1), dt.date(2023, 9, 1)),
    "segment_categories": buying_habits.segment_categories(),
    "segment_calendar": buying_habits.segment_calendar(),
    "segment_profiles": profiles.PROFILES,
    "segment_ages": profiles.TOP_AGES,
    "segment_mix": profiles.MIX,
    "segment_state": migrations.STATE,
    "migrations": migrations.MIGRATIONS,
    "migrations_with_earlier": migrations.migrations_with_earlier(SEGMENT_MIGRATIONS.column_list),
    **{name: profiles.median(feature) for name, feature in profiles.MEDIANS.items()},
    **{
        f"names_before_{known}_{carried}": migrations.with_previous_personas(known, carried)
        for known, carried in ((False, False), (True, False), (True, True))
    },
    "span": marts.SALES_SPAN,
    "transactions": transaction_amounts.transactions(3),
    "sales_against_definition": sales_against_definition(0),
    "stores_against_categories": stores_against_categories(),
}


@pytest.mark.parametrize("table", [table for table, _ in MADE], ids=lambda t: t.name)
def test_marts_hold_the_same_rows(both: tuple[Place, Place], stack: Stack, table: Any) -> None:
    embedded, redshift = both
    assert rows_of(redshift.warehouse, table) == rows_of(embedded.warehouse, table)


@pytest.mark.parametrize("table", [CUSTOMER_SEGMENTS, SEGMENT_PROFILES, SEGMENT_MIGRATIONS], ids=lambda t: t.name)
def test_segments_are_the_same(both: tuple[Place, Place], stack: Stack, table: Any) -> None:
    embedded, redshift = (
        _comparable(place.warehouse.query(f"SELECT * FROM {table.name}"), in_order=False) for place in both
    )
    assert redshift == embedded


def test_activation_files_are_the_same(both: tuple[Place, Place], stack: Stack, tmp_path: Path) -> None:
    stores = [Store(str(tmp_path / name)) for name in ("embedded", "redshift")]
    written = [
        write_activation(place.warehouse, store, DEFAULT, "USD") for place, store in zip(both, stores, strict=True)
    ]
    assert written[0] == written[1]
    for key in written[0]:
        assert stores[0].read(key) == stores[1].read(key), key


def test_a_persona_may_have_any_name(both: tuple[Place, Place], stack: Stack) -> None:
    """Names come from a file of the user's, and one warehouse reads a backslash as the beginning of an escape."""
    for place in both:
        assert not [
            batch for batch in place.warehouse.scan(activation.MEMBERS, ["o'br\\ien?\\", 0, 9]) if batch.num_rows
        ]


@pytest.mark.parametrize("name", QUERIES)
def test_queries_give_the_same_answers(both: tuple[Place, Place], stack: Stack, name: str) -> None:
    embedded, redshift = (place.warehouse.query(QUERIES[name]) for place in both)
    assert redshift.column_names == embedded.column_names
    ours, theirs = (_comparable(table, in_order=_ordered(QUERIES[name])) for table in (embedded, redshift))
    assert theirs == ours


def test_the_table_of_statistics_is_the_same(both: tuple[Place, Place], stack: Stack) -> None:
    for place in both:
        made = statistics_table(statistics_rows(load(place.warehouse.query)))
        assert place.warehouse.replace(SUMMARY_STATISTICS, made) == made.num_rows
    ours, theirs = (
        _comparable(place.warehouse.query("SELECT * FROM summary_statistics"), in_order=False) for place in both
    )
    assert theirs == ours


def test_the_definition_of_some_days_gives_the_same_answer(both: tuple[Place, Place], stack: Stack) -> None:
    days = [DAY, DAY + dt.timedelta(days=1)]
    sql = sales_against_definition(len(days))
    ours, theirs = (_comparable(place.warehouse.query(sql, days * 2), in_order=True) for place in both)
    assert theirs == ours


def _ordered(sql: str) -> bool:
    """Whether the statement itself has an order, not only a window in it."""
    return re.search(r"order by [^()]*\Z", sql, re.IGNORECASE) is not None


def _comparable(table: pa.Table, *, in_order: bool) -> list[tuple[Any, ...]]:
    rows = [tuple(map(_plain, row.values())) for row in table.to_pylist()]
    return rows if in_order else sorted(rows, key=repr)


def _plain(value: Any) -> Any:
    """Numbers of any type as floats of nine digits: sums of doubles differ in the last ones; days as texts."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(f"{float(value):.9g}")
    return value.isoformat()[:10] if isinstance(value, dt.date) else value


def test_weather_in_the_warehouse_is_read_alike(empty_place: Place) -> None:
    kinds = {"date": "date", "name": "varchar(64)", "value": "double", "known_on": "timestamp"}
    columns = tuple(Column(name, kind, name, nullable=True) for name, kind in kinds.items())
    weather = Table("weather", "forecasts of rain", columns, ("date",))
    days = [(DAY, 2.5, dt.datetime(2024, 2, 20, 18)), (DAY, 1.0, dt.datetime(2024, 2, 22, 6)), (NEXT, 4.0, None)]
    rows = [{"date": day, "name": "rain", "value": value, "known_on": known} for day, value, known in days]
    empty_place.warehouse.replace(weather, pa.Table.from_pylist(rows, weather.arrow_schema()))
    values = regressors.from_warehouse(empty_place.warehouse, "weather")
    assert values.names == ("rain",)
    origins = np.array(["2024-02-21", "2024-02-22"], "datetime64[D]")
    targets = np.array([[DAY, NEXT]] * 2, "datetime64[D]")
    assert values.as_known(origins, targets)[..., 0].tolist() == [[2.5, 4.0], [1.0, 4.0]]
    with pytest.raises(RegressorsError, match=r"RETAIL_REGRESSORS='wheather': .* has no such table"):
        regressors.from_warehouse(empty_place.warehouse, "wheather")
    with pytest.raises(RegressorsError, match=r"RETAIL_REGRESSORS='nowhere.weather': .* has no such table"):
        regressors.from_warehouse(empty_place.warehouse, "nowhere.weather")


def test_what_a_customer_bought_before_is_of_earlier_days_alone(empty_place: Place) -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(3)]
    bought = [("A", days[0], 100), ("A", days[0], 300), ("A", days[1], 500), ("A", days[2], 700), ("B", days[1], 900)]
    rows = [
        line(f"T{n}", cents, day, at=n + 1, customer_id=customer, sale_date=day)
        for n, (customer, day, cents) in enumerate([*bought, (None, days[2], 40)])
    ]
    rows.append(line("R", -100, days[0], at=9, customer_id="A", sale_date=days[0]))
    empty_place.warehouse.replace(SALES, pa.Table.from_pylist(rows, SALES.arrow_schema()))
    found = empty_place.warehouse.query(transaction_amounts.transactions(1)).to_pylist()
    history = {r["transaction_id"]: (r["customer_lines_before"], r["customer_mean_before"]) for r in found}
    assert history == {
        "T0": (0, None), "T1": (0, None), "T2": (2, 2.0), "T3": (3, 3.0), "T4": (0, None), "T5": (None, None)
    }  # fmt: skip


def test_a_fingerprint_changes_with_the_rows_and_not_with_their_order(empty_place: Place) -> None:
    warehouse = empty_place.warehouse
    schema = FORECAST_ACCURACY.arrow_schema()
    values: dict[str, Any] = {
        "date": DAY, "integer": 1, "bigint": 1, "double": 1.5, "boolean": True, "timestamp": dt.datetime(2024, 1, 1)
    }  # fmt: skip

    def row(**changed: Any) -> dict[str, Any]:
        return {c.name: values.get(c.type, "a|b") for c in FORECAST_ACCURACY.columns} | changed

    def fingerprint(*rows: dict[str, Any]) -> str:
        warehouse.replace(FORECAST_ACCURACY, pa.Table.from_pylist(list(rows), schema=schema))
        return warehouse.fingerprint(FORECAST_ACCURACY, frozenset({"issued_at"}))

    one, two = row(), row(product_category="Tea", inside80=False, units=None)
    whole = fingerprint(one, two)
    assert fingerprint(two, one) == whole
    assert fingerprint(one, two | {"issued_at": dt.datetime(2025, 5, 5)}) == whole
    for other in ({"units": 0.0}, {"inside80": True}, {"mean": 1.25}, {"product_category": "Te"}):
        assert fingerprint(one, two | other) != whole
    assert fingerprint(one) not in {whole, fingerprint()}
    assert fingerprint() == fingerprint()
