"""A small Dagster code location whose steps wait and fail and whose checks fail when a test wants them to."""

import os
import time
from pathlib import Path

import dagster as dg

#: Steps wait for files here, and tests make them.
GATES = Path(os.environ.get("TOY_GATES", "."))
DAYS = dg.DailyPartitionsDefinition("2017-12-01", end_date="2018-01-01", timezone="America/New_York")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), group_name="toy_daily")
def toy_landing(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """One day or several in a row; the number of rows is the sum of the days of the month."""
    return dg.MaterializeResult(metadata={"rows_in_range": sum(int(day[-2:]) for day in context.partition_keys)})


class Gate(dg.Config):
    """`gate` is the file that the step waits for."""

    gate: str


@dg.asset(group_name="toy_gated")
def toy_gated(config: Gate) -> dg.MaterializeResult:
    """Run until the gate is opened; end after ten minutes if nobody opens it."""
    until = time.monotonic() + 600
    while not (GATES / config.gate).exists():
        if time.monotonic() > until:
            raise TimeoutError(f"nobody opened {config.gate}")
        time.sleep(0.1)
    return dg.MaterializeResult(metadata={"dagster/row_count": 1})


@dg.asset(group_name="toy_doomed")
def toy_doomed() -> None:
    """Fail always."""
    raise dg.Failure(description="the till is on fire", allow_retries=False)


@dg.asset(group_name="toy_flaky")
def toy_base() -> dg.MaterializeResult:
    """Succeed, so that a resumed run need not do it again."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


@dg.asset(group_name="toy_flaky", deps=[toy_base])
def toy_flaky() -> None:
    """Fail the first time."""
    mark = GATES / "flaky_has_failed"
    if not mark.exists():
        mark.touch()
        raise dg.Failure(description="the till jams")


@dg.asset(group_name="toy_judged")
def toy_judged() -> dg.MaterializeResult:
    """Succeed, while the check of the asset fails."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 7})


@dg.asset_check(asset=toy_judged)
def money_agrees() -> dg.AssetCheckResult:
    """An ERROR check that does not block."""
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.ERROR, description="12.52 dollars are missing"
    )


@dg.asset(group_name="toy_blocked")
def toy_blocked() -> None:
    """Succeed, while the blocking check of the asset fails."""


@dg.asset_check(asset=toy_blocked, blocking=True)
def rows_agree() -> dg.AssetCheckResult:
    """An ERROR check that stops the run."""
    return dg.AssetCheckResult(passed=False, description="7 rows are missing. Load the day again.")


defs = dg.Definitions(
    assets=[toy_landing, toy_gated, toy_doomed, toy_base, toy_flaky, toy_judged, toy_blocked],
    asset_checks=[money_agrees, rows_agree],
    executor=dg.in_process_executor,
)
