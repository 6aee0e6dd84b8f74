"""The operator: asks Dagster for assets, waits for the run outside of any worker slot, and reports how it ended."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
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
    sentence,
)
from airflow_bridge.hooks import DagsterHook
from airflow_bridge.selection import select
from airflow_bridge.triggers import LOOK_AGAIN, LOST, TIMEOUT, UNREACHABLE, DagsterRunTrigger, Stop, Watch
from airflow_bridge.versions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

DAG_ID, DAG_RUN_ID, TASK_ID = "airflow/dag_id", "airflow/dag_run_id", "airflow/task_id"
MAP_INDEX, TRY = "airflow/map_index", "airflow/try_number"
CHECK_POLICIES = ("fail", "skip", "ignore")

#: Seconds within which a launch that was not answered becomes visible.
_LAUNCH_SHOWS = 30.0
_LOOK_AGAIN = 2.0
#: Seconds that a run which is being canceled has to end before the task launches another.
_STOPS = 120.0
#: The same where the task's own process is being stopped: Airflow kills it after five seconds.
_STOPS_IN_WORKER = 3.5
#: Seconds after a launch in which a run that another DAG run launched at the same moment becomes visible.
_RIVAL_SHOWS = 2.0
#: DAG runs that one question to Airflow is about.
_AT_ONCE = 50
#: Under this key the task's store holds the runs whose end was reported to Airflow.
_REPORTED = "told_runs"
_KEPT = 20
#: More runs than one DAG run ever launches.
_MANY = 500
#: How the ids of the DAG runs of a backfill begin, and the states in which a task has nothing more to do.
_OF_BACKFILL = "backfill__"
_ENDED_TASK = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
_BY_DAY = "%Y-%m-%d"
#: Sorts after every partition key.
_AFTER_ALL = chr(0x10FFFF)


class DagsterRunLink(BaseOperatorLink):
    """The button on a task's page that opens its Dagster run, also while the task waits."""

    name = "Dagster run"

    @property
    def xcom_key(self) -> str:
        return "_link_DagsterRunLink"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return str(XCom.get_value(ti_key=ti_key, key="dagster_run_url") or "")


class DagsterMaterializeOperator(BaseOperator):
    """Materialize assets with one Dagster run.

    Parameters
    ----------
    assets, groups, selection
        What to materialize; exactly one of them: asset keys (`a/b` for paths), group names, or Dagster's selection
        syntax (see `selection.py`).
    partition
        The partition, if an asset has partitions. If empty, it is the day on which the data interval begins, in
        `time_zone`, in `partition_format` or else in Dagster's own format. For a DAG run without a data interval it is
        the day before the run, if partitions are days.
    partition_range
        `A...B`, materialized by a single Dagster run. An empty `A` is Dagster's first partition, an empty `B` the
        partition of this DAG run. Assets without partitions ignore both.
    run_config, tags_of_run
        Passed to the run. `run_config` is a dict, or JSON as a string.
    deferrable
        If false, the task waits in the worker.
    poll_interval
        Seconds between two looks at the run.
    run_timeout
        A run that takes longer is canceled.
    outage_tolerance
        How long Dagster may be unreachable while the task waits.
    on_check_failure
        What the task does if an asset check of severity ERROR failed: `fail`, `skip` or `ignore`.
    resume_failed
        Whether a retry resumes the failed run instead of launching a new one.
    once_per_backfill
        In a backfill, skip the task while other DAG runs of the backfill are still to come, so that only the last one
        materializes. For assets without partitions, which each DAG run would materialize again.
    conf_names
        The names that the configuration of a trigger may have. Another one, such as a misspelled parameter, fails the
        task before anything is launched. By default any name is allowed.

    Returns
    -------
    dict (XCom) with run_id, url, status, materialized, rows by asset, and checks.
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
        "once_per_backfill",
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
        once_per_backfill: bool | str = False,
        conf_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sum(x is not None for x in (assets, groups, selection)) != 1:
            raise ValueError(f"Task {self.task_id}: set exactly one of `assets`, `groups` and `selection`.")
        if on_check_failure not in CHECK_POLICIES:
            raise ValueError(
                f"Task {self.task_id}: on_check_failure={on_check_failure!r}. Allowed: {', '.join(CHECK_POLICIES)}."
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
        self.once_per_backfill = once_per_backfill
        self.conf_names = conf_names
        self.run_id: str | None = None

    # Airflow's side

    def execute(self, context: Context) -> dict[str, Any]:
        """Find the run of an earlier try, or launch a new one; then wait."""
        with _as_task_errors():
            self._refuse_unknown_conf(context)
            self._leave_to_the_last_of_a_backfill(context)
            client = self._client()
            run_id, existing = self._find_or_launch(client, context)
        return self._wait(client, context, run_id, existing)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Report how the run ended, after the wait."""
        with _as_task_errors():
            client = self._client()
            if event["status"] == "CANCELED" and event.get("overtaken"):
                # The end of the earlier try canceled the run that this try found: the task was cleared while it waited.
                self.log.info("Run %s was canceled with the try that launched it; launching a new run", event["run_id"])
                run_id = self._launch(client, context)
                relaunched = True
            else:
                result = self._outcome(client, context, event)
                relaunched = False
        return self._wait(client, context, run_id, None) if relaunched else result

    def on_kill(self) -> None:
        """Cancel the run: a person or the task's timeout ends the worker's process."""
        if self.run_id is None:
            return
        try:
            stop = self._cancel(self._client(), self.run_id, _STOPS_IN_WORKER)
        except DagsterError as e:
            self.log.error("Dagster run %s could not be canceled and may still be running: %s", self.run_id, e)
        else:
            say = self.log.info if stop.canceled else self.log.error
            say("Dagster run %s %s", self.run_id, stop.outcome(_STOPS_IN_WORKER))

    def _cancel(self, client: DagsterClient, run_id: str, seconds: float) -> Stop:
        """Cancel a run and wait for its end, at most so many seconds."""
        begun = time.time()
        stop = Stop(run_id, client.terminate(run_id))
        while True:
            try:
                stop.status = client.run(run_id).status
            except DagsterError as e:
                self.log.warning("%s", e)
            if stop.over or time.time() - begun > seconds:
                return stop
            time.sleep(LOOK_AGAIN)

    def _wait(self, client: DagsterClient, context: Context, run_id: str, existing: Run | None) -> dict[str, Any]:
        """Wait for a run; `existing` is that run if an earlier try launched it. Its deadline counts from its launch."""
        self.run_id = run_id
        url = client.run_url(run_id)
        ti = context["ti"]
        ti.xcom_push(key="dagster_run_id", value=run_id)
        ti.xcom_push(key="dagster_run_url", value=url)
        ti.xcom_push(key=DagsterRunLink().xcom_key, value=url)  # Airflow sets it only when a task ends
        self.log.info("Dagster run %s", url)
        if existing is not None and existing.status == "SUCCESS":
            return self.execute_complete(context, Watch(run_id, None, 0, 0).event(existing.status))
        now = time.time()
        launched_at, attached_at = (existing.created, now) if existing is not None else (now, None)
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

    def _refuse_unknown_conf(self, context: Context) -> None:
        """Raise RefusedError for a name that the DAG does not know: Airflow would ignore it."""
        if self.conf_names is None:
            return
        given = getattr(context.get("dag_run"), "conf", None) or {}
        if unknown := sorted(set(given) - set(self.conf_names)):
            near = [n for name in unknown for n in get_close_matches(name, self.conf_names, n=1)]
            hint = f" Did you mean {' and '.join(map(repr, near))}?" if near else ""
            known = f"It has {', '.join(sorted(self.conf_names))}." if self.conf_names else "It has none."
            raise RefusedError(
                f"The DAG {context['ti'].dag_id!r} has no parameter {', '.join(map(repr, unknown))}.{hint} {known} "
                "Nothing was launched. Trigger it again."
            )

    def _leave_to_the_last_of_a_backfill(self, context: Context) -> None:
        """Skip the task in a backfill of which other DAG runs have not come as far as this one."""
        run_type = getattr(context.get("dag_run"), "run_type", None)
        if not _is_true(self.once_per_backfill) or str(getattr(run_type, "value", run_type)) != "backfill":
            return
        ti = context["ti"]
        before = sorted(self.upstream_task_ids) or [self.task_id]
        states: Mapping[str, Mapping[str, Any]] = ti.get_task_states(dag_id=ti.dag_id, task_ids=before)
        behind = [
            run_id
            for run_id, by_task in states.items()
            if run_id.startswith(_OF_BACKFILL) and run_id != ti.run_id and not _ENDED_TASK.issuperset(by_task.values())
        ]
        # The tasks of a backfill that somebody has canceled look as if they were still to come.
        to_come = sum(
            ti.get_dr_count(dag_id=ti.dag_id, run_ids=behind[at : at + _AT_ONCE], states=["queued", "running"])
            for at in range(0, len(behind), _AT_ONCE)
        )
        if to_come:
            raise AirflowSkipException(
                f"{to_come} more DAG runs of the backfill are still to come. The last of them runs {self.task_id!r}, "
                "for all of them."
            )

    def _identity(self, context: Context) -> dict[str, str]:
        """Return the tags by which every try of this task finds its runs."""
        ti = context["ti"]
        tags = {DAG_ID: ti.dag_id, DAG_RUN_ID: ti.run_id, TASK_ID: ti.task_id}
        return tags | ({MAP_INDEX: str(ti.map_index)} if (ti.map_index or 0) >= 0 and ti.map_index is not None else {})

    def _find_or_launch(self, client: DagsterClient, context: Context) -> tuple[str, Run | None]:
        """Return the id of the run to wait for, and that run if an earlier try launched it."""
        runs = client.find(self._identity(context))
        last = self._stopped(client, runs[0]) if runs else None
        if last is not None and not last.ended:
            self.log.info("Found run %s of an earlier try (%s): waiting for it", last.id, last.status)
            self._withdraw_second(client, context, last.id, last.tags)
            return last.id, last
        if last is not None and (retry := self._retry_of_dagster(client, context, last)) is not None:
            self.log.info("Dagster itself retries run %s: waiting for the retry", last.id)
            return retry.id, retry
        if last is not None and self._outdated(client, context, last):
            self.log.info("The input of run %s has been materialized again since: launching a new run", last.id)
            return self._launch(client, context), None
        if last is not None and last.status == "SUCCESS" and self._is_unreported(context, last):
            self.log.info("Run %s ended while no task was waiting for it: taking its result", last.id)
            return last.id, last
        if last is not None and last.status == "FAILURE" and self.resume_failed and context["ti"].try_number > 1:
            self._refuse_second_dag_run(client, context, last.tags)
            try:
                run_id = self._sent(client, context, lambda tags: client.resume(last.id, tags))
                self._withdraw_second(client, context, run_id, last.tags)
                return run_id, None
            except RefusedError as e:
                self.log.warning("Run %s cannot be resumed, so a new run is launched: %s", last.id, e)
        return self._launch(client, context), None

    def _stopped(self, client: DagsterClient, run: Run) -> Run:
        """Return the run, after its end if it is being canceled: a second run would write the same tables."""
        deadline = time.time() + _STOPS
        while run.status == "CANCELING":
            if time.time() > deadline:
                raise AirflowException(
                    f"Dagster run {run.id} of an earlier try has been stopping for {_STOPS:g} s. The next try "
                    f"checks again. If its process is gone, force its termination at {client.run_url(run.id)}"
                )
            time.sleep(_LOOK_AGAIN)
            run = client.run(run.id)
        return run

    @staticmethod
    def _retry_of_dagster(client: DagsterClient, context: Context, run: Run) -> Run | None:
        """Return the run to wait for if Dagster itself retries what an earlier try launched."""
        if run.status != "FAILURE":
            return None
        if run.retried_by is not None:
            try:
                return client.run(run.retried_by)
            except RunGoneError:
                return None
        # If its failure was reported, the wait for a retry has ended before: no daemon is running that would retry it.
        return run if run.will_be_retried and run.id not in (_reported_before(context) or []) else None

    def _outdated(self, client: DagsterClient, context: Context, run: Run) -> bool:
        """Whether an upstream task has launched a run since: both were cleared because the input was wrong."""
        of_dag_run = {k: v for k, v in self._identity(context).items() if k in (DAG_ID, DAG_RUN_ID)}
        since = itertools.takewhile(lambda newer: newer.id != run.id, client.find(of_dag_run, limit=_MANY))
        before = self.get_flat_relative_ids(upstream=True)
        return any(newer.tags.get(TASK_ID) in before for newer in since)

    def _is_unreported(self, context: Context, run: Run) -> bool:
        """Whether a run's success has not been reported yet. If it has, the task was cleared in order to run again."""
        reported = _reported_before(context)
        if reported is not None:
            return run.id not in reported
        # Airflow versions without task stores: only clearing raises the number of tries beyond the task's own.
        return (getattr(context["ti"], "max_tries", None) or 0) <= (self.retries or 0)

    def _remember_reported(self, context: Context, run_id: str) -> None:
        store = context.get("task_state_store")
        if store is not None:
            reported: list[Any] = [*(_reported_before(context) or []), run_id]
            store.set(_REPORTED, reported[-_KEPT:])

    def _launch(self, client: DagsterClient, context: Context) -> str:
        nodes = self._chosen(client)
        partition = self._partition_tags(client, context, nodes)
        self._refuse_second_dag_run(client, context, partition)
        config = self._config()
        mine = {**{str(k): str(v) for k, v in (self.tags_of_run or {}).items()}, **partition}
        self.log.info("Launching %s %s", ", ".join(n.key for n in nodes), partition or "")
        run_id = self._sent(client, context, lambda tags: client.launch(nodes, mine | tags, config))
        self._withdraw_second(client, context, run_id, partition)
        return run_id

    def _sent(self, client: DagsterClient, context: Context, launch: Callable[[dict[str, str]], str]) -> str:
        """Launch. If no answer comes, check whether the run was launched all the same: there must never be two."""
        identity = self._identity(context)
        known = {run.id for run in client.find(identity)}
        try:
            self.run_id = launch({**identity, TRY: str(context["ti"].try_number)})
            return self.run_id
        except UnreachableError as e:
            if not e.sent:
                raise
            self.log.warning("%s Checking whether the run was launched all the same", sentence(str(e)))
            deadline = time.time() + _LAUNCH_SHOWS
            while time.time() < deadline:
                time.sleep(_LOOK_AGAIN)
                try:
                    new = [run for run in client.find(identity) if run.id not in known]
                except UnreachableError as again:
                    self.log.warning("%s", again)
                    continue
                if new:
                    self.log.info("The run was launched: %s", new[0].id)
                    return new[0].id
            raise

    def _chosen(self, client: DagsterClient) -> list[AssetNode]:
        """Return the chosen assets, sorted by key. Raises RefusedError for an asset that does not exist."""
        nodes = client.nodes()
        if self.selection is not None:
            keys = select(self.selection, list(nodes.values()))
            if not keys:
                raise client.missing("asset in the selection", [self.selection], sorted(nodes))
        elif self.groups is not None:
            groups = _names("groups", self.groups)
            known = {node.group for node in nodes.values()}
            if unknown := set(groups) - known:
                raise client.missing("asset group", unknown, known)
            keys = {key for key, node in nodes.items() if node.group in groups}
        else:
            keys = set(_names("assets", self.assets or []))
            if unknown := keys - set(nodes):
                raise client.missing("asset", unknown, nodes)
        return [nodes[key] for key in sorted(keys)]

    def _partition_tags(self, client: DagsterClient, context: Context, nodes: Sequence[AssetNode]) -> dict[str, str]:
        """Return the run's partition tags, none if no asset has partitions; checked against Dagster's partitions."""
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
                    f"{partitioned[0]} has partitions, and this DAG run has no data interval to choose one: trigger it "
                    f"with `partition`. {nearest(_AFTER_ALL, known)}"
                )
            check_partition(keys, key)
            return {PARTITION: key}
        begin, dots, end = (part.strip() for part in wanted.partition("..."))
        if not dots:
            raise RefusedError(f"partition_range={wanted!r} is not of the form A...B, such as 2024-01-01...2024-01-31.")
        begin = begin or (known[0] if known else "")
        end = end or self._partition(context, nodes) or (known[-1] if known else "")
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

    def _partition(self, context: Context, nodes: Sequence[AssetNode]) -> str | None:
        """Return the requested partition, else the beginning of the data interval in shop time, else yesterday."""
        if (requested := _text(self.partition)) is not None:
            return requested
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise RefusedError(
                f"time_zone={self.time_zone!r} of task {self.task_id} is not a time zone. Use a name such as "
                "Europe/Berlin."
            ) from None
        formats = (self.partition_format, *(node.partition_format for node in nodes), _BY_DAY)
        form = next(f for f in formats if f)
        if (begins := context.get("data_interval_start")) is not None:
            return str(begins.astimezone(zone).strftime(form))
        # Triggered without a logical date: of daily partitions, the last day that is over.
        starts = getattr(context.get("dag_run"), "run_after", None)
        return None if starts is None or form != _BY_DAY else str(starts.astimezone(zone).date() - timedelta(days=1))

    def _refuse_second_dag_run(self, client: DagsterClient, context: Context, tags: Mapping[str, str]) -> None:
        """Fail this try if another DAG run is working on one of the same partitions: the later one retries later."""
        if (days := _days(tags)) is None:
            return
        mine = self._identity(context)[DAG_RUN_ID]
        for run in self._on(client, context, days):
            if run.tags.get(DAG_RUN_ID) != mine:
                raise AirflowException(
                    f"The DAG run {run.tags.get(DAG_RUN_ID)!r} is already materializing "
                    f"{' to '.join(dict.fromkeys(_days(run.tags) or days))}: {client.run_url(run.id)}. Wait until it "
                    "ends and this task retries, or mark this task as success."
                )

    def _withdraw_second(self, client: DagsterClient, context: Context, run_id: str, tags: Mapping[str, str]) -> None:
        """Cancel the run and fail this try if another DAG run launched one for the same partition, and did so first.

        Between a look and a launch another may look as well. Afterwards both see both runs, and compare alike: the one
        that Dagster created first stays; if two have the same time, the smaller id.
        """
        if (days := _days(tags)) is None:
            return
        time.sleep(_RIVAL_SHOWS)
        running = self._on(client, context, days)
        own = next((run for run in running if run.id == run_id), None)
        mine = self._identity(context)[DAG_RUN_ID]
        if own is None:  # it has ended already
            return
        for run in running:
            if run.tags.get(DAG_RUN_ID) != mine and (run.created, run.id) < (own.created, own.id):
                stop = self._cancel(client, run_id, _STOPS)
                raise AirflowException(
                    f"The DAG run {run.tags.get(DAG_RUN_ID)!r} launched a run for {' to '.join(dict.fromkeys(days))} "
                    f"at the same moment, and first: {client.run_url(run.id)}. The run of this task, {run_id}, "
                    f"{sentence(stop.outcome(_STOPS))} Wait until the other one ends and this task retries."
                )

    def _on(self, client: DagsterClient, context: Context, days: tuple[str, str]) -> list[Run]:
        """Return the runs of this task, of any DAG run, that have not ended and share a partition with `days`."""
        same_task = {k: v for k, v in self._identity(context).items() if k != DAG_RUN_ID}
        unended = [(run, _days(run.tags)) for run in client.find(same_task, _MANY, unended=True)]
        return [run for run, other in unended if other and other[0] <= days[1] and days[0] <= other[1]]

    def _config(self) -> dict[str, Any]:
        """Return the run config. A string is JSON, so that templates can produce booleans and numbers."""
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

    def _outcome(self, client: DagsterClient, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a wait that ended, or raise the reason why there is none."""
        run_id, status = event["run_id"], event["status"]
        url = client.run_url(run_id)
        if status == TIMEOUT:
            stop = self._cancel(client, run_id, _STOPS)
            raise AirflowException(
                f"Dagster run {run_id} took longer than {self.run_timeout} and {sentence(stop.outcome(_STOPS))} {url}"
            )
        if status == UNREACHABLE:
            raise AirflowException(
                f"Dagster was unreachable for {self.outage_tolerance}; run {run_id} may still be running. The next try "
                f"looks for it before it launches anything. Last answer: {event['message']}"
            )
        if status == LOST:
            raise AirflowException(event["message"])
        report = client.report(run_id)
        self._remember_reported(context, run_id)
        if status == "CANCELED":
            raise AirflowFailException(
                f"Dagster run {run_id} was canceled in Dagster, so it is not retried. Clear the task to run it. {url}"
            )
        if status != "SUCCESS":
            why = " ".join(map(sentence, report.failures)) or "no step reported a reason; see its log."
            raise AirflowException(f"Dagster run {run_id} failed: {why} {url}")
        self._judge(report.checks, run_id, url)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"dagster_run_id": run_id, "dagster_run_url": url}
        return self._result(report, run_id, url)

    def _judge(self, checks: Sequence[Check], run_id: str, url: str) -> None:
        """Apply `on_check_failure` to ERROR checks that failed in a run that succeeded."""
        failed = [check for check in checks if not check.passed]
        errors = [check for check in failed if check.severity == "ERROR" and self.on_check_failure != "ignore"]
        for check in failed:
            if check not in errors:  # those are in the message of the task
                self.log.warning("Asset check failed (%s): %s", check.severity, check)
        if not errors:
            return
        why = " ".join(sentence(str(check)) for check in errors)
        message = f"Dagster run {run_id} succeeded, but asset checks failed: {why} {url}"
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
    """Turn refusals into task failures, and temporary problems into failed tries."""
    try:
        yield
    except UnreachableError as e:
        raise AirflowException(str(e)) from e
    except DagsterError as e:
        raise AirflowFailException(str(e)) from e


def _days(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition of a run; None if it has none."""
    first, last = tags.get(PARTITION, tags.get(RANGE_START)), tags.get(PARTITION, tags.get(RANGE_END))
    return None if first is None or last is None else (first, last)


def _is_true(rendered: bool | str) -> bool:
    return rendered if isinstance(rendered, bool) else str(rendered).strip().lower() == "true"


def _text(rendered: str | None) -> str | None:
    """Return what a template rendered, or None: an empty parameter renders as an empty string or the word None."""
    text = str(rendered or "").strip()
    return None if text in ("", "None") else text


def _reported_before(context: Context) -> list[str] | None:
    """Return the runs whose end was reported to Airflow; None if this Airflow has no task store."""
    store = context.get("task_state_store")
    if store is None:
        return None
    reported = store.get(_REPORTED)
    return [str(run_id) for run_id in reported] if isinstance(reported, list) else []


def _names(name: str, given: Any) -> list[str]:
    """Return a list of names, also from a comma-separated string that a template rendered."""
    texts = given.split(",") if isinstance(given, str) else list(given)
    names = [text.strip() for text in texts if text.strip()]
    if not names:
        raise RefusedError(f"`{name}` is empty: name at least one.")
    return names
