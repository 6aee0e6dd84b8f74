"""The SQL of loyalty: how many customers of a month come back, and who of a month's customers was there before.

Portable as `queries` describes. A customer is *active* in a month with a purchase: an order in which something was
bought. Returns count in the month's revenue, and make nobody active. The number of rows grows with the square of the
number of months, not with customers or sales.
"""

from __future__ import annotations

_MONTHS = """
orders as (
    select
        customer_id,
        order_id,
        cast(date_trunc('month', min(sale_date)) as date) as month_start,
        sum(total_amount) as revenue,
        max(case when quantity > 0 then 1 else 0 end) as bought
    from sales
    where customer_id is not null
    group by customer_id, order_id
),
months as (
    select customer_id, month_start, cast(sum(bought) as bigint) as orders, sum(revenue) as revenue
    from orders
    group by customer_id, month_start
)"""

# `since` is the customer's latest month with a purchase before this one, null for none.
CUSTOMER_MONTHS = f"""
with {_MONTHS},
dated as (
    select
        month_start,
        orders,
        revenue,
        case when orders > 0 then 1 else 0 end as active,
        max(case when orders > 0 then month_start end) over (
            partition by customer_id order by month_start rows between unbounded preceding and 1 preceding
        ) as since
    from months
)
select
    month_start,
    active,
    since,
    count(*) as customers,
    cast(sum(orders) as bigint) as orders,
    sum(revenue) as revenue
from dated
group by 1, 2, 3
order by 1, 2, 3
"""

# A cohort are the customers of one first month, or quarter, with a purchase. What they returned before is in none.
COHORTS = f"""
with {_MONTHS},
periods as (
    select cast('month' as varchar(8)) as period, customer_id, month_start as period_start, orders, revenue
    from months
    union all
    select
        cast('quarter' as varchar(8)) as period,
        customer_id,
        cast(date_trunc('quarter', month_start) as date) as period_start,
        cast(sum(orders) as bigint) as orders,
        sum(revenue) as revenue
    from months
    group by 1, 2, 3
),
firsts as (
    select
        period,
        period_start,
        orders,
        revenue,
        min(case when orders > 0 then period_start end) over (partition by period, customer_id) as cohort
    from periods
)
select
    period,
    cohort,
    period_start,
    cast(sum(case when orders > 0 then 1 else 0 end) as bigint) as customers,
    sum(revenue) as revenue
from firsts
where period_start >= cohort
group by 1, 2, 3
order by 1, 2, 3
"""
