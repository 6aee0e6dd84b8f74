"""The dimensions and marts computed from `sales`, as portable SQL (DuckDB and Redshift)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from retail_assets.tables import DIM_DATE, NO_STORE

if TYPE_CHECKING:
    import pyarrow as pa

_MEASURES = """
           CAST(sum(total_amount) AS DECIMAL(18,2)) AS revenue,
           CAST(sum(quantity) AS DECIMAL(18,3)) AS units,
           count(DISTINCT order_id) AS orders,
           count(DISTINCT customer_id) AS customers,
           count(*) AS lines,
           CAST(sum(CASE WHEN total_amount < 0 THEN total_amount ELSE 0 END) AS DECIMAL(18,2)) AS returned"""

DAILY_CATEGORY_SALES = f"""
    SELECT sale_date, product_category, {_MEASURES}
    FROM sales
    GROUP BY sale_date, product_category"""

_STORE = f"coalesce(store_id, '{NO_STORE}')"

DAILY_STORE_CATEGORY_SALES = f"""
    SELECT sale_date, {_STORE} AS store_id, product_category, {_MEASURES}
    FROM sales
    GROUP BY sale_date, {_STORE}, product_category"""

DIM_STORE = f"""
    SELECT {_STORE} AS store_id, min(sale_date) AS first_sale_date, max(sale_date) AS last_sale_date, {_MEASURES}
    FROM sales
    GROUP BY {_STORE}"""

_LATEST_FIRST = "sold_at DESC, landed_on DESC, transaction_id DESC"


def _known_first(column: str) -> str:
    """An expression that ranks a customer's sales; rank 1 is the latest one with a value in the column.

    Portable, unlike IGNORE NULLS.
    """
    order = f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, {_LATEST_FIRST}"
    return f"row_number() OVER (PARTITION BY customer_id ORDER BY {order}) AS {column}_rank"


DIM_CUSTOMER = f"""
    SELECT customer_id,
           max(CASE WHEN gender_rank = 1 THEN gender END) AS gender,
           max(CASE WHEN age_rank = 1 THEN age END) AS age,
           max(CASE WHEN age_group_rank = 1 THEN age_group END) AS age_group,
           min(sale_date) AS first_sale_date, max(sale_date) AS last_sale_date,
           count(DISTINCT order_id) AS orders, CAST(sum(total_amount) AS DECIMAL(18,2)) AS revenue
    FROM (
        SELECT customer_id, gender, age, age_group, sale_date, order_id, total_amount,
               {_known_first("gender")}, {_known_first("age")}, {_known_first("age_group")}
        FROM sales WHERE customer_id IS NOT NULL
    ) AS ranked
    GROUP BY customer_id"""

DIM_PRODUCT = f"""
    SELECT s.product_key, s.product_id, k.product_category, s.first_sale_date, s.last_sale_date, s.revenue, s.units
    FROM (
        SELECT coalesce(product_id, product_category) AS product_key, max(product_id) AS product_id,
               min(sale_date) AS first_sale_date, max(sale_date) AS last_sale_date,
               CAST(sum(total_amount) AS DECIMAL(18,2)) AS revenue, CAST(sum(quantity) AS DECIMAL(18,3)) AS units
        FROM sales GROUP BY coalesce(product_id, product_category)
    ) AS s
    JOIN (
        SELECT product_key, product_category FROM (
            SELECT coalesce(product_id, product_category) AS product_key, product_category,
                   row_number() OVER (PARTITION BY coalesce(product_id, product_category)
                                      ORDER BY {_LATEST_FIRST}) AS version
            FROM sales
        ) AS v WHERE version = 1
    ) AS k ON k.product_key = s.product_key"""

SALES_SPAN = "SELECT min(sale_date) AS first_day, max(sale_date) AS last_day FROM sales"


def dim_date(first: dt.date, last: dt.date, country: str) -> pa.Table:
    """Return every day from `first` to `last` with its public holiday (DIM_DATE).

    A country without a calendar has no holidays.

    >>> dim_date(dt.date(2024, 12, 25), dt.date(2024, 12, 25), "US")["holiday"].to_pylist()
    ['Christmas Day']
    """
    import holidays
    import pyarrow as pa

    try:
        # In English, as in the forecast's features: by default the names follow the machine's locale.
        calendar = holidays.country_holidays(country, years=range(first.year, last.year + 1), language="en_US")
    except NotImplementedError:
        calendar = holidays.HolidayBase()
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    rows = [
        {
            "calendar_date": day,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "day_of_month": day.day,
            "iso_week": day.isocalendar().week,
            "weekday": day.isoweekday(),
            "is_weekend": day.isoweekday() >= 6,
            "holiday": _cut(calendar.get(day)),
        }
        for day in days
    ]
    return pa.Table.from_pylist(rows, schema=DIM_DATE.arrow_schema())


def _cut(name: str | None) -> str | None:
    """A holiday's name, cut to the bytes of its column: a few names of Hong Kong are longer."""
    [most] = next(c for c in DIM_DATE.columns if c.name == "holiday").numbers
    return None if name is None else name.encode()[:most].decode("utf-8", "ignore")
