"""Partitions: one per landing day; assets of the whole history have none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

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


def set_on_whole_history(assets: Sequence[dg.AssetsDefinition], **attributes: Any) -> list[dg.AssetsDefinition]:
    """Set attributes of the specs of every asset that is computed from the whole history, not per landing."""
    return [
        a if a.partitions_def is not None else a.map_asset_specs(lambda spec: spec.replace_attributes(**attributes))
        for a in assets
    ]


def landing_days_of(tags: Mapping[str, str]) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last landing day of a run by its tags; None if it has none.

    >>> landing_days_of({"dagster/partition": "2024-01-31"})
    (datetime.date(2024, 1, 31), datetime.date(2024, 1, 31))
    """
    one = tags.get("dagster/partition")
    first, last = (tags.get(f"dagster/asset_partition_range_{end}", one) for end in ("start", "end"))
    try:
        return (dt.date.fromisoformat(first), dt.date.fromisoformat(last)) if first and last else None
    except ValueError:  # of another code location
        return None
