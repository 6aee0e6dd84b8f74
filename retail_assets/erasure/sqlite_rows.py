"""Erasing a customer from a file of SQLite, whatever is in its tables."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from retail_assets.erasure.mentions import Mentions

_MAGIC = b"SQLite format 3\x00"
_WAIT_SECONDS = 60


def is_sqlite(path: Path) -> bool:
    """Return whether a file is a database of SQLite."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def erase_from_sqlite(path: Path, mentions: Mentions, *, dry_run: bool = False) -> int:
    """Take a customer out of every text of an SQLite file. Returns the rows that had them.

    Rows of a column `customer_id` go; other texts lose the record or the id. If anything was changed, the file is
    written again and its log is emptied, so that no free page has it. Raises sqlite3.Error if it is damaged or locked.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=_WAIT_SECONDS)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        try:
            changed = sum(_erase_from(database, name, mentions) for name in _tables(database))
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("ROLLBACK" if dry_run else "COMMIT")
        if changed and not dry_run:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return changed


def _tables(database: sqlite3.Connection) -> list[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in found.fetchall()]


def _erase_from(database: sqlite3.Connection, table: str, mentions: Mentions) -> int:
    changed = 0
    of = _quoted(table)
    for name in [row[1] for row in database.execute(f"PRAGMA table_info({of})").fetchall()]:
        column = _quoted(name)
        if name == "customer_id":
            changed += database.execute(f"DELETE FROM {of} WHERE {column} = ?", [mentions.customer_id]).rowcount
            continue
        condition = f"typeof({column}) = 'text' AND ({mentions.sql_condition(column)})"
        found = f"SELECT DISTINCT {column} FROM {of} WHERE {condition}"
        texts = database.execute(found, mentions.sql_values).fetchall()
        for (text,) in texts:
            new = mentions.without(text)
            if new != text:
                done = database.execute(f"UPDATE {of} SET {column} = ? WHERE {column} = ?", [new, text])
                changed += done.rowcount
    return changed


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
