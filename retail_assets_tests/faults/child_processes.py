"""Child processes that load, crash, write or read: what tests of faults and of several processes at once start."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.warehouse.landings import SOURCE, line, publish

#: What takes long to import; it is taken along by every child.
_IMPORTED = ["duckdb", "pyarrow.parquet", "retail_assets.defs.build", "retail_assets.cleaning.job", __name__]


def start(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A real process, forked from a server that has everything imported and nothing started."""
    processes: ForkServerContext = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(_IMPORTED)
    child = processes.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def ended(child: ForkServerProcess) -> int:
    """Exit code of a child that ends within some minutes (it may start Spark); minus the signal that killed it."""
    child.join(300)
    assert child.exitcode is not None, "the child did not end"
    return child.exitcode


def load(home: Path, days: Sequence[dt.date], wait_seconds: float = 60) -> None:
    """Load the published landings of these days, one after the other."""
    lake = Lake(Store(str(home / "lake")), SOURCE)
    warehouse = DuckDBWarehouse(home / "retail.duckdb", SOURCE, wait_seconds=wait_seconds)
    for day in days:
        warehouse.load_landings(lake.store, [lake.clean(day)])


def load_and_die(home: Path, days: Sequence[dt.date], before: str) -> None:
    """Load, and kill this process as `kill -9` does just before the first statement that begins with `before`."""
    connect = DuckDBWarehouse._connect

    def connected(self: DuckDBWarehouse, read_only: bool) -> Any:
        return _DyingConnection(connect(self, read_only), before)

    DuckDBWarehouse._connect = connected  # type: ignore[method-assign]
    load(home, days)


def load_and_die_after_commit(home: Path, days: Sequence[dt.date]) -> None:
    """Load, and die between the commit and the end of the connection."""
    load_and_die(home, days, _CLOSE)


_CLOSE = "close"


class _DyingConnection:
    """A DuckDB connection that ends the process before a certain statement."""

    def __init__(self, connection: Any, before: str) -> None:
        self._connection, self._before = connection, before

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql.startswith(self._before):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._connection.execute(sql, *parameters)

    def close(self) -> None:
        if self._before == _CLOSE:
            os.kill(os.getpid(), signal.SIGKILL)
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def clean_and_die(home: Path, day: dt.date, renames: int) -> None:
    """Write a landing of one file and publish it, and die after so many objects have appeared: 0, 1 or 2."""
    replace, done = os.replace, 0

    def replaced(source: Any, target: Any) -> None:
        nonlocal done
        if done == renames:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        done += 1
        if done == renames == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replaced  # type: ignore[assignment]
    publish(Lake(Store(str(home / "lake")), SOURCE), day, [line("NEW", 1, day)], run="new")


def hold(home: Path, mode: str, ready: Connection) -> None:
    """Keep the warehouse open, `read` or `write`, until told to let go."""
    import duckdb

    connection = duckdb.connect(str(home / "retail.duckdb"), read_only=mode == "read")
    ready.send("open")
    ready.recv()
    connection.close()


def pipe() -> tuple[Connection, Connection]:
    ours, theirs = multiprocessing.get_context("forkserver").Pipe()
    return ours, theirs
