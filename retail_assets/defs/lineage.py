"""Lineage out: what Dagster recorded of an ended run, as facts for OpenLineage's events, and when they are sent.

No run waits for it: the events are made from the event log after the run has ended, by the command line in the same
process or by a sensor for the runs that Dagster's daemon started. Each run is marked with a tag, so that it is reported
once. What goes wrong here is a warning.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import importlib.util
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import dagster as dg
from dagster import DagsterEventType as Event
from dagster import DagsterRunStatus as Status

from retail_assets.alerts.redact import redacted, secrets_of
from retail_assets.defs.partitions import landing_days_of
from retail_assets.defs.run_source import is_of, location_of
from retail_assets.errors import SettingsError, without_secrets
from retail_assets.lineage.names import Dataset, dataset_of
from retail_assets.lineage.run_facts import Checked, Column, Described, Outcome, Parent, Read, Run, Step, Written
from retail_assets.lineage.spool import Sent, spool_of
from retail_assets.lineage.transport import open_transport
from retail_assets.settings import Settings

#: Marks a run whose events are in the spool or sent.
REPORTED_TAG = "retail_assets/lineage"
#: Tags by which Airflow says which task asked for the run, and to which DAG run that belongs: namespace/job/run id.
PARENT_TAG, ROOT_TAG = "openlineage/parent", "openlineage/root"

_OUTCOMES: dict[Status, Outcome] = {Status.SUCCESS: "COMPLETE", Status.FAILURE: "FAIL", Status.CANCELED: "ABORT"}
_EVENTS = {
    Event.STEP_START, Event.STEP_SUCCESS, Event.STEP_FAILURE, Event.ASSET_MATERIALIZATION, Event.ASSET_CHECK_EVALUATION
}  # fmt: skip
#: Seconds that the command line waits for a server that hangs, after the run; and a tick of the sensor.
_AFTER_COMMAND, _PER_TICK = 2.0, 20.0
_INTERVAL_SECONDS = 30
_RUNS_PER_TICK = 25
_log = logging.getLogger(__name__)


class Catalog:
    """What the definitions say of every asset: its dataset, columns, inputs, and the step that makes it."""

    def __init__(self, settings: Settings, assets: Iterable[dg.AssetsDefinition]) -> None:
        self._settings, self.secrets = settings, secrets_of(settings)
        self._specs: dict[dg.AssetKey, dg.AssetSpec] = {}
        self.made_by: dict[str, list[dg.AssetKey]] = {}
        for asset in assets:
            self._specs |= {spec.key: spec for spec in asset.specs}
            self.made_by[asset.node_def.name] = [spec.key for spec in asset.specs]
        self._at = Counter(_text(spec.metadata.get("dagster/uri")) for spec in self._specs.values())

    def __contains__(self, key: dg.AssetKey) -> bool:
        return key in self._specs

    def dataset(self, key: dg.AssetKey) -> Dataset:
        """Name the dataset of an asset, with the asset after # where several are in one folder, or have no place."""
        spec = self._specs.get(key)
        uri = _text(spec.metadata.get("dagster/uri")) if spec else None
        named = dataset_of(uri, self._settings.redshift) if uri else None
        if named is None:
            return Dataset("dagster", f"{self._settings.source}#{key.to_user_string()}")
        return named if self._at[uri] == 1 else replace(named, name=f"{named.name}#{key.to_user_string()}")

    def described(self, key: dg.AssetKey) -> Described:
        """Describe the dataset of an asset: columns with where they come from, owners, what it is."""
        spec = self._specs.get(key)
        if spec is None:
            return Described(self.dataset(key))
        return Described(self.dataset(key), self._columns(spec), tuple(spec.owners), spec.description)

    def inputs(self, key: dg.AssetKey) -> list[dg.AssetKey]:
        """List what an asset is made from."""
        spec = self._specs.get(key)
        return [dep.asset_key for dep in spec.deps] if spec else []

    def description(self, keys: Sequence[dg.AssetKey]) -> str | None:
        """Say what the step of these assets makes."""
        texts = [spec.description for key in keys if (spec := self._specs.get(key)) and spec.description]
        return " ".join(texts) or None

    def _columns(self, spec: dg.AssetSpec) -> tuple[Column, ...]:
        schema, lineage = (_object(spec.metadata.get(f"dagster/column_{name}")) for name in ("schema", "lineage"))
        sources: Mapping[str, Sequence[dg.TableColumnDep]] = (
            lineage.deps_by_column if isinstance(lineage, dg.TableColumnLineage) else {}
        )
        columns = list(schema.columns) if isinstance(schema, dg.TableSchema) else []
        named = {column.name for column in columns}
        columns += [dg.TableColumn(name) for name in sources if name not in named]
        return tuple(
            Column(
                column.name,
                column.type if column.name in named else None,
                column.description,
                tuple((self.dataset(dep.asset_key), dep.column_name) for dep in sources.get(column.name, ())),
            )
            for column in columns
        )


def facts_of(instance: dg.DagsterInstance, run_id: str, catalog: Catalog, timezone: str) -> Run | None:
    """Collect the facts of an ended run from its event log; None if it has not ended or is not of this catalog."""
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.dagster_run.status not in _OUTCOMES:
        return None
    run = record.dagster_run
    if any(key not in catalog for key in run.asset_selection or ()):
        return None
    outcome = _OUTCOMES[run.status]
    ended = _moment(record.end_time or record.update_timestamp.timestamp())
    started = _moment(record.start_time) if record.start_time else ended
    by_step: dict[str, list[dg.EventLogEntry]] = defaultdict(list)
    for entry in instance.all_logs(run_id, of_type=_EVENTS):
        if entry.dagster_event is not None and entry.step_key:
            by_step[entry.step_key].append(entry)
    selected = run.asset_selection
    steps: list[Step] = []
    checks: dict[dg.AssetKey, list[dg.EventLogEntry]] = defaultdict(list)
    for step_key, entries in by_step.items():
        for entry in entries:
            if entry.get_dagster_event().event_type is Event.ASSET_CHECK_EVALUATION:
                checks[entry.get_dagster_event().asset_check_evaluation_data.asset_key].append(entry)
        if step_key in catalog.made_by:
            keys = [key for key in catalog.made_by[step_key] if not selected or key in selected]
            steps.append(_step(catalog, step_key, keys, entries, outcome, ended))
    steps += [_checks(catalog, key, entries) for key, entries in checks.items()]
    if not steps and not selected:
        return None
    errors = [step.error for step in steps if step.error and step.outcome == "FAIL"]
    return Run(
        run_id=run_id,
        name="materialize" if run.job_name.startswith("__") else run.job_name,
        started=started,
        ended=ended,
        outcome=outcome,
        steps=tuple(steps),
        timezone=timezone,
        days=landing_days_of(run.tags),
        error="\n".join(errors) or None,
        parent=Parent.read(run.tags.get(PARENT_TAG)),
        root=Parent.read(run.tags.get(ROOT_TAG)),
        engine=importlib.metadata.version("dagster"),
        tags={k: v for k, v in run.tags.items() if k.startswith("airflow/") or k == "dagster/backfill"},
    )


def _step(
    catalog: Catalog,
    name: str,
    keys: Sequence[dg.AssetKey],
    entries: Sequence[dg.EventLogEntry],
    of_run: Outcome,
    run_ended: dt.datetime,
) -> Step:
    """The facts of the step that makes `keys`. A step without an end was stopped with its run."""
    kinds: dict[Event | None, list[dg.EventLogEntry]] = defaultdict(list)
    for entry in entries:
        kinds[entry.get_dagster_event().event_type].append(entry)
    outcome: Outcome = "FAIL" if kinds[Event.STEP_FAILURE] else "COMPLETE" if kinds[Event.STEP_SUCCESS] else "ABORT"
    ends = [*kinds[Event.STEP_FAILURE], *kinds[Event.STEP_SUCCESS]]
    ended = _moment(ends[-1].timestamp) if ends else run_ended
    started = _moment(kinds[Event.STEP_START][0].timestamp) if kinds[Event.STEP_START] else ended
    error = _error(kinds[Event.STEP_FAILURE][-1], catalog.secrets) if kinds[Event.STEP_FAILURE] else None
    if outcome == "ABORT" and of_run == "FAIL":  # its process ended with the run's
        outcome, error = "FAIL", "The step did not end: its process was gone."
    materialized: dict[dg.AssetKey, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in kinds[Event.ASSET_MATERIALIZATION]:
        event = entry.get_dagster_event().step_materialization_data.materialization
        materialized[event.asset_key].append(event.metadata)
    sources = {source for key in keys for source in catalog.inputs(key)} - set(keys)
    return Step(
        name=name,
        started=started,
        ended=ended,
        outcome=outcome,
        inputs=tuple(Read(catalog.described(key)) for key in sorted(sources)),
        outputs=tuple(_written(catalog, key, materialized.get(key, [])) for key in sorted(keys)),
        error=error,
        description=catalog.description(keys),
    )


def _written(catalog: Catalog, key: dg.AssetKey, by_partition: Sequence[Mapping[str, Any]]) -> Written:
    """What a step wrote: the rows of the run where it says so, else of its partitions, else of the whole table."""

    def numbers(name: str) -> list[int]:
        values = [_object(metadata.get(name)) for metadata in by_partition]
        return [int(value) for value in values if isinstance(value, int | float)]

    rows: int | None = None
    if inserted := numbers("rows_inserted_in_run"):
        rows = inserted[-1]
    elif of_partitions := numbers("dagster/partition_row_count"):
        rows = sum(of_partitions)
    elif total := numbers("dagster/row_count"):
        rows = total[-1]
    size, files = (sum(values) if (values := numbers(name)) else None for name in ("bytes", "files"))
    return Written(catalog.described(key), rows, size, files)


def _checks(catalog: Catalog, key: dg.AssetKey, entries: Sequence[dg.EventLogEntry]) -> Step:
    """The checks of one asset as a step that reads it, as OpenLineage's integration of dbt reports its tests.

    What a check found stays in Dagster: it may quote rows, and those name people.
    """
    results, moments, broken = [], [], []
    for entry in entries:
        check = entry.get_dagster_event().asset_check_evaluation_data
        is_error = check.severity is dg.AssetCheckSeverity.ERROR
        severity: Literal["error", "warn"] = "error" if is_error else "warn"
        results.append(Checked(check.check_name, check.passed, severity))
        moments.append(_moment(entry.timestamp))
        if not check.passed and check.blocking:
            broken.append(check.check_name)
    return Step(
        name=f"{key.to_user_string()}.checks",
        started=min(moments),
        ended=max(moments),
        outcome="FAIL" if broken else "COMPLETE",
        inputs=(Read(catalog.described(key), tuple(sorted(results, key=lambda result: result.name))),),
        error=f"Checks that did not pass: {', '.join(sorted(broken))}." if broken else None,
        description=f"The checks of {key.to_user_string()}.",
    )


class Reporter:
    """Spools the events of ended runs, and sends what waits."""

    def __init__(self, settings: Settings, assets: Iterable[dg.AssetsDefinition]) -> None:
        if settings.lineage is None:
            raise SettingsError("RETAIL_LINEAGE_URL is not set, so there is nowhere to send lineage to.")
        self._settings, self._lineage = settings, settings.lineage
        self._catalog = Catalog(settings, assets)
        self.spool = spool_of(settings.home, settings.source)

    def add(self, instance: dg.DagsterInstance, run_id: str) -> bool:
        """Spool the events of a run and mark it; False if it is not a run of this source. Raises what goes wrong."""
        from retail_assets.lineage.events import events_of

        run = facts_of(instance, run_id, self._catalog, self._settings.contract.timezone)
        if run is None:
            return False
        events = events_of(run, namespace=self._lineage.namespace, source=self._settings.source)
        if given_up := self.spool.add(run_id, run.ended, events):
            _log.warning("Lineage: %s takes nothing; oldest runs that were given up: %d", self.place, given_up)
        instance.add_run_tags(run_id, {REPORTED_TAG: "reported"})
        return True

    def send(self, seconds: float) -> Sent:
        """Send what waits, for at most so many seconds."""
        return self.spool.send(open_transport(self._lineage), seconds)

    @property
    def place(self) -> str:
        """Where the events go, without secrets."""
        return without_secrets(self._lineage.url)


def note_run(settings: Settings, definitions: dg.Definitions, instance: dg.DagsterInstance, run_id: str) -> None:
    """Keep the events of a run of the command line, which has ended, until they are sent. Never raises."""
    if settings.lineage is None:
        return
    try:
        assets = [asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
        Reporter(settings, assets).add(instance, run_id)
    except Exception as e:
        _log.warning("Lineage of run %s was not reported: %s", run_id, redacted(str(e), secrets_of(settings)))


@contextmanager
def sending_lineage(settings: Settings) -> Iterator[None]:
    """Send the lineage of the runs of a command after its last one; a server that hangs costs 2 s there, once.

    Never raises for what goes wrong with it.
    """
    try:
        yield
    finally:
        if settings.lineage is not None and _has_extra():
            sent = spool_of(settings.home, settings.source).send(open_transport(settings.lineage), _AFTER_COMMAND)
            if sent.problem:
                _log.warning(
                    "Lineage: %s. Runs that wait to be reported: %d. The next command tries again.",
                    sent.problem,
                    sent.waiting,
                )


def lineage_sensor(settings: Settings, assets: Sequence[dg.AssetsDefinition]) -> dg.SensorDefinition:
    """Return the sensor that reports ended runs. It is on wherever RETAIL_LINEAGE_URL is set, and requests no runs."""
    require_extra()

    @dg.sensor(
        name="lineage",
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends the lineage of runs that have ended to RETAIL_LINEAGE_URL, as OpenLineage events. It "
        "requests no runs.",
    )
    def lineage(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        reporter = Reporter(settings, assets)
        since = _cursor(context.cursor)
        ended = context.instance.get_run_records(
            # A second earlier: runs may end in the moment that the cursor names. Marked ones are left alone.
            dg.RunsFilter(statuses=list(_OUTCOMES), updated_after=since - dt.timedelta(seconds=1)),
            order_by="update_timestamp",
            ascending=True,
            limit=2 * _RUNS_PER_TICK,
        )
        added = 0
        for record in ended:
            moment = record.update_timestamp.replace(tzinfo=dt.UTC)
            run = record.dagster_run
            if added >= _RUNS_PER_TICK:
                break
            if REPORTED_TAG not in run.tags and is_of(run, settings.source, location_of(context)):
                try:
                    added += reporter.add(context.instance, run.run_id)
                except Exception as e:
                    why = redacted(str(e), secrets_of(settings))
                    context.log.warning("Lineage of run %s was not reported: %s", run.run_id, why)
            since = max(since, moment)
        sent = reporter.send(_PER_TICK)
        message = f"Runs that ended: {added}. Events sent to {reporter.place}: {sent.events}."
        if sent.problem:
            message += f" {sent.problem}. Runs that wait: {sent.waiting}."
        return dg.SensorResult(skip_reason=message, cursor=json.dumps({"since": since.isoformat()}))

    return lineage


def require_extra() -> None:
    """Raise SettingsError if the packages that write the events are missing."""
    if not _has_extra():
        raise SettingsError(
            "RETAIL_LINEAGE_URL needs packages that are not installed (openlineage). Install them: pip install "
            "'retail-assets[lineage]'"
        )


def _has_extra() -> bool:
    return importlib.util.find_spec("openlineage") is not None


def _cursor(text: str | None) -> dt.datetime:
    """The moment up to which runs are reported; the first tick begins now, and reports no history."""
    try:
        return dt.datetime.fromisoformat(json.loads(text or "")["since"])
    except (ValueError, KeyError, TypeError):
        return dt.datetime.now(dt.UTC)


def _error(entry: dg.EventLogEntry, secrets: Sequence[str]) -> str:
    """The message of a failed step, without its traceback."""
    failure = entry.get_dagster_event().step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return redacted(failure.user_failure_data.description, secrets)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return redacted(error.message.strip(), secrets) if error else "The step failed; its log says more."


def _object(value: Any) -> Any:
    """What a metadata value holds; the value itself where it is none."""
    return value.value if isinstance(value, dg.MetadataValue) else value


def _text(value: Any) -> str | None:
    held = _object(value)
    return held if isinstance(held, str) else None


def _moment(timestamp: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
