"""Metadata that assets attach for people: owners, column schemas, lineage, row counts, previews, thumbnails."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.storage.markdown_text import as_cell
from retail_assets.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

ENGINEERING = ["team:data-engineering"]
ANALYTICS = ["team:analytics"]
SCIENCE = ["team:data-science"]

_PREVIEW_ROWS = 5
_PREVIEW_CELL = 60


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


def static_table_metadata(table: Table, columns: dg.TableColumnLineage | None = None) -> dict[str, Any]:
    """Return the metadata of a table asset that is known before it is materialized."""
    metadata: dict[str, Any] = {"dagster/column_schema": table_schema(table), "grain": table.grain}
    if columns is not None:
        metadata["dagster/column_lineage"] = columns
    return metadata


def row_counts(total: int, by_partition: Mapping[str, int]) -> dict[str, Any]:
    """Return row counts for a run over one partition or a range.

    In a range, Dagster gives the same metadata to every partition, so it holds the counts of all of them.
    """
    if len(by_partition) == 1:
        return {"dagster/partition_row_count": total}
    return {"rows_in_range": total, "rows_by_landing": dg.MetadataValue.json(dict(by_partition))}


def preview(rows: pa.Table) -> dg.MarkdownMetadataValue:
    """Return the first rows as a Markdown table that shows every cell as text; long cells are cut."""
    head = rows.slice(0, _PREVIEW_ROWS)
    if not head.num_rows:
        return dg.MetadataValue.md("*no rows*")
    lines = ["| " + " | ".join(map(as_cell, head.column_names)) + " |", "|" + " --- |" * head.num_columns]
    for row in head.to_pylist():
        cells = ("" if v is None else as_cell(str(v), _PREVIEW_CELL) for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def picture(thumbnail: bytes, caption: str) -> dg.MarkdownMetadataValue:
    """Return a thumbnail for the event log.

    Full-size figures stay in the output store, because the event log is a database.
    """
    return dg.MetadataValue.md(f"![{as_cell(caption)}](data:image/png;base64,{base64.b64encode(thumbnail).decode()})")
