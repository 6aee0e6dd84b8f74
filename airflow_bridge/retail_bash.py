"""
### Retail pipeline without a Dagster webserver

The smallest way to run the assets from Airflow: one bash task that runs `dagster asset materialize` for the landing
of the data interval. It needs only the `dagster` program where the task runs, and lacks what `retail_pipeline` adds:
the task holds its worker slot, the run of a killed worker goes on unobserved, there is no link, and nothing is
canceled in Dagster. Unpause this DAG **or** `retail_pipeline`, not both: they materialize the same tables.

* `partition`: the landing day, `YYYY-MM-DD`; if empty, the day on which the data interval begins, in shop time; without
  a data interval, yesterday.
* The Airflow Variable `retail_dagster_program` is the program, `dagster` by default; for one in another environment,
  `/opt/dagster/bin/dagster`.
* Settings (`RETAIL_HOME`, `RETAIL_SOURCE`, …) come from the environment of the worker.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

from airflow_bridge import shop_clock

# The partition is passed in the environment: user input is never part of the command.
COMMAND = """
test -z "$UNKNOWN" || { echo "No parameter '$UNKNOWN'. It has: partition. Nothing was started." >&2; exit 2; }
exec "$DAGSTER" asset materialize -m retail_assets.definitions --select '*' --partition "$PARTITION"
"""

with DAG(
    "retail_pipeline_bash",
    description="The whole graph in one bash command, for Airflow without a Dagster webserver.",
    schedule=shop_clock.days(shop_clock.SCHEDULE),
    start_date=shop_clock.start(),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
    params={
        "partition": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}-\d{2}$",
            title="Landing day",
            description="YYYY-MM-DD; if empty, the day on which the data interval begins",
        )
    },
    tags=["retail", "dagster"],
    doc_md=__doc__,
) as dag:
    BashOperator(
        task_id="materialize",
        bash_command=COMMAND,
        env={
            "PARTITION": "{{ params.partition or (data_interval_start if data_interval_start is defined else "
            "dag_run.run_after - macros.timedelta(days=1))"
            f".astimezone(macros.dateutil.tz.gettz('{shop_clock.time_zone()}')) | ds }}}}",
            "UNKNOWN": "{{ dag_run.conf | reject('equalto', 'partition') | join(' ') if dag_run.conf else '' }}",
            "DAGSTER": "{{ var.value.get('retail_dagster_program', 'dagster') }}",
        },
        append_env=True,
        execution_timeout=timedelta(hours=6),
        doc_md="`dagster asset materialize --select '*' --partition …`",
    )
