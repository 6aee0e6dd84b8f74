"""Which landings a check covers: those of its run, so that a daily run costs as much as its day; otherwise all."""

import datetime as dt

import dagster as dg

from retail_assets.defs.selection import landing_days

#: Above this share of all landings, looking at everything costs less than selecting some.
_MOST = 0.5


def days_of(context: dg.AssetCheckExecutionContext) -> list[dt.date] | None:
    """Return the landings of the run; None if it has none, as when a check is started on its own."""
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    return landing_days(context)


def few_of(context: dg.AssetCheckExecutionContext, landings: int) -> list[dt.date] | None:
    """Return the landings of the run if they are few among all `landings` in the table; otherwise None, for all."""
    days = days_of(context)
    return days if days is not None and len(days) <= _MOST * landings else None
