"""The DAG files: they load without any query, and their tasks are the groups of the asset graph."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets.defs.build import build_defs
from retail_assets.settings import Settings
from retail_assets_tests.services.airflow.stacks import PATIENT, ROOT, run

CHOSEN = {
    "AIRFLOW_VAR_RETAIL_SCHEDULE": "30 22 * * *",
    "AIRFLOW_VAR_RETAIL_RETRAINING_SCHEDULE": "0 1 1 * *",
    "AIRFLOW_VAR_RETAIL_TIMEZONE": "Europe/London",
}
WRONG = {
    "AIRFLOW_VAR_RETAIL_SCHEDULE": "every day",
    "AIRFLOW_VAR_RETAIL_TIMEZONE": "America/NewYork",
    "AIRFLOW_VAR_RETAIL_START_DATE": "soon",
}
#: What is set beside the defaults.
ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    "nothing": {},
    "four times a day": {"AIRFLOW_VAR_RETAIL_SCHEDULE": "0 */6 * * *"},
    "chosen": CHOSEN,
    **{name: {name: value} for name, value in WRONG.items()},
}


def found_in(folder: Path, home: Path) -> dict[str, Any]:
    """Return what Airflow reads from a DAGs folder in each environment; only that folder is on its path."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "AIRFLOW", "_AIRFLOW"))}
    env |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "airflow_bridge" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(folder),
        **PATIENT,
    }
    program = str(ROOT / "retail_assets_tests" / "airflow_bridge" / "describe_dags.py")
    done = run(["python", program, str(folder), json.dumps(list(ENVIRONMENTS.values()))], env, home)
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"errors": ')]
    return dict(zip(ENVIRONMENTS, reports, strict=True))


def dropped(folder: Path) -> Path:
    """Copy the bridge into a DAGs folder, as users do."""
    shutil.copytree(
        ROOT / "airflow_bridge", folder / "dags" / "airflow_bridge", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder / "dags"


@pytest.fixture(scope="module")
def found_by_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("dags")
    return found_in(dropped(folder), folder)


@pytest.fixture
def found(found_by_environment: dict[str, Any]) -> dict[str, Any]:
    return dict(found_by_environment["nothing"])


def test_the_folder_dropped_into_a_dags_folder_loads(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert sorted(found["dags"]) == ["retail_pipeline", "retail_pipeline_bash", "retail_retraining"]


def test_parsing_the_files_makes_no_query(found: dict[str, Any]) -> None:
    """The DAG processor would repeat a query at import every half minute, indefinitely."""
    assert found["opened"] == []


def test_each_group_of_the_asset_graph_is_a_task_in_the_order_of_lineage(
    found: dict[str, Any], settings: Settings
) -> None:
    graph = build_defs(settings).resolve_asset_graph()
    group = {key: graph.get(key).group_name for key in graph.materializable_asset_keys}
    tasks: dict[str, list[str]] = found["dags"]["retail_pipeline"]["tasks"]
    assert set(tasks) == set(group.values()), "a group without a task would never be materialized"

    def after(name: str) -> set[str]:
        return {later for next_ in tasks[name] for later in (next_, *after(next_))}

    edges = {(group[up], group[key]) for key in group for up in graph.get(key).parent_keys if up in group}
    assert [(up, down) for up, down in sorted(edges) if up != down and down not in after(up)] == []


def test_the_tables_that_other_dags_wait_for_are_assets(found: dict[str, Any], settings: Settings) -> None:
    outlets = {uri.removeprefix("dagster://retail_assets/") for uri in found["dags"]["retail_pipeline"]["outlets"]}
    graph = build_defs(settings).resolve_asset_graph()
    assert outlets
    assert {dg.AssetKey(name) for name in outlets} <= set(graph.materializable_asset_keys)


def test_the_retraining_asks_for_what_the_jobs_of_dagster_ask(found: dict[str, Any], settings: Settings) -> None:
    defs, retraining = build_defs(settings), found["dags"]["retail_retraining"]
    asked = [json.loads(config) for config in retraining["run_config"]]
    assert retraining["tasks"] == {"forecast": ["segments"], "segments": []}
    for group, config in zip(retraining["tasks"], asked, strict=True):
        [(asset, options)] = config["ops"].items()
        assert options == {"config": {"retrain": True}}
        assert asset in {node.name for node in defs.resolve_job_def(f"retrain_{group}").nodes}


@pytest.mark.parametrize("dag_id", ["retail_pipeline", "retail_retraining", "retail_pipeline_bash"])
def test_every_dag_has_a_data_interval_retries_with_back_off_and_a_text_for_the_page(
    found: dict[str, Any], dag_id: str
) -> None:
    dag = found["dags"][dag_id]
    assert dag["timetable"] == ("CronDataIntervalTimetable" if dag_id == "retail_retraining" else "ShopDays")
    assert set(dag["retries"].values()) == {2}
    assert dag["backoff"]
    assert dag["max_active_runs"] <= 2
    assert not dag["catchup"]
    assert len(dag["doc"]) > 100


def test_the_pipeline_waits_outside_of_worker_slots(found: dict[str, Any]) -> None:
    assert found["dags"]["retail_pipeline"]["deferrable"]


def test_every_task_refuses_what_its_dag_has_no_parameter_for(found: dict[str, Any]) -> None:
    for dag_id in ("retail_pipeline", "retail_retraining"):
        dag = found["dags"][dag_id]
        assert dag["conf_names"] == dict.fromkeys(dag["tasks"], dag["params"])
    assert found["dags"]["retail_pipeline"]["params"] == ["every_day", "full_refresh", "partition", "partition_range"]


def test_a_backfill_does_once_what_has_no_partitions(found: dict[str, Any], settings: Settings) -> None:
    graph = build_defs(settings).resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    partitioned = {node.group_name for node in nodes if node.is_partitioned}
    assert found["dags"]["retail_pipeline"]["once"] == sorted({node.group_name for node in nodes} - partitioned)
    assert found["dags"]["retail_retraining"]["once"] == []


def test_schedule_and_time_zone_come_from_the_environment(found_by_environment: dict[str, Any]) -> None:
    dags = found_by_environment["chosen"]["dags"]
    assert dags["retail_pipeline"]["schedule"] == "30 22 * * *"
    assert dags["retail_pipeline_bash"]["schedule"] == "30 22 * * *"
    assert dags["retail_retraining"]["schedule"] == "0 1 1 * *"
    assert dags["retail_pipeline"]["timezone"] == "Europe/London"


def test_a_schedule_with_several_times_per_day_has_their_intervals(found_by_environment: dict[str, Any]) -> None:
    """A day of the shop would have several DAG runs, and Airflow allows one for each logical date."""
    dag = found_by_environment["four times a day"]["dags"]["retail_pipeline"]
    assert (dag["timetable"], dag["schedule"]) == ("CronDataIntervalTimetable", "0 */6 * * *")


@pytest.mark.parametrize(("variable", "value"), WRONG.items())
def test_a_wrong_setting_is_an_import_error_that_names_its_value(
    found_by_environment: dict[str, Any], variable: str, value: str
) -> None:
    """The pipeline must not quietly run at another time."""
    report = found_by_environment[variable]
    assert "retail_pipeline" not in report["dags"]
    assert value in " ".join(report["errors"].values())
