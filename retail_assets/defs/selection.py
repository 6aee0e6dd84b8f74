"""What a run has selected: its landing days."""

from __future__ import annotations

import datetime as dt

import dagster as dg


def landing_days(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[dt.date]:
    """Return the landing days of a partitioned run, in order."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]
