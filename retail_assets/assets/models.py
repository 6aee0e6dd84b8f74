"""The model layer: the sales forecast and the customer segments, each with its evaluation and its pictures."""

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
from retail_assets.tables import CUSTOMER_SEGMENTS, DAILY_CATEGORY_SALES, SALES_FORECAST, Table

FORECAST_GROUP = "forecast"
SEGMENTS_GROUP = "segments"
SEED = 0

#: What each model can draw: a figure of an earlier run that today's data do not give would contradict the report.
_FORECAST_FIGURES = ("forecast_total.png", "forecast_skill.png")
_SEGMENT_FIGURES = ("segment_map.png", "segment_revenue.png")

_FORECAST_LINEAGE = {
    "product_category": [("daily_category_sales", "product_category")],
    "forecast_date": [("daily_category_sales", "sale_date")],
    "cutoff_date": [("daily_category_sales", "sale_date")],
    "revenue": [("daily_category_sales", "revenue"), ("daily_category_sales", "sale_date")],
    "seasonal_naive": [("daily_category_sales", "revenue")],
}
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
    """`sales_forecast` and `customer_segments`."""
    contract = platform.settings.contract
    warehouse = platform.warehouse

    @dg.asset(
        deps=["daily_category_sales"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=WAREHOUSE_RETRIES,
        group_name=FORECAST_GROUP,
        kinds={"scikitlearn", platform.settings.warehouse, "table"},
        owners=SCIENCE,
        tags={"layer": "model", "source": platform.source},
        code_version="1",
        description="Revenue of the next 28 days a category by Gradient Boosting, measured against seasonal naive.",
        metadata=_static(platform, SALES_FORECAST, _FORECAST_LINEAGE),
    )
    def sales_forecast(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.forecasting.figures import figures
        from retail_assets.forecasting.forecast import forecast_daily

        with failing_clearly():
            history = warehouse.query(f"SELECT * FROM {DAILY_CATEGORY_SALES.name}").to_pandas()
            forecast = forecast_daily(history, country=contract.country, seed=SEED)
            rows = warehouse.replace(SALES_FORECAST, forecast.table)
            report = {"forecast/backtest.json": _json(forecast.backtest)}
            drawn = figures(history, forecast, currency=contract.currency)
            metadata = _publish(platform, report, drawn, _FORECAST_FIGURES)
        context.log.info("Forecast of %d rows. %s", rows, forecast.backtest["verdict"])
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                "dagster/uri": warehouse.location(SALES_FORECAST),
                "verdict": forecast.backtest["verdict"],
                "preview": preview(forecast.table),
                **metadata,
            }
        )

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
        metadata=_static(platform, CUSTOMER_SEGMENTS, _SEGMENT_LINEAGE),
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
            report = {"segments/evaluation.json": _json(segments.evaluation)}
            drawn = draw_figures(segments, currency=contract.currency)
            metadata = _publish(platform, report, drawn, _SEGMENT_FIGURES)
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

    return [sales_forecast, customer_segments]


def _static(platform: Platform, table: Table, columns: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    names = {"dagster/table_name": f"{platform.warehouse.schema}.{table.name}"}
    return static_table_metadata(table, lineage(columns)) | names


def _json(report: dict[str, Any]) -> bytes:
    return json.dumps(report, indent=2, allow_nan=False, default=_money).encode() + b"\n"


def _money(value: object) -> str:
    """Exact money as a decimal string; json has no other way. Raises TypeError for anything else."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a report")


def _publish(
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
