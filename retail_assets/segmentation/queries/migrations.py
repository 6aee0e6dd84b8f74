"""Who has moved from which persona to which: migrations, and the previous personas that they start from."""

from __future__ import annotations

from retail_assets.tables import CUSTOMER_FEATURES, CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS

NEW = "(new)"
"""`from_persona` of customers who had no persona before; no persona can have this name."""

MIGRATIONS = f"""
select
    coalesce(previous_snapshot, base_snapshot) as from_snapshot,
    coalesce(previous_version, base_version) as from_version,
    snapshot_date as to_snapshot,
    model_version as to_version,
    coalesce(previous_persona, '{NEW}') as from_persona,
    persona as to_persona,
    count(*) as customers,
    cast(sum(monetary) as decimal(18,2)) as revenue
from (
    select persona, previous_persona, previous_snapshot, previous_version, snapshot_date, model_version, monetary,
        (select max(previous_snapshot) from {CUSTOMER_SEGMENTS.name}) as base_snapshot,
        (select max(previous_version) from {CUSTOMER_SEGMENTS.name}) as base_version
    from {CUSTOMER_SEGMENTS.name}
) as named
where base_snapshot is not null
group by 1, 2, 3, 4, 5, 6
"""
"""The migrations recorded in `customer_segments`; no rows where no customer had a persona before."""


def migrations_with_earlier(earlier: str) -> str:
    """Return the SELECT that rebuilds `segment_migrations`: the current migrations and the earlier ones.

    The current migrations replace those recorded for the same start; earlier ones stay.

    Args:
        earlier: the select list of the existing table, which an earlier version may have created.
    """
    return f"""
select {SEGMENT_MIGRATIONS.column_list} from ({MIGRATIONS}) as latest
union all
select {earlier} from {SEGMENT_MIGRATIONS.name} as earlier
where not exists (
    select 1 from {CUSTOMER_SEGMENTS.name} s
    where s.previous_snapshot = earlier.from_snapshot and s.previous_version = earlier.from_version
)
"""


STATE = f"""
select max(snapshot_date) as snapshot_date, max(model_version) as model_version,
    max(previous_snapshot) as previous_snapshot, max(previous_version) as previous_version
from {CUSTOMER_SEGMENTS.name}
"""
"""One row: the snapshot and model version of `customer_segments`, and those of its previous personas."""


def with_previous_personas(exists: bool, carried: bool) -> str:
    """Return the SELECT of all features rows with the persona that each customer's migration starts from.

    Args:
        exists: whether `customer_segments` exists and has rows.
        carried: keep the previous personas recorded there; otherwise its current personas become the previous ones.
    """
    columns = ", ".join(f"f.{name}" for name in CUSTOMER_FEATURES.names)
    if not exists:
        null_text = "cast(null as varchar(64))"
        return (
            f"select {columns}, {null_text} as previous_persona, cast(null as date) as previous_snapshot, "
            f"{null_text} as previous_version from {CUSTOMER_FEATURES.name} f order by f.customer_id"
        )
    previous = (
        "s.previous_persona, s.previous_snapshot, s.previous_version"
        if carried
        else "s.persona as previous_persona, s.snapshot_date as previous_snapshot, s.model_version as previous_version"
    )
    return (
        f"select {columns}, {previous} from {CUSTOMER_FEATURES.name} f "
        f"left join {CUSTOMER_SEGMENTS.name} s on s.customer_id = f.customer_id order by f.customer_id"
    )
