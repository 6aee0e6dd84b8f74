"""Tables of an earlier run that a new one builds on: whether they exist, and can be read by this version."""

from __future__ import annotations

from retail_assets.errors import NotReadyError
from retail_assets.tables import Table
from retail_assets.warehouse.protocol import Warehouse


def is_usable(warehouse: Warehouse, table: Table) -> bool:
    """Return whether a table exists and its history can be kept: only columns that may be NULL are missing from it."""
    try:
        existing = warehouse.query(f"select * from {table.name} limit 0").column_names
    except NotReadyError:
        return False
    return all(column.nullable or column.name in existing for column in table.columns)
