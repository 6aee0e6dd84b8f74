"""Child processes that write a landing, load it, or hold the warehouse open; some of them die on the way."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults.child_processes import kill_this_process
from retail_assets_tests.faults.kills import CLOSE, die_before_statement
from retail_assets_tests.warehouse.landings import SOURCE, line, publish


def load(home: Path, days: Sequence[dt.date], wait_seconds: float = 60) -> None:
    """Load the published landings of these days, one after the other."""
    lake = Lake(Store(str(home / "lake")), SOURCE)
    warehouse = DuckDBWarehouse(home / "retail.duckdb", SOURCE, wait_seconds=wait_seconds)
    for day in days:
        warehouse.load_landings(lake.store, [lake.clean(day)])


def load_and_die(home: Path, days: Sequence[dt.date], before: str) -> None:
    """Load, and die just before the first statement that begins with `before`."""
    die_before_statement(lambda sql: sql.startswith(before), kill_this_process)
    load(home, days)


def load_and_die_after_commit(home: Path, days: Sequence[dt.date]) -> None:
    """Load, and die after the commit, before the connection is closed."""
    load_and_die(home, days, CLOSE)


def clean_and_die(home: Path, day: dt.date, renames: int) -> None:
    """Write a landing of one file and publish it, and die after 0, 1 or 2 objects have appeared (`renames`)."""
    replace, done = os.replace, 0

    def replaced(source: Any, target: Any) -> None:
        nonlocal done
        if done == renames:
            kill_this_process()
        replace(source, target)
        done += 1
        if done == renames == 2:
            kill_this_process()

    os.replace = replaced  # type: ignore[assignment]
    publish(Lake(Store(str(home / "lake")), SOURCE), day, [line("NEW", 1, day)], run="new")


def hold(home: Path, mode: str, ready: Connection) -> None:
    """Keep the warehouse open (`mode` is `read` or `write`) until a message arrives at `ready`."""
    import duckdb

    connection = duckdb.connect(str(home / "retail.duckdb"), read_only=mode == "read")
    ready.send("open")
    ready.recv()
    connection.close()
