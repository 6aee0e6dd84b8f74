"""The SQL that takes a customer's rows out of every table, shared by the warehouses.

No statement holds the customer's id: statements are logged. They compare a hash with a salt of its own instead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from retail_assets.tables import ALL, SALES, SALES_CLEAN, SALES_QUARANTINE, Column, Table
from retail_assets.warehouse.customer_hash import Customer
from retail_assets.warehouse.loads import Execute

if TYPE_CHECKING:
    import pyarrow as pa

#: The staged relation with the place of each row to erase.
PLACES = Table(
    "erased_places",
    "one row per row to erase",
    (Column("place", "varchar(1100)", "line of the file on which the row begins, and key of the file"),),
    key=("place",),
)
_BY_PLACE = (SALES_CLEAN, SALES_QUARANTINE)
#: Tables with a row per customer, or with rows of customers, besides those that are known by place.
_BY_CUSTOMER = tuple(t for t in ALL if "customer_id" in t.names and t not in (SALES_CLEAN, SALES))


def places(rows: Sequence[tuple[str, int]]) -> pa.Table:
    """Return the rows of PLACES."""
    import pyarrow as pa

    return pa.table([pa.array([f"{line} {file}" for file, line in rows], pa.string())], schema=PLACES.arrow_schema())


def count(run: Execute, existing: Collection[str], customer: Customer) -> dict[str, int]:
    """Count the rows to erase by table. The relation PLACES is staged."""
    counts = {}
    for table in (*_BY_PLACE, SALES, *_BY_CUSTOMER):
        if table.name in existing:
            [(rows,)] = run(f"SELECT count(*) FROM {table.name} WHERE {_condition(table, customer)}", ())
            counts[table.name] = int(rows)
    return counts


def erase(run: Execute, existing: Collection[str], customer: Customer) -> dict[str, int]:
    """Take the rows out of every table, inside the caller's transaction. The relation PLACES is staged.

    `sales` afterwards equals its definition: where an erased row was the current version of a transaction, an earlier
    one that stays is current. Returns the rows by table.
    """
    counts = count(run, existing, customer)
    if SALES_CLEAN.name in existing:
        condition = _condition(SALES_CLEAN, customer)
        run(f"CREATE TEMP TABLE erased_ids AS SELECT transaction_id FROM {SALES_CLEAN.name} WHERE {condition}", ())
    for table in (*_BY_PLACE, *_BY_CUSTOMER):
        if counts.get(table.name):
            run(f"DELETE FROM {table.name} WHERE {_condition(table, customer)}", ())
    if SALES.name in existing and SALES_CLEAN.name in existing:
        run(
            f"DELETE FROM {SALES.name} WHERE transaction_id IN (SELECT transaction_id FROM erased_ids) "
            f"OR {_condition(SALES, customer)}",
            (),
        )
        run(
            "CREATE TEMP TABLE erased_latest AS SELECT transaction_id, max(landed_on) AS landed_on "
            f"FROM {SALES_CLEAN.name} WHERE transaction_id IN (SELECT transaction_id FROM erased_ids) "
            "GROUP BY transaction_id",
            (),
        )
        run(
            f"INSERT INTO {SALES.name} ({SALES.column_list}) SELECT {', '.join(f'c.{n}' for n in SALES.names)} "
            f"FROM {SALES_CLEAN.name} AS c JOIN erased_latest AS k "
            "ON k.transaction_id = c.transaction_id AND k.landed_on = c.landed_on",
            (),
        )
        run("DROP TABLE erased_latest", ())
        run("DROP TABLE erased_ids", ())
    return counts


def _condition(table: Table, customer: Customer) -> str:
    conditions = []
    if "source_line" in table.names:
        # One text, because Redshift knows no pairs in a subquery, nor a correlated one beside OR.
        conditions.append(
            f"CAST(source_line AS VARCHAR(20)) || ' ' || source_file IN (SELECT place FROM {PLACES.name})"
        )
    if "customer_id" in table.names:
        conditions.append(f"(customer_id IS NOT NULL AND {customer.condition})")
    return f"({' OR '.join(conditions)})"
