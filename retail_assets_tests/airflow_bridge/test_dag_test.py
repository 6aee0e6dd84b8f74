"""`dag.test()`, without a scheduler, against a real Dagster webserver and daemon: success and every kind of failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_bridge.local_stack import LocalStack
from retail_assets_tests.airflow_bridge.run_dag import ENDED
from retail_assets_tests.services.airflow.airflow_api import dagster_runs, materialized_partitions, tag
from retail_assets_tests.services.airflow.stacks import ROOT, run, stack

pytestmark = pytest.mark.timeout(1500)


@dataclass(frozen=True)
class Outcome:
    """How a DAG run ended, what it logged, and its Dagster runs."""

    state: str
    log: str
    runs: list[dict[str, Any]]


#: Name -> DAG, logical date, parameters. The logical dates differ: a DAG has one run a date.
SCENARIOS: dict[str, tuple[str, str, dict[str, str]]] = {
    "partition": ("toy_daily", "2017-12-14T03:30:00+00:00", {"partition": "2017-12-05"}),
    # In New York it is still the 13th when this interval begins; in UTC it is the 14th.
    "interval": ("toy_daily", "2017-12-15T03:30:00+00:00", {}),
    "range": ("toy_daily", "2017-12-16T03:30:00+00:00", {"partition_range": "2017-12-20...2017-12-22"}),
    "no such partition": ("toy_daily", "2017-12-17T03:30:00+00:00", {"partition": "2018-02-30"}),
    "failed step": ("toy_doomed", "2017-12-14T03:30:00+00:00", {}),
    "failed check": ("toy_judged", "2017-12-14T03:30:00+00:00", {}),
    "blocking check": ("toy_blocked", "2017-12-14T03:30:00+00:00", {}),
    "misspelled": ("toy_daily", "2017-12-18T03:30:00+00:00", {"partion": "2017-12-05"}),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Run Dagster; of Airflow there is only a migrated database."""
    place = stack(tmp_path_factory.mktemp("desk"), with_shop=False)
    try:
        place.start_dagster()
        run(["airflow", "db", "migrate"], place.airflow_environment(), place.home)
        place.wait_for_dagster()
        yield place
    finally:
        place.stop()


@pytest.fixture(scope="module")
def outcomes(desk: LocalStack) -> dict[str, Outcome]:
    """Run every scenario to its end in one process."""
    program = str(ROOT / "retail_assets_tests" / "airflow_bridge" / "run_dag.py")
    command = ["python", program, str(desk.dags_folder), json.dumps(list(SCENARIOS.values()))]
    done = run(command, desk.airflow_environment(), desk.home, seconds=800)
    results, log = {}, ""
    names = iter(SCENARIOS)
    for line in done.stdout.splitlines():
        if not line.startswith(ENDED):
            log += line + "\n"
            continue
        ended, name = json.loads(line.removeprefix(ENDED)), next(names)
        runs = dagster_runs(desk.dagster_url, SCENARIOS[name][0], ended["run_id"])
        results[name] = Outcome(ended["state"], log, runs)
        log = ""
    return results


def test_a_run_that_succeeds_is_a_task_that_succeeds(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["partition"]
    assert done.state == "success", done.log
    [launched] = done.runs
    assert launched["status"] == "SUCCESS"
    assert tag(launched, "dagster/partition") == "2017-12-05"


def test_the_partition_is_the_day_in_which_the_data_interval_begins_in_shop_time(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["interval"]
    assert [tag(r, "dagster/partition") for r in done.runs] == ["2017-12-13"], done.log


def test_a_range_is_one_run_over_all_of_its_partitions(outcomes: dict[str, Outcome], desk: LocalStack) -> None:
    done = outcomes["range"]
    assert done.state == "success", done.log
    [launched] = done.runs
    assert launched["status"] == "SUCCESS"
    assert materialized_partitions(desk.dagster_url, launched["runId"]) == ["2017-12-20", "2017-12-21", "2017-12-22"]


def test_a_failed_step_fails_the_task_with_its_message_and_the_address_of_the_run(
    outcomes: dict[str, Outcome], desk: LocalStack
) -> None:
    done = outcomes["failed step"]
    assert done.state == "failed"
    [launched] = done.runs
    assert launched["status"] == "FAILURE"
    assert f"run {launched['runId']} failed: step toy_doomed: the till is on fire." in done.log
    assert f"{desk.dagster_url}/runs/{launched['runId']}" in done.log


def test_a_failed_check_fails_the_task_although_the_run_succeeded(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["failed check"]
    assert done.state == "failed"
    assert [r["status"] for r in done.runs] == ["SUCCESS"]
    assert "money_agrees on toy_judged: 12.52 dollars are missing" in done.log


def test_a_blocking_check_fails_the_task_with_its_own_words(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["blocking check"]
    assert done.state == "failed"
    [launched] = done.runs
    assert launched["status"] == "FAILURE"
    why = "check rows_agree on toy_blocked: 7 rows are missing. Load the day again. http"
    assert f"run {launched['runId']} failed: {why}" in done.log


def test_a_misspelled_parameter_launches_nothing(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["misspelled"]
    assert (done.state, done.runs) == ("failed", [])
    assert "no parameter 'partion'. Did you mean 'partition'?" in done.log


def test_a_partition_that_does_not_exist_is_refused_before_anything_is_launched(outcomes: dict[str, Outcome]) -> None:
    done = outcomes["no such partition"]
    assert done.state == "failed"
    assert done.runs == []
    assert "has no partition '2018-02-30'. The nearest: 2017-12-30, 2017-12-31." in done.log
