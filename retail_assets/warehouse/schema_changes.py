"""Tables that another version created: new columns that may be NULL are added, all other changes are refused.

The rule is the same for every warehouse. What does not belong here: how a database describes and adds columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from retail_assets.tables import Column, Table
from retail_assets.warehouse.protocol import Warehouse

#: What to do about a query that names a missing column.
MAYBE_OLDER = "If an earlier version created the table, materialize its asset again."


class ExistingColumn(Protocol):
    """A column as it is in the database; its text is its type."""

    @property
    def nullable(self) -> bool: ...


C = TypeVar("C", bound=ExistingColumn)


def compare(
    table: Table, existing: Mapping[str, C], type_of: Callable[[Column], str], fits: Callable[[Column, C], bool]
) -> tuple[list[Column], list[str]]:
    """Compare a table of the database with its definition in `tables.py`.

    Parameters
    ----------
    table
        The definition.
    existing
        The columns in the database, by name.
    type_of
        The type of a column as the database writes it.
    fits
        Whether values of a defined column can be written into an existing column.

    Returns the columns to add, and one phrase per difference that makes the table unusable for this version. A column
    that is not in the definition stays: somebody else has added it, or a newer version. It only has to accept NULL.
    """
    missing = [column for column in table.columns if column.name not in existing]
    refused = [f"{column.name} {type_of(column)} NOT NULL is missing" for column in missing if not column.nullable]
    refused += [
        f"{column.name} is {existing[column.name]}, expected {type_of(column)}"
        for column in table.columns
        if column.name in existing and not fits(column, existing[column.name])
    ]
    refused += [
        f"{name} is {column} NOT NULL and not a column of this version"
        for name, column in existing.items()
        if name not in table.names and not column.nullable
    ]
    return [column for column in missing if column.nullable], refused


def select_list(warehouse: Warehouse, table: Table) -> str:
    """Return all columns of a table for a SELECT, with NULL for those that a table of an earlier version lacks.

    Only for tables that are read before they are built again. Raises NotReadyError if the table does not exist yet, and
    WarehouseError if it lacks a column that cannot be NULL.
    """
    existing = warehouse.query(f"SELECT * FROM {table.name} LIMIT 0").column_names
    return ", ".join(
        f"CAST(NULL AS {_portable(column)}) AS {column.name}"
        if column.nullable and column.name not in existing
        else column.name
        for column in table.columns
    )


def _portable(column: Column) -> str:
    return "DOUBLE PRECISION" if column.type == "double" else column.type.upper()
