"""Where a process is killed: hooks around the store and the warehouse, set in a child process and never in ours.

`arm(Kill("half an object", DATA, 2))` makes the process, and all of its session (the JVM, Spark's Python workers),
end by SIGKILL at one point, as a power cut or the kernel's out-of-memory killer would end it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse

#: Objects by what they are.
DATA, RAW_MANIFEST, CLEAN_MANIFEST = r"/clean/.*\.parquet$", r"/raw/.*manifest\.json$", r"/clean/.*manifest\.json$"
#: Stands for closing a connection where hooks wait for a statement.
CLOSE = "close"


@dataclass(frozen=True)
class Kill:
    """`hook` names one of the functions below, `at` is the pattern it waits for, `count` at which match it kills."""

    hook: str
    at: str = ""
    count: int = 1

    def __str__(self) -> str:
        return f"{self.hook}|{self.at}|{self.count}"

    @staticmethod
    def parse(text: str) -> Kill:
        hook, at, count = text.split("|")
        return Kill(hook, at, int(count))


def arm(kill: Kill) -> None:
    """Make this process die at this point."""
    _HOOKS[kill.hook](kill)


def end_the_session() -> None:
    """Kill every process of this session. All are stopped first, so that none sees others die and tidies up.

    If several come here at once (two of Spark's tasks), one does it; otherwise they would stop each other.
    """
    try:
        os.mkdir(os.path.join(os.environ["RETAIL_TEST_HOME"], ".ending"))
    except FileExistsError:
        while True:
            signal.pause()
    me, session = os.getpid(), os.getsid(0)
    # Where the parents of a process group end and somebody in it is stopped, the kernel sends SIGHUP to all of it: here
    # to the killer, before it has killed the rest. The session's leader cannot leave its group, and need not.
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    others: set[int] = set()
    while more := {p for p in psutil.pids() if p not in others and p != me and _session(p) == session}:
        others |= more
        for pid in more:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
    for pid in others:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os.kill(me, signal.SIGKILL)


def _session(pid: int) -> int | None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None


def _counted(kill: Kill) -> Callable[[str], bool]:
    """Return a function that says whether a text is the one that the kill waits for."""
    seen = 0

    def is_it(text: str) -> bool:
        nonlocal seen
        seen += bool(re.search(kill.at, text))
        return bool(re.search(kill.at, text)) and seen == kill.count

    return is_it


def _before_object(kill: Kill) -> None:
    is_it, writing = _counted(kill), Store.writing

    @contextlib.contextmanager
    def wrapped(self: Store, key: str) -> Iterator[Any]:
        if is_it(key):
            end_the_session()
        with writing(self, key) as handle:
            yield handle

    Store.writing = wrapped  # type: ignore[method-assign]


def _half_an_object(kill: Kill) -> None:
    is_it, writing = _counted(kill), Store.writing

    @contextlib.contextmanager
    def wrapped(self: Store, key: str) -> Iterator[Any]:
        with writing(self, key) as handle:
            yield _DyingHandle(handle) if is_it(key) else handle

    Store.writing = wrapped  # type: ignore[method-assign]


class _DyingHandle:
    """A file that kills its writer after half of the first write."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._handle.write(data[: max(1, len(data) // 2)])
        self._handle.flush()
        end_the_session()
        raise AssertionError("survived")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)


def _after_object(kill: Kill) -> None:
    is_it, writing = _counted(kill), Store.writing

    @contextlib.contextmanager
    def wrapped(self: Store, key: str) -> Iterator[Any]:
        with writing(self, key) as handle:
            yield handle
        if is_it(key):
            end_the_session()

    Store.writing = wrapped  # type: ignore[method-assign]


def _after_deletion(kill: Kill) -> None:
    delete = Store.delete

    def wrapped(self: Store, keys: list[str]) -> None:
        for key in keys:
            delete(self, [key])
            end_the_session()

    Store.delete = wrapped  # type: ignore[method-assign]


def _before_statement(kill: Kill) -> None:
    die_before_statement(_counted(kill), end_the_session)


def die_before_statement(is_it: Callable[[str], bool], end: Callable[[], None]) -> None:
    """Call `end` before the statement of a DuckDB load for which `is_it` is true; CLOSE stands for closing."""
    connect = DuckDBWarehouse._connect

    def wrapped(self: DuckDBWarehouse) -> Any:
        return _DyingConnection(connect(self), is_it, end)

    DuckDBWarehouse._connect = wrapped  # type: ignore[method-assign]


class _DyingConnection:
    """A connection that kills before a statement, or before it is closed."""

    def __init__(self, connection: Any, is_it: Callable[[str], bool], end: Callable[[], None]) -> None:
        self._connection, self._is_it, self._end = connection, is_it, end

    def execute(self, sql: str, *parameters: Any) -> Any:
        if self._is_it(sql):
            self._end()
        return self._connection.execute(sql, *parameters)

    def close(self) -> None:
        if self._is_it(CLOSE):
            self._end()
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _after_load(kill: Kill) -> None:
    load_landings = DuckDBWarehouse.load_landings

    def wrapped(self: DuckDBWarehouse, *arguments: Any) -> Any:
        load_landings(self, *arguments)
        end_the_session()

    DuckDBWarehouse.load_landings = wrapped  # type: ignore[assignment,method-assign]


_HOOKS = {
    "before object": _before_object,
    "half an object": _half_an_object,
    "after object": _after_object,
    "after deletion": _after_deletion,
    "before statement": _before_statement,
    "after load": _after_load,
}
