"""What every asset shares: its place in the graph, metadata for people, and failures that say what to do."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.errors import RetailError
from retail_assets.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

ENGINEERING = ["team:data-engineering"]
ANALYTICS = ["team:analytics"]
SCIENCE = ["team:data-science"]

#: For every step that writes to the warehouse: another process may hold it. Failures that retrying cannot help say so.
WAREHOUSE_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, jitter=dg.Jitter.FULL)

_PREVIEW_ROWS = 5
_PREVIEW_CELL = 60


@contextlib.contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn a RetailError into a Dagster Failure that shows its message, and is retried only where that can help."""
    try:
        yield
    except RetailError as e:
        raise dg.Failure(description=str(e), metadata={"error": type(e).__name__}, allow_retries=e.retryable) from None


def selected(
    context: dg.AssetExecutionContext, results: Iterable[dg.MaterializeResult]
) -> Iterator[dg.MaterializeResult]:
    """Of what a step makes together, report the assets that this run selects."""
    chosen = context.selected_asset_keys
    return (r for r in results if r.asset_key is not None and dg.AssetKey.from_coercible(r.asset_key) in chosen)


def table_schema(table: Table) -> dg.TableSchema:
    """Dagster's column schema of a warehouse table."""
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
    """Column lineage: `{column: [(asset, column), …]}`."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=column) for asset, column in sources]
            for name, sources in columns.items()
        }
    )


def same_columns(table: Table, asset: str) -> dg.TableColumnLineage:
    """Lineage of a table whose every column comes from the column of the same name."""
    return lineage({name: [(asset, name)] for name in table.names})


def static_table_metadata(table: Table, columns: dg.TableColumnLineage | None = None) -> dict[str, Any]:
    """Metadata of an asset that is a table, known before it is materialized."""
    metadata: dict[str, Any] = {"dagster/column_schema": table_schema(table), "grain": table.grain}
    if columns is not None:
        metadata["dagster/column_lineage"] = columns
    return metadata


def row_counts(total: int, by_partition: Mapping[str, int]) -> dict[str, Any]:
    """Row counts of a run over one partition or a range. A range's materializations all carry the whole account."""
    if len(by_partition) == 1:
        return {"dagster/partition_row_count": total}
    return {"rows_in_range": total, "rows_by_landing": dg.MetadataValue.json(dict(by_partition))}


def preview(rows: pa.Table) -> dg.MarkdownMetadataValue:
    """The first rows as a Markdown table; long cells are cut."""
    head = rows.slice(0, _PREVIEW_ROWS)
    if not head.num_rows:
        return dg.MetadataValue.md("*no rows*")
    lines = ["| " + " | ".join(head.column_names) + " |", "|" + " --- |" * head.num_columns]
    for row in head.to_pylist():
        cells = (
            "" if v is None else str(v).replace("|", "\\|").replace("\n", " ")[:_PREVIEW_CELL] for v in row.values()
        )
        lines.append("| " + " | ".join(cells) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def picture(thumbnail: bytes, caption: str) -> dg.MarkdownMetadataValue:
    """A thumbnail in the event log. Full figures stay in the output store: the log is a database."""
    return dg.MetadataValue.md(f"![{caption}](data:image/png;base64,{base64.b64encode(thumbnail).decode()})")
