"""A run names the Airflow task that asked for it, where Airflow's OpenLineage provider is there, and never fails by it.

The provider is not installed here: two modules of its names stand in for the four functions that the bridge calls, with
the form of their answers as in provider 2.20.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from airflow_bridge.lineage import PARENT, ROOT
from retail_assets_tests.airflow_bridge.fake_dagster import FakeDagster
from retail_assets_tests.airflow_bridge.fake_task import Airflow


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """OpenLineage's provider: whether it is off, and an error that its functions raise."""
    state: dict[str, Any] = {"off": False, "error": None}

    def link(task: Any) -> str:
        if state["error"]:
            raise state["error"]
        return f"airflow/{task.dag_id}.{task.task_id}/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b11{task.try_number}"

    def root(task: Any) -> str:
        return f"airflow/{task.dag_id}/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b222"

    conf, macros = ModuleType("conf"), ModuleType("macros")
    vars(conf)["is_disabled"] = lambda: state["off"]
    vars(macros).update(lineage_parent_id=link, lineage_root_parent_id=root)
    for name, module in {
        "": ModuleType("openlineage"), ".conf": conf, ".plugins": ModuleType("plugins"), ".plugins.macros": macros
    }.items():  # fmt: skip
        monkeypatch.setitem(sys.modules, f"airflow.providers.openlineage{name}", module)
    return state


def test_without_the_provider_a_run_has_no_parent(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.run()
    [run] = dagster.launched()
    assert not {PARENT, ROOT} & set(run.tags)


def test_a_run_names_the_task_and_the_dag_run(airflow: Airflow, dagster: FakeDagster, provider: dict[str, Any]) -> None:
    airflow.run()
    [run] = dagster.launched()
    assert run.tags[PARENT] == "airflow/retail_pipeline.ingest/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b111"
    assert run.tags[ROOT] == "airflow/retail_pipeline/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b222"


def test_a_retry_that_resumes_a_run_names_its_own_try(
    airflow: Airflow, dagster: FakeDagster, provider: dict[str, Any]
) -> None:
    airflow.earlier("FAILURE", openlineage__parent="airflow/retail_pipeline.ingest/of-the-first-try")
    airflow.retry()
    airflow.run()
    assert dagster.launched()[-1].tags[PARENT].endswith("0b112")


def test_what_the_dag_says_itself_counts(airflow: Airflow, dagster: FakeDagster, provider: dict[str, Any]) -> None:
    airflow.run(tags_of_run={PARENT: "mine/job/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b333"})
    [run] = dagster.launched()
    assert run.tags[PARENT].startswith("mine/")


def test_where_openlineage_is_off_a_run_has_no_parent(
    airflow: Airflow, dagster: FakeDagster, provider: dict[str, Any]
) -> None:
    provider["off"] = True
    airflow.run()
    assert PARENT not in dagster.launched()[0].tags


def test_an_error_of_the_provider_fails_no_task(
    airflow: Airflow, dagster: FakeDagster, provider: dict[str, Any]
) -> None:
    provider["error"] = RuntimeError("no logical date")
    assert airflow.run()["status"] == "SUCCESS"
    assert PARENT not in dagster.launched()[0].tags
