"""The tables that are there against the tables that `tables.py` wants: what to create, add, widen or refuse."""

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

_NAMES = {
    "bigint": "bigint",
    "integer": "integer",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp without time zone",
}


@dataclass(frozen=True)
class Found:
    """A column as it is there."""

    type: str
    length: int | None
    precision: int | None
    scale: int | None
    nullable: bool

    def __str__(self) -> str:
        if self.type == "character varying":
            return f"VARCHAR({self.length})"
        return f"DECIMAL({self.precision},{self.scale})" if self.type == "numeric" else self.type.upper()


def tables(session: Session, schema: str) -> dict[str, dict[str, Found]]:
    """Columns by table of a schema; nothing when the schema is not there."""
    found: dict[str, dict[str, Found]] = {}
    for table, column, kind, length, precision, scale, nullable in session.run(_COLUMNS, [schema]):
        found.setdefault(str(table), {})[str(column)] = Found(
            str(kind), _number(length), _number(precision), _number(scale), str(nullable) == "YES"
        )
    return found


def ensure(session: Session, schema: str, wanted: Iterable[Table]) -> None:
    """Make what is missing of the schema, its lock and these tables, and add columns that are new.

    Ends the transaction. A new column is NULL in old rows until their landing is loaded again. Raises WarehouseError
    where a table is of another version in another way; nothing is changed then.
    """
    found = tables(session, schema)
    wanted = list(wanted)
    changes = [change for table in wanted if table.name in found for change in _migration(schema, table, found)]
    missing = [table for table in wanted if table.name not in found]
    if missing or LOCK not in found:
        _make_schema(session, schema)
        if LOCK not in found:
            session.run(f"CREATE TABLE IF NOT EXISTS {schema}.{LOCK} (held BOOLEAN) DISTSTYLE ALL")
        for table in missing:
            session.run(sql.create_table(schema, table))
        session.commit()
    else:
        session.rollback()
    if changes:
        with session.outside_a_transaction():  # Redshift widens a column in no other way
            for change in changes:
                session.run(change)


def differs(table: Table, found: dict[str, Found]) -> bool:
    """Whether a derived table is to be made anew."""
    return list(found) != list(table.names) or any(not _same(c, found[c.name]) for c in table.columns)


def _make_schema(session: Session, schema: str) -> None:
    # Asked first: CREATE SCHEMA IF NOT EXISTS takes the right to create one even where it would do nothing.
    if not session.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", [schema]):
        session.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def _migration(schema: str, table: Table, found: dict[str, dict[str, Found]]) -> list[str]:
    existing = found[table.name]
    new, refused = schema_changes.compare(table, existing, sql.column_type, _fits)
    if refused:
        raise WarehouseError(
            f"{schema}.{table.name} was made by another version ({'; '.join(refused[:5])}). Nothing was changed. "
            f"Rename the schema ({schema}) and materialize `sales` over all landings: every table is made again from "
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


def _fits(column: Column, has: Found) -> bool:
    return _same(column, has) or _is_narrower(has, column)


def _is_narrower(has: Found, column: Column) -> bool:
    return (
        has.type == "character varying"
        and column.type.startswith("varchar")
        and has.length is not None
        and has.length < column.numbers[0]
    )


def _same(column: Column, has: Found) -> bool:
    if column.type.startswith("varchar"):  # a wider one holds all that ours would
        return has.type == "character varying" and (has.length or 65535) >= column.numbers[0]
    if column.type.startswith("decimal"):
        return has.type == "numeric" and (has.precision, has.scale) == column.numbers
    return has.type == _NAMES[column.type]


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def names(found: dict[str, dict[str, Found]], wanted: Sequence[Table]) -> list[str]:
    """Names of the wanted tables that are there."""
    return [table.name for table in wanted if table.name in found]
