"""Looking for a text in every byte below some folders: as it is, and in what archives and databases decode to."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def found_in(folders: list[Path], text: str) -> list[str]:
    """Return the files below the folders that contain the text in any form, hidden and unfinished files included."""
    paths = sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
    return [str(path) for path in paths if any(_has(data, text) for data in decoded(path))]


def _has(data: bytes, text: str) -> bool:
    return any(form in data.lower() for form in (text.lower().encode(), text.lower().encode("utf-16-le")))


def decoded(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and everything that can be decoded from them."""
    data = path.read_bytes()
    yield data
    yield from _unpacked(path.name, data)
    if data[:15] == b"SQLite format 3":
        yield from _sqlite(path)
    if data[8:12] == b"DUCK":
        yield from _duckdb(path)


def _unpacked(name: str, data: bytes) -> Iterator[bytes]:
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for part in archive.namelist():
                inner = archive.read(part)
                yield inner
                yield from _unpacked(part, inner)
    elif data[:4] == b"PAR1":
        file = pq.ParquetFile(io.BytesIO(data))
        yield repr(file.metadata.metadata).encode()
        yield repr(file.read().to_pydict()).encode()


def _sqlite(path: Path) -> Iterator[bytes]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        yield "\n".join(database.iterdump()).encode()
    database.close()


def _duckdb(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as con:
        for schema, table in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            yield repr(con.execute(f'FROM "{schema}"."{table}"').to_arrow_table().to_pydict()).encode()
