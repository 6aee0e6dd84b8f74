"""Partitions: one per landing day."""

from __future__ import annotations

import datetime as dt

import dagster as dg

from retail_assets.settings import Settings


def landing_partitions(settings: Settings) -> dg.PartitionsDefinition[str]:
    """Return one partition per landing day, up to and including today in shop time.

    Today is a partition, so that files can be loaded on the day they land. A source that has ended has a fixed list of
    days: of daily partitions that end in the past, Dagster asks for the latest ones up to today, and plots nothing.
    """
    first, last = settings.start_date, settings.end_date
    if last is not None and first <= last < settings.today():
        return dg.StaticPartitionsDefinition([str(first + dt.timedelta(n)) for n in range((last - first).days + 1)])
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        # Dagster's end is exclusive; one day past the last complete day is today.
        end_date=None if last is None else (last + dt.timedelta(days=1)).isoformat(),
        timezone=settings.contract.timezone,
        end_offset=1,
    )
