"""Opens DuckDB's files: in a process, many read one or one writes to it.

A file that is read is attached to one engine of the process: DuckDB takes thirty milliseconds of CPU to make an engine,
and two to attach a file to one, and a run asks hundreds of questions.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.contracts.typing_sql.literals import literal

if TYPE_CHECKING:
    import duckdb

MEMORY = "2GB"


class OpenHereError(Exception):
    """This process reads or writes the file, so that it cannot be opened as asked."""


@dataclass
class _Attached:
    """A file that is read, and its name in the engine. It is open once for all readers.

    The operating system lets go of its lock when this process closes the file anywhere, also after a vain attempt to
    open it to write.
    """

    name: str
    readers: int = 0


class _Engine:
    """A database in memory that has nothing of its own, made for the first file.

    While no file is open it has one thread: the others would keep what they have allocated. It is closed before a fork,
    as the child has none of its threads, and after an error that makes it unusable.
    """

    def __init__(self) -> None:
        # A reader that was left open is closed when its memory is collected, which may be while this thread opens one.
        self.lock = threading.RLock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._is_broken = False
        self._spills_to = ""
        self._attached: dict[str, _Attached] = {}
        self._written: set[str] = set()
        self._opening = 0
        self._names = 0

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Keep the file from other readers and writers of this process."""
        file = os.path.realpath(path)
        with self.lock:
            if file in self._written or file in self._attached:
                raise OpenHereError(path)
            self._written.add(file)
        try:
            yield
        finally:
            with self.lock:
                self._written.remove(file)

    @contextlib.contextmanager
    def reading(self, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """See `reading`."""
        import duckdb

        broken = (duckdb.FatalException, duckdb.InternalException)  # after these, DuckDB answers nothing any more
        file = os.path.realpath(path)
        with self.lock:
            if file in self._written:
                raise OpenHereError(path)
            try:
                connection, attached = self._opened(file)
            except broken:
                self._is_broken = True
                self.close_if_idle()
                raise
        try:
            connection.execute(f"USE {attached.name}")
            yield connection
        except broken:
            self._is_broken = True
            raise
        finally:
            connection.close()
            with self.lock:
                self._detach(file)

    def close_if_idle(self) -> None:
        """Close the database, unless a file is open. For the holder of the lock."""
        if self._database is not None and not self._attached and not self._opening:
            self._database.close()
            self._database, self._is_broken = None, False

    def _opened(self, file: str) -> tuple[duckdb.DuckDBPyConnection, _Attached]:
        """A new connection, and the file, which has one reader more."""
        self._opening += 1
        try:
            database = self._ready(file)
            attached = self._attached.get(file)
            if attached is None:
                self._names += 1
                attached = _Attached(f"file_{self._names}")
                database.execute(f"ATTACH {literal(file)} AS {attached.name} (READ_ONLY, TYPE duckdb)")
                self._attached[file] = attached
            attached.readers += 1
            return database.cursor(), attached
        finally:
            self._opening -= 1

    def _ready(self, file: str) -> duckdb.DuckDBPyConnection:
        """The database. What does not fit into memory goes beside the file, as if the file had been opened itself."""
        import duckdb

        if self._database is not None and self._attached:
            return self._database
        if self._database is None:
            self._database = duckdb.connect(config={"memory_limit": MEMORY, "preserve_insertion_order": False})
            self._spills_to = ""
        if self._spills_to != (spills_to := f"{file}.tmp"):
            self._database.execute(f"SET GLOBAL temp_directory = {literal(spills_to)}")
            self._spills_to = spills_to
        self._database.execute("RESET GLOBAL threads")
        return self._database

    def _detach(self, file: str) -> None:
        attached, database = self._attached[file], self._database
        attached.readers -= 1
        if attached.readers or database is None:
            return
        del self._attached[file]
        if self._is_broken:
            self.close_if_idle()
            return
        database.execute(f"DETACH {attached.name}")
        if self._attached or self._opening:
            return
        if os.path.exists(self._spills_to):  # it goes away, and can be another one, only with the database
            self.close_if_idle()
        else:
            database.execute("SET GLOBAL threads = 1")


_engine = _Engine()


def reading(path: Path) -> contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A connection to an existing file that nobody can write meanwhile: unqualified names are those of the file.

    Any number of threads may read one file. Raises OpenHereError while this process writes to it, and duckdb.Error if
    it cannot be opened.
    """
    return _engine.reading(path)


@contextlib.contextmanager
def writing(path: Path, connect: Callable[[], duckdb.DuckDBPyConnection]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection that `connect` makes to a file, which nobody can open meanwhile.

    Raises OpenHereError while this process reads the file or writes to it, and what `connect` raises.
    """
    with _engine.writing(path), contextlib.closing(connect()) as connection:
        yield connection


def _before_fork() -> None:
    _engine.lock.acquire()
    _engine.close_if_idle()


def _in_parent() -> None:
    _engine.lock.release()


def _in_child() -> None:
    # A file that is open is the parent's.
    global _engine
    _engine = _Engine()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
