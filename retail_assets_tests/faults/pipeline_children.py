"""Child processes that run the real pipeline: some are killed, others run at the same time."""

from __future__ import annotations

import datetime as dt
import faulthandler
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from retail_assets.errors import RetailError
from retail_assets.lake.sweep import sweep_all
from retail_assets.landing.register import inspect_landings
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults.crash_shop import CORRECTED, FIRST, LANDED, Home, recorded
from retail_assets_tests.faults.kills import Kill, arm

WORKERS = Path(__file__).with_name("in_workers")

#: Corrections after which a writer ends even if its watcher has not seen enough.
MOST_RUNS = 200

#: Exit code of a child whose run the product refused with a message.
REFUSED = 3


def apart(home: Home, name: str) -> None:
    """Give this process its own session, and redirect its output and that of its children to a file."""
    os.setsid()
    os.environ["RETAIL_TEST_HOME"] = str(home.folder)  # identifies what it starts
    log = os.open(home.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    faulthandler.dump_traceback_later(240, file=2)  # what one waits for that does not end


def without_spark(homes: Sequence[Home]) -> None:
    """Let `clean` write what Spark wrote earlier for the same landings in one of these homes."""
    from retail_assets.cleaning import job

    job.clean = recorded(homes)


def run_and_die(home: Home, kill: Kill, homes: Sequence[Home]) -> None:
    """Materialize both landings, and die on the way. `homes`: see `without_spark`; without any, Spark is started."""
    apart(home, "killed")
    if homes:
        without_spark(homes)
    elif kill.at.startswith("workers:"):
        os.environ["FAULT_IN_WORKERS"] = str(Kill(kill.hook, kill.at.removeprefix("workers:"), kill.count))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(WORKERS), *filter(None, [os.environ.get("PYTHONPATH")])])
        home.materialize()
        return
    arm(kill)
    home.materialize()


def run_with_others(home: Home, homes: Sequence[Home], first: dt.date, last: dt.date, gate: Any, name: str) -> None:
    """Materialize as soon as all processes are at the gate. If refused, end with REFUSED and the message in a file."""
    apart(home, name)
    without_spark(homes)
    gate.wait(240)
    try:
        home.materialize(first, last)
    except RetailError as e:
        (home.folder / f"{name}.refusal").write_text(str(e))
        sys.stdout.flush()
        os._exit(REFUSED)


def correct_again_and_again(home: Home, homes: Sequence[Home], runs: int, enough: Any, how: str) -> None:
    """Land, clean and load two versions of the first landing in turn, slowly, at least `runs` times and until `enough`.

    `how` is "exact", or one of two ways to do it by halves, which the watcher must notice.
    """
    apart(home, "writer")
    _slowly()
    if how == "manifests in place":
        _write_in_place()
    clean, platform = recorded(homes), home.platform
    for number in range(MOST_RUNS):
        if number >= runs and enough.is_set():
            break
        home.land(FIRST, (CORRECTED, LANDED)[number % 2])
        landings = inspect_landings(platform.raw, platform.source, [FIRST], platform.settings.contract)
        platform.lake.publish_raw(landings[0])
        [manifest] = clean(None, platform.raw, platform.lake, landings, platform.settings.contract, f"run{number}")
        if how == "two loads":
            nothing = replace(manifest, run_id="nothing", files=dict.fromkeys(manifest.files, ()))
            platform.lake.publish_clean(nothing)
            platform.warehouse.load_landings(platform.lake.store, [nothing])
        platform.lake.publish_clean(manifest)
        sweep_all(platform.lake, dt.datetime.now(dt.UTC))
        platform.warehouse.load_landings(platform.lake.store, [manifest])


def _slowly() -> None:
    """Make every statement of a load take some time."""
    connect = DuckDBWarehouse._connect

    def wrapped(self: DuckDBWarehouse) -> Any:
        return _SlowConnection(connect(self))

    DuckDBWarehouse._connect = wrapped  # type: ignore[method-assign]


class _SlowConnection:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, *parameters: Any) -> Any:
        time.sleep(0.01)
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _write_in_place() -> None:
    publish = Store.write

    def write(self: Store, key: str, data: bytes) -> None:
        if not key.endswith("manifest.json"):
            publish(self, key, data)
            return
        with self.local_path(key).open("wb") as handle:
            for at in range(0, len(data), 200):
                handle.write(data[at : at + 200])
                handle.flush()
                time.sleep(0.01)

    Store.write = write  # type: ignore[method-assign]
