"""How each customer has shopped: the SQL from `sales` to one row per customer, the same on DuckDB and Redshift.

A *purchase* is an order in which something was bought. A return booked as an order of its own is not a purchase, so it
does not make its customer look more loyal, but its money is netted. The *window* is the last `WINDOW_DAYS` days up to
and including the snapshot, the last day of sales. Earlier sales only show how long somebody has been a customer and
when they bought last.
"""

from __future__ import annotations

import datetime as dt

from retail_assets.tables import CUSTOMER_FEATURES, DIM_CUSTOMER, DIM_DATE, SALES

WINDOW_DAYS = 365
"""A year, so that every season counts once."""
HOLIDAY_LEAD_DAYS = 3
"""Days before a holiday on which people shop for it."""
MIN_PURCHASES = 2
"""Purchases in the window needed for the purchase frequency to mean anything; below, a rule decides the segment."""

CAN_BE_CLUSTERED = f"frequency >= {MIN_PURCHASES} and monetary > 0"
"""Enough purchases, and money left after returns. `model.features.eligible` is the same rule for a features frame."""

_BOUGHT = "quantity > 0 or total_amount > 0"


def customer_features(
    snapshot: dt.date | None = None, window_days: int = WINDOW_DAYS, *, below: str | None = None
) -> str:
    """Return the SELECT of `tables.CUSTOMER_FEATURES`: one row per customer with a sale up to the snapshot.

    Reads `sales`, `dim_date` (holidays) and `dim_customer` (gender, age). Customers without a sale in the window get a
    row of zeros. The window is shorter where the sales start later.

    Args:
        snapshot: last day that counts; by default the last day of sales.
        window_days: length of the window in days, including the snapshot.
        below: keep only customers whose id hashes (MD5) below these hexadecimal digits, before anything is counted:
            a stable sample. Favorite categories then compare with the average of that sample.

    Raises:
        ValueError: `window_days` is below 1, or `below` is not hexadecimal.
    """
    if window_days < 1:
        raise ValueError(f"window_days is {window_days}: a window has at least one day")
    if below is not None and not set(below) <= set("0123456789abcdef"):
        raise ValueError(f"{below!r} is not hexadecimal")
    identified = "customer_id is not null" + (f" and md5(customer_id) < '{below}'" if below is not None else "")
    day = f"date '{snapshot.isoformat()}'" if snapshot else f"(select max(sale_date) from {SALES.name})"
    return f"""
with span as (
    select cast({day} as date) as snapshot_date,
        case when min(sale_date) > cast({day} as date) - {window_days - 1} then min(sale_date)
            else cast({day} as date) - {window_days - 1} end as window_start
    from {SALES.name} where sale_date <= cast({day} as date)
),
special_days as (
    select distinct d.calendar_date
    from {DIM_DATE.name} d
    join {DIM_DATE.name} h on h.holiday is not null
        and h.calendar_date >= d.calendar_date and h.calendar_date <= d.calendar_date + {HOLIDAY_LEAD_DAYS}
),
ever as (
    select customer_id, min(sale_date) as first_sale_date, max(sale_date) as last_sale_date
    from {SALES.name}
    where {identified} and sale_date <= (select snapshot_date from span)
    group by customer_id
),
lines as (
    select customer_id, order_id, sale_date, product_category, quantity, total_amount
    from {SALES.name}
    where {identified}
        and sale_date <= (select snapshot_date from span) and sale_date >= (select window_start from span)
),
totals as (
    select
        lines.customer_id,
        count(distinct case when {_BOUGHT} then order_id end) as frequency,
        count(distinct case when {_BOUGHT} then sale_date end) as purchase_days,
        cast(sum(total_amount) as decimal(18,2)) as monetary,
        cast(sum(case when total_amount < 0 then total_amount else 0 end) as decimal(18,2)) as returned,
        sum(case when total_amount > 0 then total_amount else 0 end) as bought,
        sum(case when total_amount > 0 and extract(dow from sale_date) in (0, 6) then total_amount else 0 end)
            as on_weekends,
        sum(case when total_amount > 0 and special_days.calendar_date is not null then total_amount else 0 end)
            as on_holidays
    from lines
    left join special_days on special_days.calendar_date = lines.sale_date
    group by lines.customer_id
),
months as (
    select customer_id, date_trunc('month', sale_date) as sale_month, sum(total_amount) as amount
    from lines
    group by customer_id, date_trunc('month', sale_date)
),
month_shares as (
    select
        customer_id,
        case when max(amount) > 0
            then cast(max(amount) as double precision)
                / cast(sum(case when amount > 0 then amount else 0 end) as double precision)
        end as top_month_share
    from months
    group by customer_id
),
days as (
    select distinct customer_id, sale_date from lines where {_BOUGHT}
),
gaps as (
    select customer_id, cast(sale_date - lag(sale_date) over (partition by customer_id order by sale_date)
        as double precision) as gap
    from days
),
regularity as (
    select customer_id, avg(cast(gap as double precision)) as gap_mean,
        case when count(gap) >= 2 then stddev_samp(gap) / avg(cast(gap as double precision)) end as gap_cv
    from gaps
    group by customer_id
),
category_money as (
    select customer_id, product_category, sum(case when total_amount > 0 then total_amount else 0 end) as amount,
        count(distinct case when {_BOUGHT} then order_id end) as orders
    from lines
    group by customer_id, product_category
),
category_parts as (
    select product_category,
        cast(sum(amount) as double precision)
            / nullif(cast((select sum(amount) from category_money) as double precision), 0) as part
    from category_money
    group by product_category
),
favorites as (
    select customer_id, product_category, orders, share, share / nullif(part, 0) as share_index,
        row_number() over (partition by customer_id order by share - part desc, product_category) as rank_of
    from (
        select m.customer_id, m.product_category, m.orders, p.part,
            cast(m.amount as double precision) / cast(t.bought as double precision) as share
        from category_money m
        join totals t on t.customer_id = m.customer_id
        join category_parts p on p.product_category = m.product_category
        where t.bought > 0 and m.amount > 0
    ) as shares
)
select
    ever.customer_id,
    coalesce(totals.frequency, 0) as frequency,
    coalesce(totals.purchase_days, 0) as purchase_days,
    cast(coalesce(totals.monetary, 0) as decimal(18,2)) as monetary,
    cast(coalesce(totals.returned, 0) as decimal(18,2)) as returned,
    coalesce(cast(totals.monetary as double precision) / nullif(totals.frequency, 0), 0) as average_basket,
    ever.first_sale_date,
    ever.last_sale_date,
    cast(span.snapshot_date - ever.last_sale_date as bigint) as recency,
    cast(span.snapshot_date - ever.first_sale_date as bigint) as tenure,
    regularity.gap_mean,
    regularity.gap_cv,
    month_shares.top_month_share,
    cast(totals.on_weekends as double precision) / nullif(cast(totals.bought as double precision), 0) as weekend_share,
    cast(totals.on_holidays as double precision) / nullif(cast(totals.bought as double precision), 0) as holiday_share,
    favorites.product_category as favourite_category,
    favorites.share as favourite_share,
    favorites.share_index as favourite_index,
    favorites.orders as favourite_orders,
    dim_customer.gender,
    coalesce(dim_customer.age_group, case
        when dim_customer.age < 20 then 'under 20'
        when dim_customer.age < 30 then '20-29' when dim_customer.age < 40 then '30-39'
        when dim_customer.age < 50 then '40-49' when dim_customer.age < 60 then '50-59'
        when dim_customer.age >= 60 then '60+' end) as age_group,
    span.snapshot_date,
    cast(span.snapshot_date - span.window_start + 1 as integer) as window_days
from ever
cross join span
left join totals on totals.customer_id = ever.customer_id
left join month_shares on month_shares.customer_id = ever.customer_id
left join regularity on regularity.customer_id = ever.customer_id
left join favorites on favorites.customer_id = ever.customer_id and favorites.rank_of = 1
left join {DIM_CUSTOMER.name} as dim_customer on dim_customer.customer_id = ever.customer_id
"""


def sample(features: str | None, at_most: int, *, everyone: bool = False) -> str:
    """Return the SELECT of a stable sample of features rows: the customers whose ids have the smallest hashes.

    A hash of the id rather than a random number: the order of the rows does not matter, and most customers of last
    month's sample are in this month's.

    Args:
        features: a SELECT such as `customer_features()`; None for the table `customer_features`.
        at_most: customers in the sample.
        everyone: include customers who cannot be clustered (see `CAN_BE_CLUSTERED`).
    """
    source = f"({features}) as q" if features else CUSTOMER_FEATURES.name
    where = "" if everyone else f"where {CAN_BE_CLUSTERED}"
    return (
        f"select {CUSTOMER_FEATURES.column_list} from {source} {where} "
        f"order by md5(customer_id), customer_id limit {int(at_most)}"
    )


COUNTS = f"""
select
    count(*) as customers,
    coalesce(sum(case when frequency = 0 then 1 else 0 end), 0) as without_purchase,
    coalesce(sum(case when frequency = 1 then 1 else 0 end), 0) as with_one_purchase,
    coalesce(sum(case when {CAN_BE_CLUSTERED} then 1 else 0 end), 0) as eligible,
    max(snapshot_date) as snapshot_date,
    max(window_days) as window_days
from {CUSTOMER_FEATURES.name}
"""
"""One row: how many customers there are, and how many of them can be clustered."""
