"""What a run has selected: its landing days, and those of a step's assets that it asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import dagster as dg


def landing_days(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[dt.date]:
    """Return the landing days of a partitioned run, in order."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]


def selected(
    context: dg.AssetExecutionContext, results: Iterable[dg.MaterializeResult]
) -> Iterator[dg.MaterializeResult]:
    """Yield the results of the assets that this run selects, from all that a step produced."""
    chosen = context.selected_asset_keys
    return (r for r in results if r.asset_key is not None and dg.AssetKey.from_coercible(r.asset_key) in chosen)
