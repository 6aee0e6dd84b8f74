"""As a program: `dag.test()` of one DAG, as a developer does at the desk. The last line is the outcome as JSON."""

from __future__ import annotations

import json
import sys


def main(folder: str, dag_id: str, logical_date: str, conf: str) -> None:
    from datetime import datetime

    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(dag_folder=folder).dags[dag_id]
    done = dag.test(logical_date=datetime.fromisoformat(logical_date), run_conf=json.loads(conf))
    states = {t.task_id: str(t.state) for t in done.get_task_instances()}
    print(json.dumps({"state": str(done.state), "run_id": done.run_id, "tasks": states}))


if __name__ == "__main__":
    main(*sys.argv[1:])
