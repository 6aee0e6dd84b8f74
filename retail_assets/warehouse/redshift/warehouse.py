"""Amazon Redshift behind the `Warehouse` protocol.

A write is one transaction, which is repeated from the start after a conflict or a lost connection:

    LOCK load_lock               before anything is read, so that the snapshot includes the previous writer's work
    CREATE TEMP TABLE, COPY      Parquet by manifest; Redshift reads S3 itself, with its role
    checks                       keys are not enforced, so the stage is compared with what the manifests promise
    DELETE, INSERT               by landing, with a column list
    COMMIT

The lock is a table of its own without rows: a lock on `sales` itself would make every reader wait for the load, and the
load for every forgotten session that has read. A writer in another program shows as a conflict, and the write is
repeated. TRUNCATE is never used: it commits.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from retail_assets.errors import WarehouseError
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets.tables import ALL, KEPT, SALES, SALES_CLEAN, SALES_QUARANTINE, Table, identifier
from retail_assets.warehouse import comments, erasures, fingerprint
from retail_assets.warehouse.loads import apply_landings, refuse_outdated
from retail_assets.warehouse.protocol import Loaded
from retail_assets.warehouse.redshift import catalog, rows, sql
from retail_assets.warehouse.redshift.connection import Session, Sessions
from retail_assets.warehouse.redshift.staging import Staging, StagingFolder

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.lake.manifests import CleanManifest
    from retail_assets.storage import Store
    from retail_assets.warehouse.customer_hash import Customer

log = logging.getLogger(__name__)

#: Redshift analyzes tables in the background when it is idle. A load that changes this share of a large table does not
#: wait for that, because the marts are computed from it next. For smaller changes ANALYZE would skip the table.
_ANALYZE_SHARE = 0.10
_ANALYZE_ROWS = 10_000

_LOAD_ERROR = (
    "SELECT file_name, line_number, column_name, error_message FROM sys_load_error_detail "
    "WHERE session_id = ? ORDER BY start_time DESC LIMIT 1"
)


class RedshiftWarehouse:
    """Tables of one source in the schema `schema` of a Redshift database.

    `staging` is a store on S3 that Redshift's role can read and write; `prefix` is its folder for temporary files.
    """

    def __init__(
        self,
        settings: RedshiftSettings,
        schema: str,
        staging: Store,
        prefix: str,
        *,
        wait_seconds: float = 1800.0,
        attempts: int = 5,
        pause_seconds: float = 0.5,
    ) -> None:
        self.schema = identifier(schema)
        self._settings = settings
        self._staging = Staging(staging, prefix)
        self._wait_seconds = wait_seconds
        self._described: set[str] = set()
        self._sessions = Sessions(settings, schema, attempts=attempts, pause_seconds=pause_seconds)

    def __repr__(self) -> str:
        return f"RedshiftWarehouse({self.location()!r})"

    def load_landings(self, store: Store, landings: Sequence[CleanManifest], identity_limit: float = 1.0) -> Loaded:
        """See `Warehouse.load_landings`. The number of statements does not grow with the number of landings."""
        clean = [f for m in landings for f in m.files["clean"]]
        quarantine = [f for m in landings for f in m.files["quarantine"]]
        if (clean or quarantine) and not store.uri.startswith("s3://"):
            raise WarehouseError(f"Redshift loads from S3, and the lake is at {store.uri}. Set RETAIL_LAKE_URI=s3://….")
        with self._staging.folder() as folder:
            staged = [
                ("stage_clean", SALES_CLEAN, folder.manifest("clean", store, clean) if clean else None),
                (
                    "stage_quarantine",
                    SALES_QUARANTINE,
                    folder.manifest("quarantine", store, quarantine) if quarantine else None,
                ),
            ]

            def work(session: Session) -> Loaded:
                catalog.ensure(session, self.schema, KEPT)
                self._lock(session)
                refuse_outdated(store, landings)
                for stage, table, manifest in staged:
                    self._stage(session, stage, table, manifest)

                def run(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                    return session.run(sql.filled_in(statement, parameters))

                loaded = apply_landings(run, landings, identity_limit)
                session.commit()
                self._comment(session, KEPT)
                changed = loaded.clean_inserted + loaded.clean_deleted
                if _is_worth_analyzing(changed, loaded.sales_total):
                    self._analyze(session, (SALES_CLEAN, SALES))
                return loaded

            return self._sessions.repeated(f"loading {_days(landings)}", work, tag="load")

    def replace(self, table: Table, rows: pa.Table) -> int:
        """See `Warehouse.replace`."""
        try:
            conformed = rows.select(list(table.names)).cast(table.arrow_schema())
        except (KeyError, ValueError) as e:
            raise WarehouseError(f"{self.location(table)}: the new rows do not fit ({e}). The old ones stay.") from e
        with self._staging.folder() as folder:
            manifest = folder.table(table.name, conformed) if conformed.num_rows else None

            def fill(session: Session) -> None:
                self._stage(session, "stage_rows", table, manifest)
                session.run(
                    f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM stage_rows"
                )

            return self._replaced(table, fill)

    def rebuild(self, table: Table, select: str) -> int:
        """See `Warehouse.rebuild`."""

        def fill(session: Session) -> None:
            session.run(
                f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM ({select}) AS q"
            )

        return self._replaced(table, fill)

    def erase(self, places: pa.Table, customer: Customer, *, dry_run: bool = False) -> dict[str, int]:
        """See `Warehouse.erase`."""
        with self._staging.folder() as folder:
            manifest = folder.table(erasures.PLACES.name, places) if places.num_rows else None

            def work(session: Session) -> dict[str, int]:
                existing = catalog.names(catalog.tables(session, self.schema), ALL)
                if not existing:
                    return {}
                self._lock(session)
                self._stage(session, erasures.PLACES.name, erasures.PLACES, manifest)

                def run(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                    return session.run(sql.filled_in(statement, parameters))

                counts = (erasures.count if dry_run else erasures.erase)(run, existing, customer)
                session.commit()
                return counts

            return self._sessions.repeated("erasing a customer", work, tag="erase")

    def purge(self) -> None:
        """See `Warehouse.purge`. VACUUM gives up the space of deleted rows; it is outside of transactions.

        What killed processes have left in the staging folder may be a copy of any table, and goes as well.
        """
        self._staging.discard()

        def work(session: Session) -> None:
            existing = catalog.names(catalog.tables(session, self.schema), ALL)
            session.commit()  # VACUUM refuses to be part of the transaction that looked for the tables
            with session.outside_a_transaction():
                for name in sorted(existing):
                    session.run(f"VACUUM DELETE ONLY {self.schema}.{identifier(name)} TO 100 PERCENT")

        self._sessions.repeated("giving up the space of deleted rows", work, tag="vacuum")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """See `Warehouse.query`. All rows are held in memory; for many rows, use `scan`."""

        def work(session: Session) -> pa.Table:
            result = session.run(sql, parameters)
            return rows.to_arrow(session.columns, result)

        return self._sessions.repeated("querying", work, tag="query")

    def scan(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """See `Warehouse.scan`. Redshift writes Parquet files to the staging folder (UNLOAD); each is read in turn."""
        select = sql.filled_in(query, parameters)
        with self._staging.folder() as parent:

            def work(session: Session) -> StagingFolder:
                # A new folder per attempt: UNLOAD needs an empty one, and a failed attempt may have left files.
                folder = parent.inner()
                session.run(sql.unload(select, folder.uri, self._settings.iam_role))
                return folder

            yield from self._sessions.repeated("unloading", work, tag="scan").batches()

    def unchanged(self) -> AbstractContextManager[None]:
        """See `Warehouse.unchanged`: Redshift's own snapshots keep its tables."""
        return nullcontext()

    def exists(self, table: Table) -> bool:
        """Return whether the table exists."""

        def work(session: Session) -> bool:
            return table.name in catalog.tables(session, self.schema)

        return self._sessions.repeated("looking for a table", work, tag="exists")

    def fingerprint(self, table: Table, leave_out: frozenset[str] = frozenset()) -> str:
        """See `Warehouse.fingerprint`."""
        [row] = self.query(fingerprint.portable_query(table, leave_out)).to_pylist()
        return f"{row['n']}-{row['content']}"

    def location(self, table: Table | None = None) -> str:
        """Return `redshift:<database>#<schema>.<table>`, without the endpoint, which does not belong in a log."""
        name = f"{self.schema}.{table.name}" if table else self.schema
        return f"redshift:{self._settings.database}#{name}"

    def examine(self) -> str:
        """Log in, let Redshift read a file of the staging folder into a temporary table, and return what was found.

        Raises RetailError if anything would prevent a load.
        """
        import pyarrow as pa

        with self._staging.folder() as folder:
            manifest = folder.table("probe", pa.table({"probe": pa.array([1], pa.int64())}))

            def work(session: Session) -> str:
                [(user, version)] = session.run("SELECT CAST(current_user AS VARCHAR(128)), version()")
                tables = catalog.tables(session, self.schema)
                session.run("CREATE TEMP TABLE stage_probe (probe BIGINT)")
                self._copy(session, "stage_probe", manifest)
                has_sales = catalog.names(tables, KEPT)
                schema = (
                    f"{len(tables)} tables in {self.schema}"
                    if has_sales
                    else f"{self.schema}: the first load creates it"
                )
                return f"{self.location()} as {user}, {str(version).split(',')[0]}; reads S3; {schema}"

            return self._sessions.repeated("checking the warehouse", work, tag="doctor")

    def _replaced(self, table: Table, fill: Callable[[Session], None]) -> int:
        """Replace the rows of a derived table; a table of another version is dropped and created again."""

        def work(session: Session) -> int:
            catalog.ensure(session, self.schema, ())
            self._lock(session)
            existing = catalog.tables(session, self.schema).get(table.name)
            if existing is not None and catalog.differs(table, existing):
                session.run(f"DROP TABLE {self.schema}.{table.name}")
                existing = None
            if existing is None:
                session.run(sql.create_table(self.schema, table))
                self._described.discard(table.name)
            else:
                session.run(f"DELETE FROM {table.name}")
            fill(session)
            [(count,)] = session.run(f"SELECT count(*) FROM {table.name}")
            session.commit()
            self._comment(session, (table,))
            if _is_worth_analyzing(int(count), int(count)):
                self._analyze(session, (table,))
            return int(count)

        return self._sessions.repeated(f"building {table.name}", work, tag=table.name)

    def _lock(self, session: Session) -> None:
        """Begin the transaction of a writer; wait for the previous writer."""
        session.lock(f"{self.schema}.{catalog.LOCK}", self._wait_seconds)

    def _stage(self, session: Session, stage: str, table: Table, manifest: str | None) -> None:
        """Create a temporary table with the rows of a manifest's files; empty without a manifest."""
        session.run(sql.create_stage(stage, table))
        if manifest is not None:
            self._copy(session, stage, manifest, later=table.columns[-1].later)

    def _copy(self, session: Session, stage: str, manifest: str, *, later: bool = False) -> None:
        try:
            session.run(sql.copy(stage, manifest, self._settings.iam_role, later=later))
        except Exception as e:
            e.load_error = self._load_error(session)  # type: ignore[attr-defined]
            raise

    @staticmethod
    def _load_error(session: Session) -> dict[str, Any] | None:
        """What Redshift logged about the COPY that just failed in this session."""
        try:
            session.rollback()
            [(process,)] = session.run(
                "SELECT pg_backend_pid()"
            )  # a separate query: only the leader node has this function
            logged = session.run(_LOAD_ERROR, [process])
        except Exception:  # the view only adds details; the COPY's own error is known
            return None
        names = ("file_name", "line_number", "column_name", "error_message")
        return dict(zip(names, logged[0], strict=True)) if logged else None

    def _comment(self, session: Session, tables: Sequence[Table]) -> None:
        """Describe tables and columns where the texts differ, after the commit: looked up once per table and process.

        Only the owner of a table may; without comments a load is as good.
        """
        wanted = [table for table in tables if table.name not in self._described]
        if not wanted:
            return
        self._described.update(table.name for table in wanted)
        try:
            existing = catalog.comments(session, self.schema)
            for table in wanted:
                name = f"{self.schema}.{table.name}"
                for statement in comments.statements(name, table, existing.get(table.name, {}), sql.literal):
                    session.run(statement)
            session.commit()
        except Exception as e:
            log.warning("%s", self._sessions.explainer.explained(e, "describing tables"))
            with contextlib.suppress(Exception):
                session.rollback()

    def _analyze(self, session: Session, tables: Sequence[Table]) -> None:
        """Update the planner's statistics, after the commit. Without them queries are slow, not wrong."""
        try:
            with session.outside_a_transaction():
                for table in tables:
                    session.run(f"ANALYZE {self.schema}.{table.name} PREDICATE COLUMNS")
        except Exception as e:
            log.warning("%s", self._sessions.explainer.explained(e, "analyzing"))


def _is_worth_analyzing(changed: int, total: int) -> bool:
    return changed >= _ANALYZE_ROWS and changed >= _ANALYZE_SHARE * total


def _days(landings: Sequence[CleanManifest]) -> str:
    days = sorted(str(m.landed_on) for m in landings)
    return "no landing" if not days else days[0] if len(days) == 1 else f"{len(days)} landings to {days[-1]}"
