"""The embedded warehouse: one DuckDB file, one schema a source.

DuckDB lets one process write and nobody read beside it, so connections open late, close soon, and wait for others
with a jittered pause. Files are read before the lock is taken where they are remote.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retail_assets.errors import NotReadyError, StorageError, WarehouseBusyError, WarehouseError
from retail_assets.tables import SALES, SALES_CLEAN, SALES_QUARANTINE, Column, Table, identifier
from retail_assets.warehouse.protocol import Loaded, apply_landings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from retail_assets.lake import CleanManifest
    from retail_assets.storage import Store

_TYPES = {"double": "DOUBLE", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP"}
_MEMORY = "2GB"


class DuckDBWarehouse:
    """Tables of one source in the schema `schema` of the database file `path`."""

    def __init__(self, path: Path, schema: str, *, wait_seconds: float = 120.0) -> None:
        self._path = path
        self.schema = identifier(schema)
        self._wait_seconds = wait_seconds

    def load_landings(self, store: Store, landings: Sequence[CleanManifest]) -> Loaded:
        """See `Warehouse.load_landings`."""
        clean = [key for m in landings for key in m.keys("clean")]
        quarantine = [key for m in landings for key in m.keys("quarantine")]
        with self._writing() as con:
            for table in (SALES_CLEAN, SALES_QUARANTINE, SALES):
                self._ensure(con, table)
            _stage(con, store, "stage_clean", SALES_CLEAN, clean)
            _stage(con, store, "stage_quarantine", SALES_QUARANTINE, quarantine)

            def run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                result = con.execute(sql, list(parameters))
                return result.fetchall() if sql.startswith("SELECT") else []

            return apply_landings(run, landings)

    def replace(self, table: Table, rows: pa.Table) -> int:
        """See `Warehouse.replace`."""
        conformed = rows.select(list(table.names)).cast(table.arrow_schema())
        with self._writing() as con:
            self._ensure(con, table)
            con.register("new_rows", conformed)
            con.execute(f"DELETE FROM {table.name}")
            con.execute(f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM new_rows")
            con.unregister("new_rows")
        return int(conformed.num_rows)

    def rebuild(self, table: Table, select: str) -> int:
        """See `Warehouse.rebuild`."""
        with self._writing() as con:
            self._ensure(con, table)
            con.execute(f"DELETE FROM {table.name}")
            con.execute(f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM ({select}) AS q")
            [(count,)] = con.execute(f"SELECT count(*) FROM {table.name}").fetchall()
        return int(count)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """See `Warehouse.query`."""
        if not self._path.exists():
            raise NotReadyError(f"There is no warehouse at {self._path} yet. Materialize the asset `sales` first.")
        with self._connected(read_only=True) as con:
            return con.sql(sql, params=list(parameters)).to_arrow_table()

    def exists(self, table: Table) -> bool:
        if not self._path.exists():
            return False
        with self._connected(read_only=True) as con:
            found = con.execute(
                "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
                [self.schema, table.name],
            ).fetchall()
        return bool(found)

    def location(self, table: Table | None = None) -> str:
        """`duckdb:<file>#<schema>.<table>`"""
        name = f"{self.schema}.{table.name}" if table else self.schema
        return f"duckdb:{self._path}#{name}"

    def _ensure(self, con: duckdb.DuckDBPyConnection, table: Table) -> None:
        con.execute(f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(map(column_ddl, table.columns))})")
        found = {
            name: kind
            for name, kind in con.execute(
                "SELECT column_name, data_type FROM information_schema.columns "
                "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
                [self.schema, table.name],
            ).fetchall()
        }
        for column in table.columns:
            if column.name not in found:
                raise WarehouseError(
                    f"{self.location(table)} has no column {column.name}: it was made by another version. "
                    f"Drop the table, then materialize it again from the landings."
                )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in a transaction that commits when the block ends well and rolls back otherwise."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise StorageError(f"Cannot make the folder {self._path.parent}: {e.strerror}. Check RETAIL_HOME.") from e
        with self._connected(read_only=False) as con:
            con.execute("BEGIN")
            try:
                yield con
                con.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(Exception):
                    con.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _connected(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        con = self._connect(read_only)
        try:
            if not read_only:
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
            con.execute(f"SET schema = '{self.schema}'")
            yield con
        except duckdb.CatalogException as e:
            if "does not exist" in str(e):
                raise NotReadyError(
                    f"{self.location()}: {str(e).splitlines()[0]}. Materialize the asset that makes it first."
                ) from e
            raise WarehouseError(f"{self.location()}: {e}") from e
        except (duckdb.OutOfMemoryException, duckdb.IOException) as e:
            if "No space left" in str(e):
                raise StorageError(f"The disk of {self._path} is full: nothing was changed. Free some space.") from e
            raise WarehouseError(f"{self.location()}: {e}") from e
        except duckdb.Error as e:
            raise WarehouseError(f"{self.location()}: {e}") from e
        finally:
            con.close()

    def _connect(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        import duckdb

        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                return duckdb.connect(
                    str(self._path), read_only=read_only, config={"memory_limit": _MEMORY, "preserve_insertion_order": False}
                )
            except duckdb.IOException as e:
                if "lock" not in str(e).lower():
                    raise WarehouseError(
                        f"Cannot open {self._path}: {str(e).splitlines()[0]}. If it is damaged, move it away and "
                        "materialize `sales` over all landings: every table is made again from the raw files."
                    ) from e
                if time.monotonic() > deadline:
                    raise WarehouseBusyError(
                        f"Another process has {self._path} open and did not let go of it in {self._wait_seconds:.0f} s "
                        "(a notebook, a BI tool, a second run?). Close it and run the same again."
                    ) from e
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - a pause, not a secret
            except duckdb.ConnectionException as e:  # this process has it open in the other mode
                if time.monotonic() > deadline:
                    raise WarehouseBusyError(f"{self._path} is in use in this process. Run the same again.") from e
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311


def column_ddl(column: Column) -> str:
    """`name TYPE [NOT NULL]` in DuckDB's SQL. Lengths of varchar are documentation there: it does not enforce them."""
    return f"{column.name} {_TYPES.get(column.type, column.type.upper())}{'' if column.nullable else ' NOT NULL'}"


def _stage(con: duckdb.DuckDBPyConnection, store: Store, name: str, table: Table, keys: list[str]) -> None:
    """A temporary view over Parquet files of the lake, with the table's columns."""
    if not keys:
        con.register(name, table.arrow_schema().empty_table())
        return
    if store.is_local:
        paths = ", ".join("'" + str(store.local_path(k)).replace("'", "''") + "'" for k in keys)
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {table.column_list} "
            f"FROM read_parquet([{paths}], hive_partitioning=false, union_by_name=true)"
        )
        return
    import pyarrow.dataset as ds

    fs = store.filesystem()
    paths_in_store = [store.uri_of(k).split("://", 1)[1] for k in keys]
    con.register(name, ds.dataset(paths_in_store, filesystem=fs, format="parquet", schema=table.arrow_schema()))
