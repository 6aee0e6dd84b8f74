"""Statements in Redshift's SQL: literals, table definitions, COPY and UNLOAD. Pure functions, no connection.

Names come from `tables.py`, where they are validated; every other value in a statement is quoted here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from retail_assets.errors import WarehouseError
from retail_assets.tables import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    SALES,
    SALES_CLEAN,
    SALES_QUARANTINE,
    Column,
    Table,
    identifier,
)

#: Large tables that are joined on a column are distributed over the nodes by it. A small table has a copy on every node
#: (ALL). The quarantine is joined with nothing, and the mart by store only with small tables: distributed evenly.
_DISTRIBUTED_BY = {
    SALES_CLEAN.name: "transaction_id",
    SALES.name: "transaction_id",
    DIM_CUSTOMER.name: "customer_id",
    CUSTOMER_FEATURES.name: "customer_id",
    CUSTOMER_SEGMENTS.name: "customer_id",
}
_DISTRIBUTED_EVENLY = (SALES_QUARANTINE.name, DAILY_STORE_CATEGORY_SALES.name)

#: Columns that queries filter by come first, so that Redshift skips blocks whose range does not match.
_SORTED_BY = {
    SALES_CLEAN.name: ("landed_on", "transaction_id"),
    SALES_QUARANTINE.name: ("landed_on",),
    SALES.name: ("sale_date",),
    DAILY_CATEGORY_SALES.name: ("sale_date", "product_category"),
    DAILY_STORE_CATEGORY_SALES.name: ("sale_date", "store_id", "product_category"),
}


def literal(value: Any) -> str:
    """Return a value as a literal. Redshift reads a backslash in a text as the start of an escape sequence.

    >>> literal("O'Hara"), literal(dt.date(2024, 1, 31))
    ("'O''Hara'", "DATE '2024-01-31'")
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        if "\0" in value:
            raise WarehouseError("A text that is compared with a column cannot contain the character U+0000.")
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    raise TypeError(f"no literal for {type(value).__name__}")


def filled_in(sql: str, values: Sequence[Any]) -> str:
    """Return `sql` with a literal in place of each `?` that is not inside a literal.

    For statements in which Redshift accepts no parameters (CREATE TABLE AS, UNLOAD).

    >>> filled_in("SELECT '?' WHERE landed_on = ?", [dt.date(2024, 1, 31)])
    "SELECT '?' WHERE landed_on = DATE '2024-01-31'"
    """
    parts, at, quoted = [""], 0, False
    for at, character in enumerate(sql):  # noqa: B007
        quoted ^= character == "'"
        if character == "?" and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    if len(parts) - 1 != len(values):
        raise ValueError(f"{len(values)} values for {len(parts) - 1} places")
    return "".join(part + literal(value) for part, value in zip(parts, values, strict=False)) + parts[-1]


def column_type(column: Column) -> str:
    """Return the type of a column as Redshift writes it."""
    return "DOUBLE PRECISION" if column.type == "double" else column.type.upper()


def column_ddl(table: Table, column: Column, *, temporary: bool = False) -> str:
    """Return `name TYPE [NOT NULL] ENCODE …`."""
    null = "" if column.nullable else " NOT NULL"
    return f"{column.name} {column_type(column)}{null}{'' if temporary else ' ENCODE ' + _encoding(table, column)}"


def _encoding(table: Table, column: Column) -> str:
    """RAW for the leading sort column, whose blocks are found by range; AZ64 for numbers and dates; ZSTD for texts."""
    if _SORTED_BY.get(table.name, ("",))[0] == column.name or column.type in ("double", "boolean"):
        return "RAW"
    return "ZSTD" if column.type.startswith("varchar") else "AZ64"


def table_attributes(table: Table) -> str:
    """Return DISTSTYLE, DISTKEY and SORTKEY of a table."""
    distribution = "DISTSTYLE ALL"
    if column := _DISTRIBUTED_BY.get(table.name):
        distribution = f"DISTSTYLE KEY DISTKEY ({column})"
    elif table.name in _DISTRIBUTED_EVENLY:
        distribution = "DISTSTYLE EVEN"
    order = _SORTED_BY.get(table.name)
    return f"{distribution} COMPOUND SORTKEY ({', '.join(order)})" if order else distribution


def create_table(schema: str, table: Table) -> str:
    """Return CREATE TABLE, without PRIMARY KEY: Redshift would not enforce it, but plan queries as if it held."""
    columns = ", ".join(column_ddl(table, c) for c in table.columns)
    return f"CREATE TABLE IF NOT EXISTS {identifier(schema)}.{table.name} ({columns}) {table_attributes(table)}"


def create_stage(stage: str, table: Table) -> str:
    """Return CREATE TEMP TABLE with the columns in the order of the Parquet files, because COPY maps by position.

    The columns are spelled out instead of LIKE: a column that was added later is the last one of the real table.
    """
    columns = ", ".join(column_ddl(table, c, temporary=True) for c in table.columns)
    distribution = "DISTSTYLE EVEN"
    if column := _DISTRIBUTED_BY.get(table.name):
        distribution = f"DISTSTYLE KEY DISTKEY ({column})"
    return f"CREATE TEMP TABLE {identifier(stage)} ({columns}) {distribution}"


def copy(stage: str, manifest_uri: str, iam_role: str, *, later: bool = False) -> str:
    """Return COPY of the Parquet files that a manifest names. It neither casts nor skips: a file that differs fails.

    With `later`, the last columns of a file may be missing, because an earlier version wrote it; they become NULL.
    """
    fill = " FILLRECORD" if later else ""
    return f"COPY {identifier(stage)} FROM {literal(manifest_uri)} {_role(iam_role)} FORMAT AS PARQUET MANIFEST{fill}"


def unload(select: str, folder_uri: str, iam_role: str) -> str:
    """Return UNLOAD of a query's rows to Parquet files in an empty folder."""
    return (
        f"UNLOAD ({literal(select)}) TO {literal(folder_uri.rstrip('/') + '/')} {_role(iam_role)} "
        "FORMAT AS PARQUET MAXFILESIZE 64 MB"
    )


def _role(iam_role: str) -> str:
    return "IAM_ROLE default" if iam_role == "default" else f"IAM_ROLE {literal(iam_role)}"
