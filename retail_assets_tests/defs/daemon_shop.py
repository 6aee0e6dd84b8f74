"""A small code location for a real daemon: the sensors of this project, over assets that only note that they ran."""

import datetime as dt
import os
import threading
from pathlib import Path

import dagster as dg

from retail_assets import settings as settings_module
from retail_assets.defs import automation, sensors
from retail_assets.defs.partitions import landing_partitions
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.defs.run_watch import watched_in_process_executor
from retail_assets.platform import Platform

# A minute is long in a test.
sensors._INTERVAL_SECONDS = automation._INTERVAL_SECONDS = 1

PLATFORM = Platform(settings_module.load())
NOTES = Path(os.environ["NOTES"])
DAYS = landing_partitions(PLATFORM.settings)


def _note(asset: str, day: str) -> None:
    """Note what ran and whether something else was using the warehouse meanwhile."""
    used = NOTES / "used"
    alone = not used.exists()
    used.touch()
    with (NOTES / "runs").open("a") as f:
        f.write(f"{asset} {day} {'alone' if alone else 'together'} {dt.datetime.now(dt.UTC):%H:%M:%S}\n")
    used.unlink()


@dg.asset(partitions_def=DAYS, pool=WAREHOUSE)
def sales(context: dg.AssetExecutionContext) -> None:
    if (NOTES / "hang").exists():
        (NOTES / "hangs").touch()
        threading.Event().wait()
    _note("sales", context.partition_key)


@dg.asset_check(asset=sales, blocking=True)
def reconciles() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=not (NOTES / "wrong").exists())


@dg.asset(deps=[sales], pool=WAREHOUSE)
def mart() -> None:
    _note("mart", "-")


@dg.sensor(job_name=sensors.INGEST, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def witness() -> dg.SkipReason:
    """Note each round of the daemon: in as many rounds the other sensors would have ticked as well."""
    with (NOTES / "rounds").open("a") as f:
        f.write("round\n")
    return dg.SkipReason("It only notes that it was asked.")


JOBS = [
    dg.define_asset_job(sensors.PIPELINE, dg.AssetSelection.all()),
    dg.define_asset_job(sensors.INGEST, dg.AssetSelection.assets("sales")),
]
defs = dg.Definitions(
    assets=automation.follow([sales, mart]),
    asset_checks=[reconciles],
    jobs=JOBS,
    sensors=[
        sensors.landing_sensor(PLATFORM, JOBS, settled_seconds=-60),
        automation.automation_sensor(PLATFORM.settings),
        witness,
    ],
    executor=watched_in_process_executor,
)
