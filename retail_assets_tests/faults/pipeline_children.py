"""Child processes that run the real path: the ones that get killed, and the ones that run at the same time."""

from __future__ import annotations

import datetime as dt
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

#: Corrections after which a writer ends although its watcher has not seen enough: it sees too little, or is too slow.
MOST_RUNS = 200

#: How a child ends that was told by the product what to do.
TOLD = 3


def apart(home: Home, name: str) -> None:
    """Make this process the first of a session of its own, and let it and its children speak into a file."""
    os.setsid()
    os.environ["RETAIL_TEST_HOME"] = str(home.folder)  # what it starts is known by it
    said = os.open(home.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(said, stream)


def without_spark(known: Sequence[Home]) -> None:
    """Let `clean` write what Spark wrote for the same landings before."""
    from retail_assets.cleaning import job

    job.clean = recorded(known)


def run_and_die(home: Home, kill: Kill, known: Sequence[Home]) -> None:
    """Materialize both landings, and die on the way. `known`: see `without_spark`; with none, Spark is started."""
    apart(home, "killed")
    if known:
        without_spark(known)
    elif kill.at.startswith("workers:"):
        os.environ["FAULT_IN_WORKERS"] = str(Kill(kill.hook, kill.at.removeprefix("workers:"), kill.count))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(WORKERS), *filter(None, [os.environ.get("PYTHONPATH")])])
        home.materialize()
        return
    arm(kill)
    home.materialize()


def run_with_others(home: Home, known: Sequence[Home], first: dt.date, last: dt.date, gate: Any, name: str) -> None:
    """Materialize as soon as everybody is at the gate. Ends with TOLD, and what was told in a file, if refused."""
    apart(home, name)
    without_spark(known)
    gate.wait(240)
    try:
        home.materialize(first, last)
    except RetailError as e:
        (home.folder / f"{name}.told").write_text(str(e))
        sys.stdout.flush()
        os._exit(TOLD)


def correct_again_and_again(home: Home, known: Sequence[Home], runs: int, enough: Any, how: str) -> None:
    """Land, clean and load two versions of the first landing in turn, slowly, at least `runs` times and until `enough`.

    `how` is "exact", or one of two ways to do it by halves, which whoever watches must notice.
    """
    apart(home, "writer")
    _slowly()
    if how == "manifests in place":
        _write_in_place()
    clean, platform = recorded(known), home.platform
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
    """Let every statement of a load take some time."""
    connect = DuckDBWarehouse._connect

    def wrapped(self: DuckDBWarehouse, read_only: bool) -> Any:
        connection = connect(self, read_only)
        return connection if read_only else _SlowConnection(connection)

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
