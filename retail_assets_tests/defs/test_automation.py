"""Automation inside Dagster, on ephemeral instances: what follows sales, when it waits, what is fresh or repeated."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster import AssetCheckSeverity
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.loader import LoadingContextForTest
from dagster._core.op_concurrency_limits_counter import GlobalOpConcurrencyLimitsCounter

from retail_assets.defs import freshness
from retail_assets.defs.automation import REPEATED_IF_KILLED, SENSOR, follow
from retail_assets.defs.build import build_defs
from retail_assets.defs.pools import SPARK, WAREHOUSE
from retail_assets.settings import Settings
from retail_assets_tests.dagster_home import dagster_home

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2030-01-01")
D1, D2, D3 = "2024-01-01", "2024-01-02", "2024-01-03"


class Shop:
    """A small graph of the shape of the real one: sales per landing and a mart with blocking checks, and a report."""

    def __init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.sales_are_right = self.mart_is_right = True
        self.cursor: Any = None

        @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
        def sales() -> None: ...

        @dg.asset_check(asset=sales, blocking=True)
        def reconciles() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.sales_are_right, severity=AssetCheckSeverity.ERROR)

        @dg.asset(deps=[sales])
        def mart() -> None: ...

        @dg.asset_check(asset=mart, blocking=True)
        def adds_up() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.mart_is_right, severity=AssetCheckSeverity.ERROR)

        @dg.asset(deps=[mart, sales])
        def report() -> None: ...

        self.defs = dg.Definitions(assets=follow([sales, mart, report]), asset_checks=[reconciles, adds_up])

    def run(self, *assets: str, day: str | None = None, checks: bool = True) -> bool:
        chosen = dg.AssetSelection.assets(*assets)
        job = dg.define_asset_job("job", chosen if checks else chosen.without_checks())
        defs = dg.Definitions(assets=self.defs.assets, asset_checks=self.defs.asset_checks, jobs=[job])
        return (
            defs.resolve_job_def("job")
            .execute_in_process(instance=self.instance, partition_key=day, raise_on_error=False)
            .success
        )

    def load(self, day: str) -> bool:
        return self.run("sales", day=day)

    def tick(self) -> set[str]:
        """The assets that the next tick requests."""
        result = dg.evaluate_automation_conditions(defs=self.defs, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {key.to_user_string() for key in self.defs.resolve_all_asset_keys() if result.get_num_requested(key)}


@pytest.fixture
def small() -> Iterator[Shop]:
    shop = Shop()
    with shop.instance:
        yield shop


def test_what_is_made_from_sales_follows_them_although_most_days_have_no_landing(small: Shop) -> None:
    assert small.tick() == set()
    assert small.load(D1)
    assert small.tick() == {"mart"}
    assert small.tick() == set()
    assert small.run("mart")
    assert small.tick() == {"report"}
    assert small.run("report")
    assert small.load(D2)
    assert small.tick() == {"mart"}  # of a report made since the last tick, Dagster waits for the mart
    assert small.run("mart")
    assert small.tick() == {"report"}
    assert small.run("report")
    assert small.tick() == set()
    assert small.load(D3)
    assert small.tick() == {"mart", "report"}


def test_what_one_run_has_computed_with_its_sales_is_not_computed_again(small: Shop) -> None:
    """The last run of the sensor of landings computes everything."""
    small.load(D1)
    small.tick()
    small.run("mart", "report")
    small.tick()
    assert small.run("sales", "mart", "report", day=D2)
    assert small.tick() == set()


def test_a_failed_blocking_check_is_waited_for(small: Shop) -> None:
    small.load(D1)
    small.tick()
    small.run("mart", "report")
    small.tick()
    small.sales_are_right = False
    assert not small.load(D2)
    assert [small.tick() for _ in range(3)] == [set()] * 3
    small.sales_are_right = True
    assert small.load(D2)
    assert small.tick() == {"mart", "report"}


def test_a_blocking_check_that_has_not_been_made_is_waited_for(small: Shop) -> None:
    small.run("sales", day=D1, checks=False)
    assert small.tick() == set()
    assert small.load(D1)
    assert small.tick() == {"mart"}
    small.mart_is_right = False
    assert not small.run("mart")
    assert small.tick() == set()
    small.mart_is_right = True
    small.run("mart")
    assert small.tick() == {"report"}


def test_landings_in_the_queue_are_waited_for(small: Shop) -> None:
    """A hundred landings of a backfill are one computation, not a hundred."""
    small.load(D1)
    small.tick()
    small.run("mart", "report")
    small.tick()
    small.load(D2)
    job = dg.define_asset_job("waiting", dg.AssetSelection.assets("sales"))
    defs = dg.Definitions(assets=small.defs.assets, asset_checks=small.defs.asset_checks, jobs=[job])
    run = small.instance.create_run_for_job(defs.resolve_job_def("waiting"), tags={"dagster/partition": D3})
    assert small.tick() == set()
    small.instance.report_run_canceled(run)
    assert small.tick() == set(), "its check has not been made: nobody knows what it has written"
    assert small.load(D3)
    assert small.tick() == {"mart", "report"}


def test_the_whole_graph_has_conditions_and_the_sensor_is_off(settings: Settings) -> None:
    defs = build_defs(settings)
    graph = defs.get_repository_def().asset_graph
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert (node.automation_condition is None) == node.is_partitioned, key
    sensors = {sensor.name: sensor for sensor in defs.get_repository_def().sensor_defs}
    assert "default_automation_condition_sensor" not in sensors
    assert sensors[SENSOR].default_status is dg.DefaultSensorStatus.STOPPED
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.evaluate_automation_conditions(defs=defs, instance=instance).total_requested == 0


def test_whatever_uses_spark_or_the_warehouse_is_in_its_pool(settings: Settings) -> None:
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    pools = {node.name: node.definition.pools for node in job.nodes if not node.name.startswith("_")}
    assets = {a.node_def.name for a in build_defs(settings).assets or () if isinstance(a, dg.AssetsDefinition)}
    assert {n: p for n, p in pools.items() if n in assets and p != {WAREHOUSE}} == {
        "raw_sales_files": set(),
        "clean": {SPARK},
    }


def test_of_runs_that_use_the_warehouse_one_is_taken_from_the_queue_at_a_time(tmp_path: Path) -> None:
    """By the project's own dagster.yaml, where several runs may be in progress."""
    dagster_home(tmp_path)

    @dg.asset(pool=WAREHOUSE)
    def mart() -> None: ...

    @dg.asset
    def files() -> None: ...

    jobs = [dg.define_asset_job(f"job_{name}", dg.AssetSelection.assets(name)) for name in ("mart", "files")]
    defs = dg.Definitions(assets=[mart, files], jobs=jobs)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs > 1

        def made(name: str, status: dg.DagsterRunStatus = dg.DagsterRunStatus.NOT_STARTED) -> dg.DagsterRun:
            return instance.create_run_for_job(defs.resolve_job_def(f"job_{name}"), status=status)

        waiting = [made("mart"), made("files")]

        def blocked() -> list[bool]:
            storage = instance.event_log_storage
            running = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
            counter = GlobalOpConcurrencyLimitsCounter(
                instance,
                waiting,
                running,
                storage.get_concurrency_keys(),
                storage.get_pool_limits(),
                pool_granularity=instance.get_concurrency_config().pool_config.pool_granularity,
            )
            return [counter.is_blocked(run) for run in waiting]

        blocked()  # the first look gives the pool its limit
        assert blocked() == [False, False]
        other = made("mart", dg.DagsterRunStatus.STARTED)  # a run from the command line counts as well
        assert blocked() == [True, False]
        instance.report_run_canceled(other)
        assert blocked() == [False, False]


def test_only_a_landing_newer_than_all_before_satisfies_the_freshness_policy(settings: Settings) -> None:
    """Nor do the backfill of an old landing, the newest once more, and an empty one."""
    spec = freshness.newest_landing(SimpleNamespace(settings=settings, source="s"))  # type: ignore[arg-type]
    rows = {D1: 5, D2: 5, D3: 0}
    before: list[dt.date] = []

    @dg.asset(partitions_def=DAYS)
    def sales() -> None:
        context = dg.AssetExecutionContext.get()
        day = dt.date.fromisoformat(context.partition_key)
        manifest: Any = SimpleNamespace(landed_on=day, rows=lambda _: rows[str(day)])
        freshness.report_newest(context, [manifest], max(before, default=None))
        if rows[str(day)]:
            before.append(day)

    defs = dg.Definitions(assets=[sales, spec])
    node = defs.get_repository_def().asset_graph.get(spec.key)
    with dg.DagsterInstance.ephemeral() as instance:

        def reported(day: str) -> int:
            defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance, partition_key=day)
            return len(instance.fetch_materializations(spec.key, limit=100).records)

        def state() -> FreshnessState:
            context = LoadingContextForTest(instance)
            return asyncio.run(TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(context, node))

        assert state() is FreshnessState.UNKNOWN
        assert [reported(day) for day in (D2, D1, D2, D3)] == [1, 1, 1, 1]
        assert state() is FreshnessState.PASS
        rows[D3] = 5
        assert reported(D3) == 2


def test_the_assets_per_landing_have_no_policy_that_a_backfill_could_satisfy(settings: Settings) -> None:
    graph = build_defs(settings).get_repository_def().asset_graph
    partitioned = [graph.get(key) for key in graph.materializable_asset_keys if graph.get(key).is_partitioned]
    assert len(partitioned) > 3
    assert {node.freshness_policy for node in partitioned} == {None}


def test_a_killed_run_is_repeated_and_one_that_failed_in_a_step_is_not() -> None:
    @dg.job
    def job() -> None: ...

    with dg.DagsterInstance.ephemeral(settings={"run_retries": {"enabled": True, "max_retries": 0}}) as instance:
        run = instance.create_run_for_job(job, tags=REPEATED_IF_KILLED, status=dg.DagsterRunStatus.FAILURE)
        assert auto_reexecution_should_retry_run(instance, run, RunFailureReason.UNKNOWN)
        assert not auto_reexecution_should_retry_run(instance, run, RunFailureReason.STEP_FAILURE)
        plain = instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE)
        assert not auto_reexecution_should_retry_run(instance, plain, RunFailureReason.UNKNOWN)
