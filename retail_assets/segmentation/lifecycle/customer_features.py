"""The table `customer_features`: how each customer has shopped, computed by SQL in the warehouse."""

from __future__ import annotations

import datetime as dt

from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS, customer_features
from retail_assets.tables import CUSTOMER_FEATURES
from retail_assets.warehouse.protocol import Warehouse


def make_features(warehouse: Warehouse, *, snapshot: dt.date | None = None, window_days: int = WINDOW_DAYS) -> int:
    """Write `customer_features`, and return the number of customers.

    Args:
        warehouse: has `sales`, `dim_date` and `dim_customer`.
        snapshot: last day that counts; by default the last day of sales.
        window_days: length of the window in days.
    """
    return warehouse.rebuild(CUSTOMER_FEATURES, customer_features(snapshot, window_days))
