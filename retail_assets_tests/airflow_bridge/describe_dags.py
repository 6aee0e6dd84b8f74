"""A program that prints what Airflow's DAG processor finds in a folder, as one line of JSON per environment.

Printed besides: connections and programs that were opened while the files were read, of which there must be none.
Arguments: the folder, and as JSON a list of variables to set. Each is read in a process of its own, forked from one
that has imported Airflow, which takes many times as long as the reading.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def described(dag: Any) -> dict[str, Any]:
    """Return the facts about a DAG that the tests check."""
    return {
        "tasks": {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks},
        "retries": {t.task_id: t.retries for t in dag.tasks},
        "backoff": all(t.retry_exponential_backoff for t in dag.tasks),
        "deferrable": all(getattr(t, "deferrable", False) for t in dag.tasks),
        "run_config": [c for t in dag.tasks if (c := getattr(t, "run_config", None))],
        "outlets": sorted(o.uri for t in dag.tasks for o in t.outlets),
        "timetable": type(dag.timetable).__name__,
        "schedule": str(getattr(dag.timetable, "expression", None) or dag.timetable.summary),
        "timezone": str(dag.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": sorted(dag.params),
        "conf_names": {
            t.task_id: sorted(names) for t in dag.tasks if (names := getattr(t, "conf_names", None)) is not None
        },
        "once": sorted(t.task_id for t in dag.tasks if getattr(t, "once_per_backfill", False)),
        "doc": dag.doc_md or "",
    }


def main(folder: str, environments: str) -> None:
    import airflow  # noqa: F401 - what it opens itself at its start does not count

    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

    for variables in json.loads(environments):
        child = os.fork()
        if child == 0:
            os.environ.update(variables)
            describe(folder, DagBag)
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"reading {folder} with {variables} ended with status {status}")


def describe(folder: str, read: Callable[..., Any]) -> None:
    """Print the DAGs of the folder."""
    opened: list[str] = []
    watched = {"socket.connect", "sqlite3.connect", "subprocess.Popen"}
    watching = [True]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching[0] and event in watched:
            opened.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(watch)
    bag = read(dag_folder=folder, safe_mode=True)
    watching[0] = False
    found = {name: described(dag) for name, dag in bag.dags.items()}
    print(json.dumps({"errors": bag.import_errors, "opened": opened, "dags": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
