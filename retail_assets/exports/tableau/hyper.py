"""Hyper files: tables written from streams, queries, assumed keys. The only module that knows pantab.

pantab starts Hyper, a database server, for each call: its process ends with the call and listens on no network. Hyper
writes its log to the working directory unless it is given another folder; here it goes where the file is.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.errors import StorageError
from retail_assets.exports.tableau.contents import RELATIONS, Relation
from retail_assets.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

INSTALL = "Install what writes it, 260 MB: pip install 'retail-assets[tableau]', or make demo-tableau."

#: The schema of all tables. Servers before 2020.1 took no other.
_SCHEMA = "Extract"
_STREAM_ROWS = 100_000


def installed() -> bool:
    """Return whether Hyper files can be written and read here."""
    return importlib.util.find_spec("pantab") is not None


def table_of(table: Table) -> str:
    """Return the quoted name of a table of a Hyper file.

    >>> from retail_assets.tables import DIM_DATE
    >>> table_of(DIM_DATE)
    '"Extract"."dim_date"'
    """
    return f'"{_SCHEMA}"."{table.name}"'


def write(path: Path, tables: Mapping[Table, Iterator[pa.RecordBatch]]) -> None:
    """Write a new Hyper file from streams of batches that have the columns of their tables, in constant memory.

    Parameters
    ----------
    path
        The file; it is overwritten.
    tables
        Batches by table. They are cast to the types of `Table.arrow_schema`.

    Raises
    ------
    StorageError
        Hyper refuses, for example because the disk is full.
    """
    import pantab
    import pyarrow as pa

    failed: list[BaseException] = []

    def reader(table: Table, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
        schema = table.arrow_schema()

        def cast() -> Iterator[pa.RecordBatch]:
            try:
                for batch in batches:
                    yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()
            except BaseException as e:
                failed.append(e)  # pantab takes an error in a stream for its end
                raise

        return pa.RecordBatchReader.from_batches(schema, cast())

    # pantab marks columns NOT NULL by name, for all tables of a call, and keys must be: so their tables come first.
    named = {relation.to for relation in RELATIONS}
    groups = [{t: tables[t] for t in tables if (t in named) is wanted} for wanted in (True, False)]
    for place, group in enumerate(filter(None, groups)):
        with _explained(path):
            pantab.frames_to_hyper(
                {(_SCHEMA, table.name): reader(table, batches) for table, batches in group.items()},
                path,
                table_mode="a" if place else "w",
                not_null_columns=_never_null(group),
                process_params=_process(path),
                atomic=False,
            )
        if failed:
            raise failed[0]


def query(path: Path, sql: str) -> pa.Table:
    """Return the rows of a query over a Hyper file; a statement without rows gives an empty table."""
    import pantab

    with _explained(path):
        rows: pa.Table = pantab.frame_from_hyper_query(path, sql, return_type="pyarrow", process_params=_process(path))
    return rows


def stream(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table of a Hyper file in batches, in constant memory."""
    import pantab
    import pyarrow as pa

    with _explained(path):
        rows = pantab.frame_from_hyper_query(
            path,
            f"SELECT {_quoted(table.names)} FROM {table_of(table)}",
            return_type="stream",
            chunk_size=_STREAM_ROWS,
            process_params=_process(path),
        )
        yield from pa.RecordBatchReader.from_stream(rows)


def names_in(path: Path) -> list[tuple[str, str]]:
    """Return schema and name of each table of a Hyper file, ours or not."""
    # As texts: pantab ends the whole process where it meets a type that it does not know, such as `name`.
    rows = query(
        path,
        "SELECT CAST(schemaname AS TEXT) AS s, CAST(tablename AS TEXT) AS t FROM pg_catalog.pg_tables "
        "WHERE CAST(schemaname AS TEXT) NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    )
    return [(row["s"], row["t"]) for row in rows.to_pylist()]


def rows_and_last_day(path: Path, schema: str, table: str, day: str) -> tuple[int, str | None]:
    """Return the number of rows of any table of a Hyper file, and the last day in a column, as YYYY-MM-DD."""
    quoted = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
    [row] = query(path, f'SELECT count(*) AS n, CAST(max("{day}") AS TEXT) AS last FROM {quoted}').to_pylist()
    return int(row["n"]), row["last"]


def declare_keys(path: Path, tables: Iterable[Table], relations: Iterable[Relation]) -> None:
    """Declare keys that Tableau relates tables by. Hyper believes them: whoever declares them has looked.

    Parameters
    ----------
    path
        The file, which has the tables.
    tables
        Tables whose key no two rows share.
    relations
        Foreign keys to these tables that name a row of it everywhere.
    """
    for table in tables:
        query(path, f"ALTER TABLE {table_of(table)} ADD ASSUMED PRIMARY KEY ({_quoted(table.key)})")
    by_table: dict[Table, list[Relation]] = {}
    for relation in relations:
        by_table.setdefault(relation.table, []).append(relation)
    for table, keys in by_table.items():
        added = ", ".join(
            f'ADD ASSUMED FOREIGN KEY ("{r.column}") REFERENCES {table_of(r.to)} ("{r.key}")' for r in keys
        )
        query(path, f"ALTER TABLE {table_of(table)} {added}")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _never_null(tables: Iterable[Table]) -> set[str]:
    columns = [column for table in tables for column in table.columns]
    return {c.name for c in columns} - {c.name for c in columns if c.nullable}


def _process(path: Path) -> dict[str, str]:
    return {"log_dir": str(path.parent)}


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of Hyper, which pantab raises as a RuntimeError of several lines, into one that says what to do."""
    try:
        yield
    except RuntimeError as e:
        lines = [line.strip() for line in str(e).splitlines() if line.strip()]
        first = next((line for line in lines if not line.startswith(("Context", "Caused"))), type(e).__name__)
        raise StorageError(
            f"Hyper cannot work on {path}: {first} The warehouse and earlier extracts are as they were. Check that the "
            f"disk of {path.parent} has room and can be written (TMPDIR chooses another), and try again."
        ) from e
