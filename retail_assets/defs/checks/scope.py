"""Which landings a check is about: those of its run, so that the cost of a daily run follows the day; else all."""

import datetime as dt

import dagster as dg

from retail_assets.defs.selection import landing_days

#: Above this share of all landings, to look at everything costs less than to pick.
_MOST = 0.5


def days_of(context: dg.AssetCheckExecutionContext) -> list[dt.date] | None:
    """The landings of the run; None where it has none, as when a check is started on its own."""
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    return landing_days(context)


def few_of(context: dg.AssetCheckExecutionContext, landings: int) -> list[dt.date] | None:
    """The landings of the run where they are few among all `landings` in the table; None for all."""
    days = days_of(context)
    return days if days is not None and len(days) <= _MOST * landings else None
