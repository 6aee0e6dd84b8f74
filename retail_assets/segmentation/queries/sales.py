"""What the segments need to know about `sales` as a whole: its span, anonymous sales, and revenue by customer."""

from __future__ import annotations

import datetime as dt

from retail_assets.tables import SALES

SCOPE = f"""
select
    max(sale_date) as snapshot_date,
    min(sale_date) as first_date,
    count(*) as sales_lines,
    coalesce(sum(case when customer_id is null then 1 else 0 end), 0) as anonymous_lines,
    count(distinct case when customer_id is null then order_id end) as anonymous_orders,
    cast(coalesce(sum(case when customer_id is null then total_amount else 0 end), 0) as decimal(18,2))
        as anonymous_revenue
from {SALES.name}
"""
"""One row: first and last day of the sales (null without any), and the sales without a customer id."""


def revenue_between(after: dt.date, upto: dt.date) -> str:
    """Return the SELECT of `customer_id, revenue`: net revenue after the day `after`, up to and including `upto`."""
    return f"""
select customer_id, cast(sum(total_amount) as double precision) as revenue
from {SALES.name}
where customer_id is not null
    and sale_date > date '{after.isoformat()}' and sale_date <= date '{upto.isoformat()}'
group by customer_id
order by customer_id
"""
