"""Lineage of real runs: what Dagster recorded is what the events say, and no run waits for them or fails by them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from retail_assets.cli.app import main
from retail_assets.defs.build import build_defs
from retail_assets.defs.lineage import PARENT_TAG, REPORTED_TAG, Catalog, facts_of, note_run, sending_lineage
from retail_assets.errors import SettingsError
from retail_assets.lineage.events import events_of
from retail_assets.lineage.names import Dataset
from retail_assets.lineage.spool import spool_of
from retail_assets.platform import Platform
from retail_assets.samples import synthetic
from retail_assets.settings import Settings, load
from retail_assets.settings.lineage import LineageSettings
from retail_assets_tests.dagster_home import dagster_home
from retail_assets_tests.lineage.lineage_server import LineageServer, lineage_server
from retail_assets_tests.lineage.openlineage_schema import read

DAY, NEXT = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
PARENT = "airflow/retail_pipeline.ingest/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b111"


@pytest.fixture
def server() -> Iterator[LineageServer]:
    with lineage_server() as running:
        yield running


@pytest.fixture
def configured(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LineageServer) -> Path:
    """A home of Dagster, two landings, and lineage that goes to the server."""
    home = dagster_home(tmp_path / "dagster")
    for name, value in {**environ, "DAGSTER_HOME": str(home), "RETAIL_LINEAGE_URL": server.url}.items():
        monkeypatch.setenv(name, value)
    # A slow machine has its time to send: one attempt at a server that hangs still ends by itself.
    monkeypatch.setattr("retail_assets.defs.lineage._AFTER_COMMAND", 60.0)
    synthetic.land(Platform(load()).raw, rows=40, days=2, seed=1, start=DAY)
    return home


def register() -> int:
    return main(["materialize", "--select", "raw_sales_files", "--partition-range", f"{DAY}...{NEXT}"])


def received(server: LineageServer) -> list[dict[str, Any]]:
    return [read(event) for event in server.events]


def waiting(settings: Settings) -> int:
    return spool_of(settings.home, settings.source).waiting()


def only_run() -> dg.RunRecord:
    with DagsterInstance.get() as instance:
        [record] = instance.get_run_records()
    return record


def assets_of(definitions: dg.Definitions) -> list[dg.AssetsDefinition]:
    return [asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]


def test_a_command_reports_its_run(configured: Path, server: LineageServer) -> None:
    assert register() == 0
    events = received(server)
    run = only_run().dagster_run
    names = [(event["job"]["name"], event["eventType"]) for event in events]
    assert names[0] == ("retail_sales.job.materialize", "START")
    assert names[-1] == ("retail_sales.job.materialize", "COMPLETE")
    assert ("retail_sales.raw_sales_files", "COMPLETE") in names
    assert ("retail_sales.raw_sales_files.checks", "COMPLETE") in names
    assert events[0]["run"]["runId"] == run.run_id
    assert REPORTED_TAG in run.tags
    [end] = [e for e in events if e["job"]["name"] == "retail_sales.raw_sales_files" and e["eventType"] == "COMPLETE"]
    [written] = end["outputs"]
    settings = load()
    assert (written["namespace"], written["name"]) == ("file", f"{settings.raw_uri}/retail_sales")
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 40
    assert written["outputFacets"]["outputStatistics"]["fileCount"] == 2
    assert waiting(settings) == 0


def test_a_server_that_hangs_is_asked_after_the_run_and_the_run_succeeds(
    configured: Path, server: LineageServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = None
    assert register() == 0
    run = only_run()
    assert run.dagster_run.status is dg.DagsterRunStatus.SUCCESS
    assert run.end_time is not None
    # It was asked once, and not before the run had ended.
    assert len(server.asked_at) == 1
    assert server.asked_at[0] >= run.end_time
    assert waiting(load()) == 1
    assert "Runs that wait to be reported: 1." in caplog.text
    server.status = 201
    server.asked_at.clear()
    assert register() == 0
    assert waiting(load()) == 0
    assert len({e["run"]["runId"] for e in received(server) if e["job"]["name"].endswith(".job.materialize")}) == 2


def test_a_run_that_fails_is_reported_with_its_reason(configured: Path, server: LineageServer) -> None:
    settings = load()
    for path in Path(settings.raw_uri).rglob("*.csv"):
        path.write_text("Not,a,header\n1,2,3\n")
    assert register() == 1
    events = received(server)
    step = next(e for e in events if e["job"]["name"] == "retail_sales.raw_sales_files" and e["eventType"] == "FAIL")
    assert "contract" in step["run"]["facets"]["errorMessage"]["message"]
    assert "Traceback" not in json.dumps(events)
    assert (events[-1]["job"]["name"], events[-1]["eventType"]) == ("retail_sales.job.materialize", "FAIL")


def test_a_bug_in_what_reports_fails_no_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("a bug, at https://user:secret@host")

    monkeypatch.setattr("retail_assets.defs.lineage.facts_of", broken)
    reporting = replace(settings, lineage=LineageSettings("/nowhere/lineage.jsonl"))
    note_run(reporting, dg.Definitions(), DagsterInstance.ephemeral(), "run")
    assert "was not reported: a bug" in caplog.text
    assert "secret" not in caplog.text


def test_without_the_setting_nothing_is_reported(environ: dict[str, str], settings: Settings) -> None:
    assert settings.lineage is None
    assert "lineage" not in [sensor.name for sensor in build_defs(settings).sensors or ()]


def test_without_the_extra_the_definitions_name_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retail_assets.defs.lineage._has_extra", lambda: False)
    reporting = replace(settings, lineage=LineageSettings("http://127.0.0.1:9"))
    with pytest.raises(SettingsError, match=r"retail-assets\[lineage\]"), sending_lineage(reporting):
        build_defs(reporting)


def test_the_sensor_reports_what_others_ran_once(configured: Path, server: LineageServer) -> None:
    settings = load()
    definitions = build_defs(settings)
    [sensor] = [s for s in definitions.sensors or () if s.name == "lineage"]
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    repository = definitions.get_repository_def()

    def tick(instance: DagsterInstance, cursor: str | None) -> dg.SensorResult:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    with DagsterInstance.get() as instance:
        before = tick(instance, None)
        assert server.events == []
        job = definitions.resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey("raw_sales_files")],
            partition_key=str(DAY),
            tags={PARENT_TAG: PARENT},
        )
        server.status = 503
        failed = tick(instance, before.cursor)
        assert failed.run_requests in (None, [])
        assert "HTTP 503" in str(failed.skip_reason)
        server.status = 201
        again = tick(instance, failed.cursor)
        events = received(server)
        assert events[0]["run"]["runId"] == run.run_id
        assert events[0]["run"]["facets"]["parent"]["job"]["name"] == "retail_pipeline.ingest"
        count = len(events)
        tick(instance, again.cursor)
        tick(instance, before.cursor)
    assert len(server.events) == count


# What the catalog knows of the product's own assets, without a run


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    home = tmp_path_factory.mktemp("catalog")
    settings = load({"RETAIL_HOME": str(home / "home"), "RETAIL_OUTPUT": str(home / "output")})
    return Catalog(settings, assets_of(build_defs(settings)))


def keys_of(catalog: Catalog) -> list[dg.AssetKey]:
    return [key for keys in catalog.made_by.values() for key in keys]


def test_every_asset_is_a_dataset_of_its_own(catalog: Catalog) -> None:
    named = {key: catalog.dataset(key) for key in keys_of(catalog)}
    assert len(set(named.values())) == len(named)
    assert {dataset.namespace.partition(":")[0] for dataset in named.values()} <= {"file", "duckdb", "dagster"}


def test_column_lineage_leads_from_the_marts_to_the_clean_files(catalog: Catalog) -> None:
    def sources(asset: str, column: str) -> set[tuple[Dataset, str]]:
        described = catalog.described(dg.AssetKey(asset))
        return {source for c in described.columns if c.name == column for source in c.sources}

    assert sources("daily_category_sales", "revenue") == {(catalog.dataset(dg.AssetKey("sales")), "total_amount")}
    assert sources("sales", "total_amount") == {(catalog.dataset(dg.AssetKey("clean_sales")), "total_amount")}


def test_every_source_of_a_column_is_an_input_of_the_step_or_of_one_before_it(catalog: Catalog) -> None:
    """A reader of the events draws an edge to a dataset that some step of the same graph made."""
    made = {catalog.dataset(key) for key in keys_of(catalog)}
    for key in keys_of(catalog):
        for column in catalog.described(key).columns:
            assert {dataset for dataset, _ in column.sources} <= made, (key, column.name)


# Shapes of runs that the product seldom has, with assets of the test


@dg.asset(metadata={"dagster/column_schema": dg.TableSchema([dg.TableColumn("id", "int")])})
def source_rows() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


@dg.asset(
    deps=[source_rows],
    metadata={
        "dagster/column_lineage": dg.TableColumnLineage({"id": [dg.TableColumnDep(dg.AssetKey("source_rows"), "id")]})
    },
)
def derived_rows() -> None:
    raise dg.Failure("The disk is full: https://user:secret@host/x", allow_retries=False)


@dg.asset(deps=[derived_rows])
def never_reached() -> None: ...


@dg.asset_check(asset=source_rows, blocking=True)
def is_small() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.ERROR, description="3 rows")


def run_toys(settings: Settings, *toys: Any) -> tuple[DagsterInstance, str, Catalog]:
    instance = DagsterInstance.ephemeral()
    result = dg.materialize([*toys], instance=instance, raise_on_error=False)
    return instance, result.run_id, Catalog(settings, [toy for toy in toys if isinstance(toy, dg.AssetsDefinition)])


def test_a_step_that_failed_says_so_and_one_that_was_not_reached_is_left_out(settings: Settings) -> None:
    instance, run_id, catalog = run_toys(settings, source_rows, derived_rows, never_reached)
    run = facts_of(instance, run_id, catalog, "UTC")
    assert run is not None
    assert [(step.name, step.outcome) for step in run.steps] == [
        ("source_rows", "COMPLETE"),
        ("derived_rows", "FAIL"),
    ]
    first, second = run.steps
    assert first.outputs[0].rows == 3
    assert second.error == "The disk is full: https://***@host/x"
    assert [source for column in second.outputs[0].described.columns for source in column.sources] == [
        (catalog.dataset(dg.AssetKey("source_rows")), "id")
    ]
    assert [read_.described.dataset for read_ in second.inputs] == [catalog.dataset(dg.AssetKey("source_rows"))]
    for event in events_of(run, namespace="n", source="s"):
        read(event)


def test_a_blocking_check_that_fails_is_a_failed_job_with_its_reason(settings: Settings) -> None:
    instance, run_id, catalog = run_toys(settings, source_rows, is_small)
    run = facts_of(instance, run_id, catalog, "UTC")
    assert run is not None
    [check] = [step for step in run.steps if step.name == "source_rows.checks"]
    assert (check.outcome, check.error) == ("FAIL", "Checks that did not pass: is_small.")
    assert [(c.name, c.passed, c.severity) for c in check.inputs[0].checks] == [("is_small", False, "error")]
    assert run.outcome == "FAIL"


def test_runs_of_others_are_left_alone(settings: Settings) -> None:
    instance, run_id, _ = run_toys(settings, source_rows)
    assert facts_of(instance, run_id, Catalog(settings, []), "UTC") is None
