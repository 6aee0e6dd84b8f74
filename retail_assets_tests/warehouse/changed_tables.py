"""Definitions of `tables.py` as another version has them, for as long as a test needs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from retail_assets.tables import Column, Table


@contextlib.contextmanager
def defined_as(changes: dict[Table, tuple[Column, ...]]) -> Iterator[None]:
    """Give tables other columns. In place: every module has imported the objects themselves."""
    before = {id(table): (table, table.columns) for table in changes}
    try:
        for table, columns in list(changes.items()):
            object.__setattr__(table, "columns", columns)
        yield
    finally:
        for table, columns in before.values():
            object.__setattr__(table, "columns", columns)


def with_new(table: Table, *columns: Column) -> tuple[Column, ...]:
    """A table's columns and new ones after them."""
    return (*table.columns, *columns)


def with_type(table: Table, name: str, kind: str) -> tuple[Column, ...]:
    """A table's columns, one of them of another type."""
    return tuple(Column(c.name, kind, c.description, c.nullable) if c.name == name else c for c in table.columns)


def without(table: Table, name: str) -> tuple[Column, ...]:
    """A table's columns but one."""
    return tuple(c for c in table.columns if c.name != name)
