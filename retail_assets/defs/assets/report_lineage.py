"""Where the numbers of the report, of the workbook and of the insights come from, column by column."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from retail_assets.defs.metadata import lineage, table_schema
from retail_assets.exports import OUTPUTS
from retail_assets.platform import Platform
from retail_assets.tables import (
    BASKET_AFFINITY,
    CUSTOMER_COHORTS,
    CUSTOMER_MONTHS,
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    FORECAST_BACKTEST,
    PRODUCT_CONCENTRATION,
    SALES_FORECAST,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)

_MEASURED = [
    *(("sales", name) for name in ("sale_date", "order_id", "customer_id", "product_category", "total_amount")),
    ("daily_category_sales", "revenue"),
]
INSIGHTS = {
    **dict.fromkeys(("sentence", "value", "baseline", "p_value", "low", "high"), _MEASURED),
    "last_day": [("sales", "sale_date")],
}
"""Of `insights`: its sentences are computed from the sales; each row has its own query."""

_OVERVIEW = {"revenue": "total_amount", "orders": "order_id", "customers": "customer_id", "lines": "transaction_id"}
_SHOWN: dict[str, tuple[Table, tuple[str, ...]]] = {
    "revenue_by_day": (DAILY_CATEGORY_SALES, ("sale_date", "product_category", "revenue")),
    "revenue_by_category": (DAILY_CATEGORY_SALES, ("product_category", "revenue", "orders")),
    "forecast": (
        SALES_FORECAST,
        ("product_category", "forecast_date", "mean", "p025", "p10", "p90", "p975", "method", "model_version"),
    ),
    "segments": (
        SEGMENT_PROFILES,
        ("persona", "customers", "customers_share", "revenue", "revenue_share", "median_frequency",
         "median_average_basket", "median_recency_days"),
    ),
    "moves": (SEGMENT_MIGRATIONS, ("from_persona", "to_persona", "customers")),
    "models": (FORECAST_BACKTEST, ("model", "product_category", "wape", "coverage80", "coverage95", "champion")),
    "landings": (DAILY_QUALITY, DAILY_QUALITY.names),
    "new_customers": (CUSTOMER_MONTHS, CUSTOMER_MONTHS.names),
    "cohorts": (CUSTOMER_COHORTS, CUSTOMER_COHORTS.names),
    "concentration": (PRODUCT_CONCENTRATION, PRODUCT_CONCENTRATION.names),
    "pairs": (BASKET_AFFINITY, BASKET_AFFINITY.names),
}  # fmt: skip
"""What the report shows of tables that have an asset of their name, by the part of the page."""


def of_report() -> dict[str, dg.TableSchema | dg.TableColumnLineage]:
    """Return the columns of the report, as `part.column`, and those of the warehouse that they come from."""
    columns = [dg.TableColumn(f"overview.{name}", description=f"over all sales: {name}") for name in _OVERVIEW]
    sources = {f"overview.{name}": [("sales", origin)] for name, origin in _OVERVIEW.items()}
    for part, (table, names) in _SHOWN.items():
        described = {column.name: column for column in table.columns}
        columns += [dg.TableColumn(f"{part}.{n}", described[n].type, described[n].description) for n in names]
        sources |= {f"{part}.{name}": [(table.name, name)] for name in names}
    rejected = {"reasons": "reasons", "rows": "transaction_id", "money": "total_amount"}
    columns += [dg.TableColumn(f"rejected_rows.{name}", description=f"rejected rows: {name}") for name in rejected]
    sources |= {f"rejected_rows.{name}": [("sales_quarantine", origin)] for name, origin in rejected.items()}
    return {"dagster/column_schema": dg.TableSchema(columns), "dagster/column_lineage": lineage(sources)}


def of_tables(tables: Sequence[Table]) -> dict[str, dg.TableSchema | dg.TableColumnLineage]:
    """Return the columns of some tables, as `table.column`, each from the column of its name in the table's asset."""
    columns = [
        dg.TableColumn(f"{table.name}.{column.name}", column.type, column.description, column.constraints)
        for table in tables
        for column in table_schema(table).columns
    ]
    sources = {f"{table.name}.{name}": [(table.name, name)] for table in tables for name in table.names}
    return {"dagster/column_schema": dg.TableSchema(columns), "dagster/column_lineage": lineage(sources)}


def links(platform: Platform) -> dg.MetadataValue[str]:
    """Return where everything is that people look at, with what each file is."""
    rows = [f"| {what} | `{platform.output.uri_of(key)}` |" for key, what in OUTPUTS.items()]
    return dg.MetadataValue.md("\n".join(["| what | where |", "|---|---|", *rows]))
