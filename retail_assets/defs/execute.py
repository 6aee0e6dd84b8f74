"""Materializing assets from the command line with output for people: one line a step, no tracebacks.

The same run as `dagster asset materialize`, recorded in the same instance; only what is printed differs.
"""

from __future__ import annotations

import datetime as dt
import os
import re

import dagster as dg
from dagster import DagsterEventType as Event
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from retail_assets.defs.build import build_defs
from retail_assets.defs.partitions import landing_partitions
from retail_assets.errors import RetailError, SettingsError, nearest
from retail_assets.settings import Settings

#: Run configuration that tells a line a step.
STEPS_ONLY: dict[str, dict[str, dict[str, str]]] = {"loggers": {"steps": {}}}


class RunFailedError(RetailError):
    """A step failed or a blocking check did not pass; the message repeats what each of them said."""


def materialize(settings: Settings, select: str, first: dt.date | None, last: dt.date | None) -> None:
    """Materialize the selected assets for the landings from `first` to `last` (None: assets without partitions).

    Steps are told on stderr, a line each. Raises SettingsError for a selection or a partition that does not exist, and
    RunFailedError when the run fails; nothing of a failed step is published.
    """
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    chosen = _selected(job, select)
    partitioned = sorted(key.to_user_string() for key in chosen if job.asset_layer.get(key).is_partitioned)
    tags = _partition_tags(settings, first, last)
    if partitioned and not tags:
        raise SettingsError(
            f"{', '.join(partitioned)}: computed by landing day. Say which: --partition 2024-01-31, or "
            "--partition-range 2024-01-01...2024-01-31 (retail-assets status shows what has landed)."
        )
    instance = dg.DagsterInstance.get() if os.environ.get("DAGSTER_HOME") else dg.DagsterInstance.ephemeral()
    with instance:
        result = job.execute_in_process(
            run_config=STEPS_ONLY,
            instance=instance,
            asset_selection=list(chosen),
            tags=tags if partitioned else {},
            raise_on_error=False,
        )
    refuse_failed(result)


def refuse_failed(result: dg.ExecuteInProcessResult) -> None:
    """Raise RunFailedError, with what each step and blocking check said, for a run that did not succeed."""
    if not result.success:
        said = [line for event in result.all_events if (line := _complaint(event))]
        raise RunFailedError("\n".join(said) or f"The run {result.run_id} failed; see Dagster's log of it.")


def _complaint(event: dg.DagsterEvent) -> str | None:
    """What a failed step or a failed blocking check said that the user can act on."""
    if event.event_type is Event.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        if not found.passed and found.blocking:
            return f"{found.asset_key.to_user_string()}: {found.description}"
    if event.event_type is Event.STEP_FAILURE:
        failure = event.step_failure_data
        if failure.user_failure_data is not None:
            return failure.user_failure_data.description
        error = failure.error
        while error is not None and error.cause is not None:
            error = error.cause
        return f"{event.step_key}: {error.message.strip()}" if error else None
    return None


def _selected(job: dg.JobDefinition, select: str) -> set[dg.AssetKey]:
    """The assets of names with commas between them, as `dagster asset materialize` takes them, or of a selection."""
    if re.fullmatch(r"[\w/]+(\s*,\s*[\w/]+)*", select.strip()):
        known = {key.to_user_string(): key for key in job.asset_layer.selected_asset_keys}
        names = re.split(r"\s*,\s*", select.strip())
        if unknown := [name for name in names if name not in known]:
            raise SettingsError(
                f"--select: there is no asset {unknown[0]!r}.{nearest(unknown[0], known)} Assets: "
                f"{', '.join(sorted(known))}."
            )
        return {known[name] for name in names}
    try:
        chosen = dg.AssetSelection.from_string(select).resolve(job.asset_layer.asset_graph)
    except dg.DagsterError as e:
        raise SettingsError(f"--select {select!r} cannot be read: {str(e).splitlines()[0]}") from e
    if not chosen:
        raise SettingsError(f"--select {select!r} names no asset. `retail-assets materialize` without it takes all.")
    return set(chosen)


def _partition_tags(settings: Settings, first: dt.date | None, last: dt.date | None) -> dict[str, str]:
    if first is None or last is None:
        return {}
    partitions = landing_partitions(settings)
    known = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    for day in (first, last):
        if not partitions.has_partition_key(day.isoformat()):
            raise SettingsError(
                f"{day} is a partition outside the range {known[0]} to {known[1]}. Choose a landing day in it, or set "
                "RETAIL_START_DATE or RETAIL_END_DATE."
            )
    if last < first:
        raise SettingsError(f"The range ends on {last}, before it begins on {first}.")
    if first == last:
        return {PARTITION_NAME_TAG: first.isoformat()}
    return {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}
