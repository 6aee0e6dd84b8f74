"""Metadata that assets attach for people: owners, column schemas, lineage, row counts, previews, thumbnails."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.storage.markdown_text import PREVIEW_CELL, as_cell
from retail_assets.tables import Table
from retail_assets.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

ENGINEERING = ["team:data-engineering"]
ANALYTICS = ["team:analytics"]
SCIENCE = ["team:data-science"]

_CATEGORY, _TOTAL = "product_category", "TOTAL"
_PREVIEW_ROWS = 5


def table_schema(table: Table) -> dg.TableSchema:
    """Return Dagster's column schema for a warehouse table."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                c.type,
                description=c.description,
                constraints=dg.TableColumnConstraints(nullable=c.nullable, unique=table.key == (c.name,)),
            )
            for c in table.columns
        ],
        constraints=dg.TableConstraints(other=[f"unique ({', '.join(table.key)})", f"grain: {table.grain}"]),
    )


def lineage(columns: Mapping[str, Sequence[tuple[str, str]]]) -> dg.TableColumnLineage:
    """Return column lineage from `{column: [(asset, column), …]}`."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=column) for asset, column in sources]
            for name, sources in columns.items()
        }
    )


def same_columns(table: Table, asset: str) -> dg.TableColumnLineage:
    """Return the lineage of a table in which every column comes from the column of the same name in `asset`."""
    return lineage({name: [(asset, name)] for name in table.names})


def static_table_metadata(table: Table, uri: str, columns: dg.TableColumnLineage | None = None) -> dict[str, Any]:
    """Return the metadata of a table asset that is known before it is materialized: columns, grain, place, lineage."""
    metadata: dict[str, Any] = {
        "dagster/column_schema": table_schema(table),
        "dagster/uri": uri,
        "grain": table.grain,
    }
    if columns is not None:
        metadata["dagster/column_lineage"] = columns
    return metadata


def warehouse_table(warehouse: Warehouse, table: Table, columns: dg.TableColumnLineage | None = None) -> dict[str, Any]:
    """Return the same of a table in the warehouse. Nothing is opened."""
    metadata = static_table_metadata(table, warehouse.location(table), columns)
    return metadata | {"dagster/table_name": f"{warehouse.schema}.{table.name}"}


def money(amount: Decimal) -> dg.FloatMetadataValue:
    """Return money as a number, which Dagster plots over runs and partitions; exact to the cent up to 10¹³."""
    return dg.MetadataValue.float(float(amount))


def numbers(values: Mapping[str, Any]) -> dict[str, int | float]:
    """Return those of the values that are finite numbers, as Dagster plots them; whole numbers as such."""
    found: dict[str, int | float] = {}
    for name, value in values.items():
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = int(value) if value == int(value) else float(value)
    return found


def preview(rows: pa.Table, count: int = _PREVIEW_ROWS) -> dg.MarkdownMetadataValue:
    """Return the first rows as a Markdown table that shows every cell as text; long cells are cut, fractions rounded.

    Rows of the category TOTAL come first.
    """
    head = _total_first(rows).slice(0, count)
    if not head.num_rows:
        return dg.MetadataValue.md("*no rows*")
    lines = ["| " + " | ".join(map(as_cell, head.column_names)) + " |", "|" + " --- |" * head.num_columns]
    for row in head.to_pylist():
        cells = ("" if v is None else as_cell(_shown(v), PREVIEW_CELL) for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def csv_rows(text: str) -> pa.Table:
    """Return the rows of a CSV file with a header, as the texts that they are, for a preview."""
    import pyarrow as pa

    header, *rows = csv.reader(io.StringIO(text))
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(header)})


def _total_first(rows: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _CATEGORY not in rows.column_names:
        return rows
    is_total = pc.fill_null(pc.equal(rows[_CATEGORY], _TOTAL), False)
    return pa.concat_tables([rows.filter(is_total), rows.filter(pc.invert(is_total))])


def _shown(value: object) -> str:
    """Return a cell: a fraction with two decimals, or four digits where it is small; anything else as it is."""
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    return f"{value:.2f}" if abs(value) >= 1 or not value else f"{value:.4g}"


def picture(thumbnail: bytes, caption: str) -> dg.MarkdownMetadataValue:
    """Return a thumbnail for the event log.

    Full-size figures stay in the output store, because the event log is a database.
    """
    return dg.MetadataValue.md(f"![{as_cell(caption)}](data:image/png;base64,{base64.b64encode(thumbnail).decode()})")
