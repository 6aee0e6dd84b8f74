"""Runs that the command line starts: one in-process run with one line per step, and errors without tracebacks.

They are recorded in the same instance as runs that Dagster's pages launch, and as those are: with the code location
that they belong to. Without it a run is missing in the timeline and cannot be executed again from its page. Dagster has
no public way to record it, nor public names for the tags of a run's partitions, so its private ones are used here and,
for what a launcher answers, in `run_watch.py`.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Collection, Mapping

import dagster as dg
from dagster import DagsterEventType as Event
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from retail_assets.defs.alerts import after_run
from retail_assets.defs.build import build_defs
from retail_assets.defs.failures import failed_step
from retail_assets.defs.instance import dagster_instance
from retail_assets.defs.kept_records import records_kept_open
from retail_assets.defs.lineage import note_run, sending_lineage
from retail_assets.defs.partitions import landing_partitions
from retail_assets.defs.run_source import source_tags
from retail_assets.errors import NotReadyError, RetailError, SettingsError, nearest
from retail_assets.landing.partitions import is_data, landed_partitions, partition_folder
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.status import SETTLED, read_status

#: Run configuration: the logger of `steps_logger` alone.
_ONE_LINE_PER_STEP: dict[str, dict[str, dict[str, str]]] = {"loggers": {"steps": {}}}

#: The code location and its module, as in `workspace.yaml` and in pyproject.toml for `dg dev`.
_LOCATION = "retail_assets"
_MODULE = "retail_assets.definitions"


class RunFailedError(RetailError):
    """A step failed or a blocking check did not pass; the message repeats the message of each."""


def execute(
    settings: Settings,
    definitions: dg.Definitions,
    assets: Collection[dg.AssetKey],
    days: tuple[dt.date, dt.date] | None,
    tags: Mapping[str, str] | None = None,
    *,
    repeatable: bool = False,
) -> None:
    """Run assets in this process, and print one line per step on stderr.

    Parameters
    ----------
    settings
        Of the definitions; they say where the run's lineage and its alerts go.
    definitions
        What the assets are taken from.
    assets
        The assets to materialize, with their checks.
    days
        The first and the last landing day; None for assets without partitions.
    tags
        Tags of the run besides those of its partitions.
    repeatable
        Whether Dagster's pages may execute the run again: whether `definitions` are those of the code location.

    Raises RunFailedError if the run fails; nothing of a failed step is published.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    with dagster_instance() as instance:
        selected = job.get_subset(asset_selection=frozenset(assets))
        with records_kept_open(instance):
            run = instance.create_run_for_job(
                job_def=selected,
                run_config=_ONE_LINE_PER_STEP,
                tags={**(tags or {}), **source_tags(settings.source), **_partition_tags(days)},
                asset_selection=frozenset(assets),
                remote_job_origin=_origin(job.name) if repeatable else None,
            )
            result = execute_run(InMemoryJob(selected), run, instance)
        note_run(settings, definitions, instance, result.run_id)
        if problem := after_run(Platform(settings), instance, job.asset_layer.asset_graph):
            print(problem, file=sys.stderr)
    if not result.success:
        messages = [message for event in result.all_events if (message := _error_message(event))]
        raise RunFailedError("\n".join(messages) or f"The run {result.run_id} failed; see Dagster's log of it.")


def _origin(job: str) -> RemoteJobOrigin:
    """Return where Dagster's pages find the job of a run."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=_MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, _LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)


def materialize(settings: Settings, select: str, first: dt.date | None, last: dt.date | None) -> None:
    """Materialize the selected assets for the landings from `first` to `last` (None: assets without partitions).

    Without days, the landings that wait are materialized: landed and not yet loaded, or changed since. Raises
    SettingsError for a selection or a partition that does not exist, or a day without files while others wait, and
    RunFailedError if the run fails.
    """
    with sending_lineage(settings):
        _materialize(settings, select, first, last)


def _materialize(settings: Settings, select: str, first: dt.date | None, last: dt.date | None) -> None:
    definitions = build_defs(settings)
    job = definitions.resolve_implicit_global_asset_job_def()
    assets = _selected(job, select)
    partitioned = sorted(key.to_user_string() for key in assets if job.asset_layer.get(key).is_partitioned)
    days = (first, last) if first is not None and last is not None else None
    if days:
        _refuse_unknown_partitions(settings, *days)
    elif partitioned:
        waiting = waiting_landings(Platform(settings))
        for landings in waiting:
            _refuse_unknown_partitions(settings, *landings)
        for earlier in waiting[:-1]:
            by_landing = [key for key in assets if job.asset_layer.get(key).is_partitioned]
            execute(settings, definitions, by_landing, earlier, repeatable=True)
        days = waiting[-1] if waiting else None
    if partitioned and days:
        _refuse_nothing_landed(Platform(settings), *days)
    if partitioned and not days:
        landed = landed_partitions(Platform(settings).raw, settings.source)
        if not landed:
            raise NotReadyError(f"Nothing of {settings.source} has landed yet, so there is nothing to compute.")
        raise SettingsError(
            f"No landing waits: all {len(landed):,} are loaded. To compute one again, name its day: --partition "
            f"{max(landed)} (also --partition-range FIRST...LAST). To compute assets that are not computed per landing "
            "day, name them: --select insights,sales_forecast"
        )
    execute(settings, definitions, assets, days if partitioned else None, repeatable=True)


def _partition_tags(days: tuple[dt.date, dt.date] | None) -> dict[str, str]:
    if days is None:
        return {}
    first, last = days
    if first == last:
        return {PARTITION_NAME_TAG: first.isoformat()}
    return {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}


def _error_message(event: dg.DagsterEvent) -> str | None:
    """The message of a failed step or a failed blocking check; None for other events.

    A step that fails because a blocking check did not pass adds nothing to the message of the check.
    """
    if event.event_type is Event.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        if not check.passed and check.blocking:
            return f"{check.asset_key.to_user_string()}: {check.description}"
    if (failed := failed_step(event)) is None:
        return None
    by_us = event.step_failure_data.user_failure_data is not None
    return failed[1] if by_us else f"{event.step_key}: {failed[1]}"


def _selected(job: dg.JobDefinition, select: str) -> set[dg.AssetKey]:
    """The assets of names separated by commas, as `dagster asset materialize` takes them, or of Dagster's selection."""
    if re.fullmatch(r"[\w/]+(\s*,\s*[\w/]+)*", select.strip()):
        keys = {key.to_user_string(): key for key in job.asset_layer.selected_asset_keys}
        names = re.split(r"\s*,\s*", select.strip())
        if unknown := [name for name in names if name not in keys]:
            raise SettingsError(
                f"--select: there is no asset {unknown[0]!r}.{nearest(unknown[0], keys)} Assets: "
                f"{', '.join(sorted(keys))}."
            )
        return {keys[name] for name in names}
    try:
        selected = dg.AssetSelection.from_string(select).resolve(job.asset_layer.asset_graph)
    except dg.DagsterError as e:
        raise SettingsError(f"--select {select!r} cannot be read: {str(e).splitlines()[0]}") from e
    if not selected:
        raise SettingsError(f"--select {select!r} matches no asset. Leave it out to select every asset.")
    return set(selected)


def waiting_landings(platform: Platform) -> list[tuple[dt.date, dt.date]]:
    """Return the landings that are not loaded as they are, as ranges of days without a loaded landing between them.

    One that was refused waits for a person, and must not keep the others from being loaded.
    """
    ranges: list[tuple[dt.date, dt.date]] = []
    joined = False
    for landing in read_status(platform).landings:
        if landing.state in SETTLED or not landing.files:
            joined = False
            continue
        first = ranges.pop()[0] if joined else landing.landed_on
        ranges.append((first, landing.landed_on))
        joined = True
    return ranges


def _refuse_nothing_landed(platform: Platform, first: dt.date, last: dt.date) -> None:
    """Refuse days without any file while files wait on other days: the run would be green and empty."""
    folder = partition_folder(platform.source, first)
    if first == last and any(is_data(entry.key) for entry in platform.raw.list(folder)):
        return  # the landings of the past are not listed for the day's own
    landed = landed_partitions(platform.raw, platform.source)
    if any(first <= day <= last for day in landed):
        return
    waiting = sorted(set(landed) - set(platform.lake.days("clean")))
    if not waiting or any(first <= day <= last for day in platform.lake.days("raw")):
        return
    named = ", ".join(map(str, waiting[:5])) + (f" and {len(waiting) - 5} more" if len(waiting) > 5 else "")
    days = str(first) if first == last else f"{first} to {last}"
    raise SettingsError(
        f"Nothing has landed on {days}, but files wait on {named}. `retail-assets materialize` without a day computes "
        f"what waits (or --partition {waiting[-1]})."
    )


def _refuse_unknown_partitions(settings: Settings, first: dt.date, last: dt.date) -> None:
    partitions = landing_partitions(settings)
    bounds = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    for day in (first, last):
        if not partitions.has_partition_key(day.isoformat()):
            raise SettingsError(
                f"{day} is a partition outside the range {bounds[0]} to {bounds[1]}"
                + ("" if settings.end_date else f", which is today in shop time ({settings.contract.timezone})")
                + ". Choose a landing day in it, or change RETAIL_START_DATE or RETAIL_END_DATE."
            )
    if last < first:
        raise SettingsError(f"The range ends on {last}, before it begins on {first}.")
