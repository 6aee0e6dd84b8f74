"""The SQLite file of a bundle, opened read-only as a stranger's file: known tables only, bounded, one error.

`immutable=1` takes no lock and looks for no journal: a bundle's file never changes. Connections are pooled, because a
connection serves one thread at a time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.schema import ALL

_MAGIC = b"SQLite format 3\0"
_LONGEST_VALUE = 4 * 1024**2

_LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10_000),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 50),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (sqlite3.SQLITE_LIMIT_COLUMN, 100),
)


class Database:
    """The tables of a bundle.

    Raises BadBundleError from every method, and when it is opened, for a file that is not such a database.
    """

    def __init__(self, path: Path, counts: Mapping[str, int]) -> None:
        self._path = path
        self._uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._free: deque[sqlite3.Connection] = deque()
        self._process = os.getpid()
        self._close = weakref.finalize(self, _close_all, self._free)
        try:
            with path.open("rb") as file:
                magic = file.read(len(_MAGIC))
        except OSError as e:
            raise BadBundleError(f"{path} cannot be read ({e.strerror}). Materialize serving_bundle again.") from None
        if magic != _MAGIC:
            raise self._bad("it is not a SQLite file")
        self._refuse_other_schema(counts)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        with self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close what is not in use; the rest is closed as it comes back."""
        self._close()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():  # after a fork: SQLite forbids to go on with a parent's connection
            self._inherited, self._free, self._process = self._free, deque(), os.getpid()
            self._close = weakref.finalize(self, _close_all, self._free)
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as e:
            connection.close()
            raise self._bad(str(e)) from None
        except BaseException:
            connection.close()
            raise
        if self._close.alive:
            self._free.append(connection)
        else:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            # A pooled connection is used by one thread at a time, but not always by the same.
            connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as e:
            raise self._bad(str(e)) from None
        try:
            for limit, most in _LIMITS:
                connection.setlimit(limit, most)
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA cell_size_check=ON")
            connection.execute("PRAGMA mmap_size=0")
            connection.execute("PRAGMA cache_size=-4000")  # kB per connection
        except sqlite3.Error as e:
            connection.close()
            raise self._bad(str(e)) from None
        return connection

    def _refuse_other_schema(self, counts: Mapping[str, int]) -> None:
        expected = {(table.name, table.ddl) for table in ALL}
        # One more than expected: a schema of a million views must not be read to be refused.
        found = self.rows("SELECT type, name, sql FROM sqlite_schema LIMIT ?", (len(ALL) + 1,))
        if {kind for kind, _, _ in found} != {"table"} or {(name, sql) for _, name, sql in found} != expected:
            raise self._bad("its tables are not those of a bundle")
        if set(counts) != {table.name for table in ALL}:
            raise self._bad("its manifest does not count its tables")
        for table in ALL:
            [(number,)] = self.rows(f"SELECT count(*) FROM {table.name}")
            if number != counts[table.name]:
                raise self._bad(f"{table.name} has {number} rows and not {counts[table.name]}")

    def _bad(self, reason: str) -> BadBundleError:
        return BadBundleError(f"{self._path.name} is damaged: {reason[:200]}. Materialize serving_bundle again.")


def _close_all(connections: deque[sqlite3.Connection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            connections.pop().close()
