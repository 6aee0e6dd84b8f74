"""Reading predictions from the warehouse: the forecast of a category, the segment of a customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from retail_assets.errors import NotReadyError, RetailError, nearest
from retail_assets.tables import CUSTOMER_SEGMENTS, SALES, SALES_FORECAST
from retail_assets.warehouse.protocol import Warehouse

_MOST_DAYS = 28
_TOTAL = "TOTAL"


class UnknownSubjectError(RetailError):
    """There is no such category or customer."""


def forecast(warehouse: Warehouse, category: str | None, days: int = _MOST_DAYS) -> list[dict[str, Any]]:
    """The next `days` days of one category, or of the total of all (`None`).

    Each item has `forecast_date`, `product_category` (`TOTAL` for all), `mean`, the quantiles `p025` to `p975`,
    `units` with its 80 % interval, `seasonal_naive`, `cutoff_date`, `method`, `model_version` and `issued_at`. Raises
    NotReadyError before the first forecast, UnknownSubjectError for a category without one.
    """
    known = [
        r["product_category"] for r in _rows(warehouse, f"SELECT DISTINCT product_category FROM {SALES_FORECAST.name}")
    ]
    if not known:
        raise NotReadyError("There is no forecast yet. Materialize sales_forecast (and what it needs) first.")
    by_fold = {name.casefold(): name for name in known}
    wanted = _TOTAL if category is None else category.strip()
    match = wanted if wanted in known else by_fold.get(wanted.casefold())
    if match is None:
        meant = nearest(wanted, known) or nearest(wanted.upper(), known)
        raise UnknownSubjectError(
            f"There is no forecast for category {wanted!r}.{meant} "
            f"Known: {', '.join(sorted(known)[:20])}{' …' if len(known) > 20 else ''}."
        )
    return _rows(
        warehouse,
        "SELECT forecast_date, product_category, mean, p025, p10, p50, p90, p975, units, units_p10, units_p90, "
        "seasonal_naive, cutoff_date, method, "
        "model_version, issued_at "
        f"FROM {SALES_FORECAST.name} WHERE product_category = ? AND horizon_day <= ? ORDER BY forecast_date",
        match,
        days,
    )


def segment(warehouse: Warehouse, customer: str) -> dict[str, Any]:
    """The segment of one customer with the numbers behind it.

    Raises NotReadyError before the first segmentation, UnknownSubjectError for a customer without a segment (and says
    whether sales know the customer) and for no id at all.
    """
    customer = customer.strip()
    if not customer:
        raise UnknownSubjectError(
            "Without an id there is no segment: anonymous sales cannot be told apart. Give the customer's id."
        )
    [count] = _rows(
        warehouse, f"SELECT count(*) AS n, max(snapshot_date) AS segmented_on FROM {CUSTOMER_SEGMENTS.name}"
    )
    if not count["n"]:
        raise NotReadyError(
            "No customer has been segmented yet. Materialize customer_segments (and what it needs) first."
        )
    found = _rows(warehouse, f"SELECT * FROM {CUSTOMER_SEGMENTS.name} WHERE customer_id = ?", customer)
    if found:
        return found[0]
    [sales] = _rows(
        warehouse,
        f"SELECT count(*) AS n, min(sale_date) AS first_sale FROM {SALES.name} WHERE customer_id = ?",
        customer,
    )
    if sales["n"]:
        raise UnknownSubjectError(
            f"Customer {customer!r} first bought on {sales['first_sale']} and has no segment yet: the segments are of "
            f"{count['segmented_on']}. Materialize customer_features and customer_segments again."
        )
    raise UnknownSubjectError(
        f"Customer {customer!r} has no sales on record. Ids are compared exactly as they stand in sales.customer_id."
    )


def jsonable(row: dict[str, Any]) -> dict[str, Any]:
    """A row with dates as ISO text and exact money as decimal strings."""
    return {k: v if v is None or isinstance(v, (int, float, str)) else _text(v) for k, v in row.items()}


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)


def _rows(warehouse: Warehouse, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = warehouse.query(sql, parameters).to_pylist()
    return rows
