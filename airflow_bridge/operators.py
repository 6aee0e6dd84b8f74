"""The operator: asks Dagster for assets, waits for the run outside of any worker slot, and tells how it ended."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.execution_time.xcom import XCom

from airflow_bridge.client import (
    PARTITION,
    RANGE_END,
    RANGE_START,
    AssetNode,
    Check,
    DagsterClient,
    DagsterError,
    RefusedError,
    Report,
    Run,
    RunGoneError,
    UnreachableError,
    check_partition,
    nearest,
)
from airflow_bridge.hooks import DagsterHook
from airflow_bridge.selection import select
from airflow_bridge.triggers import LOST, TIMEOUT, UNREACHABLE, DagsterRunTrigger, Watch
from airflow_bridge.versions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

DAG_ID, DAG_RUN_ID, TASK_ID = "airflow/dag_id", "airflow/dag_run_id", "airflow/task_id"
MAP_INDEX, TRY = "airflow/map_index", "airflow/try_number"
CHECK_POLICIES = ("fail", "skip", "ignore")

#: Seconds in which a launch whose answer did not come must have become visible.
_LAUNCH_SHOWS = 30.0
_LOOK_AGAIN = 2.0
#: Seconds that a run which is being cancelled has to end before the task launches another.
_STOPS = 120.0
#: Under this key the task's store holds the runs whose end was told to Airflow.
_TOLD = "told_runs"
_KEPT = 20
#: More runs than a DAG run launches.
_MANY = 500
#: Sorts after every partition key.
_AFTER_ALL = chr(0x10FFFF)


class DagsterRunLink(BaseOperatorLink):
    """The button on a task's page, also while the task waits."""

    name = "Dagster run"

    @property
    def xcom_key(self) -> str:
        return "_link_DagsterRunLink"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return str(XCom.get_value(ti_key=ti_key, key="dagster_run_url") or "")


class DagsterMaterializeOperator(BaseOperator):
    """Materialize assets by one Dagster run.

    What: `assets` (keys, `a/b` for paths), `groups`, or `selection` (Dagster's syntax, see selection.py); one of them.

    Which partition, where an asset has partitions: `partition`; if empty, the day in which the data interval begins, in
    `time_zone`, written as `partition_format`, else as Dagster writes them. Or `partition_range`, `A...B`, by a single
    Dagster run: an empty `A` is Dagster's first, an empty `B` the partition of this DAG run. Assets without partitions
    disregard both.

    `run_config` (a dict, or JSON as a text) and `tags_of_run` go to the run. `run_timeout`: a run that takes longer is
    cancelled. `outage_tolerance`: how long Dagster may not answer while the task waits. `on_check_failure`: what
    becomes of the task if an asset check of severity ERROR failed: `fail`, `skip` or `ignore`. `resume_failed`: a retry
    goes on where the run failed, in place of beginning anew. `deferrable=False` waits in the worker.

    Returns (XCom) run_id, url, status, materialized, rows by asset, and checks.
    """

    template_fields: Sequence[str] = (
        "assets",
        "groups",
        "selection",
        "partition",
        "partition_range",
        "time_zone",
        "run_config",
        "tags_of_run",
        "dagster_conn_id",
    )
    template_fields_renderers = {"run_config": "json", "tags_of_run": "json"}  # noqa: RUF012 - Airflow's own form
    operator_extra_links = (DagsterRunLink(),)
    ui_color = "#c8d5ff"

    def __init__(
        self,
        *,
        assets: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        selection: str | None = None,
        partition: str | None = None,
        partition_range: str | None = None,
        partition_format: str | None = None,
        time_zone: str = "UTC",
        run_config: Mapping[str, Any] | str | None = None,
        tags_of_run: Mapping[str, str] | None = None,
        dagster_conn_id: str = DagsterHook.default_conn_name,
        deferrable: bool = True,
        poll_interval: float = 5.0,
        run_timeout: timedelta | None = None,
        outage_tolerance: timedelta = timedelta(minutes=10),
        on_check_failure: str = "fail",
        resume_failed: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sum(x is not None for x in (assets, groups, selection)) != 1:
            raise ValueError(f"Task {self.task_id}: give one of `assets`, `groups` and `selection`.")
        if on_check_failure not in CHECK_POLICIES:
            raise ValueError(
                f"Task {self.task_id}: on_check_failure={on_check_failure!r}; allowed: {', '.join(CHECK_POLICIES)}."
            )
        if poll_interval <= 0:
            raise ValueError(f"Task {self.task_id}: poll_interval={poll_interval!r} must be more than 0 seconds.")
        self.assets = assets
        self.groups = groups
        self.selection = selection
        self.partition = partition
        self.partition_range = partition_range
        self.partition_format = partition_format
        self.time_zone = time_zone
        self.run_config = run_config
        self.tags_of_run = tags_of_run
        self.dagster_conn_id = dagster_conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.run_timeout = run_timeout
        self.outage_tolerance = outage_tolerance
        self.on_check_failure = on_check_failure
        self.resume_failed = resume_failed
        self.run_id: str | None = None

    # Airflow's side

    def execute(self, context: Context) -> dict[str, Any]:
        """Find the run of an earlier try, or launch one; then wait."""
        with _as_task_errors():
            client = self._client()
            run_id, found = self._find_or_launch(client, context)
        return self._wait(client, context, run_id, found)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """The wait is over: tell how the run ended."""
        with _as_task_errors():
            client = self._client()
            if event["status"] == "CANCELED" and event.get("overtaken"):
                # The end of the earlier try cancelled what this one had found: a task cleared while it waited.
                self.log.info("Run %s was cancelled with the try that launched it; launching anew", event["run_id"])
                run_id = self._launch(client, context)
                relaunched = True
            else:
                result = self._told(client, context, event)
                relaunched = False
        return self._wait(client, context, run_id, None) if relaunched else result

    def on_kill(self) -> None:
        """The worker's process is ended by a person, or by a time-out of the task: so is the run."""
        if self.run_id is None:
            return
        try:
            refused = self._client().terminate(self.run_id)
        except DagsterError as e:
            self.log.error("Dagster run %s could not be cancelled, and may go on: %s", self.run_id, e)
        else:
            self.log.info("Cancelled Dagster run %s%s", self.run_id, f": {refused}" if refused else "")

    def _wait(self, client: DagsterClient, context: Context, run_id: str, found: Run | None) -> dict[str, Any]:
        """Wait for a run, `found` if an earlier try launched it. Its deadline counts from its launch."""
        self.run_id = run_id
        url = client.run_url(run_id)
        ti = context["ti"]
        ti.xcom_push(key="dagster_run_id", value=run_id)
        ti.xcom_push(key="dagster_run_url", value=url)
        ti.xcom_push(key=DagsterRunLink().xcom_key, value=url)  # Airflow sets it when a task ends; people look earlier
        self.log.info("Dagster run %s", url)
        if found is not None and found.status == "SUCCESS":
            return self.execute_complete(context, Watch(run_id, None, 0, 0).event(found.status))
        now = time.time()
        launched_at, attached_at = (found.created, now) if found is not None else (now, None)
        deadline = launched_at + self.run_timeout.total_seconds() if self.run_timeout else None
        tolerance = self.outage_tolerance.total_seconds()
        if self.deferrable:
            trigger = DagsterRunTrigger(
                self.dagster_conn_id, run_id, self.poll_interval, deadline, tolerance, attached_at, left_at=now
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        watch = Watch(run_id, deadline, tolerance, now, attached_at)
        while True:
            try:
                event = watch.seen(client.run(watch.run_id), time.time())
            except DagsterError as e:
                self.log.warning("%s", e)
                event = watch.unseen(e, time.time())
            self.run_id = watch.run_id
            if event is not None:
                return self.execute_complete(context, event)
            time.sleep(self.poll_interval)

    def _client(self) -> DagsterClient:
        return DagsterHook(self.dagster_conn_id).get_conn()

    # Before the launch

    def _identity(self, context: Context) -> dict[str, str]:
        """The tags by which any try of this task finds its runs."""
        ti = context["ti"]
        tags = {DAG_ID: ti.dag_id, DAG_RUN_ID: ti.run_id, TASK_ID: ti.task_id}
        return tags | ({MAP_INDEX: str(ti.map_index)} if (ti.map_index or 0) >= 0 and ti.map_index is not None else {})

    def _find_or_launch(self, client: DagsterClient, context: Context) -> tuple[str, Run | None]:
        """The id of the run to wait for, and that run if an earlier try launched it."""
        runs = client.find(self._identity(context))
        last = self._stopped(client, runs[0]) if runs else None
        if last is not None and not last.ended:
            self.log.info("Found run %s of an earlier try, %s: waiting for it", last.id, last.status)
            return last.id, last
        if last is not None and (retry := self._retry_of_dagster(client, context, last)) is not None:
            self.log.info("Dagster itself retries run %s: waiting for that", last.id)
            return retry.id, retry
        if last is not None and self._outdated(client, context, last):
            self.log.info("What run %s was made from has been made anew since: launching anew", last.id)
            return self._launch(client, context), None
        if last is not None and last.status == "SUCCESS" and self._nobody_was_told(context, last):
            self.log.info("Run %s ended while no task watched it: taking its result", last.id)
            return last.id, last
        if last is not None and last.status == "FAILURE" and self.resume_failed and context["ti"].try_number > 1:
            try:
                return self._sent(client, context, lambda tags: client.resume(last.id, tags)), None
            except RefusedError as e:
                self.log.warning("Run %s cannot be resumed, so it begins anew: %s", last.id, e)
        return self._launch(client, context), None

    def _stopped(self, client: DagsterClient, run: Run) -> Run:
        """The run, after its end if it is being cancelled: one launched beside it would write the same tables."""
        deadline = time.time() + _STOPS
        while run.status == "CANCELING":
            if time.time() > deadline:
                raise AirflowException(
                    f"Dagster run {run.id} of an earlier try has been stopping for {_STOPS:g} s. The next try looks "
                    f"again; if its process is gone, force its termination at {client.run_url(run.id)}"
                )
            time.sleep(_LOOK_AGAIN)
            run = client.run(run.id)
        return run

    @staticmethod
    def _retry_of_dagster(client: DagsterClient, context: Context, run: Run) -> Run | None:
        """The run to wait for where Dagster retries by itself what an earlier try launched."""
        if run.status != "FAILURE":
            return None
        if run.retried_by is not None:
            try:
                return client.run(run.retried_by)
            except RunGoneError:
                return None
        # If its failure was told, its wait was in vain: no daemon is there that would retry it.
        return run if run.will_be_retried and run.id not in (_told_before(context) or []) else None

    def _outdated(self, client: DagsterClient, context: Context, run: Run) -> bool:
        """Whether a task before this one has launched a run since: somebody cleared both, as its input was wrong."""
        of_dag_run = {k: v for k, v in self._identity(context).items() if k in (DAG_ID, DAG_RUN_ID)}
        since = itertools.takewhile(lambda newer: newer.id != run.id, client.find(of_dag_run, limit=_MANY))
        before = self.get_flat_relative_ids(upstream=True)
        return any(newer.tags.get(TASK_ID) in before for newer in since)

    def _nobody_was_told(self, context: Context, run: Run) -> bool:
        """Whether a run's success is news. If not, somebody cleared a task that had ended well, and wants it again."""
        told = _told_before(context)
        if told is not None:
            return run.id not in told
        # Airflow before task stores: clearing, and nothing else, raises the number of tries beyond the task's own.
        return (getattr(context["ti"], "max_tries", None) or 0) <= (self.retries or 0)

    def _tell(self, context: Context, run_id: str) -> None:
        store = context.get("task_state_store")
        if store is not None:
            told: list[Any] = [*(_told_before(context) or []), run_id]
            store.set(_TOLD, told[-_KEPT:])

    def _launch(self, client: DagsterClient, context: Context) -> str:
        nodes = self._chosen(client)
        partition = self._partition_tags(client, context, nodes)
        self._refuse_second_dag_run(client, context, partition)
        config = self._config()
        mine = {**{str(k): str(v) for k, v in (self.tags_of_run or {}).items()}, **partition}
        self.log.info("Launching %s %s", ", ".join(n.key for n in nodes), partition or "")
        return self._sent(client, context, lambda tags: client.launch(nodes, mine | tags, config))

    def _sent(self, client: DagsterClient, context: Context, launch: Callable[[dict[str, str]], str]) -> str:
        """Launch. Where the answer does not come, look whether the run has: never is a second one launched."""
        identity = self._identity(context)
        known = {run.id for run in client.find(identity)}
        try:
            self.run_id = launch({**identity, TRY: str(context["ti"].try_number)})
            return self.run_id
        except UnreachableError as e:
            if not e.sent:
                raise
            self.log.warning("%s Looking whether the run was launched all the same", e)
            deadline = time.time() + _LAUNCH_SHOWS
            while time.time() < deadline:
                time.sleep(_LOOK_AGAIN)
                try:
                    new = [run for run in client.find(identity) if run.id not in known]
                except UnreachableError as again:
                    self.log.warning("%s", again)
                    continue
                if new:
                    self.log.info("It was: %s", new[0].id)
                    return new[0].id
            raise

    def _chosen(self, client: DagsterClient) -> list[AssetNode]:
        """The assets meant, in the order of their names. Raises RefusedError for one that there is not."""
        nodes = client.nodes()
        if self.selection is not None:
            keys = select(self.selection, list(nodes.values()))
            if not keys:
                raise client.missing("asset in the selection", [self.selection], sorted(nodes))
        elif self.groups is not None:
            groups = _texts("groups", self.groups)
            known = {node.group for node in nodes.values()}
            if unknown := set(groups) - known:
                raise client.missing("asset group", unknown, known)
            keys = {key for key, node in nodes.items() if node.group in groups}
        else:
            keys = set(_texts("assets", self.assets or []))
            if unknown := keys - set(nodes):
                raise client.missing("asset", unknown, nodes)
        return [nodes[key] for key in sorted(keys)]

    def _partition_tags(self, client: DagsterClient, context: Context, nodes: Sequence[AssetNode]) -> dict[str, str]:
        """The tags that say which partition, or none for assets without; checked against what Dagster has."""
        partitioned = [node.key for node in nodes if node.partitioned]
        if not partitioned:
            return {}
        keys = client.partition_keys(partitioned)
        known = keys[partitioned[0]][0]
        wanted = _text(self.partition_range)
        if wanted is None:
            key = self._partition(context, nodes)
            if key is None:
                raise RefusedError(
                    f"{partitioned[0]} has partitions, and this DAG run has no data interval that says which: trigger "
                    f"it with `partition`. {nearest(_AFTER_ALL, known)}"
                )
            check_partition(keys, key)
            return {PARTITION: key}
        begin, dots, end = (part.strip() for part in wanted.partition("..."))
        if not dots:
            raise RefusedError(f"partition_range={wanted!r} is not A...B, such as 2024-01-01...2024-01-31.")
        begin = begin or (known[0] if known else "")
        end = end or self._partition(context, nodes) or (known[-1] if known else "")
        for key in (begin, end):
            check_partition(keys, key)
        if known.index(begin) > known.index(end):
            raise RefusedError(f"partition_range={wanted!r}: {begin} comes after {end}. Turn them round.")
        if begin == end:
            return {PARTITION: begin}
        # Dagster would launch it, and the steps would fail at their first question for their partition.
        if one_by_one := [node.key for node in nodes if node.partitioned and not node.ranges]:
            raise RefusedError(
                f"partition_range={wanted!r}: one run makes one partition of {', '.join(one_by_one)}. Trigger a run "
                "for each, such as by a backfill; or give the assets BackfillPolicy.single_run() in Dagster."
            )
        return {RANGE_START: begin, RANGE_END: end}

    def _partition(self, context: Context, nodes: Sequence[AssetNode]) -> str | None:
        """The partition that was asked for, else the beginning of the data interval in shop time."""
        if (asked := _text(self.partition)) is not None:
            return asked
        begins = context.get("data_interval_start")
        if begins is None:
            return None
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise RefusedError(
                f"time_zone={self.time_zone!r} of task {self.task_id} is not a time zone, such as Europe/Berlin."
            ) from None
        formats = (self.partition_format, *(node.partition_format for node in nodes), "%Y-%m-%d")
        return str(begins.astimezone(zone).strftime(next(f for f in formats if f)))

    def _refuse_second_dag_run(self, client: DagsterClient, context: Context, partition: Mapping[str, str]) -> None:
        """Two DAG runs for one partition would do the same work beside each other: the later one retries later."""
        if not partition:
            return
        identity = self._identity(context)
        same = {k: v for k, v in identity.items() if k != DAG_RUN_ID} | dict(partition)
        for run in client.find(same):
            other = run.tags.get(DAG_RUN_ID)
            if not run.ended and other != identity[DAG_RUN_ID]:
                raise AirflowException(
                    f"The DAG run {other!r} is materializing {' to '.join(partition.values())} at this moment, by "
                    f"{client.run_url(run.id)}. One is enough: let it end and this task retry, or mark this as done."
                )

    def _config(self) -> dict[str, Any]:
        """Run config. A text is JSON, so that templates can give true and numbers."""
        if not self.run_config:
            return {}
        if isinstance(self.run_config, str):
            try:
                config = json.loads(self.run_config)
            except ValueError as e:
                raise RefusedError(f"run_config of task {self.task_id} is not JSON: {e}: {self.run_config}") from None
        else:
            config = self.run_config
        if not isinstance(config, Mapping):
            raise RefusedError(f"run_config of task {self.task_id} is not a mapping: {config!r}")
        return dict(config)

    # After the end

    def _told(self, client: DagsterClient, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """What Airflow is told of a wait that ended: a result, or the reason for none."""
        run_id, status = event["run_id"], event["status"]
        url = client.run_url(run_id)
        if status == TIMEOUT:
            refused = client.terminate(run_id)
            raise AirflowException(
                f"Dagster run {run_id} took longer than {self.run_timeout}, and was "
                f"{'not cancelled: ' + refused if refused else 'cancelled'}. {url}"
            )
        if status == UNREACHABLE:
            raise AirflowException(
                f"Dagster could not be asked for {self.outage_tolerance}; run {run_id} may go on. The next try looks "
                f"for it before it launches anything. Last answer: {event['message']}"
            )
        if status == LOST:
            raise AirflowException(event["message"])
        report = client.report(run_id)
        self._tell(context, run_id)
        if status == "CANCELED":
            raise AirflowFailException(
                f"Dagster run {run_id} was cancelled in Dagster, so it is not retried. Clear the task to run it. {url}"
            )
        if status != "SUCCESS":
            why = "; ".join(report.failures) or "no step says why; its log does"
            raise AirflowException(f"Dagster run {run_id} failed: {why}. {url}")
        self._judge(report.checks, run_id, url)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"dagster_run_id": run_id, "dagster_run_url": url}
        return self._result(report, run_id, url)

    def _judge(self, checks: Sequence[Check], run_id: str, url: str) -> None:
        """Apply the policy to ERROR checks that failed in a run that ended well."""
        failed = [check for check in checks if not check.passed]
        for check in failed:
            self.log.warning("Asset check failed (%s): %s", check.severity, check)
        errors = [check for check in failed if check.severity == "ERROR"]
        if not errors or self.on_check_failure == "ignore":
            return
        message = f"Dagster run {run_id} ended, but asset checks failed: {'; '.join(map(str, errors))}. {url}"
        if self.on_check_failure == "skip":
            raise AirflowSkipException(message)
        raise AirflowFailException(message)

    @staticmethod
    def _result(report: Report, run_id: str, url: str) -> dict[str, Any]:
        failed = [str(check) for check in report.checks if not check.passed]
        return {
            "run_id": run_id,
            "url": url,
            "status": "SUCCESS",
            "materialized": list(report.materialized),
            "rows": dict(report.rows),
            "checks": {"evaluated": len(report.checks), "failed": failed},
        }


@contextlib.contextmanager
def _as_task_errors() -> Iterator[None]:
    """Refusals fail a task for good; what may pass fails a try."""
    try:
        yield
    except UnreachableError as e:
        raise AirflowException(str(e)) from e
    except DagsterError as e:
        raise AirflowFailException(str(e)) from e


def _text(rendered: str | None) -> str | None:
    """What a template rendered, or None: an empty parameter becomes an empty text, or the word None."""
    text = str(rendered or "").strip()
    return None if text in ("", "None") else text


def _told_before(context: Context) -> list[str] | None:
    """Runs whose end Airflow was told; None where this Airflow keeps nothing for a task."""
    store = context.get("task_state_store")
    if store is None:
        return None
    told = store.get(_TOLD)
    return [str(run_id) for run_id in told] if isinstance(told, list) else []


def _texts(name: str, given: Any) -> list[str]:
    """A list of texts, or one that a template made of a text with commas."""
    texts = given.split(",") if isinstance(given, str) else list(given)
    found = [text.strip() for text in texts if text.strip()]
    if not found:
        raise RefusedError(f"`{name}` is empty: name at least one.")
    return found
