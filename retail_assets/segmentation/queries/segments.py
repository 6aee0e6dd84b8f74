"""The SQL that turns `sales` into one row a customer; the text runs unchanged on DuckDB and Redshift.

A *purchase* is an order in which something was bought: a return booked under a document number of its own must not make
its customer look more loyal, but its money is netted. The *window* is the last `WINDOW_DAYS` days up to and including
the snapshot, the last day of sales; older sales say only since when, and how long ago, somebody was a customer.
"""

from __future__ import annotations

import datetime as dt

from retail_assets.tables import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    DIM_CUSTOMER,
    DIM_DATE,
    SALES,
    SEGMENT_MIGRATIONS,
)

WINDOW_DAYS = 365
"""A year: every season once."""

HOLIDAY_LEAD_DAYS = 3
"""Days before a holiday on which people shop for it."""

_BOUGHT = "quantity > 0 or total_amount > 0"


def customer_features(
    snapshot: dt.date | None = None, window_days: int = WINDOW_DAYS, *, below: str | None = None
) -> str:
    """A SELECT of the rows of `tables.CUSTOMER_FEATURES`: every customer known up to the snapshot.

    Reads `sales`, `dim_date` (holidays) and `dim_customer` (gender, age). Customers without a sale in the window have
    a row with zeros. The window covers fewer days where the sales begin later.

    Args:
        snapshot: last day that is looked at; the last day of sales by default.
        window_days: days that are counted, the snapshot's included.
        below: only customers whose ids hash (MD5) to less than these hexadecimal digits: a part of `sample`'s, before
            anything is counted. Favourite categories are then those beyond the average of this part.
    """
    if window_days < 1:
        raise ValueError("a window has at least one day")
    if below is not None and not set(below) <= set("0123456789abcdef"):
        raise ValueError(f"{below!r} is not hexadecimal")
    known = "customer_id is not null" + (f" and md5(customer_id) < '{below}'" if below is not None else "")
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
    where {known} and sale_date <= (select snapshot_date from span)
    group by customer_id
),
lines as (
    select customer_id, order_id, sale_date, product_category, quantity, total_amount
    from {SALES.name}
    where {known}
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
favourites as (
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
    favourites.product_category as favourite_category,
    favourites.share as favourite_share,
    favourites.share_index as favourite_index,
    favourites.orders as favourite_orders,
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
left join favourites on favourites.customer_id = ever.customer_id and favourites.rank_of = 1
left join {DIM_CUSTOMER.name} as dim_customer on dim_customer.customer_id = ever.customer_id
"""


def sample(features: str | None, at_most: int, min_purchases: int, *, everyone: bool = False) -> str:
    """A SELECT of features rows of at most so many customers: those whose ids have the smallest hashes.

    A hash of the id, not a random number: the same customers whatever order the rows are in, and a customer of last
    month's sample is in this month's.
    """
    source = f"({features}) as q" if features else CUSTOMER_FEATURES.name
    where = "" if everyone else f"where frequency >= {int(min_purchases)} and monetary > 0"
    return (
        f"select {CUSTOMER_FEATURES.column_list} from {source} {where} "
        f"order by md5(customer_id), customer_id limit {int(at_most)}"
    )


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
"""One row: the span of the sales (null without any), and the sales without a customer, which no segment holds."""

COUNTS = f"""
select
    count(*) as customers,
    coalesce(sum(case when frequency = 0 then 1 else 0 end), 0) as without_purchase,
    coalesce(sum(case when frequency = 1 then 1 else 0 end), 0) as with_one_purchase,
    coalesce(sum(case when frequency >= 2 and monetary > 0 then 1 else 0 end), 0) as eligible,
    max(snapshot_date) as snapshot_date,
    max(window_days) as window_days
from {CUSTOMER_FEATURES.name}
"""
"""One row: how many customers there are, and how many can be clustered (`features.MIN_PURCHASES`, money above zero)."""


def revenue_between(after: dt.date, upto: dt.date) -> str:
    """A SELECT of `customer_id, revenue` (money after the day `after`, up to and including `upto`)."""
    return f"""
select customer_id, cast(sum(total_amount) as double precision) as revenue
from {SALES.name}
where customer_id is not null
    and sale_date > date '{after.isoformat()}' and sale_date <= date '{upto.isoformat()}'
group by customer_id
order by customer_id
"""


_MEMBERS_LINES = f"""
    select s.persona, l.product_category, l.sale_date, l.order_id, l.total_amount
    from {SALES.name} l
    join {CUSTOMER_SEGMENTS.name} s on s.customer_id = l.customer_id
    where l.total_amount > 0 and l.sale_date <= s.snapshot_date
        and l.sale_date > s.snapshot_date - {WINDOW_DAYS}
"""


def segment_categories() -> str:
    """A SELECT of `persona, product_category, revenue, share, all_share, share_index`: what each persona buys.

    `share` is of the persona's money, `all_share` of all customers' money; above 1, `share_index` over-indexes.
    """
    return f"""
with bought as ({_MEMBERS_LINES}),
cells as (
    select persona, product_category, sum(total_amount) as revenue from bought group by persona, product_category
),
personas as (select persona, sum(revenue) as revenue from cells group by persona),
categories as (select product_category, sum(revenue) as revenue from cells group by product_category),
shares as (
    select c.persona, c.product_category, cast(c.revenue as decimal(18,2)) as revenue,
        cast(c.revenue as double precision) / cast(p.revenue as double precision) as share,
        cast(k.revenue as double precision) / cast((select sum(revenue) from cells) as double precision) as all_share
    from cells c
    join personas p on p.persona = c.persona
    join categories k on k.product_category = c.product_category
)
select persona, product_category, revenue, share, all_share, share / all_share as share_index
from shares
order by persona, revenue desc, product_category
"""


def segment_calendar() -> str:
    """A SELECT of `persona, month, weekday, revenue, orders`: when each persona buys. 1 = January, 1 = Monday."""
    return f"""
select persona, month, case when dow = 0 then 7 else dow end as weekday,
    cast(sum(total_amount) as decimal(18,2)) as revenue, count(distinct order_id) as orders
from (
    select persona, cast(extract(month from sale_date) as integer) as month,
        cast(extract(dow from sale_date) as integer) as dow, total_amount, order_id
    from ({_MEMBERS_LINES}) as bought
) as dated
group by persona, month, dow
order by persona, month, weekday
"""


MEMBERS = f"""
select * from (
    select customer_id, persona, confidence, tags, favourite_category, lapsed_risk, frequency, monetary,
        average_basket, last_sale_date, row_number() over (order by monetary desc, customer_id) as value_rank
    from {CUSTOMER_SEGMENTS.name}
    where persona = ?
) as ranked
where value_rank > ? and value_rank <= ?
"""
"""Customers of a persona from one rank of spend (left out) to another; in no order."""

MIGRATIONS = f"""
select
    coalesce(previous_snapshot, base_snapshot) as from_snapshot,
    coalesce(previous_version, base_version) as from_version,
    snapshot_date as to_snapshot,
    model_version as to_version,
    coalesce(previous_persona, '(new)') as from_persona,
    persona as to_persona,
    count(*) as customers,
    cast(sum(monetary) as decimal(18,2)) as revenue
from (
    select {CUSTOMER_SEGMENTS.column_list},
        (select max(previous_snapshot) from {CUSTOMER_SEGMENTS.name}) as base_snapshot,
        (select max(previous_version) from {CUSTOMER_SEGMENTS.name}) as base_version
    from {CUSTOMER_SEGMENTS.name}
) as named
where base_snapshot is not null
group by 1, 2, 3, 4, 5, 6
"""
"""The migrations that `customer_segments` tells of; none where nobody had a name before."""

_KEPT = SEGMENT_MIGRATIONS.column_list
MIGRATIONS_WITH_EARLIER = f"""
select {_KEPT} from ({MIGRATIONS}) as latest
union all
select {_KEPT} from {SEGMENT_MIGRATIONS.name} as earlier
where not exists (
    select 1 from {CUSTOMER_SEGMENTS.name} s
    where s.previous_snapshot = earlier.from_snapshot and s.previous_version = earlier.from_version
)
"""
"""`segment_migrations` anew: the present move in place of what was said of it before, and all earlier moves."""

_MEMBERS = f"""
    select s.persona, s.confidence, s.lapsed_risk, s.cluster, s.model_version,
        f.frequency, f.monetary, f.returned, f.average_basket, f.recency, f.tenure, f.top_month_share,
        f.weekend_share, f.holiday_share, f.gender, f.age_group, f.snapshot_date
    from {CUSTOMER_SEGMENTS.name} s
    join {CUSTOMER_FEATURES.name} f on f.customer_id = s.customer_id
"""

PROFILES = f"""
select
    persona,
    case when count(cluster) > 0 then 'cluster' else 'rule' end as decided_by,
    count(*) as customers,
    cast(sum(monetary) as decimal(18,2)) as revenue,
    avg(cast(frequency as double precision)) as average_frequency,
    avg(cast(weekend_share as double precision)) as weekend_share,
    avg(cast(holiday_share as double precision)) as holiday_share,
    cast(-sum(returned) as double precision)
        / nullif(cast(sum(monetary) - sum(returned) as double precision), 0) as return_share,
    sum(average_basket) as one_more_purchase,
    avg(cast(confidence as double precision)) as mean_confidence,
    avg(cast(case when lapsed_risk then 1 else 0 end as double precision)) as lapsed_risk_share,
    avg(cast(case when gender = 'Female' then 1 when gender is not null then 0 end as double precision))
        as female_share,
    max(snapshot_date) as snapshot_date,
    max(model_version) as model_version
from ({_MEMBERS}) as members
group by persona
order by persona
"""
"""One row a persona: what can be added up. Medians come one by one (`median`): Redshift has one order a query."""

MEDIANS = {
    "median_frequency": "frequency",
    "median_monetary": "monetary",
    "median_average_basket": "average_basket",
    "median_recency_days": "recency",
    "median_tenure_days": "tenure",
    "median_top_month_share": "top_month_share",
}
"""Column of `segment_profiles` -> the feature that it is the median of."""


def median(feature: str) -> str:
    """A SELECT of `persona, value`: the median of a feature of `MEDIANS` a persona."""
    if feature not in MEDIANS.values():
        raise ValueError(f"no median of {feature!r} is told")
    return f"""
select persona, percentile_cont(0.5) within group (order by cast({feature} as double precision)) as value
from ({_MEMBERS}) as members
group by persona
order by persona
"""


TOP_AGES = f"""
select persona, age_group from (
    select persona, age_group,
        row_number() over (partition by persona order by count(*) desc, age_group) as rank_of
    from ({_MEMBERS}) as members
    where age_group is not null
    group by persona, age_group
) as ranked
where rank_of = 1
order by persona
"""
"""One row a persona with a known age: its most frequent age band."""

MIX = f"""
select persona, gender, age_group, count(*) as customers
from ({_MEMBERS}) as members
where gender is not null or age_group is not null
group by persona, gender, age_group
order by persona, gender, age_group
"""
"""One row a persona, gender and age band of which anything is known, with its customers."""

STATE = f"""
select max(snapshot_date) as snapshot_date, max(model_version) as model_version,
    max(previous_snapshot) as previous_snapshot, max(previous_version) as previous_version
from {CUSTOMER_SEGMENTS.name}
"""
"""One row: of when the segments in `customer_segments` are, by which model, and what their names before are of."""


def with_names_before(known: bool, carried: bool) -> str:
    """A SELECT of all features rows, with the names that migrations begin at.

    Args:
        known: whether `customer_segments` is there.
        carried: whether its own names before are still the beginning; else its names are.
    """
    columns = ", ".join(f"f.{name}" for name in CUSTOMER_FEATURES.names)
    if not known:
        nothing = "cast(null as varchar(64))"
        return (
            f"select {columns}, {nothing} as previous_persona, cast(null as date) as previous_snapshot, "
            f"{nothing} as previous_version from {CUSTOMER_FEATURES.name} f order by f.customer_id"
        )
    before = (
        "s.previous_persona, s.previous_snapshot, s.previous_version"
        if carried
        else "s.persona as previous_persona, s.snapshot_date as previous_snapshot, s.model_version as previous_version"
    )
    return (
        f"select {columns}, {before} from {CUSTOMER_FEATURES.name} f "
        f"left join {CUSTOMER_SEGMENTS.name} s on s.customer_id = f.customer_id order by f.customer_id"
    )
