"""The dimensions and marts: what is made from `sales`, as portable SQL (DuckDB and Redshift)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from retail_assets.tables import DIM_DATE

if TYPE_CHECKING:
    import pyarrow as pa

DAILY_CATEGORY_SALES = """
    SELECT sale_date, product_category,
           CAST(sum(total_amount) AS DECIMAL(18,2)) AS revenue,
           CAST(sum(quantity) AS DECIMAL(18,3)) AS units,
           count(DISTINCT order_id) AS orders,
           count(DISTINCT customer_id) AS customers,
           count(*) AS lines,
           CAST(sum(CASE WHEN total_amount < 0 THEN total_amount ELSE 0 END) AS DECIMAL(18,2)) AS returned
    FROM sales
    GROUP BY sale_date, product_category"""

DIM_CUSTOMER = """
    SELECT s.customer_id, k.gender, k.age, k.age_group, s.first_sale_date, s.last_sale_date, s.orders, s.revenue
    FROM (
        SELECT customer_id, min(sale_date) AS first_sale_date, max(sale_date) AS last_sale_date,
               count(DISTINCT order_id) AS orders, CAST(sum(total_amount) AS DECIMAL(18,2)) AS revenue
        FROM sales WHERE customer_id IS NOT NULL GROUP BY customer_id
    ) AS s
    JOIN (
        SELECT customer_id, gender, age, age_group FROM (
            SELECT customer_id, gender, age, age_group,
                   row_number() OVER (PARTITION BY customer_id
                                      ORDER BY sold_at DESC, landed_on DESC, transaction_id DESC) AS version
            FROM sales WHERE customer_id IS NOT NULL
        ) AS v WHERE version = 1
    ) AS k ON k.customer_id = s.customer_id"""

DIM_PRODUCT = """
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
                                      ORDER BY sold_at DESC, landed_on DESC, transaction_id DESC) AS version
            FROM sales
        ) AS v WHERE version = 1
    ) AS k ON k.product_key = s.product_key"""

SALES_SPAN = "SELECT min(sale_date) AS first_day, max(sale_date) AS last_day FROM sales"


def dim_date(first: dt.date, last: dt.date, country: str) -> pa.Table:
    """Every day from `first` to `last` with its public holiday (DIM_DATE). A country without a calendar has none."""
    import holidays
    import pyarrow as pa

    try:
        calendar = holidays.country_holidays(country, years=range(first.year, last.year + 1))
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
            "holiday": calendar.get(day),
        }
        for day in days
    ]
    return pa.Table.from_pylist(rows, schema=DIM_DATE.arrow_schema())
