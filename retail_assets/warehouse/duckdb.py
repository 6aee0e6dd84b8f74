"""The embedded warehouse: one DuckDB file, one schema per source.

While one process writes to a DuckDB file, no other can open it. So connections open late, close soon, and wait for
others with a jittered pause. Files of a remote store are fetched before the database is opened.
"""

from __future__ import annotations

import contextlib
import logging
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.errors import NotReadyError, RetailError, StorageError, WarehouseBusyError, WarehouseError
from retail_assets.lake.sweep import GRACE
from retail_assets.tables import KEPT, SALES, SALES_CLEAN, SALES_QUARANTINE, Column, Table, identifier
from retail_assets.warehouse import comments, compaction, erasures, fingerprint, schema_changes
from retail_assets.warehouse.duckdb_files import MEMORY, OpenHereError, reading, writing
from retail_assets.warehouse.loads import apply_landings, refuse_outdated
from retail_assets.warehouse.protocol import Loaded
from retail_assets.warehouse.schema_changes import MAYBE_OLDER

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from retail_assets.lake.manifests import CleanManifest, LakeFile
    from retail_assets.storage import Store
    from retail_assets.warehouse.customer_hash import Customer

_log = logging.getLogger(__name__)
_PARALLEL_DOWNLOADS = 8
_INCOMING = ".incoming-"
_SCAN_ROWS = 100_000

_REBUILD = "materialize `sales` over all landings: every table is built again from the raw files"
_CLEAN_AGAIN = "Nothing was loaded. Materialize clean_sales again for its landing."

_NO_TABLE = re.compile(r"Table with name (\w+) does not exist|No catalog \+ schema named")
_NO_COLUMN = re.compile(r"Referenced column .* not found|does not have a column named")
#: Somebody else in this process has it open: a notebook, which uses DuckDB itself.
_OPEN_HERE = re.compile(r"Unique file handle conflict|different configuration")
_LOCKED = re.compile(r"Could not set lock on file|being used by another process")
_FULL = re.compile(r"No space left on device|Disk quota exceeded|max_temp_directory_size")
_REFUSED = re.compile(r"Permission denied|Read-only file system|Operation not permitted|Could not write|File too large")
_DAMAGED = re.compile(
    r"Corrupt database file|not a valid DuckDB database|Could not read enough bytes|replaying WAL|Is a directory"
    r"|database has been invalidated|newer version of DuckDB|storage version"
)


class DuckDBWarehouse:
    """Tables of one source in the schema `schema` of the database file `path`."""

    def __init__(self, path: Path, schema: str, *, wait_seconds: float = 120.0) -> None:
        self._path = path
        self.schema = identifier(schema)
        self._wait_seconds = wait_seconds

    def load_landings(self, store: Store, landings: Sequence[CleanManifest], identity_limit: float = 1.0) -> Loaded:
        """See `Warehouse.load_landings`. Also raises StorageError if a store or disk refuses."""
        clean = [f for m in landings for f in m.files["clean"]]
        quarantine = [f for m in landings for f in m.files["quarantine"]]
        self._make_folder()
        with _local_files(store, [*clean, *quarantine], self._path.parent) as paths, self._writing() as con:
            refuse_outdated(store, landings)
            for table in KEPT:
                self._ensure(con, table)
            _comment(con, self.schema, KEPT)
            _stage(con, "stage_clean", SALES_CLEAN, [paths[f.key] for f in clean])
            _stage(con, "stage_quarantine", SALES_QUARANTINE, [paths[f.key] for f in quarantine])

            def run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                result = con.execute(sql, list(parameters))
                return result.fetchall() if sql.startswith("SELECT") else []

            return apply_landings(run, landings, identity_limit)

    def replace(self, table: Table, rows: pa.Table) -> int:
        """See `Warehouse.replace`."""
        try:
            conformed = rows.select(list(table.names)).cast(table.arrow_schema())
        except (KeyError, ValueError) as e:
            raise WarehouseError(f"{self.location(table)}: the new rows do not fit ({e}). The old ones stay.") from e
        with self._writing() as con:
            _create(con, table)
            con.register("new_rows", conformed)
            con.execute(f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM new_rows")
            con.unregister("new_rows")
        return int(conformed.num_rows)

    def rebuild(self, table: Table, select: str) -> int:
        """See `Warehouse.rebuild`."""
        with self._writing() as con:
            _create(con, table)
            con.execute(
                f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM ({select}) AS q"
            )
            [(count,)] = con.execute(f"SELECT count(*) FROM {table.name}").fetchall()
        return int(count)

    def erase(self, places: pa.Table, customer: Customer, *, dry_run: bool = False) -> dict[str, int]:
        """See `Warehouse.erase`."""
        if not self._path.exists():
            return {}
        with self._writing() as con:
            existing = {name for (name,) in con.execute("SHOW TABLES").fetchall()}
            con.register(erasures.PLACES.name, places)

            def run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                result = con.execute(sql, list(parameters))
                return result.fetchall() if sql.startswith("SELECT") else []

            counts = (erasures.count if dry_run else erasures.erase)(run, existing, customer)
            con.unregister(erasures.PLACES.name)
            return counts

    def purge(self) -> None:
        """See `Warehouse.purge`. DuckDB leaves deleted rows in its file, so everything else is copied to a new one."""
        if not self._path.exists():
            return
        path = self._path.resolve()  # a link stays, and what it leads to is the file that has the rows
        with self._open_to_write() as con:
            for file in {self._path, path}:
                compaction.discard(file)
            for left in self._path.parent.glob(f"{_INCOMING}*"):
                shutil.rmtree(left, ignore_errors=True)
            compaction.compact(con, path)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """See `Warehouse.query`."""
        if not self._path.exists():
            raise NotReadyError(f"There is no warehouse at {self._path} yet. Materialize the asset `sales` first.")
        with self._open_to_read() as con:
            return con.sql(sql, params=list(parameters)).to_arrow_table()

    def scan(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """See `Warehouse.scan`. The file stays open, and writers wait, until the last batch is taken."""
        if not self._path.exists():
            raise NotReadyError(f"There is no warehouse at {self._path} yet. Materialize the asset `sales` first.")
        with self._open_to_read() as con:
            yield from _batches(con.sql(query, params=list(parameters)).to_arrow_reader(_SCAN_ROWS))

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[Sequence[Path]]:
        """See `Warehouse.unchanged`. Yields the file, after its log if a writer was killed: to be read in this order.

        The locks of a file end when this process closes it anywhere, also where it only copies it.
        """
        if not self._path.exists():
            yield []
            return
        with contextlib.ExitStack() as stack:
            self._when_free(lambda: stack.enter_context(reading(self._path)))
            yield [path for path in (self._path.with_name(f"{self._path.name}.wal"), self._path) if path.exists()]

    def exists(self, table: Table) -> bool:
        """Return whether the table exists."""
        try:
            self.query(f"SELECT 1 FROM {table.name} LIMIT 0")
        except NotReadyError:
            return False
        return True

    def fingerprint(self, table: Table, leave_out: frozenset[str] = frozenset()) -> str:
        """See `Warehouse.fingerprint`."""
        [row] = self.query(fingerprint.duckdb_query(table, leave_out)).to_pylist()
        return f"{row['n']}-{row['content']}"

    def location(self, table: Table | None = None) -> str:
        """Return `duckdb:<file>#<schema>.<table>`."""
        name = f"{self.schema}.{table.name}" if table else self.schema
        return f"duckdb:{self._path}#{name}"

    def _ensure(self, con: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Create a table that is kept from load to load, or add the columns that are new in this version.

        A new column is NULL in old rows until their landing is loaded again. Raises WarehouseError if the table differs
        in any other way; the transaction is then rolled back.
        """
        con.execute(f"CREATE TABLE IF NOT EXISTS {table_ddl(table)}")
        described = con.execute(f"DESCRIBE {table.name}").fetchall()
        existing = {name: _Existing(kind, null == "YES") for name, kind, null, *_ in described}
        new, refused = schema_changes.compare(table, existing, _duckdb_type, lambda c, has: has.type == _duckdb_type(c))
        if refused:
            raise WarehouseError(
                f"{self.location(table)} was made by another version ({'; '.join(refused[:5])}). Nothing was changed. "
                f"Move {self._path} away and {_REBUILD}."
            )
        for column in new:
            con.execute(f"ALTER TABLE {table.name} ADD COLUMN {column_ddl(column)}")

    def _make_folder(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise StorageError(f"Cannot create the folder {self._path.parent}: {e.strerror}. Check RETAIL_HOME.") from e

    @contextlib.contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in a transaction that commits if the block succeeds and rolls back otherwise."""
        self._make_folder()
        with self._open_to_write() as con:
            con.execute("BEGIN")
            try:
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
                con.execute(f"SET schema = '{self.schema}'")
                yield con
                con.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(Exception):
                    con.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _open_to_read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        try:
            with contextlib.ExitStack() as stack:
                con = self._when_free(lambda: stack.enter_context(reading(self._path)))
                con.execute(f"SET schema = '{self.schema}'")
                yield con
        except duckdb.Error as e:
            raise self._explained(e) from e

    @contextlib.contextmanager
    def _open_to_write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        try:
            with contextlib.ExitStack() as stack:
                yield self._when_free(lambda: stack.enter_context(writing(self._path, self._connect)))
        except duckdb.Error as e:
            raise self._explained(e) from e

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        return duckdb.connect(str(self._path), config={"memory_limit": MEMORY, "preserve_insertion_order": False})

    def _when_free(self, opened: Callable[[], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        """Open the file, and wait for those who use it. Raises WarehouseBusyError if they go on for too long."""
        import duckdb

        if "?" in str(self._path):  # DuckDB would take the rest for options
            raise StorageError(f"DuckDB cannot keep a database at {self._path}: a path must not contain '?'.")
        began, is_reported = time.monotonic(), False
        while True:
            try:
                return opened()
            except (OpenHereError, duckdb.Error) as e:
                in_this_process = isinstance(e, OpenHereError) or _OPEN_HERE.search(str(e))
                if isinstance(e, duckdb.Error) and not in_this_process and not _LOCKED.search(str(e)):
                    raise self._explained(e) from e
                waited = time.monotonic() - began
                if waited > self._wait_seconds:
                    raise self._busy("this process is using it" if in_this_process else _first_line(e)) from e
                if waited > 1 and not is_reported:
                    is_reported = True
                    _log.warning("%s is in use: waiting up to %.0f s …", self._path, self._wait_seconds)
            time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - a pause, not a secret

    def _busy(self, why: str) -> WarehouseBusyError:
        return WarehouseBusyError(
            f"{self._path} is in use and was not free within {self._wait_seconds:.0f} s ({why}). "
            "Is it open in a notebook, a BI tool or a second run? Close it and try again."
        )

    def _explained(self, error: duckdb.Error) -> RetailError:
        """An error that says what to do, by the text of DuckDB's error: its exception types are too coarse."""
        import duckdb

        text, first = str(error), _first_line(error)
        if isinstance(error, duckdb.CatalogException) and (missing := _NO_TABLE.search(text)):
            name = {None: SALES.name, SALES_CLEAN.name: SALES.name}.get(missing[1], missing[1])
            return NotReadyError(f"{self.location()} has no table {name} yet. Materialize the asset `{name}` first.")
        if _FULL.search(text):
            return StorageError(f"The disk of {self._path} is full: nothing was changed. Free some space. ({first})")
        if _REFUSED.search(text):
            return StorageError(
                f"{self._path} cannot be written: nothing was changed. Check its owner and permissions. ({first})"
            )
        if ".parquet" in text:
            return WarehouseError(f"A file of the lake cannot be read: {first}. {_CLEAN_AGAIN}")
        if _DAMAGED.search(text) or isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
            return WarehouseError(
                f"{self._path} cannot be read: {first}. If it is damaged, move it away and {_REBUILD}."
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return WarehouseError(
                f"{self.location()}: more than {MEMORY} of memory is needed. Load fewer landings at a time. ({first})"
            )
        if isinstance(error, duckdb.BinderException) and _NO_COLUMN.search(text):
            return WarehouseError(f"{self.location()}: {first}. {MAYBE_OLDER}")
        return WarehouseError(f"{self.location()}: {text}")


@dataclass(frozen=True)
class _Existing:
    """A column of a table in the file."""

    type: str
    nullable: bool

    def __str__(self) -> str:
        return self.type


def table_ddl(table: Table) -> str:
    """Return `name (column TYPE [NOT NULL], …)` in DuckDB's SQL."""
    return f"{table.name} ({', '.join(map(column_ddl, table.columns))})"


def column_ddl(column: Column) -> str:
    """Return `name TYPE [NOT NULL]` in DuckDB's SQL, without lengths of varchar: DuckDB does not enforce them."""
    return f"{column.name} {_duckdb_type(column)}{'' if column.nullable else ' NOT NULL'}"


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create a table in place of the one that is there. A new one has no comments."""
    con.execute(f"CREATE OR REPLACE TABLE {table_ddl(table)}")
    for statement in comments.statements(table.name, table, {}, literal):
        con.execute(statement)


_COMMENTS = """
    SELECT table_name, '', comment FROM duckdb_tables() WHERE schema_name = ?
    UNION ALL SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = ?"""


def _comment(con: duckdb.DuckDBPyConnection, schema: str, tables: Sequence[Table]) -> None:
    """Describe tables that stay, where their comments are other ones."""
    existing: dict[str, dict[str, str | None]] = {}
    for name, column, comment in con.execute(_COMMENTS, [schema, schema]).fetchall():
        existing.setdefault(name, {})[column] = comment
    for table in tables:
        for statement in comments.statements(table.name, table, existing.get(table.name, {}), literal):
            con.execute(statement)


def _duckdb_type(column: Column) -> str:
    return "VARCHAR" if column.type.startswith("varchar") else column.type.upper()


def _batches(result: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Read a result. An error of DuckDB that Arrow passes on as one of its own is raised as DuckDB's again."""
    import duckdb
    import pyarrow as pa

    with result:  # what was not read would keep the file open
        while True:
            try:
                batch = result.read_next_batch()
            except StopIteration:
                return
            except (OSError, pa.ArrowException) as e:
                raise duckdb.Error(str(e)) from e
            yield batch


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".! ")


@contextlib.contextmanager
def _local_files(store: Store, files: Sequence[LakeFile], parent: Path) -> Iterator[Mapping[str, Path]]:
    """Local paths of the lake's files by key; those of a remote store are fetched into a temporary folder in `parent`.

    Raises WarehouseError if a file is missing or its size is not that of its manifest.
    """
    with contextlib.ExitStack() as stack:
        if store.is_local:
            paths = {f.key: store.local_path(f.key) for f in files}
        else:
            _sweep_fetched(parent)
            try:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_INCOMING, dir=parent)))
            except OSError as e:
                raise StorageError(f"Cannot create a folder in {parent}: {e.strerror}. Check RETAIL_HOME.") from e
            paths = {f.key: folder / f"{number}.parquet" for number, f in enumerate(files)}
            with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
                list(pool.map(lambda item: _fetch(store, *item), paths.items()))
        for file in files:
            path = paths[file.key]
            try:
                size = path.stat().st_size if path.is_file() else None
            except OSError as e:  # no permission to enter the folder
                raise StorageError(
                    f"Cannot read {store.uri_of(file.key)}: {(e.strerror or str(e)).lower()}. Check the owner and the "
                    "permissions of its folder. Nothing was loaded."
                ) from e
            if size != file.size:
                problem = "is not there" if size is None else f"has {size} bytes instead of {file.size}"
                raise WarehouseError(f"{store.uri_of(file.key)} is named by a manifest and {problem}. {_CLEAN_AGAIN}")
        yield paths


def _sweep_fetched(parent: Path) -> None:
    """Remove what loads fetched that were killed more than `GRACE` ago."""
    oldest = time.time() - GRACE.total_seconds()
    for left in parent.glob(f"{_INCOMING}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)


def _fetch(store: Store, key: str, path: Path) -> None:
    if not store.exists(key):
        return
    try:
        with store.open(key) as source, path.open("wb") as target:
            while block := source.read(8 << 20):
                target.write(block)
    except OSError as e:
        raise StorageError(f"Cannot fetch {store.uri_of(key)} to {path}: {e.strerror or e}.") from e


def _stage(con: duckdb.DuckDBPyConnection, name: str, table: Table, paths: list[Path]) -> None:
    """A temporary view over local Parquet files, with the table's columns."""
    if not paths:
        con.register(name, table.arrow_schema().empty_table())
        return
    import duckdb

    later = [column.name for column in table.columns if column.later]
    try:
        selects = []
        for lacking, of_version in _by_version(con, paths, later).items():
            columns = ", ".join(
                f"CAST(NULL AS {_duckdb_type(c)}) AS {c.name}" if c.name in lacking else c.name for c in table.columns
            )
            selects.append(f"SELECT {columns} FROM read_parquet([{_literals(of_version)}], hive_partitioning=false)")
        con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(selects)}")
    except duckdb.BinderException as e:  # DuckDB names no file; the first one defines the columns
        raise WarehouseError(
            f"The lake's files of {table.name} were written by another version: {_first_line(e)}. "
            "Nothing was loaded. Materialize clean_sales again for these landings."
        ) from e
    _refuse_what_redshift_would(con, name, table)


def _by_version(
    con: duckdb.DuckDBPyConnection, paths: list[Path], later: list[str]
) -> dict[frozenset[str], list[Path]]:
    """Return Parquet files by the later columns that they lack. Only an earlier version leaves one out."""
    if not later:
        return {frozenset(): paths}
    versions: dict[frozenset[str], list[Path]] = {}
    rows = con.execute(
        f"SELECT file_name, list(name) FROM parquet_schema([{_literals(paths)}]) GROUP BY ALL"
    ).fetchall()
    names = {file: set(columns) for file, columns in rows}
    for path in paths:
        versions.setdefault(frozenset(later) - names.get(str(path), set(later)), []).append(path)
    return versions


def _literals(paths: list[Path]) -> str:
    return ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)


def _refuse_what_redshift_would(con: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    """Refuse types and lengths that DuckDB would accept and Redshift would not: a lake must load into both."""
    types = {column: kind for column, kind, *_ in con.execute(f"DESCRIBE {name}").fetchall()}
    wrong = [f"{c.name} is {types[c.name]}, not {t}" for c in table.columns if types[c.name] != (t := _duckdb_type(c))]
    if not wrong:
        texts = [c for c in table.columns if c.type.startswith("varchar")]
        [longest] = con.execute(f"SELECT {', '.join(f'max(strlen({c.name}))' for c in texts)} FROM {name}").fetchall()
        wrong = [
            f"{c.name} has a text of {size} bytes, more than {c.type}"
            for c, size in zip(texts, longest, strict=True)
            if size is not None and size > c.numbers[0]
        ]
    if wrong:
        raise WarehouseError(
            f"A file of the lake cannot be loaded into {table.name}: {'; '.join(wrong[:5])}. {_CLEAN_AGAIN}"
        )
