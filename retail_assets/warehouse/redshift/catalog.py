"""Compares the tables in the database with their definitions in `tables.py`: what to create, add, widen or refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.errors import WarehouseError
from retail_assets.tables import Column, Table
from retail_assets.warehouse import schema_changes
from retail_assets.warehouse.redshift import sql
from retail_assets.warehouse.redshift.connection import Session

#: A table without rows that every writer locks before it reads: see `warehouse.py`.
LOCK = "load_lock"

_COLUMNS = """
    SELECT CAST(table_name AS VARCHAR(128)), CAST(column_name AS VARCHAR(128)), CAST(data_type AS VARCHAR(64)),
           CAST(character_maximum_length AS INTEGER), CAST(numeric_precision AS INTEGER),
           CAST(numeric_scale AS INTEGER), CAST(is_nullable AS VARCHAR(8))
    FROM information_schema.columns WHERE table_schema = ?"""

_COMMENTS = """
    SELECT CAST(c.relname AS VARCHAR(128)), CAST(coalesce(a.attname, '') AS VARCHAR(128)),
           CAST(d.description AS VARCHAR(4096))
    FROM pg_description AS d
    JOIN pg_class AS c ON c.oid = d.objoid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
    WHERE n.nspname = ?"""

_NAMES = {
    "bigint": "bigint",
    "integer": "integer",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp without time zone",
}


@dataclass(frozen=True)
class ExistingColumn:
    """A column as it is in the database."""

    type: str
    length: int | None
    precision: int | None
    scale: int | None
    nullable: bool

    def __str__(self) -> str:
        if self.type == "character varying":
            return f"VARCHAR({self.length})"
        return f"DECIMAL({self.precision},{self.scale})" if self.type == "numeric" else self.type.upper()


def tables(session: Session, schema: str) -> dict[str, dict[str, ExistingColumn]]:
    """Return the columns of a schema, by table and name; nothing if the schema does not exist."""
    existing: dict[str, dict[str, ExistingColumn]] = {}
    for table, column, kind, length, precision, scale, nullable in session.run(_COLUMNS, [schema]):
        existing.setdefault(str(table), {})[str(column)] = ExistingColumn(
            str(kind), _number(length), _number(precision), _number(scale), str(nullable) == "YES"
        )
    return existing


def comments(session: Session, schema: str) -> dict[str, dict[str, str | None]]:
    """Return the comments of a schema, by table and column; that of a table itself has the name ""."""
    existing: dict[str, dict[str, str | None]] = {}
    for table, column, comment in session.run(_COMMENTS, [schema]):
        existing.setdefault(str(table), {})[str(column)] = str(comment)
    return existing


def ensure(session: Session, schema: str, wanted: Iterable[Table]) -> None:
    """Create what is missing of the schema, its lock and these tables, and add columns that are new.

    Ends the transaction. A new column is NULL in old rows until their landing is loaded again. Raises WarehouseError if
    a table differs in any other way; nothing is then changed.
    """
    existing = tables(session, schema)
    wanted = list(wanted)
    changes = [change for t in wanted if t.name in existing for change in _migration(schema, t, existing[t.name])]
    missing = [table for table in wanted if table.name not in existing]
    if missing or LOCK not in existing:
        _create_schema(session, schema)
        if LOCK not in existing:
            session.run(f"CREATE TABLE IF NOT EXISTS {schema}.{LOCK} (held BOOLEAN) DISTSTYLE ALL")
        for table in missing:
            session.run(sql.create_table(schema, table))
        session.commit()
    else:
        session.rollback()
    if changes:
        with session.outside_a_transaction():  # the only way in which Redshift widens a column
            for change in changes:
                session.run(change)


def differs(table: Table, existing: dict[str, ExistingColumn]) -> bool:
    """Return whether a derived table has to be created again."""
    return list(existing) != list(table.names) or any(not _same(c, existing[c.name]) for c in table.columns)


def _create_schema(session: Session, schema: str) -> None:
    # Checked first: CREATE SCHEMA IF NOT EXISTS needs the permission to create a schema even if it exists.
    if not session.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", [schema]):
        session.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def _migration(schema: str, table: Table, existing: dict[str, ExistingColumn]) -> list[str]:
    """The statements that bring a table to its definition. Raises WarehouseError if none can."""
    new, refused = schema_changes.compare(table, existing, sql.column_type, _fits)
    if refused:
        raise WarehouseError(
            f"{schema}.{table.name} was made by another version ({'; '.join(refused[:5])}). Nothing was changed. "
            f"Rename the schema ({schema}) and materialize `sales` over all landings: every table is built again from "
            "the raw files."
        )
    return [
        *(f"ALTER TABLE {schema}.{table.name} ADD COLUMN {sql.column_ddl(table, column)}" for column in new),
        *(
            f"ALTER TABLE {schema}.{table.name} ALTER COLUMN {column.name} TYPE {sql.column_type(column)}"
            for column in table.columns
            if column.name in existing and _is_narrower(existing[column.name], column)
        ),
    ]


def _fits(column: Column, existing: ExistingColumn) -> bool:
    return _same(column, existing) or _is_narrower(existing, column)


def _is_narrower(existing: ExistingColumn, column: Column) -> bool:
    return (
        existing.type == "character varying"
        and column.type.startswith("varchar")
        and existing.length is not None
        and existing.length < column.numbers[0]
    )


def _same(column: Column, existing: ExistingColumn) -> bool:
    if column.type.startswith("varchar"):  # a wider column holds everything that ours would
        return existing.type == "character varying" and (existing.length or 65535) >= column.numbers[0]
    if column.type.startswith("decimal"):
        return existing.type == "numeric" and (existing.precision, existing.scale) == column.numbers
    return existing.type == _NAMES[column.type]


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def names(existing: dict[str, dict[str, ExistingColumn]], wanted: Sequence[Table]) -> list[str]:
    """Return the names of the wanted tables that exist."""
    return [table.name for table in wanted if table.name in existing]
