"""A bundle of any size without a warehouse: 12 categories, 28 days, made-up customers. One call, the same bytes."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from retail_assets import __version__
from retail_assets.contracts.loading import load
from retail_assets.exports.bundle.numbers import segment_numbers
from retail_assets.exports.bundle.publish import publish_files
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.serving import schema
from retail_assets.serving import segment_numbers as numbers_file
from retail_assets.serving.manifest import DATABASE, MODEL, Manifest
from retail_assets.serving.segment_numbers import Clusters
from retail_assets.storage import Store

SOURCE = "retail_sales"
LAST = dt.date(2023, 12, 31)
CATEGORIES = tuple(f"Category {number:02d}" for number in range(1, 13))
PERSONAS = ("High-Value Customers", "Budget Shoppers", "Occasional Shoppers", "Low-Engagement")
_VERSION = "20231231-0123456789"
_DAYS = 400


def publish(serving: Store, *, customers: int = 2_500, factor: float = 1.0, now: dt.datetime | None = None) -> Manifest:
    """Publish a bundle below `<serving>/retail_sales` and return its manifest.

    Args:
        serving: store of all bundles.
        customers: how many; a million take 0.2 GB.
        factor: of the forecast: another one is another bundle.
        now: the time; by default of the clock.
    """
    contract = load(SOURCE)
    with tempfile.TemporaryDirectory(prefix="retail-bench-") as scratch:
        folder = Path(scratch)
        counts = _write_database(folder / DATABASE, customers, factor)
        numbers = segment_numbers(None, _VERSION, LAST, window_days=WINDOW_DAYS, catalog=DEFAULT, contract=contract)
        (folder / MODEL).write_bytes(numbers_file.dumps(_with_clusters(numbers)))
        manifest = Manifest(
            version="",
            created=(now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
            source=SOURCE,
            currency=contract.currency,
            country=contract.country,
            timezone=contract.timezone,
            first_day="2022-01-01",
            cutoff=LAST.isoformat(),
            forecast_model=_VERSION,
            segment_model=_VERSION,
            schema_version=schema.SCHEMA_VERSION,
            code_version=__version__,
            counts=counts,
        )
        return publish_files(serving, manifest, folder, now or dt.datetime.now(dt.UTC))


def _with_clusters(numbers: numbers_file.SegmentNumbers) -> numbers_file.SegmentNumbers:
    centers = ((1.2, 1.2, 0.6), (0.8, -0.2, -1.0), (-0.9, -0.2, 0.9), (-0.8, -1.1, -0.5))
    clusters = Clusters((0.1, 0.1, 0.1), (3.0, 6.0, 4.0), (1.0, 1.5, 1.0), centers, PERSONAS, 0.6, 4.0)
    return replace(numbers, clusters=clusters)


def _write_database(path: Path, customers: int, factor: float) -> dict[str, int]:
    draw = random.Random(0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("page_size=4096", "journal_mode=OFF", "synchronous=OFF"):
            database.execute(f"PRAGMA {pragma}")
        for table in schema.ALL:
            database.execute(table.ddl)
        database.execute("BEGIN")
        _fill(database, schema.CATEGORY, _categories())
        _fill(database, schema.FORECAST, _forecasts(factor))
        _fill(database, schema.CUSTOMER, _customers(customers, draw))
        _fill(database, schema.PERSONA, _personas(customers))
        _fill(database, schema.DAILY_SALES, _daily(draw))
        _fill(database, schema.QUARANTINE, [("invalid_date", 12, "120.00", 3, "2023-12-01", "2023-12-31")])
        _fill(
            database, schema.STOCK, [(1, CATEGORIES[0], json.dumps({"category": CATEGORIES[0], "text": "Stock up."}))]
        )
        database.execute("COMMIT")
        return {t.name: int(database.execute(f"SELECT count(*) FROM {t.name}").fetchone()[0]) for t in schema.ALL}


def _fill(
    database: sqlite3.Connection, table: schema.Table, rows: Iterator[tuple[object, ...]] | list[tuple[object, ...]]
) -> None:
    database.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.names))})", rows)


def _categories() -> Iterator[tuple[object, ...]]:
    for place, name in enumerate((schema.TOTAL, *CATEGORIES)):
        yield name, place, f"{1000 * (20 - place)}.00", f"{100 * (20 - place)}.00", "2022-01-01", LAST.isoformat()


def _forecasts(factor: float) -> Iterator[tuple[object, ...]]:
    for place, name in enumerate((*CATEGORIES, schema.TOTAL), 1):
        for ahead in range(1, 29):
            mean = factor * (1000.25 * place + ahead)
            quantiles = [round(mean * times, 2) for times in (0.6, 0.8, 0.99, 1.2, 1.4)]
            units = (mean / 10, None, None) if name == schema.TOTAL else (mean / 10, mean / 15, mean / 5)
            day = (LAST + dt.timedelta(days=ahead)).isoformat()
            yield name, day, ahead, mean, *quantiles, *units, mean * 0.9, "gradient_boosting", _VERSION


def _customers(count: int, draw: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        bought = 2 + number % 90
        basket = round(5 + 90 * draw.random(), 2)
        last = (LAST - dt.timedelta(days=number % 300)).isoformat()
        yield (
            f"C{number:08d}", PERSONAS[number % 4], round(0.3 + 0.7 * draw.random(), 6), "weekend shopper", None, 0,
            bought, f"{bought * basket:.2f}", basket, last, LAST.isoformat(), None, None,
        )  # fmt: skip


def _personas(customers: int) -> Iterator[tuple[object, ...]]:
    for place, name in enumerate(PERSONAS, 1):
        persona = DEFAULT.named(name)
        document = json.dumps(
            {"action": f"Do something for {name}.", "text": "They buy.", "categories": [], "when": {}}
        )
        description = persona.description if persona else ""
        yield (
            name,
            place,
            description,
            "cluster",
            customers // 4,
            "1000.00",
            json.dumps({"customers_share": 0.25}),
            document,
        )


def _daily(draw: random.Random) -> Iterator[tuple[object, ...]]:
    for name in (*CATEGORIES, schema.TOTAL):
        for before in range(_DAYS - 1, -1, -1):
            revenue = f"{1000 + 500 * draw.random():.2f}"
            yield name, (LAST - dt.timedelta(days=before)).isoformat(), revenue, "100.000", 40, 30, 60, "0.00"
