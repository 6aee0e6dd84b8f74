"""What a bundle holds: rows of the warehouse and of earlier outputs, written to one SQLite file.

The same rows give the same bytes: tables are filled in the order of their keys, in one transaction, without a journal.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from retail_assets.decisions.segment_report import RECOMMENDATIONS
from retail_assets.errors import NotReadyError
from retail_assets.exports.bundle.pictures import Picture
from retail_assets.models.kinds import NO_MODEL
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.serving import schema
from retail_assets.storage import Store
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    FORECAST_BACKTEST,
    INSIGHTS,
    SALES,
    SALES_CLEAN,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_PROFILES,
)
from retail_assets.warehouse.protocol import Warehouse

RECENT_DAYS = 400
"""Days of sales in a bundle: a year to compare with, and a month before."""
RECENT_REVENUE_DAYS = 28
"""Days by whose revenue categories are ranked."""
MOST_CATEGORIES = 1000
"""Categories with daily sales in a bundle; of the others, which are the smallest, only the forecast is there."""

_CATEGORIES = f"""
SELECT product_category, sum(revenue) AS revenue,
       sum(CASE WHEN sale_date > (SELECT max(sale_date) FROM {DAILY_CATEGORY_SALES.name}) - {RECENT_REVENUE_DAYS}
           THEN revenue ELSE 0 END) AS recent,
       min(sale_date) AS first_day, max(sale_date) AS last_day
FROM {DAILY_CATEGORY_SALES.name} GROUP BY product_category
"""
_DAILY = f"""
SELECT product_category, sale_date, revenue, units, orders, customers, lines, returned FROM {DAILY_CATEGORY_SALES.name}
WHERE sale_date > (SELECT max(sale_date) FROM {DAILY_CATEGORY_SALES.name}) - {RECENT_DAYS}
"""
# Orders and customers of several categories overlap, so the total is counted in the sales.
_DAILY_TOTAL = f"""
SELECT sale_date, sum(total_amount) AS revenue, sum(quantity) AS units, count(DISTINCT order_id) AS orders,
       count(DISTINCT customer_id) AS customers, count(*) AS lines,
       sum(CASE WHEN total_amount < 0 THEN total_amount ELSE 0 END) AS returned
FROM {SALES.name} WHERE sale_date > (SELECT max(sale_date) FROM {SALES.name}) - {RECENT_DAYS} GROUP BY sale_date
"""
_FORECAST = f"""
SELECT product_category, forecast_date, horizon_day, mean, p025, p10, p50, p90, p975, units, units_p10, units_p90,
       seasonal_naive, method, model_version
FROM {SALES_FORECAST.name}
"""
_CUSTOMERS = f"""
SELECT customer_id, persona, confidence, tags, favourite_category, lapsed_risk, frequency, monetary, average_basket,
       last_sale_date, snapshot_date, previous_persona, previous_snapshot
FROM {CUSTOMER_SEGMENTS.name}
"""
_QUARANTINE = f"""
SELECT reasons, count(*) AS row_count, sum(total_amount) AS amount, count(*) - count(total_amount) AS without_amount,
       min(landed_on) AS first_landed, max(landed_on) AS last_landed
FROM {SALES_QUARANTINE.name} GROUP BY reasons
"""
_LANDINGS = f"SELECT landed_on, count(*) AS n FROM {SALES_CLEAN.name} GROUP BY landed_on"
_REJECTED = f"SELECT landed_on, count(*) AS n FROM {SALES_QUARANTINE.name} GROUP BY landed_on"
_BACKTEST = f"""
SELECT measure, product_category, horizon, kind_of_day, model, days, rmse, mae, wape, mase, bias, coverage80,
       coverage95, champion, cutoffs, model_version
FROM {FORECAST_BACKTEST.name}
"""
_INSIGHTS = f"SELECT place, id, sentence, figure FROM {INSIGHTS.name}"


class NothingToServeError(NotReadyError):
    """There is no forecast, so there is nothing that an application could ask for."""


@dataclass(frozen=True)
class Check:
    """What a check of the data found last."""

    asset: str
    name: str
    passed: bool
    severity: str
    text: str


@dataclass(frozen=True)
class Written:
    """A SQLite file that was written.

    Attributes:
        counts: rows by table.
        first_day, cutoff: first and last day of sales.
        forecast_model: version of the forecast's model; `none` if rules alone made it.
    """

    counts: Mapping[str, int]
    first_day: dt.date
    cutoff: dt.date
    forecast_model: str


def write_database(
    path: Path,
    warehouse: Warehouse,
    output: Store,
    *,
    catalog: Catalog,
    checks: Sequence[Check] = (),
    pictures: Sequence[Picture] = (),
) -> Written:
    """Write the SQLite file of a bundle.

    Args:
        path: where; there is no file yet.
        warehouse: has the tables.
        output: has the recommendations; without them a bundle has none.
        catalog: descriptions of the personas.
        checks: what the checks found last.
        pictures: charts for the server's pages.

    Raises:
        NothingToServeError: there is no forecast.
        NotReadyError: a table does not exist yet.
        WarehouseError, StorageError: the warehouse or the store refuses.
    """
    categories = warehouse.query(_CATEGORIES).to_pylist()
    forecast = warehouse.query(_FORECAST).to_pylist()
    if not categories or not forecast:
        raise NothingToServeError(
            "There is no forecast to publish yet. Materialize sales_forecast (and what it depends on)."
        )
    advice = _recommendations(output)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("page_size=4096", "journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-20000"):
            database.execute(f"PRAGMA {pragma}")
        for table in schema.ALL:
            database.execute(table.ddl)
        database.execute("BEGIN")
        ranked = _write_categories(database, categories)
        _insert(database, schema.FORECAST, (_values(row) for row in forecast))
        _write_customers(database, warehouse)
        _write_personas(database, warehouse, catalog, advice.get("segments") or {})
        stock = enumerate(advice.get("stock") or (), 1)
        _insert(database, schema.STOCK, ((place, str(each.get("category", "")), _json(each)) for place, each in stock))
        _insert(database, schema.NOTE, enumerate(map(str, advice.get("notes") or ()), 1))
        _write_daily(database, warehouse, set(ranked[:MOST_CATEGORIES]))
        _insert(database, schema.QUARANTINE, _by_reason(warehouse.query(_QUARANTINE).to_pylist()))
        _insert(database, schema.LANDING, _landings(warehouse))
        _insert(database, schema.CHECK_RESULT, ((c.asset, c.name, int(c.passed), c.severity, c.text) for c in checks))
        _insert(database, schema.BACKTEST, (_values(row) for row in warehouse.query(_BACKTEST).to_pylist()))
        _insert(database, schema.INSIGHT, (_values(row) for row in _optional(warehouse, _INSIGHTS)))
        _insert(database, schema.PICTURE, ((p.name, p.category, p.title, p.text, p.svg) for p in pictures))
        database.execute("COMMIT")
        counts = {t.name: database.execute(f"SELECT count(*) FROM {t.name}").fetchone()[0] for t in schema.ALL}
    versions = {row["model_version"] for row in forecast}
    return Written(
        counts,
        first_day=min(row["first_day"] for row in categories),
        cutoff=max(row["last_day"] for row in categories),
        forecast_model=max(versions) or NO_MODEL,
    )


def _write_categories(database: sqlite3.Connection, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the catalog; return its names by falling recent revenue."""
    ranked = sorted(rows, key=lambda row: (-row["recent"], -row["revenue"], row["product_category"]))
    total = (
        schema.TOTAL,
        0,
        _text(sum((row["revenue"] for row in rows), Decimal("0.00"))),
        _text(sum((row["recent"] for row in rows), Decimal("0.00"))),
        min(row["first_day"] for row in rows).isoformat(),
        max(row["last_day"] for row in rows).isoformat(),
    )
    _insert(
        database,
        schema.CATEGORY,
        [
            total,
            *(
                (row["product_category"], place, _text(row["revenue"]), _text(row["recent"]), *_days(row))
                for place, row in enumerate(ranked, 1)
            ),
        ],
    )
    return [row["product_category"] for row in ranked]


def _days(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["first_day"].isoformat(), row["last_day"].isoformat()


def _write_customers(database: sqlite3.Connection, warehouse: Warehouse) -> None:
    """Write the customers, who may be millions: in batches, in any order, then sorted on disk."""
    table = schema.CUSTOMER
    columns = ", ".join(table.names)
    places = ", ".join("?" * len(table.names))
    database.execute(f"CREATE TEMP TABLE unsorted ({columns})")
    for batch in warehouse.scan(_CUSTOMERS):
        cells = ([_cell(value) for value in column.to_pylist()] for column in batch.columns)
        database.executemany(f"INSERT INTO unsorted VALUES ({places})", zip(*cells, strict=True))
    database.execute(f"INSERT INTO {table.name} SELECT {columns} FROM unsorted ORDER BY customer_id")
    database.execute("DROP TABLE unsorted")


def _write_personas(
    database: sqlite3.Connection, warehouse: Warehouse, catalog: Catalog, advice: Mapping[str, Any]
) -> None:
    profiles = warehouse.query(f"SELECT * FROM {SEGMENT_PROFILES.name}").to_pylist()
    shown = {name: place for place, name in enumerate(advice)}
    profiles.sort(key=lambda row: (shown.get(row["persona"], len(shown)), -row["revenue"], row["persona"]))
    rows = []
    for place, row in enumerate(profiles, 1):
        persona = catalog.named(row["persona"])
        named = ("persona", "decided_by", "customers", "revenue")
        numbers = {name: _cell(value) for name, value in row.items() if name not in named}
        rows.append(
            (
                row["persona"],
                place,
                persona.description if persona else "",
                row["decided_by"],
                row["customers"],
                _text(row["revenue"]),
                _json(numbers),
                _json(advice[row["persona"]]) if row["persona"] in advice else None,
            )
        )
    _insert(database, schema.PERSONA, rows)


def _write_daily(database: sqlite3.Connection, warehouse: Warehouse, categories: set[str]) -> None:
    rows = [_values(row) for row in warehouse.query(_DAILY).to_pylist() if row["product_category"] in categories]
    rows += [(schema.TOTAL, *_values(row)) for row in warehouse.query(_DAILY_TOTAL).to_pylist()]
    _insert(database, schema.DAILY_SALES, rows)


def _by_reason(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Rejected rows by reason; one that broke several rules counts with each."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        for reason in row["reasons"].split(","):
            found.setdefault(reason.strip(), []).append(row)
    return [
        (
            reason,
            sum(row["row_count"] for row in those),
            _text(sum((row["amount"] for row in those if row["amount"] is not None), Decimal("0.00"))),
            sum(row["without_amount"] for row in those),
            min(row["first_landed"] for row in those).isoformat(),
            max(row["last_landed"] for row in those).isoformat(),
        )
        for reason, those in found.items()
    ]


def _landings(warehouse: Warehouse) -> list[tuple[str, int, int]]:
    clean = {row["landed_on"]: row["n"] for row in warehouse.query(_LANDINGS).to_pylist()}
    rejected = {row["landed_on"]: row["n"] for row in warehouse.query(_REJECTED).to_pylist()}
    return [(day.isoformat(), clean.get(day, 0), rejected.get(day, 0)) for day in sorted({*clean, *rejected})]


def _optional(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = warehouse.query(sql).to_pylist()
    except NotReadyError:
        return []
    return rows


def _recommendations(output: Store) -> Mapping[str, Any]:
    found = output.read_if_exists(RECOMMENDATIONS)
    content = json.loads(found) if found else {}
    return content if isinstance(content, dict) else {}


def _insert(database: sqlite3.Connection, table: schema.Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows in the order of the key, which decides where a row is in the file."""
    places = [table.names.index(name) for name in table.key]
    ordered: Iterator[Sequence[Any]] = iter(sorted(rows, key=lambda row: tuple(row[at] for at in places)))
    database.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.names))})", ordered)


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(map(_cell, row.values()))


def _cell(value: Any) -> Any:
    """A value as the file holds it: days and exact money as text, a truth as 0 or 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return _text(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _text(value: Decimal) -> str:
    """Exact money as a decimal text, never with an exponent."""
    return f"{value:f}"


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
