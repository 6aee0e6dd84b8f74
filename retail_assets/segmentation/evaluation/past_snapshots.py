"""Customers as they were at past month ends: with the sales up to that day and no later ones."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from retail_assets.segmentation.model.features import read_sample
from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.segmentation.queries.sales import SCOPE
from retail_assets.tables import DIM_CUSTOMER
from retail_assets.warehouse.protocol import Warehouse

LEAST_DAYS = 90
"""Days of sales that a segmentation needs up to its snapshot to be worth comparing."""
SAMPLED_CUSTOMERS = 25_000
"""Customers compared in every month: of more, the same sample each time, chosen by a hash of their ids. A share is then
exact to less than half a percentage point, and the sales of the other customers need not be counted."""
_HASH_DIGITS = 8


def month_ends(first: dt.date, last: dt.date, most: int) -> list[dt.date]:
    """Return the latest month ends up to `last` with at least `LEAST_DAYS` days of sales since `first`, oldest first.

    >>> [day.isoformat() for day in month_ends(dt.date(2023, 1, 1), dt.date(2023, 6, 15), most=7)]
    ['2023-03-31', '2023-04-30', '2023-05-31']
    """
    day = last if (last + dt.timedelta(1)).day == 1 else last.replace(day=1) - dt.timedelta(1)
    days: list[dt.date] = []
    while len(days) < most and (day - first).days + 1 >= LEAST_DAYS:
        days.append(day)
        day = day.replace(day=1) - dt.timedelta(1)
    return days[::-1]


def span_of_sales(warehouse: Warehouse) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last day of `sales`; None without any."""
    [scope] = warehouse.query(SCOPE).to_pylist()
    return (scope["first_date"], scope["snapshot_date"]) if scope["snapshot_date"] else None


def features_as_of(
    warehouse: Warehouse, day: dt.date, hash_limit: str | None, window_days: int = WINDOW_DAYS
) -> pd.DataFrame:
    """Return the features frame as of the end of a day, of the sample below a hash limit (see `sample_hash_limit`)."""
    features = customer_features(day, window_days, below=hash_limit)
    return read_sample(warehouse, features, at_most=SAMPLED_CUSTOMERS, everyone=True)


def sample_hash_limit(warehouse: Warehouse) -> str | None:
    """Return the hash below which about `SAMPLED_CUSTOMERS` customers lie; None if there are no more than that."""
    [row] = warehouse.query(f"select count(*) as customers from {DIM_CUSTOMER.name}").to_pylist()
    customers = int(row["customers"])
    if customers <= SAMPLED_CUSTOMERS:
        return None
    return f"{SAMPLED_CUSTOMERS * 16**_HASH_DIGITS // customers:0{_HASH_DIGITS}x}"
