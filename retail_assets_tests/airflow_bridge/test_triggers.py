"""Waiting outside of a worker: what ends a wait, what is tolerated, and what stops the run."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_bridge.problems import RefusedError, RunGoneError, UnreachableError
from airflow_bridge.runs import Run
from airflow_bridge.triggers import LOST, SETTLES, TIMEOUT, UNREACHABLE, DagsterRunTrigger, Watch
from retail_assets_tests.airflow_bridge.fake_dagster import FakeDagster
from retail_assets_tests.airflow_bridge.fake_task import Airflow, stored

DOWN = httpx.ConnectError("[Errno 111] Connection refused")


def waiting(run_id: str, **arguments: object) -> DagsterRunTrigger:
    return stored(DagsterRunTrigger("dagster_default", run_id, **arguments))  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["SUCCESS", "FAILURE", "CANCELED"])
def test_a_wait_ends_with_the_run(airflow: Airflow, dagster: FakeDagster, end: str) -> None:
    run = dagster.add("QUEUED", {}, "STARTED", "STARTED", end)
    event = airflow.waited(waiting(run.id))
    assert (event["status"], event["run_id"], event["overtaken"]) == (end, run.id, False)
    assert run.looks == 3


def test_a_run_that_is_being_canceled_is_waited_for_to_its_end(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED", {}, "CANCELING", "CANCELING", "CANCELED")
    assert airflow.waited(waiting(run.id))["status"] == "CANCELED"


def test_what_a_trigger_was_made_with_comes_back_out_of_the_database() -> None:
    trigger = DagsterRunTrigger("c", "r", 7.0, 1_700_000_000.5, 60.0, attached_at=1_700_000_000.25, left_at=1.5)
    path, arguments = trigger.serialize()
    assert stored(trigger).serialize() == (path, arguments)
    assert json.loads(json.dumps(arguments)) == arguments


def test_the_poll_interval_is_the_requested_one(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED", {}, "STARTED", "STARTED", "SUCCESS")
    begin = airflow.clock.now
    airflow.waited(waiting(run.id, poll_interval=7.0))
    assert airflow.clock.now - begin == 14.0


@pytest.mark.parametrize(
    ("left", "waits"), [(0.0, SETTLES), (4.0, SETTLES - 4), (SETTLES, 0.0), (3600.0, 0.0), (-3600.0, SETTLES)]
)
def test_an_end_is_kept_until_airflow_has_seen_the_task_leave_its_worker(
    airflow: Airflow, dagster: FakeDagster, left: float, waits: float
) -> None:
    """The wait is bounded also if the worker's clock is an hour ahead."""
    run = dagster.add("SUCCESS")
    begin = airflow.clock.now
    assert airflow.waited(waiting(run.id, left_at=begin - left))["status"] == "SUCCESS"
    assert airflow.clock.now - begin == waits


# Dagster's own retries


def test_the_retry_that_dagster_makes_by_itself_is_followed(airflow: Airflow, dagster: FakeDagster) -> None:
    last = dagster.add("STARTED", {}, "SUCCESS")
    second = dagster.add("FAILURE", {"dagster/auto_retry_run_id": last.id})
    first = dagster.add("FAILURE", {"dagster/auto_retry_run_id": second.id})
    event = airflow.waited(waiting(first.id))
    assert (event["status"], event["run_id"]) == ("SUCCESS", last.id)


def test_a_retry_that_dagster_has_announced_is_waited_for(airflow: Airflow, dagster: FakeDagster) -> None:
    second = dagster.add("STARTED", {}, "SUCCESS")
    first = dagster.add("FAILURE", {"dagster/will_retry": "true"})
    dagster.before("runOrError", lambda: None, lambda: first.tags.update({"dagster/auto_retry_run_id": second.id}))
    assert airflow.waited(waiting(first.id))["run_id"] == second.id


def test_an_announced_retry_that_never_comes_does_not_hold_the_task_indefinitely(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    """The daemon that would launch it is down."""
    run = dagster.add("FAILURE", {"dagster/will_retry": "true"})
    begin = airflow.clock.now
    event = airflow.waited(waiting(run.id, outage_tolerance=600.0, poll_interval=5.0))
    assert event["status"] == "FAILURE"
    assert event["run_id"] == run.id
    assert airflow.clock.now - begin >= 600


# Outages


def test_an_outage_within_the_tolerance_is_tolerated(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED", {}, "STARTED", "SUCCESS")
    dagster.fail("runOrError", DOWN, 10)
    assert airflow.waited(waiting(run.id, poll_interval=5.0, outage_tolerance=60.0))["status"] == "SUCCESS"


def test_a_dagster_that_is_down_for_longer_ends_the_wait_with_its_last_answer(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    run = dagster.add("STARTED")
    dagster.fail("runOrError", DOWN, 1000)
    event = airflow.waited(waiting(run.id, poll_interval=5.0, outage_tolerance=60.0))
    assert (event["status"], event["run_id"]) == (UNREACHABLE, run.id)
    assert "Is dagster-webserver running" in event["message"]
    assert run.status == "STARTED", "an outage cancels nothing"


def test_each_answer_restarts_the_tolerance(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED", {}, *["STARTED"] * 3, "SUCCESS")

    def out() -> None:
        dagster.fail("runOrError", DOWN, 10)

    dagster.before("runOrError", *([lambda: None] + [out] + [lambda: None] * 10) * 3)
    assert airflow.waited(waiting(run.id, poll_interval=5.0, outage_tolerance=60.0))["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ReadTimeout("slow"),
        httpx.Response(502, html="Bad Gateway"),
        httpx.Response(500, json={"data": None, "errors": [{"message": "database is locked"}]}),
        httpx.Response(200, html="<html>starting</html>"),
        httpx.Response(401, text="who"),
    ],
)
def test_any_failed_answer_is_an_outage_while_a_run_goes_on(
    airflow: Airflow, dagster: FakeDagster, trouble: httpx.Response | Exception
) -> None:
    """A webserver that restarts behind its proxy may answer each of these for a while."""
    run = dagster.add("STARTED", {}, "SUCCESS")
    dagster.fail("runOrError", trouble, 3)
    assert airflow.waited(waiting(run.id))["status"] == "SUCCESS"


def test_a_run_that_was_deleted_ends_the_wait(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED")
    dagster.before("runOrError", lambda: None, lambda: dagster.runs.clear())
    event = airflow.waited(waiting(run.id))
    assert event["status"] == LOST
    assert "was deleted" in event["message"]


def test_a_connection_that_was_removed_meanwhile_ends_the_wait(
    airflow: Airflow, dagster: FakeDagster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_DAGSTER_DEFAULT")
    event = airflow.waited(waiting(dagster.add("STARTED").id))
    assert event["status"] == UNREACHABLE
    assert "airflow connections add dagster_default" in event["message"]


# The deadline


def test_a_run_beyond_its_deadline_ends_the_wait(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED")
    deadline = airflow.clock.now + 60
    assert airflow.waited(waiting(run.id, deadline=deadline))["status"] == TIMEOUT
    assert airflow.clock.now <= deadline + 10


def test_a_run_that_ends_at_the_last_look_has_ended(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("SUCCESS")
    assert airflow.waited(waiting(run.id, deadline=airflow.clock.now - 3600))["status"] == "SUCCESS"


def test_an_outage_does_not_postpone_the_deadline(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.fail("runOrError", DOWN, 100)
    run = dagster.add("STARTED")
    event = airflow.waited(waiting(run.id, deadline=airflow.clock.now + 60, outage_tolerance=3600.0))
    assert event["status"] == TIMEOUT


# The end from Airflow's side


def test_a_task_that_is_killed_while_it_waits_stops_its_run(airflow: Airflow, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED")
    asyncio.run(waiting(run.id).on_kill())
    assert run.status == "CANCELED"


@pytest.mark.parametrize(
    ("stops", "words"),
    [
        (("CANCELING", "CANCELED"), "was canceled"),
        (("CANCELING", "SUCCESS"), "was not canceled: it has ended with status SUCCESS"),
        (("CANCELING",), "was asked to stop, but Dagster reports CANCELING after 20 s"),
    ],
)
def test_only_a_run_that_dagster_reports_as_canceled_is_logged_as_canceled(
    airflow: Airflow,
    dagster: FakeDagster,
    capsys: pytest.CaptureFixture[str],
    stops: tuple[str, ...],
    words: str,
) -> None:
    """A step that swallows the interrupt goes on, and the run ends well."""
    run, dagster.stops = dagster.add("STARTED"), stops
    asyncio.run(waiting(run.id).on_kill())
    assert f"Dagster run {run.id} {words}" in capsys.readouterr().out
    assert airflow.clock.slept < 30, "Airflow ends the triggerer's part after so long"


def test_the_retry_is_stopped_and_not_the_run_that_has_failed(airflow: Airflow, dagster: FakeDagster) -> None:
    retry = dagster.add("STARTED")
    first = dagster.add("FAILURE", {"dagster/auto_retry_run_id": retry.id})
    trigger = waiting(first.id)

    async def killed() -> None:
        wait = asyncio.ensure_future(anext(trigger.run()))
        while trigger.watched != retry.id:
            await asyncio.sleep(0)
        wait.cancel()
        await trigger.on_kill()

    asyncio.run(killed())
    assert dagster.runs[retry.id].status in ("CANCELING", "CANCELED")


def test_a_run_that_cannot_be_stopped_is_reported_in_the_log(
    airflow: Airflow, dagster: FakeDagster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = dagster.add("STARTED")
    dagster.fail("terminateRun", DOWN)
    trigger = waiting(run.id)
    asyncio.run(trigger.on_kill())
    assert run.status == "STARTED"
    assert "could not be canceled and may still be running" in capsys.readouterr().out


# The decision itself


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["STARTED", "down", "refused"])), max_size=60),
    st.floats(1, 300),
    st.one_of(st.none(), st.floats(0, 500)),
)
def test_a_wait_never_ends_before_its_tolerance_and_never_goes_on_after_its_deadline(
    looks: list[tuple[float, str]], tolerance: float, deadline: float | None
) -> None:
    watch, now, answered = Watch("r", deadline, tolerance, 0.0), 0.0, 0.0
    for pause, answer in looks:
        now += pause
        if answer == "STARTED":
            answered = now
            event = watch.seen(Run("r", "STARTED", {}), now)
        else:
            error = UnreachableError("x", sent=True) if answer == "down" else RefusedError("x")
            event = watch.unseen(error, now)
        too_long, late = now - answered > tolerance, deadline is not None and now > deadline
        assert (event is not None) == (too_long or late)
        if event is not None:
            assert event["status"] == (UNREACHABLE if too_long else TIMEOUT)
            return


def test_a_deleted_run_is_lost_whatever_the_tolerance() -> None:
    assert Watch("r", None, 1e9, 0.0).unseen(RunGoneError("gone"), 0.0) == {
        "status": LOST,
        "run_id": "r",
        "message": "gone",
        "overtaken": False,
    }
