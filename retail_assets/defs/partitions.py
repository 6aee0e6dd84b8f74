"""Partitions: one per landing day."""

from __future__ import annotations

import datetime as dt

import dagster as dg

from retail_assets.settings import Settings


def landing_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return one partition per landing day, up to and including today in shop time, or the last day of the source.

    Today is a partition, so that files can be loaded on the day they land.
    """
    last, today = settings.end_date, settings.today()
    # Dagster counts from the last complete day. One day past it is today. For a source that has ended, it asks for the
    # latest partitions before today, whatever the end, and plots nothing: so its days since then are taken off.
    offset = 1 if last is None or last >= today else (last - today).days + 1
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        end_date=None if last is None else (last + dt.timedelta(days=1)).isoformat(),  # exclusive
        timezone=settings.contract.timezone,
        end_offset=offset,
    )
