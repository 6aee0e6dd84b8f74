"""Cancel a Dagster run, and say what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_bridge.client import DagsterClient
from airflow_bridge.problems import DagsterError
from airflow_bridge.runs import ENDED

#: Seconds between two looks at a run that is to end.
LOOK_AGAIN = 1.0


class Log(Protocol):
    """What the bridge asks of a task's logger."""

    def info(self, message: str, /, *values: Any) -> Any: ...

    def warning(self, message: str, /, *values: Any) -> Any: ...


@dataclass
class Stop:
    """The request to cancel a run, and what came of it. Only Dagster's own word counts as canceled."""

    run_id: str
    refused: str | None
    status: str = "unknown"

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.status in ENDED or self.refused is not None

    @property
    def canceled(self) -> bool:
        return self.status == "CANCELED"

    def outcome(self, waited: float) -> str:
        """Return what came of it, as the end of a sentence that begins with the run."""
        if self.canceled:
            return "was canceled"
        if self.status in ENDED:
            return f"was not canceled: it has ended with status {self.status}"
        if self.refused is not None:
            return f"could not be canceled and may still be running: {self.refused}"
        return f"was asked to stop, but Dagster reports {self.status} after {waited:g} s, so it may go on"


def cancel(client: DagsterClient, run_id: str, seconds: float, log: Log) -> Stop:
    """Cancel a run and wait for its end, at most so many seconds."""
    begun = time.time()
    stop = Stop(run_id, client.terminate(run_id))
    while True:
        try:
            stop.status = client.run(run_id).status
        except DagsterError as e:
            log.warning("%s", e)
        if stop.over or time.time() - begun > seconds:
            return stop
        time.sleep(LOOK_AGAIN)
