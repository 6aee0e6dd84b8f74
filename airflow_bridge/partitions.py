"""Which partition a DAG run is about, and the tags that say so to Dagster, checked against the partitions it has."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_bridge.client import DagsterClient
from airflow_bridge.problems import RefusedError
from airflow_bridge.runs import PARTITION, RANGE_END, RANGE_START, AssetNode

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

_BY_DAY = "%Y-%m-%d"
#: Sorts after every partition key.
_AFTER_ALL = chr(0x10FFFF)


def partition_tags(
    client: DagsterClient, nodes: Sequence[AssetNode], wanted_range: str | None, key_of_run: Callable[[], str | None]
) -> dict[str, str]:
    """Return the run's partition tags, none if no asset has partitions; checked against Dagster's partitions."""
    partitioned = [node.key for node in nodes if node.partitioned]
    if not partitioned:
        return {}
    keys = client.partition_keys(partitioned)
    known = keys[partitioned[0]][0]
    wanted = text_or_none(wanted_range)
    if wanted is None:
        key = key_of_run()
        if key is None:
            raise RefusedError(
                f"{partitioned[0]} has partitions, and this DAG run has no data interval to choose one: trigger it "
                f"with `partition`. {nearest(_AFTER_ALL, known)}"
            )
        check_partition(keys, key)
        return {PARTITION: key}
    begin, dots, end = (part.strip() for part in wanted.partition("..."))
    if not dots:
        raise RefusedError(f"partition_range={wanted!r} is not of the form A...B, such as 2024-01-01...2024-01-31.")
    begin = begin or (known[0] if known else "")
    end = end or key_of_run() or (known[-1] if known else "")
    for key in (begin, end):
        check_partition(keys, key)
    if known.index(begin) > known.index(end):
        raise RefusedError(f"partition_range={wanted!r}: {begin} comes after {end}. Swap them.")
    if begin == end:
        return {PARTITION: begin}
    # Dagster would launch it, and the steps would fail when they first ask for their partition.
    if one_by_one := [node.key for node in nodes if node.partitioned and not node.ranges]:
        raise RefusedError(
            f"partition_range={wanted!r}: one run materializes one partition of {', '.join(one_by_one)}. Trigger "
            "one run per partition, for example by a backfill, or set BackfillPolicy.single_run() on the assets."
        )
    return {RANGE_START: begin, RANGE_END: end}


def partition_of_dag_run(
    context: Context, task_id: str, requested: str | None, time_zone: str, formats: Sequence[str | None]
) -> str | None:
    """Return the requested partition, else the beginning of the data interval in shop time, else yesterday."""
    if (key := text_or_none(requested)) is not None:
        return key
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise RefusedError(
            f"time_zone={time_zone!r} of task {task_id} is not a time zone. Use a name such as Europe/Berlin."
        ) from None
    form = next(form for form in (*formats, _BY_DAY) if form)
    if (begins := context.get("data_interval_start")) is not None:
        return str(begins.astimezone(zone).strftime(form))
    # Triggered without a logical date: of daily partitions, the last day that is over.
    starts = getattr(context.get("dag_run"), "run_after", None)
    return None if starts is None or form != _BY_DAY else str(starts.astimezone(zone).date() - timedelta(days=1))


def days_of(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition of a run; None if it has none."""
    first, last = tags.get(PARTITION, tags.get(RANGE_START)), tags.get(PARTITION, tags.get(RANGE_END))
    return None if first is None or last is None else (first, last)


def text_or_none(rendered: str | None) -> str | None:
    """Return what a template rendered, or None: an empty parameter renders as an empty string or the word None."""
    text = str(rendered or "").strip()
    return None if text in ("", "None") else text


def check_partition(assets: Mapping[str, list[list[str]]], key: str) -> None:
    """Raise RefusedError unless every asset has the partition `key`; the message lists the nearest ones.

    Dagster accepts a key that does not exist, and the run then fails.
    """
    for asset, dimensions in assets.items():
        parts = key.split("|") if len(dimensions) > 1 else [key]
        if len(parts) != len(dimensions):
            raise RefusedError(
                f"{asset} has {len(dimensions)} partition dimensions: write the partition as a|b, not {key!r}."
            )
        for part, keys in zip(parts, dimensions, strict=True):
            if part not in keys:
                raise RefusedError(f"{asset} has no partition {part!r}. {nearest(part, keys)}")


def nearest(key: str, keys: Sequence[str]) -> str:
    """Return a sentence with the partitions around `key` and the first and the last one.

    >>> nearest("2024-01-04", ["2024-01-01", "2024-01-02", "2024-01-03"])
    'The nearest: 2024-01-02, 2024-01-03. The first is 2024-01-01, the last 2024-01-03.'
    """
    if not keys:
        return "It has no partitions yet."
    ordered = sorted(keys)
    at = bisect.bisect(ordered, key)
    around = ordered[max(at - 2, 0) : at + 2]
    return f"The nearest: {', '.join(around)}. The first is {ordered[0]}, the last {ordered[-1]}."
