"""A DuckDB file without the remains of deleted rows: everything in it is copied to a new file, which takes its place.

DuckDB marks deleted rows and reuses their blocks in time; until then their bytes can be read.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.contracts.typing_sql.literals import literal

if TYPE_CHECKING:
    import duckdb

_SUFFIX = ".compacting"
#: DuckDB's folder for what does not fit into memory.
_SPILLED = ".tmp"


def compact(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy the database of an open connection, and put the copy in its place. The old file is there until then.

    The connection stays open while the files change places: so no other process can write to the old one in between.
    Close it right after.
    """
    new = path.with_name(path.name + _SUFFIX)
    con.execute("CHECKPOINT")
    [(name,)] = con.execute("SELECT current_database()").fetchall()
    con.execute(f"ATTACH {literal(str(new))} AS compacted")
    con.execute(f'COPY FROM DATABASE "{name}" TO compacted')
    for statement in _comments(con, str(name)):
        con.execute(statement)
    con.execute("DETACH compacted")
    os.replace(new, path)


def discard(path: Path) -> None:
    """Remove what a copy that was cut short has left, and what queries of killed processes had put beside the file.

    For the holder of the file's lock: nobody else has anything there.
    """
    for name in (path.name + _SUFFIX, path.name + _SUFFIX + ".wal"):
        path.with_name(name).unlink(missing_ok=True)
    folder = path.with_name(path.name + _SPILLED)
    for left in folder.glob("duckdb_temp_*"):
        left.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not there, or not DuckDB's alone
        folder.rmdir()


def _comments(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Return the statements that describe the copied tables and columns: a copy of a database has no comments."""
    rows = con.execute(
        "SELECT schema_name, table_name, NULL, comment FROM duckdb_tables() "
        "WHERE database_name = $1 AND comment IS NOT NULL "
        "UNION ALL SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = $1 AND comment IS NOT NULL",
        [name],
    ).fetchall()
    statements = []
    for schema, table, column, comment in rows:
        of = ".".join(_quoted(part) for part in ("compacted", schema, table))
        what = f"TABLE {of}" if column is None else f"COLUMN {of}.{_quoted(column)}"
        statements.append(f"COMMENT ON {what} IS {literal(comment)}")
    return statements


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
