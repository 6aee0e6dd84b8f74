"""`dag.test()`, without a scheduler, against a real Dagster webserver and daemon: what becomes of their answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from airflow_bridge.local_stack import LocalStack
from retail_assets_tests.airflow_bridge.airflow_api import dagster_runs, tag
from retail_assets_tests.airflow_bridge.places import ROOT, run, stack

pytestmark = pytest.mark.timeout(240)

#: Within the days of the toy shop: an interval that begins on 12 December, in shop time late in the evening.
LOGICAL_DATE = "2017-12-14T03:30:00+00:00"


@dataclass(frozen=True)
class Outcome:
    """How a DAG run ended, what was logged, and the Dagster runs of it."""

    state: str
    run_id: str
    told: str
    runs: list[dict[str, object]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Dagster runs; of Airflow there is a migrated database and nothing else."""
    place = stack(tmp_path_factory.mktemp("desk"), with_shop=False)
    try:
        place.start_dagster()
        run(["airflow", "db", "migrate"], place.airflow_environment(), place.home)
        place.wait_for_dagster()
        yield place
    finally:
        place.stop()


@pytest.fixture
def tested(desk: LocalStack) -> Callable[..., Outcome]:
    def test(dag_id: str, **conf: str) -> Outcome:
        program = str(ROOT / "retail_assets_tests" / "airflow_bridge" / "run_dag.py")
        command = ["python", program, str(desk.dags_folder), dag_id, LOGICAL_DATE, json.dumps(conf)]
        done = run(command, desk.airflow_environment(), desk.home)
        ended = json.loads(done.stdout.splitlines()[-1])
        runs = dagster_runs(desk.dagster_url, dag_id, ended["run_id"])
        return Outcome(ended["state"], ended["run_id"], done.stdout + done.stderr, runs)

    return test


def test_a_run_that_ends_well_is_a_task_that_ends_well(tested: Callable[..., Outcome]) -> None:
    done = tested("toy_daily", partition="2017-12-05")
    assert done.state == "success", done.told
    [launched] = done.runs
    assert launched["status"] == "SUCCESS"
    assert tag(launched, "dagster/partition") == "2017-12-05"


def test_the_partition_is_the_day_in_which_the_data_interval_begins_in_shop_time(
    tested: Callable[..., Outcome],
) -> None:
    """The interval begins at 22:30 in New York, which is the next day in UTC."""
    done = tested("toy_daily")
    assert [tag(r, "dagster/partition") for r in done.runs] == ["2017-12-12"], done.told


def test_a_failed_step_fails_the_task_with_its_message_and_the_address_of_the_run(
    tested: Callable[..., Outcome], desk: LocalStack
) -> None:
    done = tested("toy_doomed")
    assert done.state == "failed"
    [launched] = done.runs
    assert launched["status"] == "FAILURE"
    assert "toy_doomed" in done.told
    assert "the till is on fire" in done.told
    assert f"{desk.dagster_url}/runs/{launched['runId']}" in done.told


def test_a_failed_check_fails_the_task_although_the_run_ended_well(tested: Callable[..., Outcome]) -> None:
    done = tested("toy_judged")
    assert done.state == "failed"
    assert [r["status"] for r in done.runs] == ["SUCCESS"]
    assert "money_agrees" in done.told
    assert "12.52 dollars are missing" in done.told


def test_a_partition_that_does_not_exist_is_refused_before_anything_is_launched(tested: Callable[..., Outcome]) -> None:
    done = tested("toy_daily", partition="2018-02-30")
    assert done.state == "failed"
    assert done.runs == []
    assert "2018-02-30" in done.told
    assert "2017-12-31" in done.told, "the nearest one that there is"
