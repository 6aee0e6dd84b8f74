"""How steps fail: what passes by itself is tried again with its message kept, and an interrupt ends the run."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from retail_assets.defs import execute, failures
from retail_assets.defs.build import build_defs
from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import (
    LandingError,
    RetailError,
    StorageBusyError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
)
from retail_assets_tests.defs.checks.conftest import Shop, empty_shop, good_home, shop  # noqa: F401 - fixtures

BUSY, WRONG = "Process 7 holds the warehouse.", "The column is not there."


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_SECONDS", 0.0)


def tried(raised: Callable[[int], BaseException | None], *, retrying: bool) -> tuple[int, Any]:
    """Run a step that raises what `raised` returns for each of its tries; return the number of tries and the result."""
    tries = 0

    @dg.asset
    def table() -> None:
        nonlocal tries
        tries += 1
        with failing_clearly(retrying=retrying):
            if error := raised(tries):
                raise error

    done = dg.materialize([table], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    return tries, done


def messages(done: Any) -> list[str]:
    return [message for event in done.all_events if (message := execute._error_message(event))]


@pytest.mark.parametrize("kind", [WarehouseBusyError, WarehouseUnreachableError, StorageBusyError])
def test_what_does_not_answer_is_tried_again(kind: type[RetailError]) -> None:
    tries, done = tried(lambda n: kind(BUSY) if n == 1 else None, retrying=True)
    assert (tries, done.success) == (2, True)


def test_when_the_retries_run_out_the_message_is_the_one_of_the_error() -> None:
    tries, done = tried(lambda _: WarehouseBusyError(BUSY), retrying=True)
    assert (tries, done.success) == (3, False)
    assert messages(done) == [BUSY]


@pytest.mark.parametrize(
    ("error", "retrying"),
    [
        (WarehouseError(WRONG), True),
        (LandingError(WRONG), True),
        (WarehouseBusyError(WRONG), False),
        (ValueError(WRONG), True),
        (OSError(WRONG), True),
    ],
    ids=["refused by the warehouse", "refused data", "a step that does not retry", "a bug", "an error of no store"],
)
def test_everything_else_fails_at_once(error: Exception, retrying: bool) -> None:
    tries, done = tried(lambda _: error, retrying=retrying)
    assert (tries, done.success) == (1, False)
    assert [message.endswith(WRONG) for message in messages(done)] == [True]


#: What a cancel looks like in Dagster's code, in Spark's, and while DuckDB answers a query.
INTERRUPTS = (DagsterExecutionInterruptedError(), KeyboardInterrupt(), RuntimeError("Query interrupted"))


@pytest.mark.parametrize("interrupt", INTERRUPTS, ids=lambda each: type(each).__name__)
def test_an_interrupt_cancels_the_run_and_the_step_is_not_tried_again(interrupt: BaseException) -> None:
    tries = 0

    @dg.asset
    def table(context: dg.AssetExecutionContext) -> None:
        nonlocal tries
        tries += 1
        context.instance.report_run_canceling(context.run)  # as Dagster does before it interrupts the process
        with failing_clearly(retrying=True):
            raise interrupt

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([table], instance=instance, raise_on_error=False)
        [run] = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.CANCELED
    assert tries == 1


STEPS = (
    "dim_date",
    "dim_customer",
    "daily_category_sales",
    "dim_store",
    "daily_store_category_sales",
    "forecast_accuracy",
    "sales_forecast",
    "customer_features",
    "customer_segments",
    "segment_profiles",
    "segment_migrations",
)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_canceled_step_leaves_its_table_as_it_was(
    shop: Shop,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Canceled when it asks the warehouse for something for the first time: the run ends there."""
    before = shop.platform.warehouse.query(f"SELECT * FROM {step} ORDER BY ALL").to_pylist()
    calls = []

    def interrupted(*_: object, **__: object) -> None:
        calls.append(step)
        instance.report_run_canceling(instance.get_runs()[0])
        raise DagsterExecutionInterruptedError

    job = build_defs(shop.platform.settings).resolve_implicit_global_asset_job_def()
    with monkeypatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name in ("query", "replace", "rebuild"):
            patch.setattr(type(shop.platform.warehouse), name, interrupted)
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(step)], raise_on_error=False)
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]
    assert len(calls) == 1
    assert shop.platform.warehouse.query(f"SELECT * FROM {step} ORDER BY ALL").to_pylist() == before


def test_a_run_that_is_to_stop_begins_no_further_step_even_if_its_interrupt_was_lost() -> None:
    """Seen live: the interrupt came while the step imported Spark, and the run ended as a success."""
    begun = []

    @dg.asset
    def first(context: dg.AssetExecutionContext) -> None:
        with failing_clearly():
            begun.append("first")
            context.instance.report_run_canceling(context.run)

    @dg.asset(deps=[first])
    def second() -> None:
        with failing_clearly():
            begun.append("second")

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([first, second], instance=instance, raise_on_error=False)
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]
    assert begun == ["first"]


def test_a_failed_blocking_check_is_said_once_and_the_run_fails() -> None:
    @dg.asset_check(asset="table", blocking=True)
    def nothing_is_missing() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, description="3 rows are missing.")

    @dg.asset
    def table() -> None: ...

    @dg.asset(deps=[table])
    def below() -> None: ...

    done = dg.materialize(
        [table, nothing_is_missing, below], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False
    )
    assert not done.success
    assert messages(done) == ["table: 3 rows are missing."]
