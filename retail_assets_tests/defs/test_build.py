"""The graph as a whole: what is in it, that it loads lightly, and that every asset carries what people need."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import PartitionLoadingContext
from dagster._core.definitions.temporal_context import TemporalContext

from retail_assets import settings as settings_module
from retail_assets import tables
from retail_assets.defs.build import build_defs
from retail_assets.defs.partitions import landing_partitions
from retail_assets.settings import Settings

ROOT = Path(__file__).parents[2]

PARTITIONED = {"raw_sales_files", "clean_sales", "quarantined_sales", "sales", "sales_quarantine"}
UNPARTITIONED = {
    "dim_date",
    "dim_customer",
    "dim_product",
    "dim_store",
    "daily_category_sales",
    "daily_store_category_sales",
    "eda_figures",
    "eda_summary",
    "summary_statistics",
    "customer_months",
    "customer_cohorts",
    "product_concentration",
    "basket_affinity",
    "insights",
    "daily_quality",
    "forecast_accuracy",
    "forecast_backtest",
    "sales_forecast",
    "transaction_amounts",
    "customer_features",
    "segment_model",
    "customer_segments",
    "segment_profiles",
    "segment_migrations",
    "segment_report",
    "report",
    "workbook",
    "data_dictionary",
    "tableau_extract",
    "serving_bundle",
}
BLOCKING = {
    ("clean_sales", "rows_are_conserved"),
    ("clean_sales", "revenue_reconciles_with_raw"),
    ("clean_sales", "ids_identify_sales"),
    ("clean_sales", "enough_is_clean"),
    ("sales", "revenue_reconciles_with_clean"),
    ("sales", "unique_transaction"),
    ("sales", "matches_contract"),
    ("daily_category_sales", "revenue_reconciles_with_sales"),
    ("daily_store_category_sales", "revenue_reconciles_with_daily_category_sales"),
    ("daily_category_sales", "key_is_unique"),
    ("daily_category_sales", "matches_contract"),
    ("forecast_backtest", "skill_is_not_lost"),
    ("customer_features", "key_is_unique"),
    ("customer_features", "matches_contract"),
    ("serving_bundle", "bundle_matches_tables"),
}


@pytest.fixture
def graph(settings: Settings) -> dg.AssetGraph:
    repository = build_defs(settings).get_repository_def()
    return repository.asset_graph


def name(key: dg.AssetKey) -> str:
    return key.to_user_string()


def test_the_graph_has_these_assets_and_partitions(graph: dg.AssetGraph) -> None:
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    assert {name(n.key) for n in nodes if n.is_partitioned} == PARTITIONED
    assert {name(n.key) for n in nodes if not n.is_partitioned} == UNPARTITIONED


def test_one_asset_stands_for_the_newest_landing_and_nothing_computes_it(graph: dg.AssetGraph) -> None:
    [key] = graph.get_all_asset_keys() - graph.materializable_asset_keys
    node = graph.get(key)
    assert name(key) == "newest_landing"
    assert (node.description, node.owners, node.kinds) != (None, [], set())
    assert node.freshness_policy is not None
    assert node.parent_keys == {dg.AssetKey("sales")}


def test_every_asset_says_what_it_is_and_runs_a_range_in_one_run(graph: dg.AssetGraph) -> None:
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.tags.get("source") == "retail_sales", key
        assert node.group_name in {"ingest", "warehouse", "eda", "forecast", "segments", "outputs"}, key
        assert node.code_version, key
        assert node.backfill_policy == dg.BackfillPolicy.single_run(), key


def test_every_asset_says_where_it_lies_where_its_code_is_and_when_it_is_overdue(graph: dg.AssetGraph) -> None:
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        place = node.metadata["dagster/uri"]
        assert "retail_sales" in str(place) or "/output" in str(place), key
        [code] = node.metadata["dagster/code_references"].code_references
        assert Path(code.file_path).is_relative_to(ROOT / "retail_assets" / "defs" / "assets"), key
        # That of an asset per landing would be satisfied by the backfill of an old one: `newest_landing` has it.
        assert (node.freshness_policy is None) == node.is_partitioned, key
        assert len(str(node.description)) > 30, key


def test_a_source_that_has_ended_is_never_overdue() -> None:
    settings = settings_module.load({"RETAIL_START_DATE": "2024-01-01", "RETAIL_END_DATE": "2024-01-05"})
    graph = build_defs(settings).get_repository_def().asset_graph
    assert {graph.get(key).freshness_policy for key in graph.get_all_asset_keys()} == {None}


def test_where_assets_lie_is_said_without_opening_anything(tmp_path: Path) -> None:
    environ = {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")}
    graph = build_defs(settings_module.load(environ)).get_repository_def().asset_graph
    places = {name(key): graph.get(key).metadata["dagster/uri"] for key in graph.materializable_asset_keys}
    assert places["raw_sales_files"] == f"{tmp_path}/home/raw/retail_sales"
    assert places["clean_sales"] == f"{tmp_path}/home/lake/retail_sales/clean"
    assert places["sales"] == f"duckdb:{tmp_path}/home/warehouse/retail.duckdb#retail_sales.sales"
    assert places["insights"] == f"{tmp_path}/output/insights.md"
    assert list(tmp_path.iterdir()) == []


def test_every_check_job_schedule_and_resource_says_what_it_is(settings: Settings) -> None:
    defs = build_defs(settings)
    specs = [spec for definition in defs.asset_checks or [] for spec in definition.check_specs]
    assert [spec.name for spec in specs if not spec.description] == []
    repository = defs.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert [job.name for job in jobs if not job.description] == []
    assert [schedule.name for schedule in repository.schedule_defs if not schedule.description] == []


def test_no_step_has_a_retry_policy(settings: Settings) -> None:
    """With one, Dagster retries an interrupt: a run that is canceled would go on and write its tables."""
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    assert len(job.nodes) > 20
    assert [node.name for node in job.nodes if getattr(node.definition, "retry_policy", None)] == []


def test_lineage_is_unbroken_from_raw_files_to_every_end(graph: dg.AssetGraph) -> None:
    for key in graph.materializable_asset_keys - {dg.AssetKey("raw_sales_files")}:
        assert dg.AssetKey("raw_sales_files") in graph.get_ancestor_asset_keys(key), key


def test_table_assets_carry_the_schema_of_tables_py_and_the_lineage_of_columns(graph: dg.AssetGraph) -> None:
    assets = {name(key): graph.get(key) for key in graph.materializable_asset_keys}
    for table in (t for t in tables.ALL if t.name in assets):
        metadata = assets[table.name].metadata
        schema = metadata["dagster/column_schema"]
        schema = getattr(schema, "schema", schema)
        assert [(c.name, c.type) for c in schema.columns] == [(c.name, c.type) for c in table.columns]
        columns = metadata["dagster/column_lineage"]
        columns = getattr(columns, "column_lineage", columns)
        assert set(columns.deps_by_column) <= set(table.names)
        for sources in columns.deps_by_column.values():
            for source in sources:
                assert source.asset_key in graph.get_ancestor_asset_keys(dg.AssetKey(table.name))


@pytest.mark.parametrize("asset", ["report", "workbook"])
def test_numbers_of_the_outputs_for_people_lead_back_to_columns_of_the_warehouse(
    graph: dg.AssetGraph, asset: str
) -> None:
    metadata = graph.get(dg.AssetKey(asset)).metadata
    schema, columns = metadata["dagster/column_schema"], metadata["dagster/column_lineage"]
    schema, columns = getattr(schema, "schema", schema), getattr(columns, "column_lineage", columns)
    assert {column.name for column in schema.columns} == set(columns.deps_by_column)
    by_name = {table.name: table for table in tables.ALL}
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(asset))
    for source in itertools.chain.from_iterable(columns.deps_by_column.values()):
        assert source.asset_key in ancestors
        assert source.column_name in by_name[name(source.asset_key)].names
    assert len(columns.deps_by_column) > 30


def test_the_report_says_where_everything_is_that_people_look_at(graph: dg.AssetGraph) -> None:
    page = graph.get(dg.AssetKey("report")).metadata["outputs"]
    page = getattr(page, "md_str", page)
    for file in (
        "report.html",
        "insights.json",
        "figures",
        "retail.xlsx",
        "tableau/retail.hyper",
        "data_dictionary.md",
    ):
        assert f"/{file}`" in page


def test_checks_that_would_let_damage_spread_are_blocking(settings: Settings) -> None:
    checks = [spec for definition in build_defs(settings).asset_checks or [] for spec in definition.check_specs]
    assert {(name(c.asset_key), c.name) for c in checks if c.blocking} == BLOCKING


def test_today_is_a_partition_so_that_what_lands_today_can_be_loaded(settings: Settings) -> None:
    before = settings.today()
    last = landing_partitions(settings).get_last_partition_key()
    assert last in {before.isoformat(), settings.today().isoformat()}, "the day may end in between"


@pytest.mark.parametrize("days", [1, 2, 5, 31, 400])
@pytest.mark.parametrize("ago", [1, 2, 1000])
def test_the_last_partition_is_the_end_date(days: int, ago: int) -> None:
    last = settings_module.load({}).today() - dt.timedelta(ago)
    first = last - dt.timedelta(days - 1)
    settings = settings_module.load({"RETAIL_START_DATE": str(first), "RETAIL_END_DATE": str(last)})
    partitions = landing_partitions(settings)
    assert partitions.get_partition_keys() == [str(first + dt.timedelta(n)) for n in range(days)]
    assert (partitions.get_first_partition_key(), partitions.get_last_partition_key()) == (str(first), str(last))
    assert partitions.get_num_partitions() == days
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(1)  # a server may run for days
    assert partitions.get_partition_keys(current_time=tomorrow) == partitions.get_partition_keys()
    # Of daily partitions that have ended, Dagster's pages ask for the latest ones up to today, and plot nothing.
    with dg.DagsterInstance.ephemeral() as instance:
        context = PartitionLoadingContext(
            temporal_context=TemporalContext(effective_dt=dt.datetime.now(dt.UTC), last_event_id=None),
            dynamic_partitions_store=instance,
        )
        latest = partitions.get_paginated_partition_keys(context, limit=120, ascending=False).results
    assert latest == partitions.get_partition_keys()[::-1][:120]


@pytest.mark.parametrize("days", [0, 1, 3000])
def test_a_source_that_has_not_ended_has_partitions_up_to_today(days: int) -> None:
    before = settings_module.load({}).today()
    end = {"RETAIL_START_DATE": "2024-01-01", "RETAIL_END_DATE": str(before + dt.timedelta(days))}
    settings = settings_module.load(end)
    last = landing_partitions(settings).get_last_partition_key()
    assert last in {before.isoformat(), settings.today().isoformat()}, "the day may end in between"


@pytest.mark.slow
def test_loading_the_definitions_imports_nothing_that_only_runs_need() -> None:
    code = (
        "import sys, retail_assets.definitions\n"
        "heavy = {'pyspark', 'sklearn', 'matplotlib', 'pandas', 'duckdb', 'pyarrow', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == "[]"


def test_dagsters_private_names_stand_in_two_modules_that_have_no_other_way() -> None:
    """A new release of Dagster may rename them without notice."""
    modules = [p for p in (ROOT / "retail_assets").rglob("*.py") if "dagster._" in p.read_text(encoding="utf-8")]
    assert sorted(p.relative_to(ROOT).as_posix() for p in modules) == [
        "retail_assets/defs/execute.py",
        "retail_assets/defs/run_watch.py",
    ]


@pytest.mark.slow
def test_the_workspace_file_loads() -> None:
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [program, "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_wrong_setting_is_one_message_and_no_traceback_for_dagsters_own_command() -> None:
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [program, "asset", "materialize", "-m", "retail_assets.definitions", "--select", "*"],
        cwd=ROOT,
        env={**os.environ, "RETAIL_SPRAK": "local[2]"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    assert "Error: RETAIL_SPRAK is not a setting. Did you mean 'RETAIL_SPARK'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_retraining_has_a_weekly_schedule_in_shop_time_that_nobody_started(settings: Settings) -> None:
    defs = build_defs(settings)
    schedule = defs.resolve_schedule_def("retrain_forecast_weekly")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 6 * * 1"
    assert schedule.execution_timezone == settings.contract.timezone
    assert schedule.job_name == "retrain_forecast"


@pytest.mark.parametrize(
    ("value", "running"),
    [
        ("", set()),
        ("off", set()),
        ("on", {"landings_in_folder", "follow_sales"}),
        ("landings", {"landings_in_folder"}),
        (" Follow_Sales ", {"follow_sales"}),
        (
            "landings,follow_sales,retraining",
            {"landings_in_folder", "follow_sales", "retrain_forecast_weekly", "retrain_segments_weekly"},
        ),
    ],
)
def test_the_setting_says_what_runs_without_a_click(value: str, running: set[str], environ: dict[str, str]) -> None:
    defs = build_defs(settings_module.load({**environ, "RETAIL_AUTOMATION": value}))
    repository = defs.get_repository_def()
    statuses = {sensor.name: sensor.default_status.value for sensor in repository.sensor_defs}
    statuses |= {schedule.name: schedule.default_status.value for schedule in repository.schedule_defs}
    assert {name for name, status in statuses.items() if status == "RUNNING"} == running
