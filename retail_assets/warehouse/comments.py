"""What a database says of its tables and columns: the texts of `tables.py` as comments, written where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from retail_assets.tables import Table

#: Comments by column; that of the table itself has the name "".
Comments = Mapping[str, str | None]


def texts(table: Table) -> dict[str, str]:
    """Return the comments of a table: grain and key of the table itself (""), and the description of each column."""
    comments = {"": f"{table.grain}. Key: {', '.join(table.key)}."}
    return comments | {column.name: column.description for column in table.columns}


def statements(name: str, table: Table, existing: Comments, literal: Callable[[str], str]) -> Iterable[str]:
    """Yield COMMENT ON statements for what is not yet as in `tables.py`.

    Args:
        name: the table as the database knows it, such as `schema.sales`.
        table: its definition.
        existing: the comments that are there.
        literal: writes a text as the database reads it.
    """
    for column, text in texts(table).items():
        if existing.get(column) != text:
            what = f"COLUMN {name}.{column}" if column else f"TABLE {name}"
            yield f"COMMENT ON {what} IS {literal(text)}"
