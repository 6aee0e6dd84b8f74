"""Partitions: one per landing day."""

from __future__ import annotations

import datetime as dt

import dagster as dg

from retail_assets.settings import Settings


def landing_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return one partition per landing day, up to and including today in shop time.

    Today is a partition, so that files can be loaded on the day they land.
    """
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(),
        # Dagster's end is exclusive; without an end, one day past the last complete day is today.
        end_date=None if settings.end_date is None else _next_day(settings),
        timezone=settings.contract.timezone,
        end_offset=0 if settings.end_date else 1,
    )


def _next_day(settings: Settings) -> str:
    assert settings.end_date is not None  # noqa: S101 - checked by the caller
    return (settings.end_date + dt.timedelta(days=1)).isoformat()
