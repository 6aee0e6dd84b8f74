"""DAGs of the toy shop: one a behaviour that the tests look at. Read by Airflow, not by pytest."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Param

from airflow_bridge.operators import DagsterMaterializeOperator
from airflow_bridge.shop_days import ShopDays

ZONE = "America/New_York"
DEFAULTS = {"retries": 1, "retry_delay": timedelta(seconds=1), "poll_interval": 0.5}
GATE = {"ops": {"toy_gated": {"config": {"gate": "{{ params.gate }}"}}}}

for dag_id, deferrable in {"toy_gated": True, "toy_gated_in_slot": False}.items():
    with DAG(dag_id, schedule=None, params={"gate": Param("never", type="string")}, default_args=DEFAULTS):
        DagsterMaterializeOperator(task_id="wait", assets=["toy_gated"], run_config=GATE, deferrable=deferrable)

# Gives an outage up at once, and tries again for as long as one may last.
with DAG("toy_gated_impatient", schedule=None, params={"gate": Param("never", type="string")}, default_args=DEFAULTS):
    DagsterMaterializeOperator(
        task_id="wait", assets=["toy_gated"], run_config=GATE, outage_tolerance=timedelta(seconds=2), retries=100
    )

with DAG(
    "toy_daily",
    schedule=ShopDays("30 22 * * *", timezone=ZONE),
    start_date=pendulum.datetime(2017, 12, 1, tz=ZONE),
    end_date=pendulum.datetime(2017, 12, 31, tz=ZONE),
    catchup=False,
    params={name: Param(None, type=["null", "string"]) for name in ("partition", "partition_range")},
    # Enough for a task to wait until another DAG run has materialized its partition.
    default_args=DEFAULTS | {"retries": 20, "retry_delay": timedelta(seconds=2)},
):
    DagsterMaterializeOperator(
        task_id="land",
        groups=["toy_daily"],
        partition="{{ params.partition or '' }}",
        partition_range="{{ params.partition_range or '' }}",
        time_zone=ZONE,
        conf_names=("partition", "partition_range"),
    )

for name in ("doomed", "judged", "flaky", "blocked"):
    with DAG(f"toy_{name}", schedule=None, default_args=DEFAULTS | {"retries": 1 if name == "flaky" else 0}):
        DagsterMaterializeOperator(task_id="make", groups=[f"toy_{name}"])
