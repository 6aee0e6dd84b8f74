"""The same rows written again mark nothing downstream as stale; another row does. Each landing has its own counts."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from retail_assets.defs.build import build_defs
from retail_assets.defs.data_versions import CONTENT, hash_of_table, materialized, materialized_by_landing
from retail_assets.landing.land import land_file
from retail_assets.platform import Platform
from retail_assets.settings import Settings, load
from retail_assets.tables import DIM_STORE, SALES_FORECAST

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(4)]
PARTITIONS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def stale(instance: dg.DagsterInstance, graph: Any, asset: str, day: dt.date | None = None) -> bool:
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    status = resolver.get_status(dg.AssetKey(asset), day.isoformat() if day else None)
    assert status is not StaleStatus.MISSING, asset
    return status is StaleStatus.STALE


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Toys:
    """`above` and `below`, two assets by landing, and what `above` would write for each day."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.rows = {day: n for n, day in enumerate(DAYS)}
        options: dict[str, Any] = {"partitions_def": PARTITIONS, "backfill_policy": dg.BackfillPolicy.single_run()}

        @dg.asset(**options)
        def above(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            days = [dt.date.fromisoformat(key) for key in context.partition_keys]
            facts = {day: {CONTENT: f"rows {self.rows[day]}", "rows": self.rows[day]} for day in days}
            return materialized_by_landing(context, "above", facts, {"run": 1})

        @dg.asset(deps=[above], **options)
        def below() -> None: ...

        self.assets = [above, below]
        self.graph = dg.Definitions(self.assets).get_repository_def().asset_graph

    def run(self, first: dt.date, last: dt.date, *assets: str) -> None:
        chosen = [a for a in self.assets if a.key.to_user_string() in assets]
        tags = {START: str(first), END: str(last)} if first != last else {"dagster/partition": str(first)}
        assert dg.materialize(self.assets, selection=chosen, instance=self.instance, tags=tags).success

    def stale(self) -> list[dt.date]:
        return [day for day in DAYS if stale(self.instance, self.graph, "below", day)]


def test_each_landing_of_a_range_has_its_own_numbers(instance: dg.DagsterInstance) -> None:
    toys = Toys(instance)
    toys.run(DAYS[0], DAYS[-1], "above")
    records = instance.fetch_materializations(dg.AssetKey("above"), limit=10).records
    events = {r.partition_key: r.asset_materialization for r in records}
    assert {k: e.metadata["rows"].value for k, e in events.items() if e} == {str(d): n for d, n in toys.rows.items()}
    assert {e.metadata["run"].value for e in events.values() if e} == {1}


@pytest.mark.parametrize("again", [(0, 3), (1, 1), (2, 2)])
def test_the_same_content_again_marks_nothing_below_as_stale(
    instance: dg.DagsterInstance, again: tuple[int, int]
) -> None:
    """Also one day after a range, where Dagster's own versions would differ."""
    toys = Toys(instance)
    toys.run(DAYS[0], DAYS[-1], "above", "below")
    toys.run(DAYS[again[0]], DAYS[again[1]], "above")
    assert toys.stale() == []


def test_another_row_marks_its_day_below_as_stale_and_no_other(instance: dg.DagsterInstance) -> None:
    toys = Toys(instance)
    toys.run(DAYS[0], DAYS[-1], "above", "below")
    toys.rows[DAYS[2]] = 99
    toys.run(DAYS[2], DAYS[2], "above")
    assert toys.stale() == [DAYS[2]]
    toys.run(DAYS[2], DAYS[2], "below")
    assert toys.stale() == []


def test_what_was_changed_back_is_not_stale(instance: dg.DagsterInstance) -> None:
    toys = Toys(instance)
    toys.run(DAYS[0], DAYS[0], "above", "below")
    for rows in (99, 0):
        toys.rows[DAYS[0]] = rows
        toys.run(DAYS[0], DAYS[0], "above")
    assert not stale(instance, toys.graph, "below", DAYS[0]), "it was made from these rows"


def test_a_table_has_the_version_of_its_rows_and_not_of_when_it_was_written(settings: Settings) -> None:
    warehouse = Platform(settings).warehouse

    def written(hour: int, mean: float) -> str:
        row: dict[str, Any] = {
            column.name: {"date": DAYS[0], "integer": 1, "double": 1.0}.get(column.type, "a")
            for column in SALES_FORECAST.columns
        }
        row |= {"issued_at": dt.datetime(2024, 1, 1, hour), "mean": mean}
        warehouse.replace(SALES_FORECAST, pa.Table.from_pylist([row], schema=SALES_FORECAST.arrow_schema()))
        return hash_of_table(warehouse, SALES_FORECAST)

    first = written(1, 2.0)
    assert written(2, 2.0) == first
    assert written(2, 2.5) != first
    warehouse.replace(DIM_STORE, DIM_STORE.arrow_schema().empty_table())
    assert hash_of_table(warehouse, DIM_STORE) == hash_of_table(warehouse, DIM_STORE)
    result = materialized(first, {"rows": 1}, "sales_forecast")
    assert result.data_version == dg.DataVersion(first)


FILES = {
    DAYS[0]: ["A,2024-01-01,ann,Male,30,Tea,2,5,10", "B,2024-01-01,bob,Male,40,Toys,1,7,7"],
    DAYS[1]: ["C,2024-01-02,ann,Male,30,Tea,1,5,5"],
}
HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"


@pytest.mark.spark
@pytest.mark.slow
def test_an_identical_reclean_marks_nothing_stale_and_a_changed_row_does(tmp_path: Path) -> None:
    settings = load(
        {
            "RETAIL_HOME": str(tmp_path / "home"),
            "RETAIL_OUTPUT": str(tmp_path / "output"),
            "RETAIL_START_DATE": str(DAYS[0]),
            "RETAIL_END_DATE": str(DAYS[1]),
            "RETAIL_SPARK": "local[1]",
        }
    )
    platform, defs = Platform(settings), build_defs(settings)
    graph, job = defs.get_repository_def().asset_graph, defs.resolve_implicit_global_asset_job_def()

    def land(day: dt.date, lines: list[str]) -> None:
        file = tmp_path / "sales.csv"
        file.write_text("".join(f"{line}\n" for line in (HEADER, *lines)))
        land_file(file, platform.raw, settings.source, day, replace=True)

    def run(*assets: str, days: tuple[dt.date, dt.date] | None = None) -> None:
        tags = {} if days is None else {START: str(days[0]), END: str(days[1])}
        if days and days[0] == days[1]:
            tags = {"dagster/partition": str(days[0])}
        keys = [dg.AssetKey(asset) for asset in assets]
        assert job.execute_in_process(instance=recorded, asset_selection=keys, tags=tags).success

    for day, lines in FILES.items():
        land(day, lines)
    loaded = ("raw_sales_files", "clean_sales", "quarantined_sales", "sales", "sales_quarantine")
    derived = ("daily_category_sales", "dim_store", "daily_store_category_sales", "eda_summary")
    partitioned, below = ("clean_sales", "quarantined_sales", "sales"), ("daily_store_category_sales", "eda_summary")
    with dg.DagsterInstance.ephemeral() as recorded:

        def stale_ones() -> list[str]:
            by_day = [f"{a} {day}" for a in partitioned for day in FILES if stale(recorded, graph, a, day)]
            return by_day + [asset for asset in below if stale(recorded, graph, asset)]

        run(*loaded, *derived, days=(DAYS[0], DAYS[1]))
        metadata = {
            record.partition_key: record.asset_materialization.metadata
            for record in recorded.fetch_materializations(dg.AssetKey("clean_sales"), limit=2).records
            if record.asset_materialization
        }
        assert [metadata[str(day)]["dagster/partition_row_count"].value for day in FILES] == [2, 1]
        assert [metadata[str(day)]["revenue"].value for day in FILES] == [17.0, 5.0]
        assert "JavaHome(" not in str(metadata[str(DAYS[0])]["java"].value)
        assert stale_ones() == []
        run("raw_sales_files", "clean_sales", "quarantined_sales", days=(DAYS[0], DAYS[0]))
        run("clean_sales", "quarantined_sales", days=(DAYS[0], DAYS[1]))
        run("daily_category_sales")
        assert stale_ones() == []
        land(DAYS[1], ["C,2024-01-02,ann,Male,30,Tea,2,5,10"])
        run("raw_sales_files", "clean_sales", "quarantined_sales", days=(DAYS[1], DAYS[1]))
        assert stale_ones() == [f"sales {DAYS[1]}"]
        run("sales", "sales_quarantine", days=(DAYS[1], DAYS[1]))
        run("daily_category_sales")
        assert stale_ones() == list(below)
