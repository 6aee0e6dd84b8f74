"""Customers made up for the tests, as features frames and as sales, with the kind that each was planted as."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.segmentation.model.features import frame as features_frame
from retail_assets.tables import CUSTOMER_FEATURES, DIM_CUSTOMER, DIM_DATE, SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse

SNAPSHOT = date(2023, 12, 31)

# Purchases a year, money a purchase, days since the last one, share of the best month.
PLANTED = {
    "High-Value Customers": (40, 90, 4, 0.12),
    "Budget Shoppers": (40, 8, 4, 0.12),
    "Seasonal Shoppers": (6, 90, 20, 0.7),
    "Low-Engagement": (6, 15, 60, 0.35),
}
THREE_KINDS = ("High-Value Customers", "Budget Shoppers", "Seasonal Shoppers")


def customer(
    customer_id: str,
    frequency: int,
    monetary: str | Decimal,
    *,
    recency: int = 10,
    top_month_share: float | None = 0.2,
    snapshot: date = SNAPSHOT,
    **others: Any,
) -> dict[str, Any]:
    """One row of `customer_features`."""
    money = Decimal(monetary)
    last = snapshot - timedelta(days=recency)
    first = last - timedelta(days=100 if frequency > 1 else 0)
    return {
        **dict.fromkeys(CUSTOMER_FEATURES.names),
        "customer_id": customer_id,
        "frequency": frequency,
        "purchase_days": frequency,
        "monetary": money,
        "returned": Decimal(0),
        "average_basket": float(money) / frequency if frequency else 0.0,
        "first_sale_date": first,
        "last_sale_date": last,
        "recency": recency,
        "tenure": (snapshot - first).days,
        "top_month_share": top_month_share,
        "snapshot_date": snapshot,
        "window_days": 365,
        **others,
    }


def rows(customers: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows of `customer_features` as the warehouse returns them."""
    return pa.Table.from_pylist(list(customers), schema=CUSTOMER_FEATURES.arrow_schema())


def frame(customers: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A features frame."""
    return features_frame(rows(customers))


def planted_customers(kinds: Sequence[str], each: int, *, seed: int = 0) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """`each` customers of each kind in shuffled order, and the kind of each customer."""
    rng = np.random.default_rng(seed)
    customers, truth = [], {}
    for kind in kinds:
        frequency, basket, recency, share = PLANTED[kind]
        for number in range(each):
            purchases = max(2, int(rng.poisson(frequency)))
            money = Decimal(str(round(purchases * basket * float(rng.lognormal(0, 0.25)), 2)))
            row = customer(
                f"{kind[:3]}-{number:04d}",
                purchases,
                money,
                recency=int(rng.poisson(recency)),
                top_month_share=float(np.clip(rng.normal(share, 0.05), 0.08, 1)),
            )
            customers.append(row)
            truth[row["customer_id"]] = kind
    return [customers[i] for i in rng.permutation(len(customers))], truth


def planted(kinds: Sequence[str], each: int, *, seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """As `planted_customers`: a features frame, and the kind of each of its rows."""
    customers, truth = planted_customers(kinds, each, seed=seed)
    features = frame(customers)
    return features, [truth[customer_id] for customer_id in features["customer_id"]]


def line(
    order: str,
    day: date | str,
    customer_id: str | None,
    amount: str | float,
    *,
    quantity: float = 1,
    category: str = "Books",
    **others: Any,
) -> dict[str, Any]:
    """One row of `sales`."""
    day = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return {
        **dict.fromkeys(SALES.names),
        "transaction_id": f"{order}-{category}-{amount}",
        "order_id": order,
        "sold_at": dt.datetime.combine(day, dt.time(12)),
        "sale_date": day,
        "customer_id": customer_id,
        "product_category": category,
        "quantity": Decimal(str(quantity)),
        "unit_price": Decimal(0),
        "total_amount": Decimal(str(amount)).quantize(Decimal("0.01")),
        "source": "retail_sales",
        "landed_on": day,
        "source_file": "f",
        "source_line": 1,
        **others,
    }


def planted_sales(
    kinds: Sequence[str], each: int, *, first: date = date(2023, 1, 1), days: int = 365, seed: int = 0
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Sales of `each` customers of each kind over `days` days, and the kind of each customer."""
    rng = np.random.default_rng(seed)
    sales, truth = [], {}
    for kind in kinds:
        frequency, basket, _, _ = PLANTED[kind]
        for number in range(each):
            customer_id = f"{kind[:3]}-{number:04d}"
            truth[customer_id] = kind
            level = basket * float(rng.lognormal(0, 0.2))
            for visit, day in enumerate(
                sorted(rng.integers(0, days, max(2, int(rng.poisson(frequency * days / 365)))))
            ):
                amount = round(level * float(rng.lognormal(0, 0.2)), 2)
                category = str(rng.choice(["Books", "Games", "Toys"]))
                order = f"{customer_id}/{visit}"
                sales.append(line(order, first + timedelta(days=int(day)), customer_id, amount, category=category))
    return sales, truth


def fill(warehouse: Any, sales: Iterable[dict[str, Any]], country: str = "US") -> None:
    """Make the sales, the calendar and the customers of a warehouse."""
    warehouse.replace(SALES, pa.Table.from_pylist(list(sales), schema=SALES.arrow_schema()))
    warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    [span] = warehouse.query(marts.SALES_SPAN).to_pylist()
    if span["first_day"]:
        warehouse.replace(DIM_DATE, marts.dim_date(span["first_day"], span["last_day"], country))
    else:
        warehouse.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())


def warehouse_at(folder: Path, sales: Iterable[dict[str, Any]] = ()) -> DuckDBWarehouse:
    """An embedded warehouse with these sales."""
    warehouse = DuckDBWarehouse(folder / "test.duckdb", "shop")
    fill(warehouse, sales)
    return warehouse
