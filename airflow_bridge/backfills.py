"""How much of a backfill is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

#: DAG runs that one question to Airflow is about.
_AT_ONCE = 50
#: How the ids of the DAG runs of a backfill begin, and the states in which a task has nothing more to do.
_OF_BACKFILL = "backfill__"
_ENDED_TASK = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


def runs_to_come(context: Context, tasks: Sequence[str]) -> int:
    """Return how many other DAG runs of this backfill have not ended these tasks yet; 0 outside a backfill."""
    run_type = getattr(context.get("dag_run"), "run_type", None)
    if str(getattr(run_type, "value", run_type)) != "backfill":
        return 0
    ti = context["ti"]
    states: Mapping[str, Mapping[str, Any]] = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(tasks))
    behind = [
        run_id
        for run_id, by_task in states.items()
        if run_id.startswith(_OF_BACKFILL) and run_id != ti.run_id and not _ENDED_TASK.issuperset(by_task.values())
    ]
    # The tasks of a backfill that somebody has canceled look as if they were still to come.
    return sum(
        ti.get_dr_count(dag_id=ti.dag_id, run_ids=behind[at : at + _AT_ONCE], states=["queued", "running"])
        for at in range(0, len(behind), _AT_ONCE)
    )
