"""The operator in Airflow: what it launches, what it finds again, and what it reports of the end."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_bridge import operators
from airflow_bridge.operators import DagsterMaterializeOperator, DagsterRunLink
from airflow_bridge.triggers import SETTLES
from retail_assets_tests.airflow_bridge.fake_dagster import (
    DAYS,
    URL,
    FakeAsset,
    FakeDagster,
    FakeRun,
    checked,
    materialized,
    python_error,
    run_failed,
    step_failed,
)
from retail_assets_tests.airflow_bridge.fake_task import NEW_YORK, Airflow, stored
from retail_assets_tests.trials import trials

DOWN = httpx.ConnectError("[Errno 111] Connection refused")
LOST_ANSWER = httpx.ReadTimeout("no answer")
SECRET = "tok-3141592653589793"


@pytest.fixture(params=[True, False], ids=["deferred", "in the worker"])
def anywhere(request: pytest.FixtureRequest, airflow: Airflow) -> Callable[..., Any]:
    """Run a try that waits outside of the worker, and one that waits in it: both must report the same."""
    return lambda **arguments: airflow.run(**{"deferrable": request.param, **arguments})


def only(dagster: FakeDagster) -> FakeRun:
    [run] = dagster.launched()
    return run


# What to materialize


def test_exactly_one_of_assets_groups_and_selection_is_set() -> None:
    wrong: list[dict[str, Any]] = [{}, {"assets": ["a"], "groups": ["b"]}]
    for arguments in wrong:
        with pytest.raises(ValueError, match="Task t: set exactly one of `assets`, `groups` and `selection`"):
            DagsterMaterializeOperator(task_id="t", **arguments)


def test_an_unknown_policy_is_refused_while_the_dag_file_is_parsed() -> None:
    with pytest.raises(ValueError, match=r"on_check_failure='fial'. Allowed: fail, skip, ignore"):
        DagsterMaterializeOperator(task_id="t", groups=["a"], on_check_failure="fial")
    with pytest.raises(ValueError, match="poll_interval=0 must be more than 0 seconds"):
        DagsterMaterializeOperator(task_id="t", groups=["a"], poll_interval=0)


@pytest.mark.parametrize(
    ("what", "launched"),
    [
        ({"groups": ["ingest"]}, ["clean_sales", "quarantine"]),
        ({"groups": "ingest, eda"}, ["clean_sales", "marts/insights", "quarantine"]),
        ({"assets": ["marts/insights"]}, ["marts/insights"]),
        ({"assets": "sales, clean_sales"}, ["clean_sales", "sales"]),
        ({"selection": "key:sales+"}, ["marts/insights", "sales"]),
        ({"selection": "group:ingest and not key:quarantine"}, ["clean_sales"]),
    ],
)
def test_assets_groups_and_selection_name_the_assets_of_one_run(
    airflow: Airflow, dagster: FakeDagster, what: dict[str, Any], launched: list[str]
) -> None:
    airflow.run(**what)
    assert only(dagster).assets == launched


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"assets": ["clean_sale"]}, "no asset 'clean_sale'. Did you mean 'clean_sales'"),
        ({"assets": ["sales", "xyz"]}, "no asset 'xyz'. Available: clean_sales, marts/insights, quarantine, sales"),
        ({"groups": ["ingets"]}, "no asset group 'ingets'. Did you mean 'ingest'"),
        ({"groups": " , "}, "`groups` is empty: name at least one"),
        ({"assets": []}, "`assets` is empty: name at least one"),
        ({"selection": "group:ingets"}, "no asset in the selection 'group:ingets'.*Available: clean_sales"),
        ({"selection": "group ingest"}, "The selection 'group ingest' cannot be read"),
    ],
)
def test_unknown_assets_fail_the_task_for_good_before_anything_is_launched(
    airflow: Airflow, dagster: FakeDagster, what: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        airflow.run(**what)
    assert dagster.launched() == []


def test_a_code_location_that_failed_to_load_is_named_in_place_of_its_assets(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    dagster.broken = {"shop": ["ImportError: no module named sklearn"]}
    with pytest.raises(AirflowFailException, match=r"'shop' failed to load.*Fix it first: ImportError: no module"):
        airflow.run(groups=["ingest"])


def test_assets_of_two_code_locations_are_two_tasks(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.assets.append(FakeAsset("stock", "ingest", location="depot"))
    with pytest.raises(AirflowFailException, match="code locations depot, shop: use one task per code location"):
        airflow.run(groups=["ingest"])


# Which partition


@pytest.mark.parametrize(
    ("begins", "day"),
    [
        ("2024-01-14T00:00:00-05:00", "2024-01-14"),
        ("2024-01-14T06:00:00-05:00", "2024-01-14"),
        ("2024-01-14T23:59:00-05:00", "2024-01-14"),
        ("2024-01-15T03:30:00+00:00", "2024-01-14"),
        ("2024-01-14T05:00:00+00:00", "2024-01-14"),
        ("2024-01-14T04:59:59+00:00", "2024-01-13"),
    ],
)
def test_the_partition_is_the_day_in_shop_time_in_which_the_data_interval_begins(
    airflow: Airflow, dagster: FakeDagster, begins: str, day: str
) -> None:
    airflow.interval = dt.datetime.fromisoformat(begins)
    airflow.run()
    assert only(dagster).tags["dagster/partition"] == day


@settings(
    max_examples=trials(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    zone=st.sampled_from([NEW_YORK, "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata", "UTC"]),
    day=st.integers(1, 31),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_any_hour_of_any_time_zone_gives_the_day_on_the_shops_calendar(
    airflow: Airflow, dagster: FakeDagster, zone: str, day: int, minute: int
) -> None:
    dagster.runs.clear()
    airflow.interval = dt.datetime(2024, 1, day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    airflow.begin(time_zone=zone)
    assert only(dagster).tags["dagster/partition"] == f"2024-01-{day:02}"


def test_a_requested_partition_takes_precedence_over_the_data_interval(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.run(partition=" 2024-01-03 ")
    assert only(dagster).tags["dagster/partition"] == "2024-01-03"


@pytest.mark.parametrize("rendered", ["", "None", "  "])
def test_an_empty_parameter_is_none(airflow: Airflow, dagster: FakeDagster, rendered: str) -> None:
    airflow.run(partition=rendered, partition_range=rendered)
    assert only(dagster).tags["dagster/partition"] == "2024-01-14"


def test_partitions_of_another_form_are_written_in_it(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.assets = [FakeAsset("clean_sales", "ingest", [["2024-01", "2024-02"]])]
    airflow.run(partition_format="%Y-%m")
    assert only(dagster).tags["dagster/partition"] == "2024-01"


def test_partitions_are_written_as_dagster_writes_them(airflow: Airflow, dagster: FakeDagster) -> None:
    hours = [f"2024-01-14-{hour:02}:00" for hour in range(24)]
    dagster.assets = [FakeAsset("clean_sales", "ingest", [hours], format="%Y-%m-%d-%H:%M")]
    airflow.run()
    assert only(dagster).tags["dagster/partition"] == "2024-01-14-06:00"


def test_a_run_without_a_data_interval_says_what_to_trigger_it_with(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.interval = None
    with pytest.raises(AirflowFailException, match=r"no data interval .* trigger it with `partition`.*2024-01-31"):
        airflow.run()
    assert dagster.launched() == []


def test_assets_without_partitions_need_none(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.interval = None
    airflow.run(groups=["warehouse"], partition="2099-01-01")
    assert "dagster/partition" not in only(dagster).tags


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        ("2024-01-32", "no partition '2024-01-32'. The nearest: 2024-01-30, 2024-01-31"),
        ("2030-06-01", "no partition '2030-06-01'.*The first is 2024-01-01, the last 2024-01-31"),
        ("14.01.2024", "no partition '14.01.2024'. The nearest: 2024-01-01, 2024-01-02"),
    ],
)
def test_an_unknown_or_future_partition_is_refused_with_the_nearest(
    airflow: Airflow, dagster: FakeDagster, partition: str, message: str
) -> None:
    """Dagster itself would accept it, and the run would fail."""
    with pytest.raises(AirflowFailException, match=message):
        airflow.run(partition=partition)
    assert dagster.launched() == []


def test_the_partition_must_be_one_of_every_asset(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.assets.append(FakeAsset("late", "ingest", [DAYS[20:]]))
    with pytest.raises(AirflowFailException, match=r"late has no partition '2024-01-14'. The nearest: 2024-01-21"):
        airflow.run()


def test_without_a_data_interval_it_is_yesterday_in_shop_time(airflow: Airflow, dagster: FakeDagster) -> None:
    """The REST API's `logical_date: null`, and what `airflow dags trigger` does by itself."""
    airflow.interval = None
    airflow.dag_run.run_after = dt.datetime(2024, 1, 15, 3, tzinfo=dt.UTC)  # the evening of the 14th in New York
    airflow.run()
    assert only(dagster).tags["dagster/partition"] == "2024-01-13"


def test_without_a_data_interval_no_hour_is_guessed(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.interval, airflow.dag_run.run_after = None, dt.datetime(2024, 1, 15, 3, tzinfo=dt.UTC)
    with pytest.raises(AirflowFailException, match="no data interval to choose one"):
        airflow.run(partition_format="%Y-%m-%d-%H:%M")


def test_an_unknown_time_zone_is_refused(airflow: Airflow) -> None:
    with pytest.raises(
        AirflowFailException,
        match=r"'America/NewYork' of task ingest is not a time zone. Use a name such as Europe/Berlin",
    ):
        airflow.run(time_zone="America/NewYork")


@pytest.mark.parametrize(
    ("wanted", "begin", "end"),
    [
        ("2024-01-02...2024-01-05", "2024-01-02", "2024-01-05"),
        (" 2024-01-02 ... 2024-01-05 ", "2024-01-02", "2024-01-05"),
        ("...", "2024-01-01", "2024-01-14"),
        ("...2024-01-05", "2024-01-01", "2024-01-05"),
        ("2024-01-02...", "2024-01-02", "2024-01-14"),
    ],
)
def test_a_range_is_one_run(airflow: Airflow, dagster: FakeDagster, wanted: str, begin: str, end: str) -> None:
    airflow.run(partition_range=wanted)
    tags = only(dagster).tags
    assert tags["dagster/asset_partition_range_start"] == begin
    assert tags["dagster/asset_partition_range_end"] == end
    assert "dagster/partition" not in tags


def test_an_open_range_ends_with_the_requested_partition(airflow: Airflow, dagster: FakeDagster) -> None:
    """A full refresh up to the last landing, and not up to yesterday."""
    airflow.run(partition_range="...", partition="2024-01-05")
    tags = only(dagster).tags
    ends = [tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]
    assert ends == ["2024-01-01", "2024-01-05"]


def test_a_range_of_one_is_a_partition(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.run(partition_range="2024-01-02...2024-01-02")
    assert only(dagster).tags["dagster/partition"] == "2024-01-02"


def test_an_open_range_without_a_data_interval_ends_with_the_last_partition(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    airflow.interval = None
    airflow.run(partition_range="2024-01-30...")
    assert only(dagster).tags["dagster/asset_partition_range_end"] == "2024-01-31"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("2024-01-02", "is not of the form A...B, such as 2024-01-01...2024-01-31"),
        ("2024-01-05...2024-01-02", "2024-01-05 comes after 2024-01-02. Swap them"),
        ("2023-12-01...2024-01-02", "no partition '2023-12-01'"),
        ("2024-01-02...2024-02-01", "no partition '2024-02-01'"),
    ],
)
def test_an_invalid_range_is_refused(airflow: Airflow, dagster: FakeDagster, wanted: str, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message):
        airflow.run(partition_range=wanted)
    assert dagster.launched() == []


def test_a_range_of_assets_that_need_one_run_per_partition_is_refused(airflow: Airflow, dagster: FakeDagster) -> None:
    """Dagster would accept it, and each step would fail."""
    dagster.assets = [FakeAsset("clean_sales", days=[DAYS]), FakeAsset("hourly", days=[DAYS], single_run=False)]
    with pytest.raises(
        AirflowFailException, match=r"one run materializes one partition of hourly\. .*BackfillPolicy.single_run"
    ):
        airflow.run(partition_range="2024-01-01...2024-01-02")
    assert dagster.launched() == []
    airflow.run(partition_range="2024-01-02...2024-01-02")
    assert only(dagster).tags["dagster/partition"] == "2024-01-02"


def test_a_range_of_an_asset_that_has_no_partition_yet_is_refused(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.assets = [FakeAsset("clean_sales", "ingest", [[]])]
    with pytest.raises(AirflowFailException, match="It has no partitions yet"):
        airflow.run(partition_range="...")


# The launch


def test_a_run_carries_the_tags_by_which_any_try_finds_it(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.run(tags_of_run={"team": "data", "cost": 3})
    assert only(dagster).tags == {
        "airflow/dag_id": "retail_pipeline",
        "airflow/dag_run_id": "scheduled__2024-01-15",
        "airflow/task_id": "ingest",
        "airflow/try_number": "1",
        "dagster/partition": "2024-01-14",
        "team": "data",
        "cost": "3",
    }


def test_tags_of_the_user_do_not_hide_a_run_from_its_task(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.run(tags_of_run={"airflow/task_id": "other"})
    assert only(dagster).tags["airflow/task_id"] == "ingest"


def test_mapped_tasks_have_a_run_each(airflow: Airflow, dagster: FakeDagster) -> None:
    for index, partition in enumerate(DAYS[:2]):
        airflow.ti.map_index = index
        airflow.run(partition=partition)
    assert [(r.tags["airflow/map_index"], r.tags["dagster/partition"]) for r in dagster.launched()] == [
        ("0", "2024-01-01"),
        ("1", "2024-01-02"),
    ]


@pytest.mark.parametrize("given_as", [{"ops": {"a": {"config": {"n": 1}}}}, '{"ops": {"a": {"config": {"n": 1}}}}'])
def test_run_config_is_a_mapping_or_its_json(airflow: Airflow, dagster: FakeDagster, given_as: Any) -> None:
    airflow.run(run_config=given_as)
    assert only(dagster).config == {"ops": {"a": {"config": {"n": 1}}}}


@pytest.mark.parametrize(
    ("config", "message"),
    [("{'ops': True}", "run_config of task ingest is not JSON"), ("[1]", "is not a mapping")],
)
def test_invalid_run_config_is_refused(airflow: Airflow, dagster: FakeDagster, config: str, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message):
        airflow.run(run_config=config)
    assert dagster.launched() == []


def test_run_config_that_dagster_refuses_fails_the_task_with_its_words(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.refusal = {
        "__typename": "RunConfigValidationInvalid",
        "pipelineName": "__ASSET_JOB",
        "errors": [{"__typename": "FieldNotDefinedConfigError", "message": "Received unexpected config entry retain"}],
    }
    with pytest.raises(AirflowFailException, match=r"did not launch.*unexpected config entry retain"):
        airflow.run()


def test_the_link_and_the_run_id_are_there_before_the_run_has_ended(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.begin()
    run = only(dagster)
    assert run.status == "QUEUED"
    assert airflow.ti.xcoms["dagster_run_id"] == run.id
    assert airflow.ti.xcoms[DagsterRunLink().xcom_key] == f"{URL}/runs/{run.id}"


def test_the_button_opens_the_run(airflow: Airflow, dagster: FakeDagster, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow.begin()

    class Kept:
        @staticmethod
        def get_value(*, ti_key: Any, key: str) -> Any:
            return airflow.ti.xcoms.get(key) if ti_key == "this try" else None

    monkeypatch.setattr(operators, "XCom", Kept)
    [button] = DagsterMaterializeOperator.operator_extra_links
    assert button.get_link(airflow.operator(), ti_key="this try") == f"{URL}/runs/{only(dagster).id}"
    assert button.get_link(airflow.operator(), ti_key="another") == ""


def test_a_dagster_that_is_down_at_launch_fails_the_try_and_nothing_is_looked_for(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    dagster.fail("launchRun", DOWN)
    begin = airflow.clock.now
    with pytest.raises(AirflowException, match="Is dagster-webserver running") as failed:
        airflow.run()
    assert not isinstance(failed.value, AirflowFailException), "a retry can help"
    assert airflow.clock.now == begin


@pytest.mark.parametrize(
    ("trouble", "for_good", "message"),
    [
        (DOWN, False, "Is dagster-webserver running"),
        (httpx.ReadTimeout("slow"), False, "`timeout` in the extra of the Airflow connection"),
        (httpx.Response(503, text="busy"), False, "is not available"),
        (httpx.Response(500, json={"data": None, "errors": [{"message": "db is locked"}]}), False, "db is locked"),
        (httpx.Response(200, html="<html>"), True, "is not Dagster's GraphQL: it answered with HTML"),
        (httpx.Response(401, text="no"), True, "Set the password"),
        (httpx.Response(404, text="no"), True, "path prefix"),
    ],
)
def test_only_temporary_errors_are_retried(
    airflow: Airflow, dagster: FakeDagster, trouble: Any, for_good: bool, message: str
) -> None:
    dagster.fail("runsOrError", trouble)
    with pytest.raises(AirflowException, match=message) as failed:
        airflow.run()
    assert isinstance(failed.value, AirflowFailException) is for_good
    assert dagster.launched() == []


def test_a_connection_that_is_missing_fails_the_task_with_the_command_that_adds_it(airflow: Airflow) -> None:
    with pytest.raises(AirflowFailException, match="airflow connections add no_such"):
        airflow.run(dagster_conn_id="no_such")


# A launch without an answer


@pytest.mark.parametrize(
    "trouble", [LOST_ANSWER, httpx.Response(504, text="gateway"), httpx.RemoteProtocolError("gone")]
)
def test_a_launch_whose_answer_was_lost_is_looked_up_by_its_tags(
    anywhere: Callable[..., Any], dagster: FakeDagster, trouble: Any
) -> None:
    dagster.fail("launchRun", trouble, carried_out=True)
    assert anywhere()["run_id"] == only(dagster).id


def test_a_launch_that_becomes_visible_late_is_found(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.fail("launchRun", LOST_ANSWER)
    late = {**airflow.tags, "dagster/partition": "2024-01-14"}
    dagster.before("runsOrError", *[lambda: None] * 5, lambda: dagster.add("STARTED", late, "SUCCESS"))
    dagster.fail("launchRun", AssertionError("launched twice"), 5)
    assert airflow.run()["run_id"] == only(dagster).id


def test_a_launch_that_was_not_carried_out_fails_the_try_and_the_next_one_launches(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    dagster.fail("launchRun", LOST_ANSWER)
    with pytest.raises(AirflowException, match="did not answer within") as failed:
        airflow.run()
    assert not isinstance(failed.value, AirflowFailException)
    assert dagster.times_asked("launchRun") == 1
    airflow.retry()
    assert airflow.run()["run_id"] == only(dagster).id


def test_a_dagster_that_goes_down_after_the_launch_is_looked_at_again(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.fail("launchRun", LOST_ANSWER, carried_out=True)
    dagster.before("launchRun", lambda: dagster.fail("runsOrError", DOWN, 3))
    assert airflow.run()["run_id"] == only(dagster).id


def test_a_run_that_becomes_visible_only_after_the_try_has_failed_is_found_by_the_next(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    dagster.fail("launchRun", LOST_ANSWER)
    with pytest.raises(AirflowException):
        airflow.run()
    late = airflow.earlier("STARTED", "SUCCESS")
    airflow.retry()
    assert airflow.run()["run_id"] == late.id
    assert dagster.times_asked("launchRun") == 1


def test_an_earlier_run_is_not_taken_for_the_one_that_was_launched(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.earlier("CANCELED")
    dagster.fail("launchRun", LOST_ANSWER)
    with pytest.raises(AirflowException, match="did not answer within"):
        airflow.run()


# An earlier try's run


@pytest.mark.parametrize("status", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED"])
def test_a_run_that_goes_on_is_found_again_and_none_is_launched(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster, status: str
) -> None:
    """The worker was killed, or the triggerer's machine went away."""
    run = airflow.earlier(status, "STARTED", "SUCCESS")
    airflow.retry()
    assert anywhere()["run_id"] == run.id
    assert only(dagster) is run


def test_a_run_that_ended_while_nobody_watched_is_the_result(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    run = airflow.earlier("SUCCESS")
    run.events = [materialized("clean_sales", "2024-01-14", dagster__partition_row_count=7)]
    airflow.retry()
    assert anywhere()["rows"] == {"clean_sales": 7}
    assert only(dagster) is run


def test_the_result_of_a_run_that_has_ended_is_taken_in_the_worker(airflow: Airflow, dagster: FakeDagster) -> None:
    """There is nothing to wait for."""
    run = airflow.earlier("SUCCESS")
    airflow.retry()
    airflow.run()
    assert airflow.clock.slept == 0
    assert airflow.ti.xcoms["dagster_run_id"] == run.id


@pytest.mark.parametrize("keeps", [True, False], ids=["with a task's store", "before task stores"])
def test_a_task_that_succeeded_and_is_cleared_runs_again(airflow: Airflow, dagster: FakeDagster, keeps: bool) -> None:
    if not keeps:
        airflow.store = None
    first = airflow.run()
    airflow.clear()
    second = airflow.run()
    assert first["run_id"] != second["run_id"]
    assert len(dagster.launched()) == 2


def test_a_run_of_another_dag_run_or_task_is_not_taken(airflow: Airflow, dagster: FakeDagster) -> None:
    for name in ("airflow/dag_id", "airflow/dag_run_id", "airflow/task_id"):
        dagster.add("SUCCESS", {**airflow.tags, name: "other"})
    before = set(dagster.runs)
    assert airflow.run()["run_id"] not in before


def test_a_canceled_run_of_an_earlier_try_is_not_waited_for(airflow: Airflow, dagster: FakeDagster) -> None:
    earlier = airflow.earlier("CANCELED")
    airflow.retry()
    assert airflow.run()["run_id"] != earlier.id


def test_a_run_that_is_still_stopping_ends_before_the_next_begins(airflow: Airflow, dagster: FakeDagster) -> None:
    """Two runs at once would write one warehouse file."""
    earlier = airflow.earlier("CANCELING", "CANCELING", "CANCELING", "CANCELED")
    states: list[str] = []
    dagster.before("launchRun", lambda: states.append(earlier.status))
    airflow.retry()
    done = airflow.run()
    assert done["run_id"] != earlier.id
    assert states == ["CANCELED"]


def test_a_run_that_does_not_stop_fails_the_try(airflow: Airflow, dagster: FakeDagster) -> None:
    earlier = airflow.earlier("CANCELING")
    airflow.retry()
    with pytest.raises(AirflowException, match=earlier.id):
        airflow.run()
    assert only(dagster) is earlier


def test_a_retry_goes_on_where_the_run_failed(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    failed = airflow.earlier("FAILURE")
    airflow.retry()
    done = anywhere()
    resumed = dagster.runs[done["run_id"]]
    assert resumed.tags["dagster/parent_run_id"] == failed.id
    assert resumed.tags["airflow/try_number"] == "2"
    assert resumed.tags["dagster/partition"] == "2024-01-14"
    assert dagster.times_asked("launchRun") == 0


def test_a_retry_launches_a_new_run_if_resume_failed_is_off(airflow: Airflow, dagster: FakeDagster) -> None:
    failed = airflow.earlier("FAILURE")
    airflow.retry()
    done = airflow.run(resume_failed=False)
    assert "dagster/parent_run_id" not in dagster.runs[done["run_id"]].tags
    assert done["run_id"] != failed.id


def test_a_run_that_cannot_be_resumed_is_replaced_by_a_new_one(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.earlier("FAILURE")
    airflow.retry()
    refused = {"data": {"launchRunReexecution": python_error("the code has changed")}}
    dagster.fail("launchRunReexecution", httpx.Response(200, json=refused))
    done = airflow.run()
    assert "dagster/parent_run_id" not in dagster.runs[done["run_id"]].tags


def test_a_resumed_launch_whose_answer_was_lost_is_looked_up(airflow: Airflow, dagster: FakeDagster) -> None:
    failed = airflow.earlier("FAILURE")
    airflow.retry()
    dagster.fail("launchRunReexecution", LOST_ANSWER, carried_out=True)
    done = airflow.run()
    assert dagster.runs[done["run_id"]].tags["dagster/parent_run_id"] == failed.id
    assert len(dagster.launched()) == 2


def test_dagsters_own_retry_is_waited_for_instead_of_launching_another_run(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    again = dagster.add("STARTED", {}, "STARTED", "SUCCESS")
    airflow.earlier("FAILURE", dagster__auto_retry_run_id=again.id)
    airflow.retry()
    assert anywhere()["run_id"] == again.id
    assert len(dagster.launched()) == 2


def test_the_wait_follows_dagsters_own_retry(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    """Dagster starts the retry by itself, and its result is the task's."""
    dagster.course = ("STARTED", "FAILURE")
    again: list[FakeRun] = []

    def retried() -> None:
        first = only(dagster)
        again.append(dagster.add("STARTED", first.tags, "SUCCESS"))
        first.tags["dagster/auto_retry_run_id"] = again[0].id

    dagster.before("runOrError", retried)
    assert anywhere()["run_id"] == again[0].id


def test_a_retry_of_dagsters_that_was_deleted_is_not_waited_for(airflow: Airflow, dagster: FakeDagster) -> None:
    """Otherwise the task would look for it in each try, and clearing it would not help."""
    failed = airflow.earlier("FAILURE", dagster__auto_retry_run_id="gone", dagster__will_retry="true")
    airflow.retry()
    done = airflow.run()
    assert dagster.runs[done["run_id"]].tags["dagster/parent_run_id"] == failed.id


def test_a_promised_retry_that_never_came_is_made_by_the_next_try(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.course = ("STARTED", "FAILURE")
    dagster.before("runOrError", lambda: only(dagster).tags.update({"dagster/will_retry": "true"}))
    with pytest.raises(AirflowException, match="failed"):
        airflow.run()
    dagster.course = ("STARTED", "SUCCESS")
    airflow.retry()
    done = airflow.run()
    assert dagster.runs[done["run_id"]].tags["dagster/parent_run_id"] == "run-1"


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE"])
def test_a_run_whose_input_was_materialized_again_is_replaced_by_a_new_one(
    airflow: Airflow, dagster: FakeDagster, status: str
) -> None:
    """A task and those after it were cleared."""
    airflow.ti.task_id, airflow.upstream = "warehouse", "ingest"
    earlier = airflow.earlier(status)
    dagster.add("SUCCESS", {**airflow.tags, "airflow/task_id": "ingest"})
    airflow.retry()
    done = airflow.run(groups=["warehouse"])
    assert done["run_id"] != earlier.id
    assert "dagster/parent_run_id" not in dagster.runs[done["run_id"]].tags


def test_a_run_whose_input_is_older_is_taken(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.ti.task_id, airflow.upstream = "warehouse", "ingest"
    dagster.add("SUCCESS", {**airflow.tags, "airflow/task_id": "ingest"})
    earlier = airflow.earlier("SUCCESS")
    dagster.add("SUCCESS", {**airflow.tags, "airflow/task_id": "eda"})
    airflow.retry()
    assert airflow.run(groups=["warehouse"])["run_id"] == earlier.id


# Leaving the worker


def test_no_task_is_queued_again_before_airflow_has_seen_it_leave_its_worker(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    """Airflow would take it for killed, and fail its try: seen with runs that ended within five seconds."""
    dagster.course = ("SUCCESS",)
    left = airflow.begin()
    begin = airflow.clock.now
    assert airflow.resume(left)["status"] == "SUCCESS"
    assert airflow.clock.now - begin == SETTLES


# Cleared while it waits


def test_a_task_that_is_cleared_while_it_waits_ends_well_although_its_old_trigger_cancels_the_run(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    """The new try attaches before the old trigger's end cancels the run: so a new run is launched, once."""
    old = airflow.begin()
    airflow.clear()
    new = airflow.begin()
    asyncio.run(stored(old.trigger).on_kill())
    done = airflow.resume(new)
    first, second = dagster.launched()
    assert (first.status, second.status) == ("CANCELED", "SUCCESS")
    assert done["run_id"] == second.id
    assert airflow.ti.xcoms["dagster_run_id"] == second.id, "the link shows the run that counts"


def test_a_task_whose_run_is_being_canceled_when_it_begins_again_ends_well(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    old = airflow.begin()
    asyncio.run(stored(old.trigger).on_kill())
    airflow.clear()
    done = airflow.run()
    assert [r.status for r in dagster.launched()] == ["CANCELED", "SUCCESS"]
    assert done["run_id"] == dagster.launched()[1].id


def test_the_run_that_replaces_a_canceled_one_may_be_canceled_by_a_person(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    old = airflow.begin()
    airflow.clear()
    new = airflow.begin()
    asyncio.run(stored(old.trigger).on_kill())
    dagster.course = ("STARTED", "CANCELED")
    with pytest.raises(AirflowFailException, match="was canceled in Dagster"):
        airflow.resume(new)
    assert len(dagster.launched()) == 2, "one new run, not one after the other"


def test_a_person_who_cancels_a_run_long_after_it_was_found_again_is_obeyed(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    run = airflow.earlier("STARTED", *["STARTED"] * 200, "CANCELED")
    airflow.retry()
    with pytest.raises(AirflowFailException, match="was canceled in Dagster"):
        airflow.run()
    assert only(dagster) is run


# How it ended


def test_a_failed_step_fails_the_try_with_its_message(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.course = ("STARTED", "FAILURE")
    dagster.events = [step_failed("clean_sales", "wrapped", "file a.csv has no column price"), run_failed("1 step")]
    with pytest.raises(AirflowException, match=r"failed: step clean_sales: file a.csv has no column price") as failed:
        anywhere()
    assert not isinstance(failed.value, AirflowFailException), "a retry can help"
    assert f"{URL}/runs/{only(dagster).id}" in str(failed.value)


def test_a_failure_that_no_step_explains_points_to_the_log(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.course = ("STARTED", "FAILURE")
    with pytest.raises(AirflowException, match=r"no step reported a reason; see its log.*runs/run-1"):
        anywhere()


def test_a_run_that_was_canceled_in_dagster_fails_the_task_for_good(
    anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    dagster.course = ("STARTED", "CANCELING", "CANCELED")
    with pytest.raises(AirflowFailException, match=r"was canceled in Dagster, so it is not retried. Clear the task"):
        anywhere()


def test_a_run_that_takes_too_long_is_canceled(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.course = ("STARTED",)
    with pytest.raises(AirflowException, match=r"took longer than 0:05:00 and was canceled"):
        anywhere(run_timeout=dt.timedelta(minutes=5))
    assert only(dagster).status == "CANCELED"


def test_a_run_that_does_not_stop_is_not_reported_as_canceled(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.course, dagster.stops = ("STARTED",), ("CANCELING", "CANCELING", "SUCCESS")
    with pytest.raises(AirflowException, match=r"5:00 and was not canceled: it has ended with status SUCCESS\. http"):
        airflow.run(run_timeout=dt.timedelta(minutes=5))


def test_a_run_that_ends_at_its_deadline_says_that_it_was_not_canceled(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.course = ("STARTED",)
    dagster.before("terminateRun", lambda: setattr(only(dagster), "course", deque(["SUCCESS"])))
    with pytest.raises(AirflowException, match=r"not canceled: it has ended with status SUCCESS"):
        airflow.run(run_timeout=dt.timedelta(minutes=5))


def test_a_deadline_counts_from_the_launch_and_not_from_the_last_try(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.course = ("STARTED",)
    airflow.begin(run_timeout=dt.timedelta(hours=1))
    airflow.clock.now += 3000
    airflow.retry()
    begin = airflow.clock.now
    with pytest.raises(AirflowException, match="took longer than 1:00:00"):
        airflow.run(run_timeout=dt.timedelta(hours=1))
    assert airflow.clock.now - begin <= 660


def test_an_outage_within_the_tolerance_is_tolerated(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.fail("runOrError", DOWN, 20)
    assert anywhere(outage_tolerance=dt.timedelta(minutes=5))["status"] == "SUCCESS"


def test_an_outage_for_longer_fails_the_try_and_the_next_finds_the_run(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    dagster.course = ("STARTED", "STARTED", "SUCCESS")
    dagster.fail("runOrError", DOWN, 62)
    with pytest.raises(AirflowException, match=r"was unreachable for 0:05:00.*The next try looks for it") as failed:
        anywhere(outage_tolerance=dt.timedelta(minutes=5))
    assert not isinstance(failed.value, AirflowFailException)
    dagster._troubles.clear()
    airflow.retry()
    assert anywhere()["run_id"] == only(dagster).id


def test_a_run_that_was_deleted_fails_the_try(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.before("runOrError", lambda: None, lambda: dagster.runs.clear())
    with pytest.raises(
        AirflowException, match="it was deleted, or the Airflow connection now points to another Dagster"
    ):
        anywhere()


def test_a_log_that_cannot_be_read_fails_the_try_and_the_next_reports_the_end(
    airflow: Airflow, anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    dagster.fail("events", DOWN)
    with pytest.raises(AirflowException, match="Is dagster-webserver running"):
        anywhere()
    airflow.retry()
    assert anywhere()["run_id"] == only(dagster).id


# Checks


def failing(severity: str = "ERROR") -> list[dict[str, Any]]:
    return [
        checked("money_agrees", passed=False, severity=severity, description="12.52 dollars are missing"),
        checked("fresh", passed=True),
    ]


def test_a_failed_check_fails_the_task_for_good(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.events = failing()
    with pytest.raises(AirflowFailException, match=r"checks failed: money_agrees on sales: 12.52 dollars are missing"):
        anywhere()


def test_a_failed_check_skips_what_follows_if_the_policy_is_skip(
    anywhere: Callable[..., Any], dagster: FakeDagster
) -> None:
    dagster.events = failing()
    with pytest.raises(AirflowSkipException, match=r"12.52 dollars are missing"):
        anywhere(on_check_failure="skip")


@pytest.mark.parametrize(("policy", "severity"), [("ignore", "ERROR"), ("fail", "WARN"), ("skip", "WARN")])
def test_a_failed_check_that_is_ignored_or_only_warns_is_logged(
    anywhere: Callable[..., Any],
    dagster: FakeDagster,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    severity: str,
) -> None:
    dagster.events = failing(severity)
    done = anywhere(on_check_failure=policy)
    assert done["checks"] == {"evaluated": 2, "failed": ["money_agrees on sales: 12.52 dollars are missing"]}
    assert f"Asset check failed ({severity}): money_agrees" in capsys.readouterr().out


def test_a_check_that_failed_before_the_run_was_resumed_still_counts(airflow: Airflow, dagster: FakeDagster) -> None:
    failed = airflow.earlier("FAILURE")
    failed.events = [*failing(), step_failed("insights", "disk full")]
    airflow.retry()
    with pytest.raises(AirflowFailException, match=r"12.52 dollars are missing"):
        airflow.run()


def test_a_check_that_holds_after_the_resume_no_longer_counts(airflow: Airflow, dagster: FakeDagster) -> None:
    failed = airflow.earlier("FAILURE")
    failed.events = [checked("fresh", passed=False), step_failed("insights", "disk full")]
    airflow.retry()
    dagster.events = [checked("fresh", passed=True)]
    assert airflow.run()["checks"] == {"evaluated": 1, "failed": []}


# What Airflow is given


def test_the_result_names_run_assets_rows_and_checks(anywhere: Callable[..., Any], dagster: FakeDagster) -> None:
    dagster.events = [
        materialized("clean_sales", "2024-01-14", dagster__partition_row_count=1200),
        materialized("quarantine", "2024-01-14"),
        checked("conserved", passed=True),
    ]
    done = anywhere()
    run = only(dagster)
    assert done == {
        "run_id": run.id,
        "url": f"{URL}/runs/{run.id}",
        "status": "SUCCESS",
        "materialized": ["clean_sales", "quarantine"],
        "rows": {"clean_sales": 1200},
        "checks": {"evaluated": 1, "failed": []},
    }
    assert json.loads(json.dumps(done)) == done


def test_the_result_of_a_resumed_run_names_what_its_parent_materialized(airflow: Airflow, dagster: FakeDagster) -> None:
    failed = airflow.earlier("FAILURE")
    failed.events = [
        materialized("clean_sales", dagster__partition_row_count=1200),
        materialized("quarantine", dagster__partition_row_count=9),
        step_failed("quarantine", "disk full"),
    ]
    airflow.retry()
    dagster.events = [materialized("quarantine", dagster__partition_row_count=12)]
    done = airflow.run()
    assert sorted(done["materialized"]) == ["clean_sales", "quarantine"]
    assert done["rows"] == {"clean_sales": 1200, "quarantine": 12}


def test_other_dags_learn_from_the_outlets_which_run_made_a_table(airflow: Airflow, dagster: FakeDagster) -> None:
    table = Asset(name="retail_sales", uri="dagster://retail_assets/sales")
    airflow.run(outlets=[table])
    assert airflow.outlets[table].extra["dagster_run_id"] == only(dagster).id


def test_no_secret_of_the_connection_leaves_it(
    airflow: Airflow, dagster: FakeDagster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {"conn_type": "http", "host": URL, "password": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_DAGSTER_DEFAULT", json.dumps(connection))
    left = airflow.begin()
    done = airflow.resume(left)
    logged = capsys.readouterr()
    assert "Launching clean_sales" in logged.out
    assert {h["dagster-cloud-api-token"] for h in dagster.headers} == {SECRET}
    for visible in (done, airflow.ti.xcoms, left.trigger.serialize(), airflow.store, *logged):
        assert SECRET not in str(visible)


# Killed in the worker


def test_a_task_that_is_killed_in_its_worker_stops_the_run(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.course = ("STARTED",)
    operator = airflow.operator(deferrable=False)
    dagster.before("runOrError", lambda: None, operator.on_kill)
    with pytest.raises(AirflowFailException, match="was canceled in Dagster"):
        type(operator).execute.__wrapped__(operator, airflow.context)  # type: ignore[attr-defined]
    assert only(dagster).status == "CANCELED"


def test_a_run_that_outlives_its_task_is_not_logged_as_canceled(
    airflow: Airflow, dagster: FakeDagster, capsys: pytest.CaptureFixture[str]
) -> None:
    operator, dagster.stops = airflow.operator(), ("CANCELING",)
    operator.run_id = dagster.add("STARTED").id
    operator.on_kill()
    assert "was asked to stop, but Dagster reports CANCELING" in capsys.readouterr().out
    assert airflow.clock.slept < 5, "Airflow kills the process after five seconds"


def test_a_task_that_is_killed_before_its_launch_stops_nothing(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.operator().on_kill()
    assert dagster.asked == []


def test_a_kill_while_dagster_is_down_is_logged_and_is_not_an_error(
    airflow: Airflow, dagster: FakeDagster, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = airflow.operator()
    operator.run_id = dagster.add("STARTED").id
    dagster.fail("terminateRun", DOWN)
    operator.on_kill()
    assert "could not be canceled and may still be running" in capsys.readouterr().out


# Two DAG runs for one partition


def test_a_second_dag_run_for_a_partition_that_is_being_materialized_waits_for_its_retry(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    other = dagster.add(
        "STARTED", {**airflow.tags, "airflow/dag_run_id": "manual__x", "dagster/partition": "2024-01-14"}
    )
    with pytest.raises(
        AirflowException, match=f"'manual__x' is already materializing 2024-01-14.*runs/{other.id}"
    ) as failed:
        airflow.run()
    assert not isinstance(failed.value, AirflowFailException)
    assert only(dagster) is other
    other.course[0] = "SUCCESS"
    airflow.retry()
    assert airflow.run()["status"] == "SUCCESS"


def test_dag_runs_for_other_partitions_run_side_by_side(airflow: Airflow, dagster: FakeDagster) -> None:
    dagster.add("STARTED", {**airflow.tags, "airflow/dag_run_id": "manual__x", "dagster/partition": "2024-01-13"})
    assert airflow.run()["status"] == "SUCCESS"


def test_a_backfill_of_three_days_is_one_run_per_day(airflow: Airflow, dagster: FakeDagster) -> None:
    """The tries of all of them begin before any has ended."""
    left: list[tuple[str, TaskDeferred]] = []
    for day in (14, 15, 16):
        airflow.ti.run_id = f"backfill__2024-01-{day}"
        airflow.interval = dt.datetime(2024, 1, day, 11, tzinfo=dt.UTC)
        left.append((airflow.ti.run_id, airflow.begin()))
    for run_id, task in left:
        airflow.ti.run_id = run_id
        assert airflow.resume(task)["status"] == "SUCCESS"
    assert [r.tags["dagster/partition"] for r in dagster.launched()] == ["2024-01-14", "2024-01-15", "2024-01-16"]


@pytest.mark.parametrize("days", ["2024-01-13...2024-01-14", "2024-01-14...2024-01-20"])
def test_a_dag_run_for_a_range_with_the_same_partition_is_waited_for(
    airflow: Airflow, dagster: FakeDagster, days: str
) -> None:
    first, last = days.split("...")
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    dagster.add("STARTED", {**airflow.tags, "airflow/dag_run_id": "manual__x", **ends})
    with pytest.raises(AirflowException, match=f"already materializing {first} to {last}"):
        airflow.run()


def test_a_retry_waits_as_well(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.earlier("FAILURE")
    dagster.add("STARTED", {**airflow.tags, "airflow/dag_run_id": "manual__x", "dagster/partition": "2024-01-14"})
    airflow.retry()
    with pytest.raises(AirflowException, match="'manual__x' is already materializing 2024-01-14"):
        airflow.run()
    assert len(dagster.launched()) == 2


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1.0], ids=["before", "at the same time", "after"])
def test_of_two_dag_runs_that_launch_at_once_the_later_withdraws(
    airflow: Airflow, dagster: FakeDagster, seconds: float
) -> None:
    """Both have looked before either launched. Each compares the same two runs, so both decide alike."""

    def launches_too() -> None:
        tags = {**airflow.tags, "airflow/dag_run_id": "manual__x", "dagster/partition": "2024-01-14"}
        dagster.add("STARTED", tags).created += seconds

    dagster.before("launchRun", launches_too)
    if seconds > 0:
        assert airflow.run()["status"] == "SUCCESS"
        return
    with pytest.raises(
        AirflowException, match=r"'manual__x' launched a run for 2024-01-14 at the same moment"
    ) as failed:
        airflow.run()
    assert not isinstance(failed.value, AirflowFailException), "its retry comes after the other has ended"
    other, own = dagster.launched()
    assert (other.status, own.status) == ("STARTED", "CANCELED")

    other.course = deque(["SUCCESS"])
    airflow.retry()
    assert airflow.run()["status"] == "SUCCESS"


def test_a_task_that_is_killed_between_launch_and_comparison_compares_in_its_next_try(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    dagster.add("STARTED", {**airflow.tags, "airflow/dag_run_id": "manual__x", "dagster/partition": "2024-01-14"})
    own = airflow.earlier("STARTED")
    airflow.retry()
    with pytest.raises(AirflowException, match="at the same moment"):
        airflow.run()
    assert own.status == "CANCELED"


# Parameters, backfills, words


def test_a_misspelled_parameter_is_refused_before_anything_is_launched(airflow: Airflow, dagster: FakeDagster) -> None:
    airflow.dag_run.conf = {"partion": "2024-01-13"}
    names = ("partition", "partition_range")
    with pytest.raises(AirflowFailException, match=r"no parameter 'partion'\. Did you mean 'partition'\? It has"):
        airflow.run(conf_names=names)
    assert dagster.asked == []
    airflow.dag_run.conf = {"partition": "2024-01-13"}
    assert airflow.run(conf_names=names)["status"] == "SUCCESS"


def test_a_dag_that_names_no_parameters_takes_any_configuration(airflow: Airflow) -> None:
    airflow.dag_run.conf = {"anything": 1}
    assert airflow.run()["status"] == "SUCCESS"


def backfill(airflow: Airflow, others: dict[str, str | None], going: set[str]) -> None:
    """Make the DAG run one of a backfill; `others` are the states of `warehouse` in the other DAG runs."""
    airflow.upstream = "warehouse"
    airflow.dag_run.run_type, airflow.ti.run_id = "backfill", "backfill__10"
    airflow.ti.states = {run: {"warehouse": state} for run, state in {**others, "backfill__10": "success"}.items()}
    airflow.ti.going = {*going, "backfill__10"}


@pytest.mark.parametrize("state", [None, "scheduled", "queued", "running", "deferred", "up_for_retry"])
def test_a_task_that_is_enough_once_leaves_a_backfill_to_the_last_dag_run(
    airflow: Airflow, dagster: FakeDagster, state: str | None
) -> None:
    """The last to come, in whichever order and however many at once."""
    backfill(airflow, {"backfill__08": "success", "backfill__09": state}, {"backfill__09"})
    with pytest.raises(AirflowSkipException, match="1 more DAG runs of the backfill"):
        airflow.run(groups=["eda"], once_per_backfill="True")
    assert dagster.launched() == []
    assert airflow.run(groups=["eda"])["status"] == "SUCCESS", "unless every day is asked for"


@pytest.mark.parametrize(
    "others",
    [
        {"backfill__09": "success"},
        {"backfill__09": "failed"},
        {"backfill__09": "upstream_failed"},
        {"backfill__08": None},  # of a backfill that was canceled: its DAG run has failed
        {"scheduled__11": "running"},  # may have read before this one wrote
    ],
)
def test_the_last_dag_run_of_a_backfill_does_what_is_enough_once(
    airflow: Airflow, others: dict[str, str | None]
) -> None:
    backfill(airflow, others, {run for run in others if run.startswith("scheduled")})
    assert airflow.run(groups=["eda"], once_per_backfill=True)["status"] == "SUCCESS"


def test_outside_of_a_backfill_nothing_is_left_to_others(airflow: Airflow) -> None:
    backfill(airflow, {"backfill__09": "running"}, {"backfill__09"})
    airflow.dag_run.run_type = "manual"
    assert airflow.run(groups=["eda"], once_per_backfill=True)["status"] == "SUCCESS"


def test_a_blocking_check_that_stops_a_run_fails_the_task_with_its_own_words(
    airflow: Airflow, dagster: FakeDagster
) -> None:
    blocked = "1 blocking asset check failed with ERROR severity:\nsales: rows_add_up"
    dagster.course = ("FAILURE",)
    dagster.events = [
        checked("rows_add_up", passed=False, description="7 rows are missing. Load again.", step="rows"),
        checked("rows_add_up_too", passed=False, description="of another step", step="other"),
        step_failed("rows", f"dagster._core.errors.DagsterAssetCheckFailedError: {blocked}\n"),
        step_failed("later", "is on fire"),
    ]
    with pytest.raises(AirflowException) as failed:
        airflow.run()
    why = "check rows_add_up on sales: 7 rows are missing. Load again. step later: is on fire. http"
    assert f"failed: {why}" in str(failed.value)


def test_failed_checks_are_named_once_and_end_with_one_full_stop(
    airflow: Airflow, dagster: FakeDagster, capsys: pytest.CaptureFixture[str]
) -> None:
    dagster.events = [checked("money", passed=False, description="12 cents are missing.")]
    with pytest.raises(AirflowFailException) as failed:
        airflow.run()
    assert "money on sales: 12 cents are missing. http" in str(failed.value)
    assert "12 cents" not in capsys.readouterr().out, "Airflow logs the error itself"
