"""As a program: `dag.test()` of one DAG, as a developer does at the desk. Prints the states as its last line, as JSON."""

from __future__ import annotations

import json
import sys


def main(folder: str, dag_id: str, conf: str) -> None:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(dag_folder=folder).dags[dag_id]
    done = dag.test(run_conf=json.loads(conf))
    states = {t.task_id: str(t.state) for t in done.get_task_instances()}
    print(json.dumps({"state": str(done.state), "run_id": done.run_id, "tasks": states}))


if __name__ == "__main__":
    main(*sys.argv[1:])
