"""Wait for a Dagster run: what ends a wait, and the trigger that waits without a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_bridge.hooks import DagsterHook
from airflow_bridge.problems import DagsterError, RefusedError, RunGoneError, UnreachableError
from airflow_bridge.runs import Run
from airflow_bridge.stopping import LOOK_AGAIN, Stop

#: Seconds after a task has left its worker during which its trigger does not report the end. Airflow's scheduler learns
#: from the executor that the worker is free up to five seconds late (`min_heartbeat_interval`) plus one loop. A task
#: that is queued again before that counts as killed, and its try fails (apache/airflow 67287, 71580: as of 3.3.2).
SETTLES = 10.0
#: Seconds that the triggerer waits for a run that it has canceled; Airflow gives it thirty (`on_kill_timeout`).
STOPS_IN_TRIGGERER = 20.0
#: A run that was found again and is canceled within these seconds was canceled by the end of the earlier try.
SOON = 60.0
# How a wait can end, besides the final states of the run itself.
TIMEOUT, UNREACHABLE, LOST = "TIMEOUT", "UNREACHABLE", "LOST"


@dataclass
class Watch:
    """The state of one wait. `deadline` is a time (`time.time()`); `outage_tolerance` is in seconds without an answer.

    `attached_at`: when the run of an earlier try was found again. It does no requests itself, so that worker and
    triggerer decide alike.
    """

    run_id: str
    deadline: float | None
    outage_tolerance: float
    answered_at: float
    attached_at: float | None = None
    promised_at: float | None = None
    stopping_at: float | None = None

    def seen(self, run: Run, now: float) -> dict[str, Any] | None:
        """Take note of a run; return the event that ends the wait, if any. If Dagster retried it, watch the retry."""
        self.answered_at = now
        if run.status in ("CANCELING", "CANCELED") and self.stopping_at is None:
            self.stopping_at = now
        if run.ended:
            if run.status == "FAILURE" and run.retried_by:
                self.run_id, self.promised_at = run.retried_by, None
                return self._late(now)
            self.promised_at = now if self.promised_at is None else self.promised_at
            # A promised retry does not come if no daemon is running or the queue is gone.
            if not run.will_be_retried or now - self.promised_at > self.outage_tolerance:
                return self.event(run.status)
        return self._late(now)

    def unseen(self, error: DagsterError, now: float) -> dict[str, Any] | None:
        """Take note of a failed request; return the event that ends the wait, if any."""
        if isinstance(error, RunGoneError):
            return self.event(LOST, str(error))
        # A webserver that is restarting may answer with errors of its own for a while: both are tolerated.
        if now - self.answered_at > self.outage_tolerance:
            return self.event(UNREACHABLE, str(error))
        return self._late(now)

    def event(self, status: str, message: str = "") -> dict[str, Any]:
        return {"status": status, "run_id": self.run_id, "message": message, "overtaken": self._overtaken()}

    def _overtaken(self) -> bool:
        """Whether the end of an earlier try canceled the run: the task was cleared while it waited."""
        if self.attached_at is None or self.stopping_at is None:
            return False
        return self.stopping_at - self.attached_at <= SOON

    def _late(self, now: float) -> dict[str, Any] | None:
        return self.event(TIMEOUT) if self.deadline is not None and now > self.deadline else None


class DagsterRunTrigger(BaseTrigger):
    """Wait for a run and any retries that Dagster makes of it; stop the run if the task is killed meanwhile.

    `attached_at`: when the run of an earlier try was found again, because the end of that try may still cancel it.
    `left_at`: when the task left its worker, see SETTLES.
    """

    def __init__(
        self,
        dagster_conn_id: str,
        run_id: str,
        poll_interval: float = 5.0,
        deadline: float | None = None,
        outage_tolerance: float = 300.0,
        attached_at: float | None = None,
        left_at: float | None = None,
    ) -> None:
        super().__init__()
        self.dagster_conn_id = dagster_conn_id
        self.run_id = run_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.outage_tolerance = outage_tolerance
        self.attached_at = attached_at
        self.left_at = left_at
        # Not `run_id`: the arguments of a trigger are its identity after a restart of the triggerer.
        self.watched = run_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "dagster_conn_id": self.dagster_conn_id,
                "run_id": self.run_id,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "outage_tolerance": self.outage_tolerance,
                "attached_at": self.attached_at,
                "left_at": self.left_at,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        event = await self._ended()
        # Bounded, in case the clock of the worker's machine is wrong.
        rest = 0.0 if self.left_at is None else min(self.left_at + SETTLES - time.time(), SETTLES)
        if rest > 0:
            await asyncio.sleep(rest)
        yield TriggerEvent(event)

    async def _ended(self) -> dict[str, Any]:
        """Wait, and return the event that ends the wait."""
        try:
            client = await DagsterHook(self.dagster_conn_id).aget_conn()
        except RefusedError as e:
            return Watch(self.run_id, None, 0, 0).event(UNREACHABLE, str(e))
        watch = Watch(self.run_id, self.deadline, self.outage_tolerance, time.time(), self.attached_at)
        while True:
            try:
                run = await client.arun(watch.run_id)
                event = watch.seen(run, time.time())
            except DagsterError as e:
                self.log.warning("%s", e)
                event = watch.unseen(e, time.time())
            if watch.run_id != self.watched:
                self.log.info("Dagster itself retries the run: %s", client.run_url(watch.run_id))
                self.watched = watch.run_id
            if event is not None:
                return event
            await asyncio.sleep(self.poll_interval)

    async def on_kill(self) -> None:
        """Cancel the run: the task was marked or cleared, and its run must not go on unobserved."""
        begun = time.time()
        try:
            client = await DagsterHook(self.dagster_conn_id).aget_conn()
            stop = Stop(self.watched, await client.aterminate(self.watched))
        except (UnreachableError, RefusedError) as e:
            self.log.error("Dagster run %s could not be canceled and may still be running: %s", self.watched, e)
            return
        while True:
            try:
                stop.status = (await client.arun(self.watched)).status
            except DagsterError as e:
                self.log.warning("%s", e)
            if stop.over or time.time() - begun > STOPS_IN_TRIGGERER:
                break
            await asyncio.sleep(LOOK_AGAIN)
        say = self.log.info if stop.canceled else self.log.error
        say("Dagster run %s %s", self.watched, stop.outcome(STOPS_IN_TRIGGERER))
