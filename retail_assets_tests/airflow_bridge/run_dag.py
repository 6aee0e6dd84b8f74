"""A program that runs `dag.test()` for one DAG after the other, as a developer would.

Argument: the DAGs folder, and as JSON a list of [DAG, logical date, conf]. What each said is followed by its outcome.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime

#: Begins the line of an outcome.
ENDED = "=== ended: "


def main(folder: str, scenarios: str) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

    for dag_id, logical_date, conf in json.loads(scenarios):
        dag = DagBag(dag_folder=folder).dags[dag_id]  # parsed again: `test` leaves the parameters of a run in the DAG
        done = dag.test(logical_date=datetime.fromisoformat(logical_date), run_conf=conf)
        sys.stderr.flush()
        print(f"{ENDED}{json.dumps({'state': str(done.state), 'run_id': done.run_id})}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
