"""The SQL steps of a load, the same for every warehouse: they keep `sales` exact, all or nothing, and can be repeated.

A load deletes and inserts by landing in one transaction. What does not belong here: connections and bulk loading, which
each warehouse does in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from retail_assets.errors import WarehouseBusyError, WarehouseError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, Status
from retail_assets.tables import SALES, SALES_CLEAN, SALES_QUARANTINE, Table
from retail_assets.warehouse.other_sales import refuse_other_sales
from retail_assets.warehouse.protocol import Loaded

if TYPE_CHECKING:
    from retail_assets.storage import Store

_PARALLEL_READS = 16

#: Runs a statement with parameters; returns the rows of a SELECT, and an empty list for any other statement.
Execute = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


def apply_landings(run: Execute, landings: Sequence[CleanManifest], identity_limit: float = 1.0) -> Loaded:
    """Move staged rows into the tables, inside the caller's transaction.

    The caller provides the staged relations `stage_clean` and `stage_quarantine` with the tables' columns, and a
    session without temporary tables of an earlier load. Afterwards `sales` equals its definition (the latest line of
    each transaction in its latest landing), and only transactions that these landings mention, now or before, were
    touched.

    Raises WarehouseError if the staged rows are not what the manifests promise, or if more than the share
    `identity_limit` of a landing's ids belong to sales of another day or store in another landing.
    """
    days = [m.landed_on for m in landings]
    if len(set(days)) < len(days):
        raise ValueError(f"a landing is given more than once: {sorted(map(str, days))}")
    if not days:
        [(total,)] = run("SELECT count(*) FROM sales", ())
        return Loaded(0, 0, 0, 0, sales_total=int(total))
    _check_stage(run, landings)
    if identity_limit < 1:
        refuse_other_sales(run, landings, identity_limit)
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
    # A landing has at most one row per transaction (the stage was checked), so the latest landing identifies the
    # current row. A join, not a rank as in `current_sales`: a window function would sort whole rows and spill to disk.
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
    # The checks after the load cannot see this, because a lost row leaves no trace.
    [(expected,)] = run("SELECT count(*) FROM latest", ())
    [(actual,)] = run("SELECT count(*) FROM sales WHERE transaction_id IN (SELECT transaction_id FROM touched)", ())
    if actual != expected:
        raise WarehouseError(
            f"sales would hold {actual} of {expected} transactions of these landings. Nothing was loaded. Try again; "
            "if the error stays, report it."
        )
    run("DROP TABLE latest", ())
    run("DROP TABLE touched", ())
    [(total,)] = run("SELECT count(*) FROM sales", ())
    (clean_in, clean_out), (quarantine_in, quarantine_out) = counts
    return Loaded(clean_in, clean_out, quarantine_in, quarantine_out, sales_total=int(total))


def current_sales(clean: str) -> str:
    """Return the definition of `sales` over a relation like `sales_clean`, as a query.

    It is the latest line of each transaction in its latest landing. For checks: it states the same as `apply_landings`
    in another way.
    """
    return (
        f"SELECT {SALES.column_list} FROM ("
        f"SELECT {SALES.column_list}, row_number() OVER (PARTITION BY transaction_id "
        "ORDER BY landed_on DESC, source_file DESC, source_line DESC) AS version "
        f"FROM {clean}) AS versions WHERE version = 1"
    )


def refuse_outdated(store: Store, landings: Sequence[CleanManifest]) -> None:
    """Refuse landings that were cleaned again after their manifests were read. Raises WarehouseBusyError.

    Call it when it is this load's turn to write: a load that waited for another load of the same landing would
    otherwise put the older rows back.
    """
    # Other loads wait until this turn ends, so a remote store is asked for all manifests at once.
    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        published = list(pool.map(lambda m: Lake(store, m.source).clean(m.landed_on), landings))
    if outdated := sorted(str(m.landed_on) for m, now in zip(landings, published, strict=True) if m != now):
        shown = ", ".join(outdated[:5]) + (" and more" if len(outdated) > 5 else "")
        raise WarehouseBusyError(
            f"Cleaned again by another run while this load waited: {shown}. Nothing was loaded; try again."
        )


def _check_stage(run: Execute, landings: Sequence[CleanManifest]) -> None:
    """Refuse a stage that is not what the manifests promise. Nothing else would notice: keys are not enforced."""
    checked: tuple[tuple[Table, str, Status], ...] = (
        (SALES_CLEAN, "stage_clean", "clean"),
        (SALES_QUARANTINE, "stage_quarantine", "quarantine"),
    )
    for table, stage, status in checked:
        rows = run(f"SELECT landed_on, count(*), coalesce(sum(total_amount), 0) FROM {stage} GROUP BY landed_on", ())
        staged = {str(day): (int(count), Decimal(amount)) for day, count, amount in rows}
        promised = {str(m.landed_on): (n, m.amount(status)) for m in landings if (n := m.rows(status))}
        if staged != promised:
            wrong = sorted(day for day in staged.keys() | promised.keys() if staged.get(day) != promised.get(day))
            none = (0, Decimal("0.00"))
            detail = "; ".join(
                f"{d}: {_counted(promised.get(d, none))} promised, {_counted(staged.get(d, none))} found"
                for d in wrong[:5]
            )
            raise WarehouseError(
                f"{table.name}: the files of the lake do not hold what their manifest promises ({detail}). "
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


def _counted(rows_and_amount: tuple[int, Decimal]) -> str:
    return f"{rows_and_amount[0]} rows ({rows_and_amount[1]} in total)"
