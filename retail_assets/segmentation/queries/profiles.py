"""What the customers of each persona look like: counts, money, medians, ages and genders."""

from __future__ import annotations

from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS

LEAST_KNOWN = 50
"""Customers of known age, or gender, below which a persona's are chance, and not stated."""

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
    case when count(gender) >= {LEAST_KNOWN} then
        avg(cast(case when gender = 'Female' then 1 when gender is not null then 0 end as double precision))
    end as female_share,
    max(snapshot_date) as snapshot_date,
    max(model_version) as model_version
from ({_MEMBERS}) as members
group by persona
order by persona
"""
"""One row per persona: everything that is a sum or a mean. Medians take one query each (`median`): Redshift allows only
one WITHIN GROUP ordering per query."""

MEDIANS = {
    "median_frequency": "frequency",
    "median_monetary": "monetary",
    "median_average_basket": "average_basket",
    "median_recency_days": "recency",
    "median_tenure_days": "tenure",
    "median_top_month_share": "top_month_share",
}
"""Column of `segment_profiles` → the feature whose median it is."""


def median(feature: str) -> str:
    """Return the SELECT of `persona, value`: the median per persona of one of the features of `MEDIANS`."""
    return quantile(feature, 0.5)


def quantile(feature: str, part: float) -> str:
    """Return the SELECT of `persona, value`: a quantile per persona of one of the features of `MEDIANS`."""
    if feature not in MEDIANS.values():
        raise ValueError(f"{feature!r} is not one of {', '.join(MEDIANS.values())}")
    return f"""
select persona, percentile_cont({part:.2f}) within group (order by cast({feature} as double precision)) as value
from ({_MEMBERS}) as members
group by persona
order by persona
"""


TOP_AGES = f"""
select persona, age_group from (
    select persona, age_group,
        row_number() over (partition by persona order by count(*) desc, age_group) as rank_of,
        sum(count(*)) over (partition by persona) as known
    from ({_MEMBERS}) as members
    where age_group is not null
    group by persona, age_group
) as ranked
where rank_of = 1 and known >= {LEAST_KNOWN}
order by persona
"""
"""One row per persona with `LEAST_KNOWN` known ages: its most frequent age band."""

MIX = f"""
select persona, gender, age_group, count(*) as customers
from ({_MEMBERS}) as members
where gender is not null or age_group is not null
group by persona, gender, age_group
order by persona, gender, age_group
"""
"""Customers per persona, gender and age band, where at least one of the two is known."""
