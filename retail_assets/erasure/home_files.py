"""Erasing a customer from everything else in the home: Dagster's storage, alerts and lineage events that wait.

The stores and the warehouse have steps of their own; this step knows files only by their form.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from retail_assets.erasure.mentions import Mentions
from retail_assets.erasure.sqlite_rows import erase_from_sqlite, is_sqlite
from retail_assets.errors import StorageError
from retail_assets.storage.store import explained

#: Bytes at the beginning of a file that show whether it is text.
_LOOKED_AT = 8192


def erase_from_home(home: Path, stores: Sequence[str], mentions: Mentions, *, dry_run: bool = False) -> dict[str, int]:
    """Erase a customer from the files of the home that are not in one of the `stores` (their folders or URIs).

    Returns how many rows of databases and how many other files were changed. Raises StorageError for what cannot be
    read or written.
    """
    rows = files = 0
    for path in _files(home, {Path(store) for store in stores}):
        # What another program has deleted since the listing is gone.
        with explained(f"look for the customer in {path}"), contextlib.suppress(FileNotFoundError):
            if is_sqlite(path):
                rows += _erase_from_database(path, mentions, dry_run)
            else:
                files += erase_from_text(path, mentions, dry_run=dry_run)
    return {"database_rows": rows, "home_files_edited": files}


def _erase_from_database(path: Path, mentions: Mentions, dry_run: bool) -> int:
    try:
        return erase_from_sqlite(path, mentions, dry_run=dry_run)
    except sqlite3.Error as e:
        raise StorageError(
            f"Cannot look for the customer in {path}: {e}. Stop what uses it; if it is damaged, restore or delete it. "
            "Then run the same again: it goes on from there."
        ) from e


def erase_from_text(path: Path, mentions: Mentions, *, dry_run: bool) -> int:
    """Erase a customer from a file of text in place. Returns 1 if it had them; other files stay as they are."""
    data = path.read_bytes()
    if not mentions.may_be_in(data):
        return 0
    if b"\0" in data[:_LOOKED_AT]:
        return 0  # no text
    # A log of several programs may have bytes that are not UTF-8; they stay as they are.
    text = data.decode("utf-8", "surrogateescape")
    by_line = path.suffix in (".jsonl", ".ndjson")
    new = "\n".join(map(mentions.without, text.split("\n"))) if by_line else mentions.without(text)
    if new == text:
        return 0
    if not dry_run:
        with path.open("r+b") as file:  # in place: whoever holds it open goes on with the same file
            file.write(new.encode("utf-8", "surrogateescape"))
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    return 1


def _files(home: Path, stores: set[Path]) -> Iterator[Path]:
    for folder, names, files in os.walk(home):
        names[:] = sorted(n for n in names if Path(folder, n) not in stores)
        for name in sorted(files):
            path = Path(folder, name)
            if path.is_file() and not name.endswith((".duckdb", ".duckdb.wal", "-wal", "-shm")):
                yield path
