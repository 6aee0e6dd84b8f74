"""The tables among the assets of the exploratory analysis: what each is made from, and how it is published."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retail_assets.defs.data_versions import hash_of_table
from retail_assets.defs.metadata import preview
from retail_assets.platform import Platform
from retail_assets.tables import BASKET_AFFINITY, CUSTOMER_COHORTS, CUSTOMER_MONTHS, PRODUCT_CONCENTRATION, Table

if TYPE_CHECKING:
    from retail_assets.eda.data import EdaData

_Lineage = dict[str, list[tuple[str, str]]]


def _from(columns: Iterable[str], *of_sales: str) -> _Lineage:
    return {column: [("sales", name) for name in of_sales] for column in columns}


_PURCHASES = ("customer_id", "order_id", "sale_date", "quantity")
_ITEMS = ("order_id", "product_category", "product_id", "quantity")

#: What each is for, and what its columns are computed from.
TABLES: MappingProxyType[str, tuple[Table, str, _Lineage]] = MappingProxyType(
    {
        CUSTOMER_MONTHS.name: (
            CUSTOMER_MONTHS,
            "Known customers by month: those seen for the first time and those seen before, and from when on the first "
            "can be counted as new.",
            {
                **_from(("month_start",), "sale_date"),
                **_from(("first_seen", "seen_before", "first_seen_orders", "seen_before_orders"), *_PURCHASES),
                **_from(("first_seen_revenue", "seen_before_revenue"), *_PURCHASES, "total_amount"),
            },
        ),
        CUSTOMER_COHORTS.name: (
            CUSTOMER_COHORTS,
            "Customers by the period of their first purchase: how many buy again so many periods later, and for how "
            "much.",
            {
                **_from(("cohort",), "sale_date"),
                **_from(("customers", "active", "active_share"), *_PURCHASES),
                **_from(("revenue", "revenue_per_customer"), "customer_id", "sale_date", "total_amount"),
            },
        ),
        PRODUCT_CONCENTRATION.name: (
            PRODUCT_CONCENTRATION,
            "On how few products, or categories, the revenue rests.",
            {
                **_from(("items", "items_share"), "product_id", "product_category"),
                **_from(
                    ("revenue_share", "half_items", "four_fifths_items"),
                    "product_id",
                    "product_category",
                    "total_amount",
                ),
            },
        ),
        BASKET_AFFINITY.name: (
            BASKET_AFFINITY,
            "Pairs of categories and of products in one order, against chance in orders of the same size, found in "
            "earlier and measured in later days.",
            {
                **_from(("first_item", "second_item", "first_category", "second_category"), *_ITEMS),
                **_from(("orders", "expected_orders", "support", "lift", "plain_lift", "p_value"), *_ITEMS),
            },
        ),
    }
)


def publish_table(platform: Platform, data: "EdaData", name: str) -> tuple[str, dict[str, Any]]:
    """Replace a table by what the analysis found; return the hash of its rows, and metadata."""
    from retail_assets.eda.answer_tables import MAKERS

    table, _, _ = TABLES[name]
    rows = MAKERS[name](data)
    count = platform.warehouse.replace(table, rows)
    return hash_of_table(platform.warehouse, table), {"dagster/row_count": count, "preview": preview(rows)}
