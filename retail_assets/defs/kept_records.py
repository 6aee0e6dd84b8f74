"""Keeps the connections to Dagster's records in SQLite open while a run executes.

Dagster opens a database again for every event, and the last connection to close writes the log into the database and
waits for the disk: a third of what Dagster costs in a run of the whole graph (`benchmarks/operations/overhead.py`).
Only a run keeps them: other commands open and close these files as files (backup, erasure), which would take the locks
of SQLite away from a connection of the same process.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

#: As Dagster waits for another process that writes.
_BUSY_SECONDS = 30
#: Databases that one run keeps: its own events, those of all runs, the list of runs. It looks into few others.
_MOST = 8


@contextlib.contextmanager
def records_kept_open(instance: dg.DagsterInstance) -> Iterator[None]:
    """Keep what Dagster connects to for the time of the block, and close all of it at its end.

    Records that are not files of SQLite, such as those in PostgreSQL, are used as usual, and so is everything in a
    process that was forked within the block: SQLite does not allow it the connections of its parent.
    """
    log, runs = instance.event_log_storage, instance.run_storage
    with contextlib.ExitStack() as stack:
        if (has_table := getattr(log, "has_table", None)) and "has_table" not in vars(log):
            _replace(log, "has_table", functools.cache(has_table), stack)
        for storage, name in ((log, "run_connection"), (log, "index_connection"), (runs, "connect")):
            opens = getattr(storage, name, None)
            if opens is None or isinstance(opens, _Kept):  # not in SQL; or a block within a block
                continue
            kept = _Kept(opens)
            stack.callback(kept.close)
            _replace(storage, name, kept, stack)
        yield


def _replace(storage: object, name: str, method: Callable[..., Any], stack: contextlib.ExitStack) -> None:
    setattr(storage, name, method)
    stack.callback(delattr, storage, name)


class _Kept:
    """Stands for a method that connects to a database; the first time for each database it asks that method."""

    def __init__(self, opens: Callable[..., contextlib.AbstractContextManager[Any]]) -> None:
        self._opens = opens
        self._engines: dict[str | None, Any] = {}
        self._process = os.getpid()
        _all_kept.add(self)

    @contextlib.contextmanager
    def __call__(self, run_id: str | None = None) -> Iterator[Any]:
        engine = self._engines.get(run_id) if os.getpid() == self._process else None
        if engine is not None:
            with engine.begin() as connection:
                before = _changes(connection)
                yield connection
                is_changed = _changes(connection) != before
            if is_changed:
                _touch(engine)
            return
        with self._opens(*([run_id] if run_id is not None else [])) as connection:
            yield connection
            file = _sqlite_file(connection)
        if file and len(self._engines) < _MOST:
            self._engines.setdefault(run_id, _engine(file))

    def close(self) -> None:
        """Close the connections for good."""
        _all_kept.discard(self)
        self.close_idle()

    def close_idle(self) -> None:
        """Close the connections that nobody uses at the moment, unless they are another process's."""
        if os.getpid() == self._process:
            for engine in list(self._engines.values()):
                engine.dispose()


_all_kept: set[_Kept] = set()


def _before_fork() -> None:
    """SQLite would take the locks of an inherited connection for the child's own, and lose what the child writes."""
    for kept in list(_all_kept):
        kept.close_idle()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork)


def _changes(connection: Any) -> int:
    """Return how many rows the connection has changed since it was opened."""
    return int(connection.connection.driver_connection.total_changes)


def _touch(engine: Any) -> None:
    """Let Dagster's pages see what was written: they watch the file, and SQLite has written to the log beside it."""
    with contextlib.suppress(OSError):
        os.utime(engine.url.database)


def _sqlite_file(connection: Any) -> Path | None:
    url = connection.engine.url
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    return file if file and file.is_file() else None


def _engine(file: Path) -> Any:
    import sqlalchemy as db

    # Each thread that connects at the same time has a connection of its own; one stays.
    return db.create_engine(
        db.URL.create("sqlite", database=str(file)),
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )
