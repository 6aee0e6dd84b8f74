"""What every warehouse can do, and the SQL that keeps the tables exact whichever warehouse it is.

Loads are all or nothing and can be repeated: delete and insert by landing in one transaction. Not here: connections
and bulk loading, which each warehouse does its own way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from retail_assets.errors import WarehouseError
from retail_assets.tables import SALES, SALES_CLEAN, SALES_QUARANTINE, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.lake import CleanManifest
    from retail_assets.storage import Store

#: Runs a statement with parameters; returns the rows of a SELECT, an empty list otherwise.
Execute = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Loaded:
    """Rows that a load put into and took out of `sales_clean` and `sales_quarantine`, and `sales` after it."""

    clean_inserted: int
    clean_deleted: int
    quarantine_inserted: int
    quarantine_deleted: int
    sales_total: int


class Warehouse(Protocol):
    """A schema in a database. Methods raise WarehouseError; none leaves a transaction open."""

    schema: str

    def load_landings(self, store: Store, landings: Sequence[CleanManifest]) -> Loaded:
        """Make the tables say exactly what these landings say, whatever they said of them before."""
        ...

    def replace(self, table: Table, rows: pa.Table) -> int:
        """Replace a table's rows in one transaction; returns their number."""
        ...

    def rebuild(self, table: Table, select: str) -> int:
        """Replace a table's rows by a query's in one transaction; returns their number."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Rows of a SELECT. Raises NotReadyError when a table has not been made yet."""
        ...

    def exists(self, table: Table) -> bool: ...

    def location(self, table: Table | None = None) -> str:
        """Where a table is, without credentials: for metadata and messages."""
        ...


def apply_landings(run: Execute, landings: Sequence[CleanManifest]) -> Loaded:
    """Move staged rows into the tables, inside the caller's transaction.

    Expects the staged relations `stage_clean` and `stage_quarantine` with the tables' columns. Afterwards `sales`
    equals its definition (the latest landing's latest line of each transaction), and only transactions that these
    landings mention, now or before, were touched.
    """
    days = [m.landed_on for m in landings]
    _check_stage(run, landings)
    marks = ", ".join("?" for _ in days)
    run("DROP TABLE IF EXISTS touched", ())
    run(
        "CREATE TEMP TABLE touched AS SELECT transaction_id FROM stage_clean "
        f"UNION SELECT transaction_id FROM sales_clean WHERE landed_on IN ({marks})",
        days,
    )
    counts = []
    for table, stage in ((SALES_CLEAN, "stage_clean"), (SALES_QUARANTINE, "stage_quarantine")):
        [(deleted,)] = run(f"SELECT count(*) FROM {table.name} WHERE landed_on IN ({marks})", days)
        run(f"DELETE FROM {table.name} WHERE landed_on IN ({marks})", days)
        run(f"INSERT INTO {table.name} ({table.column_list}) SELECT {table.column_list} FROM {stage}", ())
        [(inserted,)] = run(f"SELECT count(*) FROM {stage}", ())
        counts += [int(inserted), int(deleted)]
    run("DELETE FROM sales WHERE transaction_id IN (SELECT transaction_id FROM touched)", ())
    run(
        f"INSERT INTO sales ({SALES.column_list}) "
        + current_sales("sales_clean", only="transaction_id IN (SELECT transaction_id FROM touched)"),
        (),
    )
    run("DROP TABLE touched", ())
    [(total,)] = run("SELECT count(*) FROM sales", ())
    return Loaded(*counts, sales_total=int(total))


def current_sales(clean: str, only: str = "TRUE") -> str:
    """The definition of `sales`: of each transaction, the latest landing's latest line."""
    return (
        f"SELECT {SALES.column_list} FROM ("
        f"SELECT {SALES.column_list}, row_number() OVER (PARTITION BY transaction_id "
        "ORDER BY landed_on DESC, source_file DESC, source_line DESC) AS version "
        f"FROM {clean} WHERE {only}) AS versions WHERE version = 1"
    )


def _check_stage(run: Execute, landings: Sequence[CleanManifest]) -> None:
    """Refuse a stage that is not what the manifests promise. Nothing else would notice: keys are not enforced."""
    by_day: dict[dt.date, CleanManifest] = {m.landed_on: m for m in landings}
    for table, stage, status in (
        (SALES_CLEAN, "stage_clean", "clean"),
        (SALES_QUARANTINE, "stage_quarantine", "quarantine"),
    ):
        staged = dict(run(f"SELECT landed_on, count(*) FROM {stage} GROUP BY landed_on", ()))
        promised = {day: n for day, m in by_day.items() if (n := m.rows(status))}
        if staged != promised:
            wrong = sorted(day for day in staged.keys() | promised.keys() if staged.get(day) != promised.get(day))
            detail = ", ".join(f"{d}: {promised.get(d, 0)} promised, {staged.get(d, 0)} found" for d in wrong[:5])
            raise WarehouseError(
                f"{table.name}: the files of the lake do not hold what their manifest says ({detail}). "
                "Nothing was loaded. Materialize clean_sales again for these landings."
            )
        key = ", ".join(table.key)
        [(repeated,)] = run(
            f"SELECT count(*) FROM (SELECT {key} FROM {stage} GROUP BY {key} HAVING count(*) > 1) AS d", ()
        )
        if repeated:
            raise WarehouseError(
                f"{table.name}: {repeated} key(s) ({key}) stand more than once in the staged files. Nothing was loaded."
            )
