"""The SQL of baskets: how often two frequent items are in one order, and how revenue concentrates on products.

Portable as `queries` describes. An item is a category or a product. An order is kept as the bits of the items in it, so
that what is counted per pair grows with the number of different baskets, and what is returned with the number of pairs.
"""

from __future__ import annotations

from string import Template

MOST_ITEMS = 40
"""Items whose pairs are counted: those of most order lines. At most 52, the bits of a double."""
EARLIER = 0.6
"""Share of the days in which pairs are looked for; they are measured again on the later days."""

# `later` 0 or 1; `buyers` one of 16 random groups of buyers, which are customers, or orders without one. A row with
# `first_item` and `second_item` counts orders with both; with `first_item` and `size`, orders with the item among so
# many of the items; with `size` alone, orders of that size. Rows without `later` name the items.
_TOGETHER = Template("""
with items as (
    select $item as item, max(product_category) as product_category, count(*) as line_count
    from sales
    where quantity > 0 and $item is not null
    group by $item
),
ranked as (
    select item, product_category, row_number() over (order by line_count desc, item) as place
    from items
),
frequent as (
    select item, product_category, cast(place as integer) as place,
        cast(power(2, place - 1) as bigint) as bit
    from ranked
    where place <= $most
),
baskets as (
    select
        sales.order_id,
        min(coalesce('c:' || sales.customer_id, 'o:' || sales.order_id)) as buyer,
        min(sales.sale_date) as sale_date,
        coalesce(bit_or(frequent.bit), 0) as held
    from sales
    left join frequent on frequent.item = sales.$item
    where sales.quantity > 0
    group by sales.order_id
),
span as (
    select min(sale_date) + cast(floor((max(sale_date) - min(sale_date) + 1) * $earlier) as integer) as later_from
    from sales
),
counted as (
    select
        case when baskets.sale_date >= span.later_from then 1 else 0 end as later,
        substring(md5(baskets.buyer), 1, 1) as buyers,
        baskets.held,
        count(*) as orders
    from baskets
    cross join span
    group by 1, 2, 3
),
sized as (
    select counted.later, counted.buyers, counted.held, counted.orders, cast(count(*) as integer) as size
    from counted
    join frequent on (counted.held & frequent.bit) <> 0
    group by counted.later, counted.buyers, counted.held, counted.orders
)
select
    cast(null as integer) as later,
    cast(null as varchar(1)) as buyers,
    cast(null as integer) as size,
    place as first_item,
    cast(null as integer) as second_item,
    cast(null as bigint) as orders,
    item,
    product_category
from frequent
union all
select later, buyers, size, null, null, cast(sum(orders) as bigint), null, null
from sized
group by later, buyers, size
union all
select later, buyers, 0, null, null, cast(sum(orders) as bigint), null, null
from counted
where held = 0
group by later, buyers
union all
select sized.later, null, sized.size, frequent.place, null, cast(sum(sized.orders) as bigint), null, null
from sized
join frequent on (sized.held & frequent.bit) <> 0
group by sized.later, sized.size, frequent.place
union all
select sized.later, sized.buyers, null, one.place, other.place, cast(sum(sized.orders) as bigint), null, null
from sized
join frequent one on (sized.held & one.bit) <> 0
join frequent other on other.place > one.place and (sized.held & other.bit) <> 0
where sized.size > 1
group by sized.later, sized.buyers, one.place, other.place
order by 1, 2, 3, 4, 5
""")

CATEGORIES_TOGETHER = _TOGETHER.substitute(item="product_category", most=MOST_ITEMS, earlier=EARLIER)
PRODUCTS_TOGETHER = _TOGETHER.substitute(item="product_id", most=MOST_ITEMS, earlier=EARLIER)

# One row per hundredth of the products whose sales exceed their returns, best first; `part` 0 has the others together.
PRODUCT_TILES = """
with products as (
    select product_id, sum(total_amount) as revenue
    from sales
    where product_id is not null
    group by product_id
),
tiled as (
    select
        revenue,
        ntile(100) over (
            partition by case when revenue > 0 then 1 else 0 end order by revenue desc, product_id
        ) as part
    from products
)
select
    cast(case when revenue > 0 then part else 0 end as integer) as part,
    count(*) as products,
    sum(revenue) as revenue
from tiled
group by 1
order by 1
"""

# How many of these products bring half, and how many four fifths, of what they bring together.
PRODUCT_SHARES = """
with products as (
    select product_id, sum(total_amount) as revenue
    from sales
    where product_id is not null
    group by product_id
    having sum(total_amount) > 0
),
summed as (
    select
        revenue,
        sum(revenue) over (order by revenue desc, product_id rows unbounded preceding) as up_to,
        sum(revenue) over () as total
    from products
)
select
    count(*) as products,
    max(total) as revenue,
    cast(sum(case when up_to - revenue < 0.5 * total then 1 else 0 end) as bigint) as half,
    cast(sum(case when up_to - revenue < 0.8 * total then 1 else 0 end) as bigint) as four_fifths
from summed
"""
