"""An Airflow without processes: a task instance that executes, waits in a trigger, and is retried or cleared.

The operator, its trigger, hook and connection are the real ones; time is a clock that goes on when somebody sleeps.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import TaskDeferred

from airflow_bridge import hooks, launching, operators, stopping, triggers
from airflow_bridge.client import DagsterClient
from airflow_bridge.operators import DagsterMaterializeOperator
from airflow_bridge.triggers import DagsterRunTrigger
from retail_assets_tests.airflow_bridge.fake_dagster import URL, FakeDagster, FakeRun

#: The interval of a run in the early morning of 15 January, of a shop in New York.
INTERVAL = dt.datetime(2024, 1, 14, 11, tzinfo=dt.UTC)
NEW_YORK = "America/New_York"


@dataclass
class Clock:
    """Replaces the modules `time` and `asyncio` where the bridge waits."""

    now: float = 1_700_000_000.0
    slept: float = 0.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0, "a wait without a pause asks Dagster as fast as it answers"
        self.now += seconds
        self.slept += seconds
        assert self.slept < 4 * 3600, "it waits for ever"


@dataclass
class AsyncClock:
    clock: Clock

    async def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


class Outlets(dict[Any, Any]):
    """The outlet events of a task."""

    def __missing__(self, key: Any) -> Any:
        self[key] = type("Event", (), {"extra": None})()
        return self[key]


@dataclass
class Store:
    """The store that Airflow keeps for a task across its tries."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, **_: Any) -> None:
        self.values[key] = json.dumps(value)


@dataclass
class DagRun:
    """A DAG run: its type, and what it was triggered with."""

    run_type: str = "scheduled"
    conf: dict[str, Any] | None = None
    run_after: dt.datetime | None = None


@dataclass
class TaskInstance:
    """One try, as far as an operator sees it.

    `states`: the states of tasks by DAG run, and `going`: the DAG runs that are queued or running.
    """

    task_id: str
    dag_id: str = "retail_pipeline"
    run_id: str = "scheduled__2024-01-15"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 2
    xcoms: dict[str, Any] = field(default_factory=dict)
    states: dict[str, dict[str, str | None]] = field(default_factory=dict)
    going: set[str] = field(default_factory=set)

    def get_task_states(self, dag_id: str, task_ids: list[str]) -> dict[str, dict[str, str | None]]:
        assert dag_id == self.dag_id
        return {run: {task: tasks[task] for task in task_ids} for run, tasks in self.states.items()}

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        assert (dag_id, states) == (self.dag_id, ["queued", "running"])
        return len(self.going & set(run_ids))

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))


@dataclass
class Airflow:
    """Runs tries of one task against a fake Dagster."""

    dagster: FakeDagster
    clock: Clock
    store: Store | None = field(default_factory=Store)
    ti: TaskInstance = field(default_factory=lambda: TaskInstance("ingest"))
    outlets: Outlets = field(default_factory=Outlets)
    dag_run: DagRun = field(default_factory=DagRun)
    interval: dt.datetime | None = INTERVAL
    upstream: str | None = None

    @classmethod
    def beside(cls, dagster: FakeDagster, monkeypatch: pytest.MonkeyPatch) -> Airflow:
        clock = Clock()
        dagster.clock = clock.time
        connection = {"conn_type": "http", "host": URL}
        monkeypatch.setenv("AIRFLOW_CONN_DAGSTER_DEFAULT", json.dumps(connection))
        faked = partial(DagsterClient, transport=dagster.transport(), async_transport=dagster.transport())
        monkeypatch.setattr(hooks, "DagsterClient", faked)
        for module in (launching, operators, stopping, triggers):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(triggers, "asyncio", AsyncClock(clock))
        return cls(dagster, clock)

    @property
    def context(self) -> Any:
        return {
            "ti": self.ti,
            "run_id": self.ti.run_id,
            "dag_run": self.dag_run,
            "data_interval_start": self.interval,
            "outlet_events": self.outlets,
            **({} if self.store is None else {"task_state_store": self.store}),
        }

    def operator(self, **arguments: Any) -> DagsterMaterializeOperator:
        """As the DAG file makes it, once per process."""
        chosen = {"groups": ["ingest"]} if not {"assets", "groups", "selection"} & set(arguments) else {}
        defaults: dict[str, Any] = {"task_id": self.ti.task_id, "time_zone": NEW_YORK, "retries": 2}
        operator = DagsterMaterializeOperator(**{**defaults, **chosen, **arguments})
        if self.upstream is not None:
            with DAG(self.ti.dag_id, schedule=None) as dag:
                before = BaseOperator(task_id=self.upstream)
            dag.add_task(operator)
            operator.set_upstream(before)
        return operator

    def begin(self, **arguments: Any) -> TaskDeferred:
        """Execute until the task leaves its worker."""
        with pytest.raises(TaskDeferred) as left:
            _execute(self.operator(**arguments), self.context)
        return left.value

    def run(self, **arguments: Any) -> Any:
        """Run one try to its end, whether it waits in the worker or outside of it."""
        try:
            return _execute(self.operator(**arguments), self.context)
        except TaskDeferred as left:
            return self.resume(left, **arguments)

    def resume(self, left: TaskDeferred, **arguments: Any) -> Any:
        """Continue from where a task left its worker to the end of the try."""
        while True:
            event = self.waited(stored(left.trigger))
            try:
                operator = self.operator(**arguments)
                return operator.resume_execution(
                    left.method_name, {**(left.kwargs or {}), "event": event}, self.context
                )
            except TaskDeferred as again:
                left = again

    def waited(self, trigger: DagsterRunTrigger) -> Any:
        """Return the event of a trigger, as it comes out of Airflow's database."""

        async def first() -> Any:
            return [event.payload async for event in trigger.run()]

        [payload] = asyncio.run(first())
        return json.loads(json.dumps(payload))

    def retry(self) -> None:
        """Begin the next try, in a process of its own."""
        self.ti.try_number += 1

    def clear(self) -> None:
        """Clear the task, as a person does: Airflow raises the number of tries that it may have."""
        self.ti.max_tries += self.ti.try_number
        self.ti.try_number += 1

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags by which the bridge finds its runs."""
        return {
            "airflow/dag_id": self.ti.dag_id,
            "airflow/dag_run_id": self.ti.run_id,
            "airflow/task_id": self.ti.task_id,
        }

    def earlier(self, status: str, *then: str, **tags: str) -> FakeRun:
        """Add a run that an earlier try of this task launched."""
        more = {name.replace("__", "/"): value for name, value in tags.items()}
        return self.dagster.add(status, {**self.tags, "dagster/partition": "2024-01-14", **more}, *then)


def stored(trigger: Any) -> DagsterRunTrigger:
    """Make a trigger as the triggerer does, from what is in the database."""
    path, arguments = trigger.serialize()
    assert path == "airflow_bridge.triggers.DagsterRunTrigger"
    return DagsterRunTrigger(**json.loads(json.dumps(arguments)))


def _execute(operator: DagsterMaterializeOperator, context: Mapping[str, Any]) -> Any:
    # Airflow's wrapper around it would need a task runner.
    return type(operator).execute.__wrapped__(operator, context)  # type: ignore[attr-defined]
