"""The extract: tables of the warehouse in one Hyper file, read back and compared before anybody sees it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retail_assets.errors import NotReadyError, WarehouseBusyError
from retail_assets.exports.tableau import hyper, relations, totals
from retail_assets.exports.tableau.contents import ABOUT, CONTENTS, LINES, Content, Relation
from retail_assets.tables import SALES
from retail_assets.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 5


@dataclass(frozen=True)
class Extract:
    """What is in a Hyper file: rows by table, relations that hold, and what it lacks, in words."""

    rows: dict[str, int]
    relations: tuple[Relation, ...]
    notes: dict[str, str]
    last_day: dt.date | None

    def about(self, source: str, currency: str) -> pa.Table:
        """Return the rows of the table `about`."""
        import pyarrow as pa

        grains = {content.table.name: content.table.grain for content in CONTENTS}
        return pa.Table.from_pylist(
            [
                {
                    "table_name": name,
                    "row_count": self.rows.get(name),
                    "grain": grain,
                    "note": self.notes.get(name),
                    "source": source,
                    "currency": currency,
                    "last_sale_date": self.last_day,
                }
                for name, grain in grains.items()
            ],
            schema=ABOUT.arrow_schema(),
        )


def make_extract(warehouse: Warehouse, path: Path, source: str, currency: str, most_lines: int) -> Extract:
    """Write the extract of a warehouse to a file, and compare it with the warehouse.

    Parameters
    ----------
    warehouse
        Has the tables; those that do not exist yet are left out, and the table `about` says so.
    path
        The file to write, whose folder holds Hyper's log as well.
    source, currency
        Name of the shop's contract, and of its money.
    most_lines
        Lines of sales above which these are left out. Never a part of them.

    Raises
    ------
    NotReadyError
        There are no sales yet.
    WarehouseBusyError
        What was written differs from the warehouse, which another run may have changed meanwhile.
    StorageError, WarehouseError
        A disk or the warehouse refuses.
    """
    if not warehouse.exists(SALES):
        raise NotReadyError(f"{warehouse.location()} has no sales yet. Materialize the asset `sales` first.")
    notes: dict[str, str] = {}
    contents = []
    for content in CONTENTS:
        if note := _left_out(warehouse, content, most_lines):
            notes[content.table.name] = note
        else:
            contents.append(content)
    expected = totals.read(
        lambda sql: _one(warehouse, sql), {c.table: f"({c.select}) AS s" for c in contents}, "VARCHAR(256)"
    )
    related, unrelated = relations.holding(
        lambda sql: _one(warehouse, sql), {c.table: f"({c.select})" for c in contents}
    )
    made = Extract(
        totals.rows_of(expected),
        related,
        notes | unrelated,
        _one(warehouse, f"SELECT max(sale_date) AS last_day FROM {SALES.name}")["last_day"],
    )
    about = made.about(source, currency)
    hyper.write(path, {**{c.table: warehouse.scan(c.select) for c in contents}, ABOUT: iter(about.to_batches())})
    found = totals.read(
        lambda sql: hyper.query(path, sql).to_pylist()[0], {c.table: hyper.table_of(c.table) for c in contents}, "TEXT"
    )
    if differ := totals.differences(expected, found):
        raise WarehouseBusyError(
            f"The extract is not what {warehouse.location()} holds: {'; '.join(differ[:_SHOWN])}"
            f"{f' and {len(differ) - _SHOWN} more' if len(differ) > _SHOWN else ''}. Nothing was published. If another "
            "run was loading meanwhile, materialize tableau_extract again after it."
        )
    return made


def _left_out(warehouse: Warehouse, content: Content, most_lines: int) -> str | None:
    """Why a table is not in the extract; None if it is."""
    if not warehouse.exists(content.origin):
        return f"left out: it does not exist yet. Materialize the asset {content.origin.name}, then tableau_extract."
    if content.table != LINES:
        return None
    lines = _one(warehouse, f"SELECT count(*) AS n FROM {content.origin.name}")["n"]
    if lines <= most_lines:
        return None
    return (
        f"left out: {lines:,} lines, more than the {most_lines:,} of RETAIL_TABLEAU_LINES. Raise it, or "
        "connect Tableau to the warehouse for single lines (docs/tableau.md)."
    )


def _one(warehouse: Warehouse, sql: str) -> dict[str, Any]:
    """The single row of a query."""
    [row] = warehouse.query(sql).to_pylist()
    return dict(row)
