"""The SQL of the exploratory analysis: every aggregate it needs, each small however long the fact table is.

The statements run unchanged on DuckDB and Amazon Redshift. That rules out FILTER, GROUP BY ALL and the list functions
(Redshift does not have them), AVG of a decimal or an integer (Redshift truncates it), an ordered window without a frame
(Redshift rejects it), and PERCENTILE_CONT (on Redshift one node sorts every row; quartiles come from counted values).
"""

from __future__ import annotations

from string import Template
from types import MappingProxyType

from retail_assets.eda.basket_queries import CATEGORIES_TOGETHER, PRODUCT_SHARES, PRODUCT_TILES, PRODUCTS_TOGETHER
from retail_assets.eda.loyalty_queries import COHORTS, CUSTOMER_MONTHS

TOP_CATEGORIES = 11  # shown by name; the others together are a twelfth

_OVERVIEW = """
select
    count(*) as line_count,
    count(distinct order_id) as order_count,
    count(distinct customer_id) as customer_count,
    count(distinct product_id) as product_count,
    min(sale_date) as first_date,
    max(sale_date) as last_date,
    sum(total_amount) as revenue,
    sum(case when total_amount < 0 then total_amount else 0 end) as returned,
    cast(sum(case when quantity < 0 then 1 else 0 end) as bigint) as return_lines,
    cast(sum(case when customer_id is null then 1 else 0 end) as bigint) as anonymous_lines,
    sum(case when customer_id is null then total_amount else 0 end) as anonymous_revenue,
    cast(sum(case when sold_at <> cast(sale_date as timestamp) then 1 else 0 end) as bigint) as timed_lines,
    cast(sum(case when gender is not null then 1 else 0 end) as bigint) as gender_lines,
    cast(sum(case when age_group is not null then 1 else 0 end) as bigint) as age_lines,
    sum(case when gender is not null then total_amount else 0 end) as gender_revenue,
    sum(case when age_group is not null then total_amount else 0 end) as age_revenue
from sales
"""

_DAILY = """
select sale_date, sum(total_amount) as revenue, count(distinct order_id) as orders
from sales
group by sale_date
order by sale_date
"""

_CATEGORIES = """
select
    product_category,
    sum(total_amount) as revenue,
    sum(quantity) as units,
    count(distinct order_id) as orders,
    count(*) as line_count,
    sum(case when total_amount < 0 then total_amount else 0 end) as returned
from sales
group by product_category
order by revenue desc, product_category
"""

# A rank, not a name, marks the smaller categories: a category may well be called "Other".
_CATEGORY_MONTHS = Template("""
with ranked as (
    select product_category, row_number() over (order by sum(revenue) desc, product_category) as category_rank
    from daily_category_sales
    group by product_category
)
select
    ranked.category_rank,
    ranked.product_category,
    cast(date_trunc('month', daily.sale_date) as date) as month_start,
    sum(daily.revenue) as revenue,
    cast(sum(daily.orders) as bigint) as orders,
    sum(cast(daily.revenue as double precision) * cast(daily.revenue as double precision)) as revenue_squared
from daily_category_sales daily
join ranked on ranked.product_category = daily.product_category
where ranked.category_rank <= $top
group by 1, 2, 3
order by 1, 3
""").substitute(top=TOP_CATEGORIES)

# Lines at exactly midnight have a date but no time of day.
_HOURS = """
with of_days as (
    select
        sale_date,
        cast(extract(hour from sold_at) as integer) as hour_of_day,
        sum(total_amount) as revenue,
        count(distinct order_id) as orders
    from sales
    where sold_at <> cast(sale_date as timestamp)
    group by 1, 2
)
select
    cast(extract(dow from sale_date) as integer) as day_of_week,
    hour_of_day,
    sum(revenue) as revenue,
    cast(sum(orders) as bigint) as orders,
    sum(cast(revenue as double precision) * cast(revenue as double precision)) as revenue_squared
from of_days
group by 1, 2
order by 1, 2
"""

# One row per hundredth of the known customers, best first.
_CUSTOMER_TILES = """
with per_customer as (
    select customer_id, count(distinct order_id) as orders, sum(total_amount) as revenue
    from sales
    where customer_id is not null
    group by customer_id
),
tiled as (
    select orders, revenue, ntile(100) over (order by revenue desc, customer_id) as tile
    from per_customer
)
select
    cast(tile as integer) as tile,
    count(*) as customers,
    cast(sum(case when orders = 1 then 1 else 0 end) as bigint) as customers_once,
    cast(sum(orders) as bigint) as orders,
    sum(revenue) as revenue
from tiled
group by 1
order by 1
"""

# Three significant digits: at most 900 rows per power of ten, and still exact to one unit below 1,000.
_BASKET_AMOUNTS = """
with baskets as (
    select order_id, cast(sum(total_amount) as double precision) as amount
    from sales
    group by order_id
    having sum(total_amount) > 0
),
scaled as (
    select amount, power(10, floor(log(amount)) - 2) as step
    from baskets
)
select floor(amount / step + 0.000001) * step as amount, count(*) as orders
from scaled
group by 1
order by 1
"""

_BASKET_LINES = """
with baskets as (
    select order_id, count(*) as line_count
    from sales
    where quantity > 0
    group by order_id
)
select case when line_count > 100 then 100 else line_count end as line_count, count(*) as orders
from baskets
group by 1
order by 1
"""

# Sums and sums of squares over customers: enough for means, confidence intervals and tests with the customer as the
# independent unit (lines of one customer are not independent). A line without a customer counts by its order instead.
# Shares are of a customer's positive spending, so that a return makes none negative or above one. Two genders under one
# customer id make the gender unknown; of two age bands the later in the alphabet counts, in practice the older.
_CUSTOMER_GROUPS = """
with spending as (
    select
        coalesce('c:' || customer_id, 'o:' || order_id) as buyer,
        product_category,
        cast(sum(total_amount) as double precision) as amount,
        min(gender) as least_gender,
        max(gender) as greatest_gender,
        max(age_group) as age_group
    from sales
    group by 1, 2
),
buyers as (
    select
        buyer,
        sum(amount) as amount,
        sum(case when amount > 0 then amount else 0 end) as positive_amount,
        case when min(least_gender) = max(greatest_gender) then max(greatest_gender) end as gender,
        max(age_group) as age_group
    from spending
    group by buyer
),
members as (
    select cast('gender' as varchar(16)) as trait, gender as member, buyer, amount, positive_amount
    from buyers
    where gender is not null
    union all
    select cast('age_group' as varchar(16)) as trait, age_group as member, buyer, amount, positive_amount
    from buyers
    where age_group is not null
),
shares as (
    select
        members.trait,
        members.member,
        spending.product_category,
        spending.amount,
        case
            when spending.amount > 0 and members.positive_amount > 0 then spending.amount / members.positive_amount
            else 0
        end as share
    from members
    join spending on spending.buyer = members.buyer
)
select
    trait,
    member,
    cast(null as varchar(128)) as product_category,
    count(*) as buyers,
    sum(amount) as amount,
    sum(amount * amount) as amount_squared,
    cast(count(*) as double precision) as share,
    cast(count(*) as double precision) as share_squared
from members
group by trait, member
union all
select
    trait,
    member,
    product_category,
    count(*) as buyers,
    sum(amount) as amount,
    sum(amount * amount) as amount_squared,
    sum(share) as share,
    sum(share * share) as share_squared
from shares
group by trait, member, product_category
order by 1, 2, 3
"""

# How customers of known gender or age differ from the others. A line without a customer counts by its order, as above.
_TRAITS_KNOWN = """
with buyers as (
    select
        coalesce('c:' || customer_id, 'o:' || order_id) as buyer,
        max(case when customer_id is null then 1 else 0 end) as anonymous,
        cast(sum(total_amount) as double precision) as amount,
        case when min(gender) = max(gender) then 1 else 0 end as gender_known,
        case when max(age_group) is not null then 1 else 0 end as age_known
    from sales
    group by 1
)
select
    cast('gender' as varchar(16)) as trait,
    gender_known as known,
    anonymous,
    count(*) as buyers,
    sum(amount) as amount,
    sum(amount * amount) as amount_squared
from buyers
group by gender_known, anonymous
union all
select
    cast('age_group' as varchar(16)) as trait,
    age_known as known,
    anonymous,
    count(*) as buyers,
    sum(amount) as amount,
    sum(amount * amount) as amount_squared
from buyers
group by age_known, anonymous
order by 1, 2, 3
"""

# Quartiles of counted values: the k-th smallest value is the least one with more than k values at or below it. `low`
# and `high` enclose the quartile; the caller interpolates between them. A null category stands for all.
_SUMMARY_OF_COUNTED = Template("""
scoped as (
    select product_category, x, n from counted
    union all
    $overall
),
ranked as (
    select
        product_category,
        x,
        n,
        cast(sum(n) over (partition by product_category order by x rows unbounded preceding) as double precision)
            as up_to,
        cast(sum(n) over (partition by product_category) as double precision) as total,
        sum(n * x) over (partition by product_category) as total_x
    from scoped
)
select
    cast('$measure' as varchar(32)) as measure,
    product_category,
    cast(max(total) as bigint) as n,
    max(total_x / total) as mean,
    sqrt(sum(n * (x - total_x / total) * (x - total_x / total)) / nullif(max(total) - 1, 0)) as std,
    min(x) as minimum,
    min(case when up_to > floor(0.25 * (total - 1)) then x end) as p25_low,
    min(case when up_to > ceil(0.25 * (total - 1)) then x end) as p25_high,
    min(case when up_to > floor(0.50 * (total - 1)) then x end) as p50_low,
    min(case when up_to > ceil(0.50 * (total - 1)) then x end) as p50_high,
    min(case when up_to > floor(0.75 * (total - 1)) then x end) as p75_low,
    min(case when up_to > ceil(0.75 * (total - 1)) then x end) as p75_high,
    max(x) as maximum
from ranked
group by product_category
order by product_category
""")

_LINES = Template("""
with counted as (
    select product_category, cast($measure as double precision) as x, count(*) as n
    from sales
    group by 1, 2
),$summary""")

_ALL_LINES = """select cast(null as varchar(128)) as product_category, x, cast(sum(n) as bigint) as n
    from counted
    group by x"""

# The basket of a category is what one order spent on it.
_BASKETS = Template("""
with per_category as (
    select order_id, product_category, sum(total_amount) as amount
    from sales
    group by 1, 2
),
per_order as (
    select order_id, sum(amount) as amount
    from per_category
    group by order_id
),
counted as (
    select product_category, cast(amount as double precision) as x, count(*) as n
    from per_category
    group by 1, 2
),$summary""")

_ALL_BASKETS = """select
        cast(null as varchar(128)) as product_category,
        cast(amount as double precision) as x,
        count(*) as n
    from per_order
    group by amount"""


def _line_statistics(measure: str) -> str:
    summary = _SUMMARY_OF_COUNTED.substitute(measure=measure, overall=_ALL_LINES)
    return _LINES.substitute(measure=measure, summary=summary)


def _basket_statistics(measure: str) -> str:
    return _BASKETS.substitute(summary=_SUMMARY_OF_COUNTED.substitute(measure=measure, overall=_ALL_BASKETS))


STATISTICS = ("statistics_quantity", "statistics_unit_price", "statistics_total_amount", "statistics_basket_amount")

QUERIES = MappingProxyType(
    {
        "overview": _OVERVIEW,
        "daily": _DAILY,
        "categories": _CATEGORIES,
        "category_months": _CATEGORY_MONTHS,
        "hours": _HOURS,
        "customer_tiles": _CUSTOMER_TILES,
        "basket_amounts": _BASKET_AMOUNTS,
        "basket_lines": _BASKET_LINES,
        "customer_groups": _CUSTOMER_GROUPS,
        "traits_known": _TRAITS_KNOWN,
        "customer_months": CUSTOMER_MONTHS,
        "cohorts": COHORTS,
        "product_tiles": PRODUCT_TILES,
        "product_shares": PRODUCT_SHARES,
        "categories_together": CATEGORIES_TOGETHER,
        "products_together": PRODUCTS_TOGETHER,
        "statistics_quantity": _line_statistics("quantity"),
        "statistics_unit_price": _line_statistics("unit_price"),
        "statistics_total_amount": _line_statistics("total_amount"),
        "statistics_basket_amount": _basket_statistics("basket_amount"),
    }
)
