"""The customer segments with their evaluation and pictures, and what they share with the forecast's assets."""

import json
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.assets.common import (
    SCIENCE,
    WAREHOUSE_RETRIES,
    failing_clearly,
    lineage,
    picture,
    preview,
    static_table_metadata,
)
from retail_assets.platform import Platform
from retail_assets.tables import CUSTOMER_SEGMENTS, Table

SEGMENTS_GROUP = "segments"
SEED = 0

#: What the model can draw: a figure of an earlier run that today's data do not give would contradict the report.
_SEGMENT_FIGURES = ("segment_map.png", "segment_revenue.png")

_SEGMENT_LINEAGE = {
    "customer_id": [("sales", "customer_id")],
    "persona": [("sales", "total_amount"), ("sales", "order_id")],
    "cluster": [("sales", "total_amount"), ("sales", "order_id")],
    "frequency": [("sales", "order_id")],
    "monetary": [("sales", "total_amount")],
    "average_basket": [("sales", "total_amount"), ("sales", "order_id")],
    "last_sale_date": [("sales", "sale_date")],
    "snapshot_date": [("sales", "sale_date")],
}


def model_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`customer_segments`."""
    contract = platform.settings.contract
    warehouse = platform.warehouse

    @dg.asset(
        deps=["sales"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=WAREHOUSE_RETRIES,
        group_name=SEGMENTS_GROUP,
        kinds={"scikitlearn", platform.settings.warehouse, "table"},
        owners=SCIENCE,
        tags={"layer": "model", "source": platform.source},
        code_version="1",
        description="Customers in named personas by K-Means on frequency, monetary value and average basket.",
        metadata=static(platform, CUSTOMER_SEGMENTS, _SEGMENT_LINEAGE),
    )
    def customer_segments(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.segmentation import queries
        from retail_assets.segmentation.evaluation import AnonymousSales
        from retail_assets.segmentation.figures import draw_figures
        from retail_assets.segmentation.segment import segment_customers

        with failing_clearly():
            [scope] = warehouse.query(queries.SCOPE).to_pylist()
            segments = segment_customers(
                warehouse.query(queries.CUSTOMERS).to_pandas(),
                snapshot=scope["snapshot_date"],
                seed=SEED,
                anonymous=AnonymousSales(
                    int(scope["anonymous_lines"]), int(scope["anonymous_orders"]), scope["anonymous_revenue"]
                ),
                currency=contract.currency,
            )
            rows = warehouse.replace(CUSTOMER_SEGMENTS, segments.table)
            report = {"segments/evaluation.json": report_json(segments.evaluation)}
            drawn = draw_figures(segments, currency=contract.currency)
            metadata = publish(platform, report, drawn, _SEGMENT_FIGURES)
        context.log.info("%d customers segmented. %s", rows, segments.evaluation["verdict"])
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                "dagster/uri": warehouse.location(CUSTOMER_SEGMENTS),
                "verdict": segments.evaluation["verdict"],
                "preview": preview(segments.table),
                **metadata,
            }
        )

    return [customer_segments]


def static(platform: Platform, table: Table, columns: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """Metadata of a table asset, known before it is materialized."""
    names = {"dagster/table_name": f"{platform.warehouse.schema}.{table.name}"}
    return static_table_metadata(table, lineage(columns)) | names


def report_json(report: dict[str, Any]) -> bytes:
    """A report as the file that is published; exact money as decimal strings."""
    return json.dumps(report, indent=2, allow_nan=False, default=_money).encode() + b"\n"


def _money(value: object) -> str:
    """Exact money as a decimal string; json has no other way. Raises TypeError for anything else."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a report")


def publish(
    platform: Platform, reports: dict[str, bytes], drawn: dict[str, bytes], all_figures: tuple[str, ...]
) -> dict[str, Any]:
    """Write reports and figures, remove figures that these data do not give; returns thumbnails for the event log."""
    from retail_assets.eda.figures import thumbnail

    platform.output.delete([f"figures/{name}" for name in all_figures if name not in drawn])
    for key, content in reports.items():
        platform.output.write(key, content)
    for name, png in drawn.items():
        platform.output.write(f"figures/{name}", png)
    return {name.removesuffix(".png"): picture(thumbnail(png), name) for name, png in drawn.items()}
