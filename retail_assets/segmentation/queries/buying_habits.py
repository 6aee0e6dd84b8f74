"""What the customers of each persona buy, and when: their sales in the window, by category and by date."""

from __future__ import annotations

from retail_assets.segmentation.queries.customer_features import WINDOW_DAYS
from retail_assets.tables import CUSTOMER_SEGMENTS, SALES

_PURCHASES = f"""
    select s.persona, l.customer_id, l.product_category, l.sale_date, l.order_id, l.total_amount
    from {SALES.name} l
    join {CUSTOMER_SEGMENTS.name} s on s.customer_id = l.customer_id
    where l.total_amount > 0 and l.sale_date <= s.snapshot_date
        and l.sale_date > s.snapshot_date - {WINDOW_DAYS}
"""


def segment_categories() -> str:
    """Return the SELECT of what each persona buys: `persona, product_category, revenue, buyers` and ratios.

    `share` is the category's share of the persona's money, `all_share` its share of all customers' money, and
    `share_index` their ratio: above 1 the persona spends a larger share on the category than all customers do.
    `other_share` is its share of the money of the customers of all other personas. `own_share` and `other_own_share`
    are the means of the customers' own shares, in which a large customer counts for no more than a small one.
    `of_category` is the persona's part of the category.
    """
    return f"""
with bought as ({_PURCHASES}),
cells as (
    select persona, product_category, sum(total_amount) as revenue, count(distinct customer_id) as buyers
    from bought group by persona, product_category
),
personas as (select persona, sum(revenue) as revenue from cells group by persona),
categories as (select product_category, sum(revenue) as revenue from cells group by product_category),
customers as (select customer_id, persona, sum(total_amount) as revenue from bought group by customer_id, persona),
people as (select persona, count(*) as customers from customers group by persona),
parts as (
    select b.persona, b.product_category,
        sum(cast(b.total_amount as double precision) / cast(c.revenue as double precision)) as parts
    from bought b
    join customers c on c.customer_id = b.customer_id
    group by b.persona, b.product_category
),
all_parts as (select product_category, sum(parts) as parts from parts group by product_category),
shares as (
    select c.persona, c.product_category, cast(c.revenue as decimal(18,2)) as revenue, c.buyers,
        cast(k.revenue - c.revenue as double precision)
            / nullif(cast((select sum(revenue) from cells) - p.revenue as double precision), 0) as other_share,
        q.parts / n.customers as own_share,
        (a.parts - q.parts) / nullif((select count(*) from customers) - n.customers, 0) as other_own_share,
        cast(c.revenue as double precision) / cast(k.revenue as double precision) as of_category,
        cast(c.revenue as double precision) / cast(p.revenue as double precision) as share,
        cast(k.revenue as double precision) / cast((select sum(revenue) from cells) as double precision) as all_share
    from cells c
    join personas p on p.persona = c.persona
    join categories k on k.product_category = c.product_category
    join people n on n.persona = c.persona
    join parts q on q.persona = c.persona and q.product_category = c.product_category
    join all_parts a on a.product_category = c.product_category
)
select persona, product_category, revenue, buyers, share, all_share, share / all_share as share_index,
    other_share, own_share, other_own_share, of_category
from shares
order by persona, revenue desc, product_category
"""


def segment_calendar() -> str:
    """Return the SELECT of what each persona spends by day: `persona, sale_date, month, weekday, revenue, orders`.

    Month 1 is January, weekday 1 is Monday.
    """
    return f"""
select persona, sale_date, month, case when dow = 0 then 7 else dow end as weekday,
    cast(sum(total_amount) as decimal(18,2)) as revenue, count(distinct order_id) as orders
from (
    select persona, sale_date, cast(extract(month from sale_date) as integer) as month,
        cast(extract(dow from sale_date) as integer) as dow, total_amount, order_id
    from ({_PURCHASES}) as bought
) as dated
group by persona, sale_date, month, dow
order by persona, sale_date
"""
