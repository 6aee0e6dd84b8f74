"""
### Retail pipeline

Airflow schedules, Dagster materializes: each task asks Dagster for one group of assets, waits for the run without
holding a worker slot, and fails with the message of the step that failed. The button **Dagster run** of a task opens
its run, also while it is still running.

`ingest → warehouse → eda, forecast → segments → outputs`

**Which landing.** The day on which the data interval begins, in shop time: the run that starts on 2 February at six
processes the landing of 1 February. A backfill from 1 to 3 February is three partitions. Figures, forecast, segments
and report have no partitions: the last DAG run of a backfill computes them, for all of its days.

| trigger with | it materializes |
|---|---|
| nothing | the landing of the data interval; without a logical date, that of yesterday |
| `partition` `2024-01-31` | this landing |
| `partition_range` `2024-01-01...2024-01-31` | all of these landings, in **one** Dagster run per task |
| `full_refresh` | every landing up to this run's, or `partition`, in one Dagster run per task, and a new training |
| `every_day` | in a backfill, figures, forecast, segments and report after every day |

**If it fails.** Read the task's error: it names the step and says what to do. Fix that and clear the task: the new try
resumes the Dagster run from where it failed. If you clear an upstream task as well, it launches a new run. Marking a
task as failed cancels its run; clearing it while it waits launches a new one. No try launches twice: the run of a
killed worker is found again.

**Training.** `forecast` trains when a training is due; `retail_retraining` trains every week in any case.

**Settings.** The Airflow Variable `retail_dagster_conn_id`, looked up when a task runs, names the connection to Dagster
(`dagster_default`). What must be known when this file is parsed comes from the environment of Airflow's programs:

* `AIRFLOW_VAR_RETAIL_SCHEDULE` (`0 6 * * *`), `AIRFLOW_VAR_RETAIL_RETRAINING_SCHEDULE` (`0 12 * * 0`),
* `AIRFLOW_VAR_RETAIL_TIMEZONE`, shop time (`America/New_York`), `AIRFLOW_VAR_RETAIL_START_DATE` (`2017-01-01`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param

from airflow_bridge import shop_clock
from airflow_bridge.operators import DagsterMaterializeOperator

CONNECTION = "{{ var.value.get('retail_dagster_conn_id', 'dagster_default') }}"

#: Asset group -> the groups whose tables it reads, and the tables that other DAGs may wait for.
GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ingest": ((), ()),
    "warehouse": (("ingest",), ("sales", "daily_category_sales")),
    "eda": (("warehouse",), ("insights",)),
    "forecast": (("warehouse",), ("sales_forecast",)),
    "segments": (("warehouse", "forecast"), ("customer_segments",)),
    "outputs": (("eda", "segments"), ("report", "workbook", "serving_bundle")),
}

DEFAULTS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
    "dagster_conn_id": CONNECTION,
    "time_zone": shop_clock.time_zone(),
}

#: Group -> its asset that trains.
TRAINS = {"forecast": "forecast_backtest", "segments": "segment_model"}
#: The config of such an asset: whether to train in any case. JSON, so that a parameter is true or false.
RETRAIN = '{"ops": {"%s": {"config": {"retrain": %s}}}}'


def table(name: str) -> Asset:
    """Return the Airflow asset of a table: `DAG(schedule=[Asset("dagster://retail_assets/sales")])` runs after it."""
    return Asset(name=f"retail_{name}", uri=f"dagster://retail_assets/{name}", group="retail")


DAY: dict[str, Any] = {"type": ["null", "string"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}
DAYS: dict[str, Any] = {"type": ["null", "string"], "pattern": r"^\d{4}-\d{2}-\d{2}\.\.\.\d{4}-\d{2}-\d{2}$"}

PARAMS = {
    "partition": Param(
        None, **DAY, title="Landing day", description="YYYY-MM-DD; if empty, the landing of the data interval"
    ),
    "partition_range": Param(
        None, **DAYS, title="Landing days", description="YYYY-MM-DD...YYYY-MM-DD, in one Dagster run per task"
    ),
    "full_refresh": Param(
        False,
        type="boolean",
        title="Full refresh",
        description="Every landing up to this one or `partition`, and a new training",
    ),
    "every_day": Param(
        False,
        type="boolean",
        title="Every day of a backfill",
        description="In a backfill, what has no partitions after every day, not once for all of its days",
    ),
}
#: Groups of which no asset has partitions: in a backfill, once is enough.
WITHOUT_PARTITIONS = ("eda", "forecast", "segments", "outputs")

with DAG(
    "retail_pipeline",
    description="Sales files to tables, forecast, segments and a report: one landing per day, materialized by Dagster.",
    schedule=shop_clock.days(shop_clock.SCHEDULE),
    start_date=shop_clock.start(),
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULTS,
    params=PARAMS,
    tags=["retail", "dagster"],
    doc_md=__doc__,
) as dag:
    tasks: dict[str, DagsterMaterializeOperator] = {}
    for group, (upstream, tables) in GROUPS.items():
        tasks[group] = DagsterMaterializeOperator(
            task_id=group,
            groups=[group],
            partition="{{ params.partition or '' }}",
            partition_range="{{ params.partition_range or ('...' if params.full_refresh else '') }}",
            run_config=RETRAIN % (TRAINS[group], "{{ params.full_refresh | tojson }}") if group in TRAINS else None,
            outlets=[table(name) for name in tables],
            once_per_backfill="{{ not params.every_day }}" if group in WITHOUT_PARTITIONS else False,
            conf_names=tuple(PARAMS),
            doc_md=f"Materializes the asset group `{group}` in Dagster.",
        )
        tasks[group].set_upstream([tasks[name] for name in upstream])

with DAG(
    "retail_retraining",
    description="Train the forecast and the segments now, even if no retraining is due.",
    schedule=shop_clock.intervals(shop_clock.RETRAINING_SCHEDULE),
    start_date=shop_clock.start(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["retail", "dagster"],
    doc_md="Trains and evaluates the models on what the warehouse holds now. A forecast model is promoted only if it "
    "beats the one in use; a segments model that would rename too many customers is held (`retail-assets models "
    "list`). Runs less often than `retail_pipeline`.",
) as retraining:
    before: DagsterMaterializeOperator | None = None
    for group, asset in TRAINS.items():
        training = DagsterMaterializeOperator(
            task_id=group,
            groups=[group],
            run_config=RETRAIN % (asset, "true"),
            outlets=[table(name) for name in GROUPS[group][1]],
            conf_names=(),
            doc_md=f"Materializes the asset group `{group}` with `retrain: true`.",
        )
        # One after the other: the stock recommendations of the segments read the forecast.
        if before is not None:
            before >> training
        before = training
