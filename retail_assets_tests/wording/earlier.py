"""Each shop as the run before found it: without its last six weeks, whose landing is the last one of each month."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb

from retail_assets.eda.data import EdaData, load
from retail_assets.eda.insights.page import write_insights
from retail_assets.eda.landed import Landed
from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_CUSTOMER
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording.shops import SCHEMA, Shop

UNSEEN = dt.timedelta(days=42)


def cut_of(shop: Shop) -> dt.date:
    """The last day that the run before has seen."""
    last: dt.date = shop.one("SELECT max(sale_date) FROM sales")
    return last - UNSEEN


def landings_of(shop: Shop) -> dict[dt.date, tuple[int, str]]:
    """A landing per month of sale, on its first day: rows, and a hash made of their money."""
    month = "CAST(date_trunc('month', sale_date) AS DATE)"
    rows = shop.ask(f"SELECT {month}, count(*), sum(total_amount) FROM sales GROUP BY 1 ORDER BY 1")
    return {month: (lines, f"{amount}") for month, lines, amount in rows}


def as_before(shop: Shop, folder: Path) -> Shop:
    """Open a copy of the shop without its last six weeks."""
    path = folder / f"{shop.name}-before.duckdb"
    shutil.copy(shop.path, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"SET schema = '{SCHEMA}'")
        connection.execute("DELETE FROM sales WHERE sale_date > ?", [cut_of(shop)])
    warehouse = DuckDBWarehouse(path, SCHEMA)
    warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return replace(shop, warehouse=warehouse, path=path)


def read(shop: Shop) -> tuple[EdaData, list[Statement]]:
    """Read a shop, and what its page says."""
    data = load(shop.warehouse.query, Landed(landings=landings_of(shop)))
    with recorded() as statements:
        write_insights(data, currency=shop.currency, country=shop.country)
    return data, statements
