"""What the tables of a home hold, as rows and digests: the same for the recorder and for the test.

Reads the DuckDB file itself, not through the code under test. Not here: running anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


def rows_by_table(home: Path, schema: str, *, without: Collection[str] = ()) -> dict[str, list[Row]]:
    """Every row of every table of a schema, sorted, without the columns named in `without`."""
    import duckdb

    with duckdb.connect(str(home / "warehouse" / "retail.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_schema = ? GROUP BY table_name ORDER BY table_name",
            [schema],
        ).fetchall()
        selects = {
            table: f"SELECT {', '.join(name for name in columns if name not in without)} FROM {schema}.{table}"
            for table, columns in tables
        }
        return {table: sorted(connection.execute(sql).fetchall(), key=repr) for table, sql in selects.items()}


def digest(rows: Iterable[Row]) -> str:
    """One digest for the same rows in any order."""
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()
