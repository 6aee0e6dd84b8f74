"""What every warehouse can do, and the SQL that keeps the tables exact whichever warehouse it is.

Loads are all or nothing and can be repeated: delete and insert by landing in one transaction. Not here: connections
and bulk loading, which each warehouse does its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from retail_assets.errors import WarehouseBusyError, WarehouseError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, Status
from retail_assets.tables import SALES, SALES_CLEAN, SALES_QUARANTINE, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.storage import Store

_READS_AT_ONCE = 16

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
        """Make the tables say exactly what these landings say, whatever they said of them before.

        Raises WarehouseBusyError when another process writes for too long, or has cleaned a landing again meanwhile.
        """
        ...

    def replace(self, table: Table, rows: pa.Table) -> int:
        """Replace a table in one transaction; returns the number of its rows."""
        ...

    def rebuild(self, table: Table, select: str) -> int:
        """Replace a table by a query's rows in one transaction; returns their number."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Rows of a SELECT. Raises NotReadyError when a table has not been made yet."""
        ...

    def scan(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """Rows of a SELECT a batch at a time, in no order, in memory that does not grow with their number."""
        ...

    def exists(self, table: Table) -> bool: ...

    def location(self, table: Table | None = None) -> str:
        """Where a table is, without credentials: for metadata and messages."""
        ...


def apply_landings(run: Execute, landings: Sequence[CleanManifest]) -> Loaded:
    """Move staged rows into the tables, inside the caller's transaction.

    Expects the staged relations `stage_clean` and `stage_quarantine` with the tables' columns, and a session without
    temporary tables of an earlier load. Afterwards `sales` equals its definition (the latest landing's latest line of
    each transaction), and only transactions that these landings mention, now or before, were touched.
    Raises WarehouseError when the staged rows are not what the manifests promise.
    """
    days = [m.landed_on for m in landings]
    if len(set(days)) < len(days):
        raise ValueError(f"a landing is given more than once: {sorted(map(str, days))}")
    if not days:
        [(total,)] = run("SELECT count(*) FROM sales", ())
        return Loaded(0, 0, 0, 0, sales_total=int(total))
    _check_stage(run, landings)
    marks = ", ".join("?" for _ in days)
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
        counts += [(int(inserted), int(deleted))]
    run("DELETE FROM sales WHERE transaction_id IN (SELECT transaction_id FROM touched)", ())
    # A landing has at most one row of a transaction (the stage was checked), so its latest landing tells the current
    # row. Joined on that instead of ranked as in `current_sales`: a window would sort whole rows, and spill.
    run(
        "CREATE TEMP TABLE latest AS SELECT transaction_id, max(landed_on) AS landed_on FROM sales_clean "
        "WHERE transaction_id IN (SELECT transaction_id FROM touched) GROUP BY transaction_id",
        (),
    )
    run(
        f"INSERT INTO sales ({SALES.column_list}) SELECT {', '.join(f'c.{name}' for name in SALES.names)} "
        "FROM sales_clean AS c JOIN latest AS k ON k.transaction_id = c.transaction_id AND k.landed_on = c.landed_on",
        (),
    )
    # What the checks afterwards cannot see, because a row that is lost leaves no trace.
    [(due,)] = run("SELECT count(*) FROM latest", ())
    [(held,)] = run("SELECT count(*) FROM sales WHERE transaction_id IN (SELECT transaction_id FROM touched)", ())
    if held != due:
        raise WarehouseError(
            f"sales would hold {held} of {due} transactions of these landings. Nothing was loaded. Run the same again; "
            "if it stays, report it."
        )
    run("DROP TABLE latest", ())
    run("DROP TABLE touched", ())
    [(total,)] = run("SELECT count(*) FROM sales", ())
    (clean_in, clean_out), (quarantine_in, quarantine_out) = counts
    return Loaded(clean_in, clean_out, quarantine_in, quarantine_out, sales_total=int(total))


def current_sales(clean: str) -> str:
    """The definition of `sales` over a relation like `sales_clean`: each transaction's latest landing's latest line.

    For checks: it says the same as `apply_landings` in another way.
    """
    return (
        f"SELECT {SALES.column_list} FROM ("
        f"SELECT {SALES.column_list}, row_number() OVER (PARTITION BY transaction_id "
        "ORDER BY landed_on DESC, source_file DESC, source_line DESC) AS version "
        f"FROM {clean}) AS versions WHERE version = 1"
    )


def refuse_outdated(store: Store, landings: Sequence[CleanManifest]) -> None:
    """Refuse landings that were cleaned again since their manifests were read.

    To be asked when it is this load's turn to write: a load that waited for another one of the same landing would else
    put the older rows back. Raises WarehouseBusyError.
    """
    with ThreadPoolExecutor(
        _READS_AT_ONCE
    ) as pool:  # others wait for this turn to end: a remote store is asked at once
        published = list(pool.map(lambda m: Lake(store, m.source).clean(m.landed_on), landings))
    if outdated := sorted(str(m.landed_on) for m, now in zip(landings, published, strict=True) if m != now):
        shown = ", ".join(outdated[:5]) + (" and more" if len(outdated) > 5 else "")
        raise WarehouseBusyError(
            f"Cleaned again by another run while this load waited: {shown}. Nothing was loaded; run the same again."
        )


def _check_stage(run: Execute, landings: Sequence[CleanManifest]) -> None:
    """Refuse a stage that is not what the manifests promise. Nothing else would notice: keys are not enforced."""
    checked: tuple[tuple[Table, str, Status], ...] = (
        (SALES_CLEAN, "stage_clean", "clean"),
        (SALES_QUARANTINE, "stage_quarantine", "quarantine"),
    )
    for table, stage, status in checked:
        found = run(f"SELECT landed_on, count(*), coalesce(sum(total_amount), 0) FROM {stage} GROUP BY landed_on", ())
        staged = {str(day): (int(rows), Decimal(amount)) for day, rows, amount in found}
        promised = {str(m.landed_on): (n, m.amount(status)) for m in landings if (n := m.rows(status))}
        if staged != promised:
            wrong = sorted(day for day in staged.keys() | promised.keys() if staged.get(day) != promised.get(day))
            none = (0, Decimal("0.00"))
            detail = "; ".join(
                f"{d}: {_told(promised.get(d, none))} promised, {_told(staged.get(d, none))} found" for d in wrong[:5]
            )
            raise WarehouseError(
                f"{table.name}: the files of the lake do not hold what their manifest says ({detail}). "
                "Nothing was loaded. Materialize clean_sales again for these landings."
            )
        key = ", ".join(table.key)
        repeated = run(f"SELECT {key} FROM {stage} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 3", ())
        if repeated:
            examples = "; ".join(", ".join(map(str, row)) for row in repeated)
            raise WarehouseError(
                f"{table.name}: staged rows repeat a key ({key}), such as {examples}. "
                "Nothing was loaded. Materialize clean_sales again for these landings."
            )


def _told(rows_and_amount: tuple[int, Decimal]) -> str:
    return f"{rows_and_amount[0]} rows of {rows_and_amount[1]} in all"
