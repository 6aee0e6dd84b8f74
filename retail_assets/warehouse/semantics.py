"""What may be asked of the tables of `tables.py`: measures as SQL, dimensions, joins by key.

The data dictionary, the workbook and whoever writes SQL for others read this. Not here: how it is shown (`exports/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from retail_assets.tables import (
    ALL,
    BASKET_AFFINITY,
    CUSTOMER_COHORTS,
    CUSTOMER_FEATURES,
    CUSTOMER_MONTHS,
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    INSIGHTS,
    NO_STORE,
    PRODUCT_CONCENTRATION,
    SALES,
    SALES_CLEAN,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    SUMMARY_STATISTICS,
    Column,
    Table,
)

Role = Literal["key", "dimension", "number", "text"]
Additivity = Literal["additive", "semi-additive", "non-additive"]

#: Longer texts are read, not grouped by.
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class Measure:
    """A number that SQL computes from the rows of one table, for all of them or for each group.

    Attributes:
        name: unique within its table.
        sql: an aggregate over the table's columns, in the SQL that DuckDB and Redshift share.
        unit: `money` (in the shop's currency), `share` (0 to 1), or what is counted.
        description: what it is.
        additive: whether values of groups add up to the value of all rows.
        not_over: columns over whose values it does not add up, although it does over others.
    """

    name: str
    sql: str
    unit: str
    description: str
    additive: bool = True
    not_over: tuple[str, ...] = ()

    @property
    def additivity(self) -> Additivity:
        """How it adds up: over every dimension, over some, over none."""
        if not self.additive:
            return "non-additive"
        return "semi-additive" if self.not_over else "additive"


@dataclass(frozen=True)
class Join:
    """A foreign key: each row of `table` has at most one row of `to`, where `sql` equals its column `column`.

    `sql` is over the columns of `table`; where it is null, the row has none.
    """

    table: Table
    sql: str
    to: Table
    column: str


def _ratio(above: str, below: str) -> str:
    return f"CAST({above} AS DOUBLE PRECISION) / nullif(CAST({below} AS DOUBLE PRECISION), 0)"


def _sum(column: str, name: str, unit: str, description: str, not_over: tuple[str, ...] = ()) -> Measure:
    return Measure(name, f"sum({column})", unit, description, not_over=not_over)


def _rows(name: str, description: str) -> Measure:
    return Measure(name, "count(*)", "rows" if name == "row_count" else name, description)


_REVENUE = "money, net of returns"
_OF_CATEGORIES = "CASE WHEN product_category <> 'TOTAL' THEN {} END"


def _of_categories(expression: str) -> str:
    """Without the rows of TOTAL, which repeat the others."""
    return _OF_CATEGORIES.format(expression)


def _daily(not_over: tuple[str, ...]) -> tuple[Measure, ...]:
    return (
        _sum("revenue", "revenue", "money", _REVENUE),
        _sum("units", "units", "units", "units, net of returns"),
        _sum("lines", "lines", "lines", "number of sales lines"),
        _sum("returned", "returned", "money", "money of returns, as a negative amount"),
        Measure(
            "orders",
            "sum(orders)",
            "orders",
            "number of orders; an order counts once in each of its rows, so of several ask sales",
            not_over=not_over,
        ),
        Measure(
            "return_share",
            _ratio("-sum(returned)", "sum(revenue - returned)"),
            "share",
            "money of returns / money of purchases",
            additive=False,
        ),
    )


_BOUGHT = "sum(CASE WHEN total_amount > 0 THEN total_amount ELSE 0 END)"
_RETURNED = "sum(CASE WHEN total_amount < 0 THEN total_amount ELSE 0 END)"

MEASURES: Mapping[str, tuple[Measure, ...]] = {
    SALES.name: (
        _sum("total_amount", "revenue", "money", _REVENUE),
        Measure("purchases", _BOUGHT, "money", "money of lines above zero"),
        Measure("returned", _RETURNED, "money", "money of returns, as a negative amount"),
        _sum("quantity", "units", "units", "units, net of returns"),
        _rows("lines", "number of sales lines"),
        Measure("orders", "count(DISTINCT order_id)", "orders", "number of distinct orders", additive=False),
        Measure(
            "customers",
            "count(DISTINCT customer_id)",
            "customers",
            "number of distinct known customers",
            additive=False,
        ),
        Measure("days_with_sales", "count(DISTINCT sale_date)", "days", "number of days with a line", additive=False),
        _sum("discount", "discount", "money", "money taken off, as far as the source states it"),
        Measure(
            "average_order",
            _ratio("sum(total_amount)", "count(DISTINCT order_id)"),
            "money",
            "money per order, net of returns",
            additive=False,
        ),
        Measure(
            "average_price", _ratio("sum(total_amount)", "sum(quantity)"), "money", "money per unit", additive=False
        ),
        Measure(
            "return_share",
            _ratio(f"-{_RETURNED}", _BOUGHT),
            "share",
            "money of returns / money of purchases",
            additive=False,
        ),
        Measure(
            "known_customer_share",
            _ratio("count(customer_id)", "count(*)"),
            "share",
            "share of lines with a known customer",
            additive=False,
        ),
    ),
    SALES_CLEAN.name: (
        _rows("row_count", "clean rows as they landed, before later landings correct them"),
        _sum("total_amount", "amount", "money", "money of these rows; for revenue, ask sales"),
    ),
    SALES_QUARANTINE.name: (
        _rows("row_count", "rejected rows"),
        _sum("total_amount", "amount", "money", "money of rejected rows, as far as it could be read"),
        Measure(
            "rows_without_amount", "count(*) - count(total_amount)", "rows", "rejected rows whose money is not known"
        ),
    ),
    DIM_DATE.name: (
        _rows("days", "calendar days"),
        Measure("holidays", "count(holiday)", "days", "public holidays"),
    ),
    DIM_CUSTOMER.name: (
        _rows("customers", "known customers"),
        _sum("revenue", "revenue", "money", "money of known customers, net of returns"),
        Measure(
            "revenue_per_customer", _ratio("sum(revenue)", "count(*)"), "money", "money per customer", additive=False
        ),
    ),
    DIM_PRODUCT.name: (
        _rows("products", "products ever sold"),
        _sum("revenue", "revenue", "money", _REVENUE),
        _sum("units", "units", "units", "units, net of returns"),
    ),
    DIM_STORE.name: (
        _rows("stores", f"stores, {NO_STORE} among them"),
        _sum("revenue", "revenue", "money", _REVENUE),
        _sum("units", "units", "units", "units, net of returns"),
        _sum("lines", "lines", "lines", "number of sales lines"),
    ),
    DAILY_CATEGORY_SALES.name: _daily(("product_category", "sale_date")),
    DAILY_STORE_CATEGORY_SALES.name: _daily(("product_category", "store_id", "sale_date")),
    SALES_FORECAST.name: (
        Measure(
            "expected_revenue",
            f"sum({_of_categories('mean')})",
            "money",
            "expected revenue of the categories, without the rows of TOTAL",
        ),
        Measure(
            "expected_units",
            f"sum({_of_categories('units')})",
            "units",
            "expected units of the categories, without the rows of TOTAL",
        ),
    ),
    FORECAST_BACKTEST.name: (_rows("scores", "rows of the backtest; errors of several rows are not added up"),),
    FORECAST_ACCURACY.name: (
        Measure(
            "category_days", f"count({_of_categories('1')})", "category days", "past forecasts, without those of TOTAL"
        ),
        Measure(
            "wape",
            _ratio(f"sum({_of_categories('abs(error)')})", f"sum({_of_categories('actual')})"),
            "share",
            "sum of absolute errors / sum of sales, by category and day",
            additive=False,
        ),
        Measure(
            "bias",
            _ratio(f"sum({_of_categories('error')})", f"sum({_of_categories('actual')})"),
            "share",
            "sum of errors / sum of sales; above zero, the forecast was too high",
            additive=False,
        ),
        Measure(
            "coverage80",
            _ratio(f"sum({_of_categories('CASE WHEN inside80 THEN 1 ELSE 0 END')})", f"count({_of_categories('1')})"),
            "share",
            "share of category days inside the 80 % prediction interval",
            additive=False,
        ),
    ),
    CUSTOMER_FEATURES.name: (
        _rows("customers", "known customers"),
        _sum("monetary", "money_spent", "money", "money spent in the window, net of returns"),
        _sum("frequency", "purchases", "purchases", "purchases in the window"),
    ),
    CUSTOMER_SEGMENTS.name: (
        _rows("customers", "known customers"),
        _sum("monetary", "money_spent", "money", "money spent in the window, net of returns"),
        _sum("frequency", "purchases", "purchases", "purchases in the window"),
        Measure(
            "customers_at_risk",
            "sum(CASE WHEN lapsed_risk THEN 1 ELSE 0 END)",
            "customers",
            "customers whose latest purchase is more than three usual gaps ago",
        ),
        Measure(
            "average_basket",
            _ratio("sum(monetary)", "sum(frequency)"),
            "money",
            "money per purchase",
            additive=False,
        ),
    ),
    SEGMENT_PROFILES.name: (
        _sum("customers", "customers", "customers", "customers of the personas"),
        _sum("revenue", "revenue", "money", "their money in the window, net of returns"),
        _sum("customers_share", "customers_share", "share", "share of all customers"),
    ),
    SEGMENT_MIGRATIONS.name: (
        Measure(
            "customers",
            "sum(customers)",
            "customers",
            "customers of the pairs of personas, of one pair of states",
            not_over=("from_snapshot", "from_version", "to_snapshot", "to_version"),
        ),
        Measure(
            "revenue",
            "sum(revenue)",
            "money",
            "their money in the window of the snapshot after",
            not_over=("from_snapshot", "from_version", "to_snapshot", "to_version"),
        ),
    ),
    INSIGHTS.name: (_rows("sentences", "sentences; their values are of different units and are not added up"),),
    DAILY_QUALITY.name: (
        _sum("landed", "landed", "rows", "rows that landed"),
        _sum("clean", "clean", "rows", "rows that count, before later landings correct them"),
        _sum("quarantined", "quarantined", "rows", "rows that were rejected"),
        _sum("superseded", "superseded", "rows", "rows that a later line of the same landing replaced"),
        _sum("excluded", "excluded", "rows", "rows that a rule of the contract leaves out"),
        _sum("erased", "erased", "rows", "rows of customers who were erased"),
        _sum("quarantined_amount", "quarantined_amount", "money", "money of rejected rows, as far as it could be read"),
        Measure(
            "quarantined_share",
            _ratio("sum(quarantined)", "sum(landed)"),
            "share",
            "rejected rows / landed rows",
            additive=False,
        ),
    ),
    SUMMARY_STATISTICS.name: (_rows("row_count", "descriptions; read one row at a time"),),
    CUSTOMER_MONTHS.name: (
        _sum("first_seen", "first_seen", "customers", "customers in the month of their first purchase"),
        Measure(
            "customers",
            "sum(first_seen + seen_before)",
            "customers",
            "known customers with a purchase",
            not_over=("month_start", "whole_month", "counted"),
        ),
        _sum(
            "first_seen_revenue",
            "first_seen_revenue",
            "money",
            "money of customers in the month of their first purchase",
        ),
        _sum(
            "first_seen_revenue + seen_before_revenue", "revenue", "money", "money of known customers, net of returns"
        ),
    ),
    CUSTOMER_COHORTS.name: (
        Measure(
            "customers",
            "sum(CASE WHEN periods_since = 0 THEN customers END)",
            "customers",
            "customers of the cohorts",
            not_over=("periods_since",),
        ),
        Measure(
            "active_share",
            _ratio("sum(active)", "sum(customers)"),
            "share",
            "share of the customers with a purchase in the period",
            additive=False,
        ),
        _sum("revenue", "revenue", "money", "money of the cohorts, net of returns"),
    ),
    PRODUCT_CONCENTRATION.name: (_rows("row_count", "points of the curve; read one row at a time"),),
    BASKET_AFFINITY.name: (
        _rows("pairs", "pairs that were tested"),
        Measure("found", "sum(CASE WHEN found THEN 1 ELSE 0 END)", "pairs", "pairs that stand out"),
    ),
}

_PRODUCT_KEY = "coalesce(product_id, product_category)"
_STORE_KEY = f"coalesce(store_id, '{NO_STORE}')"

JOINS: tuple[Join, ...] = (
    Join(SALES, "sale_date", DIM_DATE, "calendar_date"),
    Join(SALES, "landed_on", DAILY_QUALITY, "landed_on"),
    Join(SALES_CLEAN, "landed_on", DAILY_QUALITY, "landed_on"),
    Join(SALES_QUARANTINE, "landed_on", DAILY_QUALITY, "landed_on"),
    Join(SALES, "customer_id", DIM_CUSTOMER, "customer_id"),
    Join(SALES, _PRODUCT_KEY, DIM_PRODUCT, "product_key"),
    Join(SALES, _STORE_KEY, DIM_STORE, "store_id"),
    Join(DAILY_CATEGORY_SALES, "sale_date", DIM_DATE, "calendar_date"),
    Join(DAILY_STORE_CATEGORY_SALES, "sale_date", DIM_DATE, "calendar_date"),
    Join(DAILY_STORE_CATEGORY_SALES, "store_id", DIM_STORE, "store_id"),
    Join(FORECAST_ACCURACY, "forecast_date", DIM_DATE, "calendar_date"),
    Join(CUSTOMER_FEATURES, "customer_id", DIM_CUSTOMER, "customer_id"),
    Join(CUSTOMER_SEGMENTS, "customer_id", DIM_CUSTOMER, "customer_id"),
    Join(CUSTOMER_SEGMENTS, "persona", SEGMENT_PROFILES, "persona"),
)

#: Whole numbers that name a group and are never added up.
_NUMBERS_OF_GROUPS = {
    SALES.name: {"age"},
    SALES_CLEAN.name: {"age", "source_line"},
    SALES_QUARANTINE.name: {"source_line"},
    DIM_DATE.name: {"year", "quarter", "month", "day_of_month", "iso_week", "weekday"},
    DIM_CUSTOMER.name: {"age"},
    CUSTOMER_COHORTS.name: {"periods_since"},
    SALES_FORECAST.name: {"horizon_day"},
    FORECAST_ACCURACY.name: {"horizon_day"},
    CUSTOMER_SEGMENTS.name: {"cluster"},
}


def role(table: Table, column: Column) -> Role:
    """Return what a column is for: part of the key, to group and filter by, a number to compute with, or to read."""
    if column.name in table.key:
        return "key"
    if column.type.startswith("varchar"):
        return "dimension" if column.numbers[0] <= _LONGEST_NAME else "text"
    if column.type in ("date", "timestamp", "boolean") or column.name in _NUMBERS_OF_GROUPS.get(table.name, ()):
        return "dimension"
    return "number"


def dimensions(table: Table) -> list[Column]:
    """Return the columns that rows are grouped and filtered by, those of the key among them."""
    return [column for column in table.columns if role(table, column) in ("key", "dimension")]


def measures(table: Table) -> tuple[Measure, ...]:
    """Return the measures of a table."""
    return MEASURES.get(table.name, ())


def joins(table: Table) -> list[Join]:
    """Return the joins from a table to others."""
    return [join for join in JOINS if join.table is table]


def measure(name: str) -> tuple[Table, Measure]:
    """Find a measure by `table.measure`.

    Raises KeyError if there is none.

    >>> measure("sales.revenue")[1].sql
    'sum(total_amount)'
    """
    of_table, _, own = name.partition(".")
    for table in ALL:
        for each in MEASURES.get(table.name, ()):
            if (table.name, each.name) == (of_table, own):
                return table, each
    raise KeyError(name)
