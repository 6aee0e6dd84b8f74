"""One text that stands for the rows of a table: it changes when they do, and not with their order.

Each row's text is hashed, and the hashes are added up: by DuckDB's own hash, and by MD5 where SQL has no other. So the
same rows have different fingerprints in different warehouses, and perhaps in different versions of DuckDB.
"""

from __future__ import annotations

from retail_assets.tables import Column, Table

_LANES, _DIGITS = 4, 8  # of the 32 digits of an MD5


def duckdb_query(table: Table, leave_out: frozenset[str] = frozenset()) -> str:
    """Return SQL for the number of rows, and a text for their content, without the columns to leave out."""
    names = ", ".join(column.name for column in table.columns if column.name not in leave_out)
    return f"SELECT count(*) AS n, CAST(sum(hash({names})) AS VARCHAR) AS content FROM {table.name}"


def portable_query(table: Table, leave_out: frozenset[str] = frozenset()) -> str:
    """Return the same in the SQL of Redshift: the digits of the MD5 of each row are added up as four large numbers."""
    texts = [_text(column) for column in table.columns if column.name not in leave_out]
    row = " || chr(31) || ".join(f"coalesce({text}, chr(30))" for text in texts)
    lanes = " || '-' || ".join(f"CAST({_lane(lane)} AS VARCHAR(40))" for lane in range(_LANES))
    return f"SELECT count(*) AS n, {lanes} AS content FROM (SELECT md5({row}) AS h FROM {table.name}) AS q"


def _lane(lane: int) -> str:
    digits = (f"CAST(ascii(substring(h, {lane * _DIGITS + i + 1}, 1)) AS BIGINT) * {128**i}" for i in range(_DIGITS))
    return f"sum({' + '.join(digits)})"


def _text(column: Column) -> str:
    if column.type == "boolean":
        return f"CASE WHEN {column.name} THEN 'true' WHEN NOT {column.name} THEN 'false' END"
    return column.name if column.type.startswith("varchar") else f"CAST({column.name} AS VARCHAR(64))"
