"""The warehouse layer: the fact table, loaded by landing, then the dimensions and the daily marts built from it."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from retail_assets.defs.data_versions import CONTENT, hash_of_table, materialized, materialized_by_landing
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.freshness import newest_loaded, report_newest
from retail_assets.defs.metadata import ENGINEERING, lineage, money, preview, same_columns, warehouse_table
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.defs.selection import landing_days
from retail_assets.lake.currency import refuse_currency_of
from retail_assets.lake.manifests import CleanManifest, Status
from retail_assets.platform import Platform
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    NO_STORE,
    SALES,
    SALES_QUARANTINE,
    Table,
)
from retail_assets.warehouse import marts

GROUP = "warehouse"

_DAILY_LINEAGE = {
    "sale_date": ["sale_date"],
    "product_category": ["product_category"],
    "revenue": ["total_amount"],
    "units": ["quantity"],
    "orders": ["order_id"],
    "customers": ["customer_id"],
    "lines": ["transaction_id"],
    "returned": ["total_amount"],
}
_DAILY_STORE_LINEAGE = {**_DAILY_LINEAGE, "store_id": ["store_id"]}
_STORE_LINEAGE = {
    "store_id": ["store_id"],
    "first_sale_date": ["sale_date"],
    "last_sale_date": ["sale_date"],
    "orders": ["order_id"],
    "customers": ["customer_id"],
    "lines": ["transaction_id"],
    "revenue": ["total_amount"],
    "units": ["quantity"],
}
_CUSTOMER_LINEAGE = {
    "customer_id": ["customer_id"],
    "gender": ["gender"],
    "age": ["age"],
    "age_group": ["age_group"],
    "first_sale_date": ["sale_date"],
    "last_sale_date": ["sale_date"],
    "orders": ["order_id"],
    "revenue": ["total_amount"],
}
_PRODUCT_LINEAGE = {
    "product_key": ["product_id", "product_category"],
    "product_id": ["product_id"],
    "product_category": ["product_category"],
    "first_sale_date": ["sale_date"],
    "last_sale_date": ["sale_date"],
    "revenue": ["total_amount"],
    "units": ["quantity"],
}
_DATE_LINEAGE = {"calendar_date": ["sale_date"]}


def warehouse_assets(platform: Platform, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build `sales` and `sales_quarantine` by landing, the dimensions and the daily marts."""
    warehouse = platform.warehouse
    kinds = {platform.settings.warehouse, "table"}
    tags = {"layer": "warehouse", "source": platform.source}

    @dg.multi_asset(
        pool=WAREHOUSE,
        name="load",
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            dg.AssetSpec(
                "sales",
                deps=["clean_sales"],
                group_name=GROUP,
                kinds=kinds,
                owners=ENGINEERING,
                tags=tags,
                code_version="1",
                description="The fact table: the current version of each transaction. The latest landing wins.",
                metadata=warehouse_table(warehouse, SALES, same_columns(SALES, "clean_sales")),
            ),
            dg.AssetSpec(
                "sales_quarantine",
                deps=["quarantined_sales"],
                group_name=GROUP,
                kinds=kinds,
                owners=ENGINEERING,
                tags=tags,
                code_version="1",
                description="The quarantine as a table, for queries with SQL.",
                metadata=warehouse_table(
                    warehouse, SALES_QUARANTINE, same_columns(SALES_QUARANTINE, "quarantined_sales")
                ),
            ),
        ],
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        with failing_clearly(platform):
            landings = [platform.lake.clean(day) for day in landing_days(context)]
            refuse_currency_of(landings[-1:], platform.settings.contract)
            before = newest_loaded(warehouse)
            loaded = warehouse.load_landings(platform.lake.store, landings, platform.settings.contract.identity_limit)
            head = warehouse.query(f"SELECT * FROM {SALES.name} LIMIT 5")
        context.log.info(
            "Loaded %d clean and %d rejected rows of %d landing(s); sales has %d transactions",
            loaded.clean_inserted,
            loaded.quarantine_inserted,
            len(landings),
            loaded.sales_total,
        )
        report_newest(context, landings, before)
        of_run: dict[str, tuple[Status, dict[str, Any]]] = {
            "sales": (
                "clean",
                {
                    "dagster/row_count": loaded.sales_total,
                    "rows_inserted_in_run": loaded.clean_inserted,
                    "rows_replaced_in_run": loaded.clean_deleted,
                    "preview": preview(head),
                },
            ),
            "sales_quarantine": (
                "quarantine",
                {
                    "rows_inserted_in_run": loaded.quarantine_inserted,
                    "rows_replaced_in_run": loaded.quarantine_deleted,
                },
            ),
        }
        for asset, (status, shared) in of_run.items():
            if dg.AssetKey(asset) in context.selected_asset_keys:
                yield materialized_by_landing(context, asset, _by_landing(landings, status), shared)

    def rebuilt(
        table: Table, select: str, columns: dict[str, list[str]], description: str, after: tuple[str, ...] = ()
    ) -> dg.AssetsDefinition:
        """Build the asset of an unpartitioned table that one query makes from `sales`, `after` other tables."""

        @dg.asset(
            pool=WAREHOUSE,
            name=table.name,
            deps=["sales", *after],
            backfill_policy=dg.BackfillPolicy.single_run(),
            group_name=GROUP,
            kinds=kinds,
            owners=ENGINEERING,
            tags=tags,
            code_version="1",
            description=description,
            metadata=warehouse_table(warehouse, table, _from_sales(columns)),
        )
        def build() -> dg.MaterializeResult:
            with failing_clearly(platform):
                return _described(platform, table, warehouse.rebuild(table, select))

        return build

    @dg.asset(
        pool=WAREHOUSE,
        deps=["sales"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP,
        kinds=kinds,
        owners=ENGINEERING,
        tags=tags,
        code_version="1",
        description="The calendar from the first to the last day of sale, with the public holidays of the country.",
        metadata=warehouse_table(warehouse, DIM_DATE, _from_sales(_DATE_LINEAGE)),
    )
    def dim_date() -> dg.MaterializeResult:
        with failing_clearly(platform):
            [span] = warehouse.query(marts.SALES_SPAN).to_pylist()
            rows = DIM_DATE.arrow_schema().empty_table()
            if span["first_day"]:
                rows = marts.dim_date(span["first_day"], span["last_day"], platform.settings.contract.country)
            return _described(platform, DIM_DATE, warehouse.replace(DIM_DATE, rows))

    return [
        load,
        dim_date,
        rebuilt(
            DIM_CUSTOMER,
            marts.DIM_CUSTOMER,
            _CUSTOMER_LINEAGE,
            "Known customers, with the attributes of their latest sale and what they bought in total.",
        ),
        rebuilt(DIM_PRODUCT, marts.DIM_PRODUCT, _PRODUCT_LINEAGE, "Products, with the category of their latest sale."),
        rebuilt(
            DAILY_CATEGORY_SALES,
            marts.DAILY_CATEGORY_SALES,
            _DAILY_LINEAGE,
            "Revenue, units, orders and customers per day and category, which figures, forecast and dashboards read.",
        ),
        rebuilt(
            DIM_STORE,
            marts.DIM_STORE,
            _STORE_LINEAGE,
            f"Stores and what they sold in total; sales without a store are {NO_STORE}.",
        ),
        rebuilt(
            DAILY_STORE_CATEGORY_SALES,
            marts.DAILY_STORE_CATEGORY_SALES,
            _DAILY_STORE_LINEAGE,
            "Revenue, units, orders and customers per day, store and category; over all stores, the same as "
            "daily_category_sales.",
            after=("daily_category_sales",),
        ),
    ]


def _from_sales(columns: dict[str, list[str]]) -> dg.TableColumnLineage:
    return lineage({name: [("sales", source) for source in sources] for name, sources in columns.items()})


def _by_landing(landings: Sequence[CleanManifest], status: Status) -> dict[dt.date, dict[str, Any]]:
    return {
        m.landed_on: {
            CONTENT: m.content(status),
            "dagster/partition_row_count": m.rows(status),
            "revenue": money(m.amount(status)),
        }
        for m in landings
    }


def _described(platform: Platform, table: Table, rows: int) -> dg.MaterializeResult:
    head = platform.warehouse.query(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)} LIMIT 5")
    metadata = {"dagster/row_count": rows, "preview": preview(head)}
    return materialized(hash_of_table(platform.warehouse, table), metadata)
