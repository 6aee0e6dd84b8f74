"""Events are OpenLineage's, state what is known and nothing else, and are the same bytes each time."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import jsonschema
import pytest

from retail_assets.lineage.events import events_of
from retail_assets.lineage.names import Dataset
from retail_assets.lineage.run_facts import Checked, Column, Described, Parent, Read, Run, Step, Written
from retail_assets_tests.lineage.openlineage_schema import read

START = dt.datetime(2024, 1, 2, 6, 0, tzinfo=dt.UTC)
RAW, SALES = Dataset("s3://shop", "raw/sales"), Dataset("duckdb:///w/retail.duckdb", "retail.sales.sales")
TASK = Parent("airflow", "retail_pipeline.ingest", "0193b5ad-0f4c-7f44-8a1b-5c24f6a0b111")
DAG = Parent("airflow", "retail_pipeline", "0193b5ad-0f4c-7f44-8a1b-5c24f6a0b222")


def at(seconds: int) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


LOAD = Step(
    "load",
    at(1),
    at(3),
    "COMPLETE",
    inputs=(Read(Described(RAW, (Column("Amount"),))),),
    outputs=(
        Written(
            Described(
                SALES,
                (
                    Column("amount", "decimal(18,2)", "Money.", ((RAW, "Amount"),)),
                    Column("landed_on", "date"),
                ),
                ("team:data-engineering",),
                "The fact table.",
            ),
            rows=7,
            bytes=120,
            files=2,
        ),
    ),
    description="Loads.",
)
CHECKS = Step(
    "sales.checks",
    at(3),
    at(4),
    "COMPLETE",
    inputs=(Read(Described(SALES), (Checked("unique", True, "error"), Checked("fresh", False, "warn"))),),
)
RUN = Run(
    run_id="9bbf8a8c-1df1-40f8-8a75-e8614a318256",
    name="ingest",
    started=START,
    ended=at(5),
    outcome="COMPLETE",
    steps=(LOAD, CHECKS),
    timezone="America/New_York",
    days=(dt.date(2024, 1, 1), dt.date(2024, 1, 1)),
    parent=TASK,
    root=DAG,
    engine="1.13",
    tags={"airflow/dag_run_id": "scheduled__1"},
)


def events(run: Run = RUN) -> list[dict]:
    return [read(event) for event in events_of(run, namespace="shop", source="sales")]


def test_the_run_and_each_step_start_and_end_in_order() -> None:
    assert [(e["job"]["name"], e["eventType"]) for e in events()] == [
        ("sales.job.ingest", "START"),
        ("sales.load", "START"),
        ("sales.load", "COMPLETE"),
        ("sales.sales.checks", "START"),
        ("sales.sales.checks", "COMPLETE"),
        ("sales.job.ingest", "COMPLETE"),
    ]
    assert {e["job"]["namespace"] for e in events()} == {"shop"}
    times = [e["eventTime"] for e in events()]
    assert times == sorted(times)
    by_run: dict[str, list[str]] = {}
    for event in events():
        by_run.setdefault(event["run"]["runId"], []).append(event["job"]["name"])
    assert [len(set(names)) for names in by_run.values()] == [1, 1, 1]
    assert RUN.run_id in by_run


def test_the_output_states_columns_their_sources_rows_and_owners() -> None:
    [end] = [e for e in events() if e["job"]["name"] == "sales.load" and e["eventType"] == "COMPLETE"]
    [given] = end["outputs"]
    assert (given["namespace"], given["name"]) == (SALES.namespace, SALES.name)
    assert [(f["name"], f.get("type"), f["ordinal_position"]) for f in given["facets"]["schema"]["fields"]] == [
        ("amount", "decimal(18,2)", 1),
        ("landed_on", "date", 2),
    ]
    fields = given["facets"]["columnLineage"]["fields"]
    assert list(fields) == ["amount"]
    [source] = fields["amount"]["inputFields"]
    assert (source["namespace"], source["name"], source["field"]) == (RAW.namespace, RAW.name, "Amount")
    statistics = given["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (7, 120, 2)
    assert [owner["name"] for owner in given["facets"]["ownership"]["owners"]] == ["team:data-engineering"]


def test_unknown_numbers_and_columns_are_left_out() -> None:
    bare = replace(LOAD, outputs=(Written(Described(SALES)),))
    end = events(replace(RUN, steps=(bare,)))[2]
    assert end["outputs"][0]["facets"] == {}
    assert end["outputs"][0]["outputFacets"] == {}


def test_the_parent_of_a_step_is_the_run_and_that_of_the_run_is_the_airflow_task() -> None:
    first, step, *_ = events()
    parent = first["run"]["facets"]["parent"]
    assert (parent["job"]["name"], parent["run"]["runId"]) == (TASK.job, TASK.run_id)
    assert parent["root"]["run"]["runId"] == DAG.run_id
    parent = step["run"]["facets"]["parent"]
    assert (parent["job"]["name"], parent["run"]["runId"]) == ("sales.job.ingest", RUN.run_id)
    assert parent["root"]["run"]["runId"] == DAG.run_id


def test_a_run_that_nobody_asked_for_is_the_root_of_its_steps() -> None:
    first, step, *_ = events(replace(RUN, parent=None, root=None))
    assert "parent" not in first["run"]["facets"]
    assert step["run"]["facets"]["parent"]["root"]["run"]["runId"] == RUN.run_id


def test_the_landing_days_are_the_nominal_time_in_shop_time() -> None:
    nominal = events()[0]["run"]["facets"]["nominalTime"]
    assert nominal["nominalStartTime"] == "2024-01-01T05:00:00.000+00:00"
    assert nominal["nominalEndTime"] == "2024-01-02T05:00:00.000+00:00"
    assert "nominalTime" not in events(replace(RUN, days=None))[0]["run"]["facets"]


def test_checks_are_assertions_on_what_they_read() -> None:
    [end] = [e for e in events() if e["job"]["name"] == "sales.sales.checks" and e["eventType"] == "COMPLETE"]
    assertions = end["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(a["assertion"], a["success"], a["severity"]) for a in assertions] == [
        ("unique", True, "error"),
        ("fresh", False, "warn"),
    ]
    assert end["outputs"] == []


def test_a_failure_says_why_and_no_more_than_a_reader_can_take() -> None:
    failed = replace(LOAD, outcome="FAIL", error="x" * 9_999)
    found = events(replace(RUN, outcome="FAIL", steps=(failed,)))
    assert [e["eventType"] for e in found] == ["START", "START", "FAIL", "FAIL"]
    assert len(found[2]["run"]["facets"]["errorMessage"]["message"]) == 2_000
    assert found[3]["run"]["facets"]["errorMessage"]["message"]
    assert "errorMessage" not in found[1]["run"]["facets"]


def test_the_same_run_gives_the_same_bytes() -> None:
    assert events_of(RUN, namespace="n", source="s") == events_of(RUN, namespace="n", source="s")
    ids = {json.loads(e)["run"]["runId"] for e in events_of(RUN, namespace="n", source="s")}
    again = replace(RUN, run_id="9bbf8a8c-1df1-40f8-8a75-e8614a318257")
    assert not ids & {json.loads(e)["run"]["runId"] for e in events_of(again, namespace="n", source="s")}


@pytest.mark.parametrize("text", [None, "", "airflow", "a/b", "airflow/dag.task/not-a-uuid", "//"])
def test_a_parent_that_is_none_is_left_out(text: str | None) -> None:
    assert Parent.read(text) is None


def test_a_parent_whose_namespace_has_slashes_is_read() -> None:
    assert Parent.read(f"https://airflow.shop/prod/dag.task/{TASK.run_id}") == Parent(
        "https://airflow.shop/prod", "dag.task", TASK.run_id
    )


def test_the_schema_of_the_tests_refuses_what_openlineage_refuses() -> None:
    event = json.loads(events_of(RUN, namespace="n", source="s")[0])
    for broken in (
        {**event, "eventTime": "yesterday"},
        {**event, "eventType": "DONE"},
        {**event, "run": {"runId": "42"}},
        {key: value for key, value in event.items() if key != "producer"},
        {**event, "inputs": [{"name": "without a namespace"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            read(json.dumps(broken))
