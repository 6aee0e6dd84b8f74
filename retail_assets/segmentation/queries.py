"""The SQL that turns the `sales` table into one row a customer; the text runs unchanged on DuckDB and Redshift.

A *purchase* is an order in which something was bought: a return booked under a document number of its own must not make
its customer look more loyal, but its money is netted.
"""

from __future__ import annotations

from retail_assets.tables import SALES

CUSTOMERS = f"""
with customer_months as (
    select customer_id, date_trunc('month', sale_date) as sale_month, sum(total_amount) as amount
    from {SALES.name}
    where customer_id is not null
    group by customer_id, date_trunc('month', sale_date)
),
month_shares as (
    select
        customer_id,
        case when max(amount) > 0
            then cast(max(amount) as double precision)
                / cast(sum(case when amount > 0 then amount else 0 end) as double precision)
        end as top_month_share
    from customer_months
    group by customer_id
),
customers as (
    select
        customer_id,
        count(distinct case when quantity > 0 or total_amount > 0 then order_id end) as frequency,
        cast(sum(total_amount) as decimal(18,2)) as monetary,
        min(sale_date) as first_sale_date,
        max(sale_date) as last_sale_date
    from {SALES.name}
    where customer_id is not null
    group by customer_id
)
select
    customers.customer_id,
    customers.frequency,
    customers.monetary,
    coalesce(cast(customers.monetary as double precision) / nullif(customers.frequency, 0), 0) as average_basket,
    customers.first_sale_date,
    customers.last_sale_date,
    month_shares.top_month_share,
    (select max(sale_date) from {SALES.name}) as snapshot_date
from customers
join month_shares on month_shares.customer_id = customers.customer_id
order by customers.customer_id
"""
"""One row a known customer.

`frequency` (purchases), `monetary` (money net of returns), `average_basket` (money a purchase; 0 without any),
`first_sale_date` and `last_sale_date`, `top_month_share` (the largest month's part of the money of all months that were
above zero; null if none was) and `snapshot_date` (the last day of sale of all customers, anonymous ones included).
"""

SCOPE = f"""
select
    max(sale_date) as snapshot_date,
    count(*) as sales_lines,
    coalesce(sum(case when customer_id is null then 1 else 0 end), 0) as anonymous_lines,
    count(distinct case when customer_id is null then order_id end) as anonymous_orders,
    cast(coalesce(sum(case when customer_id is null then total_amount else 0 end), 0) as decimal(18,2))
        as anonymous_revenue
from {SALES.name}
"""
"""One row: the snapshot date (null without sales), and the sales without a customer, which no segment holds."""
