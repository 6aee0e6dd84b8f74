"""Which Dagster run a task waits for: that of an earlier try, a retry of it, or a new one; never two at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from airflow_bridge.client import DagsterClient
from airflow_bridge.lineage import parent_tags
from airflow_bridge.partitions import days_of
from airflow_bridge.problems import RefusedError, RunGoneError, UnreachableError, sentence
from airflow_bridge.runs import AssetNode, Run
from airflow_bridge.stopping import Log, cancel

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

DAG_ID, DAG_RUN_ID, TASK_ID = "airflow/dag_id", "airflow/dag_run_id", "airflow/task_id"
MAP_INDEX, TRY = "airflow/map_index", "airflow/try_number"

#: Seconds that a run which is being canceled has to end before the task launches another.
STOPS = 120.0
#: Seconds within which a launch that was not answered becomes visible.
_LAUNCH_SHOWS = 30.0
_LOOK_AGAIN = 2.0
#: Seconds after a launch in which a run that another DAG run launched at the same moment becomes visible.
_RIVAL_SHOWS = 2.0
#: Under this key the task's store holds the runs whose end was reported to Airflow.
_REPORTED = "told_runs"
_KEPT = 20
#: More runs than one DAG run ever launches.
_MANY = 500


@dataclass(frozen=True)
class Order:
    """What a new run is to materialize. `partition` holds the run's partition tags."""

    nodes: Sequence[AssetNode]
    partition: Mapping[str, str]
    tags: Mapping[str, str]
    config: Mapping[str, Any]


@dataclass
class Launcher:
    """Finds the run of one try of a task, or launches it.

    `order`: says what a new run is to do; asked only where one is launched. `upstream`: ids of the tasks before this
    one. `retries`, `resume_failed`: the operator's own. `launched`: called with the id of a run as soon as it is known.
    """

    client: DagsterClient
    context: Context
    order: Callable[[], Order]
    upstream: Collection[str]
    retries: int
    resume_failed: bool
    log: Log
    launched: Callable[[str], None]
    identity: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.identity = _identity(self.context)

    def find_or_launch(self) -> tuple[str, Run | None]:
        """Return the id of the run to wait for, and that run if an earlier try launched it."""
        runs = self.client.find(self.identity)
        last = self._stopped(runs[0]) if runs else None
        if last is None:
            return self.launch(), None
        if not last.ended:
            self.log.info("Found run %s of an earlier try (%s): waiting for it", last.id, last.status)
            self._withdraw_second(last.id, last.tags)
            return last.id, last
        if (retry := self._retry_of_dagster(last)) is not None:
            self.log.info("Dagster itself retries run %s: waiting for the retry", last.id)
            return retry.id, retry
        if self._outdated(last):
            self.log.info("The input of run %s has been materialized again since: launching a new run", last.id)
            return self.launch(), None
        if last.status == "SUCCESS" and self._is_unreported(last):
            self.log.info("Run %s ended while no task was waiting for it: taking its result", last.id)
            return last.id, last
        if last.status == "FAILURE" and self.resume_failed and self.context["ti"].try_number > 1:
            self._refuse_second_dag_run(last.tags)
            try:
                parent = parent_tags(self.context, self.log)
                run_id = self._sent(lambda tags: self.client.resume(last.id, parent | tags))
                self._withdraw_second(run_id, last.tags)
                return run_id, None
            except RefusedError as e:
                self.log.warning("Run %s cannot be resumed, so a new run is launched: %s", last.id, e)
        return self.launch(), None

    def launch(self) -> str:
        """Launch a new run, and return its id."""
        order = self.order()
        self._refuse_second_dag_run(order.partition)
        self.log.info("Launching %s %s", ", ".join(n.key for n in order.nodes), dict(order.partition) or "")
        mine = {**parent_tags(self.context, self.log), **order.tags, **order.partition}
        run_id = self._sent(lambda tags: self.client.launch(order.nodes, mine | tags, order.config))
        self._withdraw_second(run_id, order.partition)
        return run_id

    def _stopped(self, run: Run) -> Run:
        """Return the run, after its end if it is being canceled: a second run would write the same tables."""
        deadline = time.time() + STOPS
        while run.status == "CANCELING":
            if time.time() > deadline:
                raise AirflowException(
                    f"Dagster run {run.id} of an earlier try has been stopping for {STOPS:g} s. The next try "
                    f"checks again. If its process is gone, force its termination at {self.client.run_url(run.id)}"
                )
            time.sleep(_LOOK_AGAIN)
            run = self.client.run(run.id)
        return run

    def _retry_of_dagster(self, run: Run) -> Run | None:
        """Return the run to wait for if Dagster itself retries what an earlier try launched."""
        if run.status != "FAILURE":
            return None
        if run.retried_by is not None:
            try:
                return self.client.run(run.retried_by)
            except RunGoneError:
                return None
        # If its failure was reported, the wait for a retry has ended before: no daemon is running that would retry it.
        return run if run.will_be_retried and run.id not in (_reported_before(self.context) or []) else None

    def _outdated(self, run: Run) -> bool:
        """Whether an upstream task has launched a run since: both were cleared because the input was wrong."""
        of_dag_run = {k: v for k, v in self.identity.items() if k in (DAG_ID, DAG_RUN_ID)}
        since = itertools.takewhile(lambda newer: newer.id != run.id, self.client.find(of_dag_run, limit=_MANY))
        return any(newer.tags.get(TASK_ID) in self.upstream for newer in since)

    def _is_unreported(self, run: Run) -> bool:
        """Whether a run's success has not been reported yet. If it has, the task was cleared in order to run again."""
        reported = _reported_before(self.context)
        if reported is not None:
            return run.id not in reported
        # Airflow versions without task stores: only clearing raises the number of tries beyond the task's own.
        return (getattr(self.context["ti"], "max_tries", None) or 0) <= self.retries

    def _sent(self, launch: Callable[[dict[str, str]], str]) -> str:
        """Launch. If no answer comes, check whether the run was launched all the same: there must never be two."""
        known = {run.id for run in self.client.find(self.identity)}
        try:
            run_id = launch({**self.identity, TRY: str(self.context["ti"].try_number)})
            self.launched(run_id)
            return run_id
        except UnreachableError as e:
            if not e.sent:
                raise
            self.log.warning("%s Checking whether the run was launched all the same", sentence(str(e)))
            deadline = time.time() + _LAUNCH_SHOWS
            while time.time() < deadline:
                time.sleep(_LOOK_AGAIN)
                try:
                    new = [run for run in self.client.find(self.identity) if run.id not in known]
                except UnreachableError as again:
                    self.log.warning("%s", again)
                    continue
                if new:
                    self.log.info("The run was launched: %s", new[0].id)
                    self.launched(new[0].id)
                    return new[0].id
            raise

    def _refuse_second_dag_run(self, tags: Mapping[str, str]) -> None:
        """Fail this try if another DAG run is working on one of the same partitions: the later one retries later."""
        if (days := days_of(tags)) is None:
            return
        for run in self._on(days):
            if run.tags.get(DAG_RUN_ID) != self.identity[DAG_RUN_ID]:
                raise AirflowException(
                    f"The DAG run {run.tags.get(DAG_RUN_ID)!r} is already materializing "
                    f"{' to '.join(dict.fromkeys(days_of(run.tags) or days))}: {self.client.run_url(run.id)}. Wait "
                    "until it ends and this task retries, or mark this task as success."
                )

    def _withdraw_second(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Cancel the run and fail this try if another DAG run launched one for the same partition, and did so first.

        Between a look and a launch another may look as well. Afterwards both see both runs, and compare alike: the one
        that Dagster created first stays; if two have the same time, the smaller id.
        """
        if (days := days_of(tags)) is None:
            return
        time.sleep(_RIVAL_SHOWS)
        running = self._on(days)
        own = next((run for run in running if run.id == run_id), None)
        if own is None:  # it has ended already
            return
        for run in running:
            other = run.tags.get(DAG_RUN_ID)
            if other != self.identity[DAG_RUN_ID] and (run.created, run.id) < (own.created, own.id):
                stop = cancel(self.client, run_id, STOPS, self.log)
                raise AirflowException(
                    f"The DAG run {other!r} launched a run for {' to '.join(dict.fromkeys(days))} at the same moment, "
                    f"and first: {self.client.run_url(run.id)}. The run of this task, {run_id}, "
                    f"{sentence(stop.outcome(STOPS))} Wait until the other one ends and this task retries."
                )

    def _on(self, days: tuple[str, str]) -> list[Run]:
        """Return the runs of this task, of any DAG run, that have not ended and share a partition with `days`."""
        same_task = {k: v for k, v in self.identity.items() if k != DAG_RUN_ID}
        unended = [(run, days_of(run.tags)) for run in self.client.find(same_task, _MANY, unended=True)]
        return [run for run, other in unended if other and other[0] <= days[1] and days[0] <= other[1]]


def remember_reported(context: Context, run_id: str) -> None:
    """Note in the task's store that the end of this run was reported to Airflow."""
    store = context.get("task_state_store")
    if store is not None:
        reported: list[Any] = [*(_reported_before(context) or []), run_id]
        store.set(_REPORTED, reported[-_KEPT:])


def _reported_before(context: Context) -> list[str] | None:
    """Return the runs whose end was reported to Airflow; None if this Airflow has no task store."""
    store = context.get("task_state_store")
    if store is None:
        return None
    reported = store.get(_REPORTED)
    return [str(run_id) for run_id in reported] if isinstance(reported, list) else []


def _identity(context: Context) -> dict[str, str]:
    """Return the tags by which every try of a task finds its runs."""
    ti = context["ti"]
    tags = {DAG_ID: ti.dag_id, DAG_RUN_ID: ti.run_id, TASK_ID: ti.task_id}
    return tags | ({MAP_INDEX: str(ti.map_index)} if (ti.map_index or 0) >= 0 and ti.map_index is not None else {})
