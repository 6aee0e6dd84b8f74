"""The operator: asks Dagster for assets, waits for the run outside of any worker slot, and reports how it ended."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.execution_time.xcom import XCom

from airflow_bridge.backfills import runs_to_come
from airflow_bridge.client import DagsterClient
from airflow_bridge.hooks import DagsterHook
from airflow_bridge.launching import STOPS, Launcher, Order, remember_reported
from airflow_bridge.partitions import partition_of_dag_run, partition_tags
from airflow_bridge.problems import DagsterError, RefusedError, UnreachableError, sentence
from airflow_bridge.runs import AssetNode, Check, Report, Run
from airflow_bridge.selection import select
from airflow_bridge.stopping import cancel
from airflow_bridge.triggers import LOST, TIMEOUT, UNREACHABLE, DagsterRunTrigger, Watch
from airflow_bridge.versions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

CHECK_POLICIES = ("fail", "skip", "ignore")

#: Seconds that a run has to end where the task's own process is being stopped: Airflow kills it after five seconds.
_STOPS_IN_WORKER = 3.5


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
            run_id, existing = self._launcher(client, context).find_or_launch()
        return self._wait(client, context, run_id, existing)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Report how the run ended, after the wait."""
        with _as_task_errors():
            client = self._client()
            if event["status"] == "CANCELED" and event.get("overtaken"):
                # The end of the earlier try canceled the run that this try found: the task was cleared while it waited.
                self.log.info("Run %s was canceled with the try that launched it; launching a new run", event["run_id"])
                run_id = self._launcher(client, context).launch()
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
            stop = cancel(self._client(), self.run_id, _STOPS_IN_WORKER, self.log)
        except DagsterError as e:
            self.log.error("Dagster run %s could not be canceled and may still be running: %s", self.run_id, e)
        else:
            say = self.log.info if stop.canceled else self.log.error
            say("Dagster run %s %s", self.run_id, stop.outcome(_STOPS_IN_WORKER))

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
        if not _is_true(self.once_per_backfill):
            return
        to_come = runs_to_come(context, sorted(self.upstream_task_ids) or [self.task_id])
        if to_come:
            raise AirflowSkipException(
                f"{to_come} more DAG runs of the backfill are still to come. The last of them runs {self.task_id!r}, "
                "for all of them."
            )

    def _launcher(self, client: DagsterClient, context: Context) -> Launcher:
        return Launcher(
            client,
            context,
            order=lambda: self._order(client, context),
            upstream=self.get_flat_relative_ids(upstream=True),
            retries=self.retries or 0,
            resume_failed=self.resume_failed,
            log=self.log,
            launched=lambda run_id: setattr(self, "run_id", run_id),
        )

    def _order(self, client: DagsterClient, context: Context) -> Order:
        """Return what a new run is to do. Raises RefusedError for what Dagster does not have."""
        nodes = self._chosen(client)

        def key_of_run() -> str | None:
            formats = (self.partition_format, *(node.partition_format for node in nodes))
            return partition_of_dag_run(context, self.task_id, self.partition, self.time_zone, formats)

        partition = partition_tags(client, nodes, self.partition_range, key_of_run)
        tags = {str(key): str(value) for key, value in (self.tags_of_run or {}).items()}
        return Order(nodes, partition, tags, self._config())

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
            stop = cancel(client, run_id, STOPS, self.log)
            raise AirflowException(
                f"Dagster run {run_id} took longer than {self.run_timeout} and {sentence(stop.outcome(STOPS))} {url}"
            )
        if status == UNREACHABLE:
            raise AirflowException(
                f"Dagster was unreachable for {self.outage_tolerance}; run {run_id} may still be running. The next try "
                f"looks for it before it launches anything. Last answer: {event['message']}"
            )
        if status == LOST:
            raise AirflowException(event["message"])
        report = client.report(run_id)
        remember_reported(context, run_id)
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


def _is_true(rendered: bool | str) -> bool:
    return rendered if isinstance(rendered, bool) else str(rendered).strip().lower() == "true"


def _names(name: str, given: Any) -> list[str]:
    """Return a list of names, also from a comma-separated string that a template rendered."""
    texts = given.split(",") if isinstance(given, str) else list(given)
    names = [text.strip() for text in texts if text.strip()]
    if not names:
        raise RefusedError(f"`{name}` is empty: name at least one.")
    return names
