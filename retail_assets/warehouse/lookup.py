"""Looks up predictions in the warehouse: the forecast of a category, the segment of a customer."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from retail_assets.errors import NotReadyError, RetailError, nearest
from retail_assets.tables import CUSTOMER_SEGMENTS, SALES, SALES_FORECAST
from retail_assets.warehouse.protocol import Warehouse

MOST_DAYS = 28
_TOTAL = "TOTAL"


class UnknownSubjectError(RetailError):
    """The category or the customer does not exist."""


def forecast(warehouse: Warehouse, category: str | None, days: int = MOST_DAYS) -> list[dict[str, Any]]:
    """Return the forecast of one category, or of the total (`None`), for the next `days` days.

    Each item has `forecast_date`, `product_category` (`TOTAL` for the total), `mean`, the quantiles `p025` to `p975`,
    `units` with its 80 % interval, `seasonal_naive`, `cutoff_date`, `method`, `model_version` and `issued_at`. Raises
    NotReadyError before the first forecast, UnknownSubjectError for a category without a forecast.
    """
    categories = [
        r["product_category"] for r in _rows(warehouse, f"SELECT DISTINCT product_category FROM {SALES_FORECAST.name}")
    ]
    if not categories:
        raise NotReadyError("There is no forecast yet. Materialize sales_forecast (and what it depends on) first.")
    by_fold = {name.casefold(): name for name in categories}
    wanted = _TOTAL if category is None else category.strip()
    match = wanted if wanted in categories else by_fold.get(wanted.casefold())
    if match is None:
        suggestion = nearest(wanted, categories) or nearest(wanted.upper(), categories)
        raise UnknownSubjectError(
            f"There is no forecast for category {wanted!r}.{suggestion} "
            f"Categories: {', '.join(sorted(categories)[:20])}{' …' if len(categories) > 20 else ''}."
        )
    return _rows(
        warehouse,
        "SELECT forecast_date, product_category, mean, p025, p10, p50, p90, p975, units, units_p10, units_p90, "
        "seasonal_naive, cutoff_date, method, "
        "model_version, issued_at "
        # Of a source that reports weeks the first row is day 7.
        f"FROM {SALES_FORECAST.name} WHERE product_category = ? AND (horizon_day <= ? OR horizon_day = "
        f"(SELECT min(horizon_day) FROM {SALES_FORECAST.name})) ORDER BY forecast_date",
        match,
        days,
    )


def last_day(warehouse: Warehouse, category: str | None) -> dt.date | None:
    """Return the last day of a forecast; None where there is no such forecast."""
    try:
        return cast(dt.date, forecast(warehouse, category)[-1]["forecast_date"])
    except RetailError:
        return None


def segment(warehouse: Warehouse, customer: str) -> dict[str, Any]:
    """Return the segment of one customer with the numbers behind it.

    Raises NotReadyError before the first segmentation, UnknownSubjectError for an empty id and for a customer without a
    segment; the message says whether the customer has sales.
    """
    customer = customer.strip()
    if not customer:
        raise UnknownSubjectError(
            "There is no segment without a customer id: anonymous sales cannot be assigned. Give the customer's id."
        )
    [count] = _rows(
        warehouse, f"SELECT count(*) AS n, max(snapshot_date) AS segmented_on FROM {CUSTOMER_SEGMENTS.name}"
    )
    if not count["n"]:
        raise NotReadyError(
            "No customer has been segmented yet. Materialize customer_segments (and what it depends on) first."
        )
    segments = _rows(warehouse, f"SELECT * FROM {CUSTOMER_SEGMENTS.name} WHERE customer_id = ?", customer)
    if segments:
        return segments[0]
    [sales] = _rows(
        warehouse,
        f"SELECT count(*) AS n, min(sale_date) AS first_sale FROM {SALES.name} WHERE customer_id = ?",
        customer,
    )
    if sales["n"]:
        raise UnknownSubjectError(
            f"Customer {customer!r} first bought on {sales['first_sale']} and has no segment yet: the segments are "
            f"as of {count['segmented_on']}. Materialize customer_features and customer_segments again."
        )
    raise UnknownSubjectError(
        f"Customer {customer!r} has no sales on record. Ids must match sales.customer_id exactly."
    )


def jsonable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with dates as ISO text and exact money as decimal strings.

    >>> jsonable({"sale_date": dt.date(2024, 1, 31), "lines": 3})
    {'sale_date': '2024-01-31', 'lines': 3}
    """
    return {k: v if v is None or isinstance(v, (int, float, str)) else _text(v) for k, v in row.items()}


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)


def _rows(warehouse: Warehouse, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = warehouse.query(sql, parameters).to_pylist()
    return rows
