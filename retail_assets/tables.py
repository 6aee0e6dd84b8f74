"""Every warehouse table, defined once: columns, types, key and grain.

DDL, Parquet schemas, Dagster column schemas and the checks of columns and keys derive from here. Not here: SQL that
fills a table (`warehouse/`), and anything that talks to a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,126}\Z")
_TYPE = re.compile(r"(bigint|integer|double|boolean|date|timestamp|varchar\(\d+\)|decimal\(\d+,\d+\))\Z")


def identifier(name: str) -> str:
    """Return `name` if it can stand unquoted in SQL, else raise ValueError. Names get into SQL only through this.

    >>> identifier("sales_clean")
    'sales_clean'
    """
    if not _IDENTIFIER.match(name):
        raise ValueError(f"not a valid SQL identifier: {name!r}")
    return name


@dataclass(frozen=True)
class Column:
    """One column. `type` is a portable SQL type that both DuckDB and Redshift understand.

    Files of the lake that an earlier version wrote may lack a `later` column. Such columns are the last of a table.
    """

    name: str
    type: str
    description: str
    nullable: bool = False
    later: bool = False

    def __post_init__(self) -> None:
        identifier(self.name)
        if not _TYPE.match(self.type):
            raise ValueError(f"{self.name}: unknown column type {self.type!r}")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the type: `(p, s)` of a decimal, `(n,)` of a varchar.

        >>> Column("amount", "decimal(18,2)", "money").numbers
        (18, 2)
        """
        return tuple(int(n) for n in re.findall(r"\d+", self.type))

    def arrow_type(self) -> pa.DataType:
        import pyarrow as pa

        simple = {
            "bigint": pa.int64(),
            "integer": pa.int32(),
            "double": pa.float64(),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "timestamp": pa.timestamp("us"),
        }
        if self.type in simple:
            return simple[self.type]
        return pa.string() if self.type.startswith("varchar") else pa.decimal128(*self.numbers)


@dataclass(frozen=True)
class Table:
    """A table. `grain` says in words what one row is, `key` in columns. `landing` is the partition column, if any."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    landing: str | None = None

    def __post_init__(self) -> None:
        identifier(self.name)
        names = {c.name for c in self.columns}
        if len(names) != len(self.columns):
            raise ValueError(f"{self.name}: duplicate column")
        if [c.later for c in self.columns] != sorted(c.later for c in self.columns):
            raise ValueError(f"{self.name}: columns that were added later must be the last ones")
        if missing := [k for k in (*self.key, *filter(None, [self.landing])) if k not in names]:
            raise ValueError(f"{self.name}: key columns {missing} are not columns")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def column_list(self) -> str:
        """The names as `a, b, c`, for an explicit column list in SQL."""
        return ", ".join(self.names)

    def arrow_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(c.name, c.arrow_type(), c.nullable) for c in self.columns])


MONEY = "decimal(18,2)"
PRICE = "decimal(18,4)"
QUANTITY = "decimal(18,3)"

_LINEAGE = (
    Column("source", "varchar(64)", "name of the source, as in its contract"),
    Column("landed_on", "date", "landing day (partition) on which the row arrived"),
    Column("source_file", "varchar(1024)", "key of the file in the raw store"),
    Column("source_line", "bigint", "physical line of the file on which the row begins (1 = the first line)"),
)

_SALE = (
    Column("transaction_id", "varchar(128)", "unique id of the sales line"),
    Column("order_id", "varchar(128)", "basket, receipt or invoice that the line belongs to"),
    Column("sold_at", "timestamp", "moment of sale in shop time"),
    Column("sale_date", "date", "day of sale in shop time"),
    Column("customer_id", "varchar(128)", "customer; null for anonymous sales", nullable=True),
    Column("gender", "varchar(16)", "Female, Male or Other", nullable=True),
    Column("age", "integer", "age in years at the time of sale", nullable=True),
    Column("age_group", "varchar(16)", "age band, from the source or derived from age", nullable=True),
    Column("product_id", "varchar(128)", "product; null where the source has only categories", nullable=True),
    Column("product_category", "varchar(128)", "product category"),
    Column("quantity", QUANTITY, "quantity sold, in the product's own unit; negative for returns"),
    Column("unit_price", PRICE, "price per unit; amount / quantity if the source has no price"),
    Column("total_amount", MONEY, "money paid for the line; negative for returns"),
    Column("store_id", "varchar(128)", "store", nullable=True),
)

_BEFORE_DISCOUNT = (
    Column("list_price", PRICE, "price per unit before discounts; null if unknown", nullable=True, later=True),
    Column("discount", MONEY, "money taken off the line; null if unknown", nullable=True, later=True),
)

SALES_CLEAN = Table(
    "sales_clean",
    "one row per transaction per landing: what each landing contained, before later landings correct it",
    (*_SALE, *_LINEAGE, *_BEFORE_DISCOUNT),
    key=("landed_on", "transaction_id"),
    landing="landed_on",
)

SALES_QUARANTINE = Table(
    "sales_quarantine",
    "one row per rejected row of a landing",
    (
        *_LINEAGE,
        Column("reasons", "varchar(1024)", "every rule that the row broke, separated by commas"),
        Column("raw_text", "varchar(65535)", "the row as it is in the file, up to 65,535 bytes"),
        Column("contract_version", "varchar(64)", "name, version and digest of the contract that rejected the row"),
        Column("transaction_id", "varchar(128)", "id of the sales line, if it could be read", nullable=True),
        Column("total_amount", MONEY, "money of the line, if it could be read", nullable=True),
        Column("sale_date", "date", "day of sale in shop time, if it could be read", nullable=True, later=True),
    ),
    key=("landed_on", "source_file", "source_line"),
    landing="landed_on",
)

SALES = Table(
    "sales",
    "one row per transaction: its current version (the latest landing wins, then the latest line)",
    (*_SALE, *_LINEAGE, *_BEFORE_DISCOUNT),
    key=("transaction_id",),
)

DIM_DATE = Table(
    "dim_date",
    "one row per calendar day from the first to the last day of sale",
    (
        Column("calendar_date", "date", "day"),
        Column("year", "integer", "calendar year"),
        Column("quarter", "integer", "1 to 4"),
        Column("month", "integer", "1 to 12"),
        Column("day_of_month", "integer", "1 to 31"),
        Column("iso_week", "integer", "ISO 8601 week"),
        Column("weekday", "integer", "ISO day of the week: 1 = Monday, 7 = Sunday"),
        Column("is_weekend", "boolean", "Saturday or Sunday"),
        Column("holiday", "varchar(128)", "public holiday of the shop's country", nullable=True),
    ),
    key=("calendar_date",),
)

DIM_CUSTOMER = Table(
    "dim_customer",
    "one row per known customer, with their latest known attributes",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("gender", "varchar(16)", "latest known gender", nullable=True),
        Column("age", "integer", "latest known age in years", nullable=True),
        Column("age_group", "varchar(16)", "latest known age band", nullable=True),
        Column("first_sale_date", "date", "first purchase"),
        Column("last_sale_date", "date", "latest purchase"),
        Column("orders", "bigint", "number of distinct orders"),
        Column("revenue", MONEY, "money spent, net of returns"),
    ),
    key=("customer_id",),
)

DIM_PRODUCT = Table(
    "dim_product",
    "one row per product; a category without product ids is one product. "
    "Join on coalesce(product_id, product_category)",
    (
        Column("product_key", "varchar(128)", "coalesce(product_id, product_category)"),
        Column("product_id", "varchar(128)", "product id of the source", nullable=True),
        Column("product_category", "varchar(128)", "category in the product's latest sale"),
        Column("first_sale_date", "date", "first day sold"),
        Column("last_sale_date", "date", "latest day sold"),
        Column("revenue", MONEY, "money, net of returns"),
        Column("units", QUANTITY, "units, net of returns"),
    ),
    key=("product_key",),
)

#: The store of sales that name none, in the tables below; `sales.store_id` is NULL there.
NO_STORE = "(none)"

DIM_STORE = Table(
    "dim_store",
    f"one row per store; sales without one are the store {NO_STORE}. Join on coalesce(store_id, '{NO_STORE}')",
    (
        Column("store_id", "varchar(128)", f"store id of the source, or {NO_STORE}"),
        Column("first_sale_date", "date", "first day with a sale"),
        Column("last_sale_date", "date", "latest day with a sale"),
        Column("orders", "bigint", "number of distinct orders"),
        Column("customers", "bigint", "number of distinct known customers"),
        Column("lines", "bigint", "number of sales lines"),
        Column("revenue", MONEY, "money, net of returns"),
        Column("units", QUANTITY, "units, net of returns"),
    ),
    key=("store_id",),
)


def _daily_measures(of_orders: str) -> tuple[Column, ...]:
    """Return what is summed up per day; `of_orders` says which orders count."""
    return (
        Column("revenue", MONEY, "money, net of returns"),
        Column("units", QUANTITY, "units, net of returns"),
        Column("orders", "bigint", f"number of distinct orders {of_orders}"),
        Column("customers", "bigint", "number of distinct known customers"),
        Column("lines", "bigint", "number of sales lines"),
        Column("returned", MONEY, "money of returns, as a negative amount"),
    )


DAILY_CATEGORY_SALES = Table(
    "daily_category_sales",
    "one row per day of sale and category in which anything was sold or returned",
    (
        Column("sale_date", "date", "day of sale in shop time"),
        Column("product_category", "varchar(128)", "category"),
        *_daily_measures("with the category"),
    ),
    key=("sale_date", "product_category"),
)

DAILY_STORE_CATEGORY_SALES = Table(
    "daily_store_category_sales",
    "one row per day of sale, store and category in which anything was sold or returned",
    (
        Column("sale_date", "date", "day of sale in shop time"),
        Column("store_id", "varchar(128)", f"store, or {NO_STORE}"),
        Column("product_category", "varchar(128)", "category"),
        *_daily_measures("in the store with the category"),
    ),
    key=("sale_date", "store_id", "product_category"),
)

SALES_FORECAST = Table(
    "sales_forecast",
    "one row per future day and category, and one per day for their sum, the category TOTAL; one per week where the "
    "source reports weeks",
    (
        Column("product_category", "varchar(128)", "category, or TOTAL"),
        Column(
            "forecast_date",
            "date",
            "day that the forecast is for; where the source reports weeks, the week that ends on it",
        ),
        Column("cutoff_date", "date", "last day of sales that the forecast has seen"),
        Column(
            "horizon_day", "integer", "days after the cut-off, 1 to 28; 7, 14, 21 and 28 where the source reports weeks"
        ),
        Column("mean", "double", "expected revenue of the day; for TOTAL the sum of the categories"),
        Column("p025", "double", "2.5 % quantile of the revenue: lower end of the 95 % prediction interval"),
        Column("p10", "double", "10 % quantile: lower end of the 80 % prediction interval"),
        Column("p50", "double", "median: higher and lower revenue are equally likely"),
        Column("p90", "double", "90 % quantile: upper end of the 80 % prediction interval"),
        Column("p975", "double", "97.5 % quantile: upper end of the 95 % prediction interval"),
        Column("units", "double", "expected units of the day, net of returns; for TOTAL their sum", nullable=True),
        Column("units_p10", "double", "10 % quantile of the units; null for TOTAL", nullable=True),
        Column("units_p90", "double", "90 % quantile of the units; null for TOTAL", nullable=True),
        Column("seasonal_naive", "double", "revenue of the same weekday of the last week before the cut-off"),
        Column("method", "varchar(64)", "model that made the forecast, or the fallback rule and the reason for it"),
        Column("model_version", "varchar(64)", "version in the model store"),
        Column("issued_at", "timestamp", "time when the forecast was made, UTC"),
    ),
    key=("product_category", "forecast_date"),
)

_ERRORS = (
    Column("days", "bigint", "number of category-days scored"),
    Column("rmse", "double", "root mean square error, money", nullable=True),
    Column("mae", "double", "mean absolute error, money", nullable=True),
    Column("wape", "double", "sum of absolute errors / sum of actuals", nullable=True),
    Column(
        "mase",
        "double",
        "mean absolute error / that of seasonal naive one week ahead in the training data",
        nullable=True,
    ),
    Column("bias", "double", "sum of errors / sum of actuals; above zero, the forecast was too high", nullable=True),
    Column("coverage80", "double", "share of days inside the 80 % prediction interval", nullable=True),
    Column("coverage95", "double", "share of days inside the 95 % prediction interval", nullable=True),
    Column("width80", "double", "mean width of the 80 % prediction interval, money", nullable=True),
    Column("width95", "double", "mean width of the 95 % prediction interval, money", nullable=True),
)

FORECAST_BACKTEST = Table(
    "forecast_backtest",
    "one row per measure, model, category (ALL: category-days pooled; TOTAL: their sum), horizon and kind of day",
    (
        Column("measure", "varchar(16)", "revenue, or units at the prices of the cut-off"),
        Column("model", "varchar(64)", "trained model or simple rule"),
        Column("product_category", "varchar(128)", "category, ALL or TOTAL"),
        Column("horizon", "integer", "days ahead that are scored, from 1 up to this number"),
        Column("kind_of_day", "varchar(16)", "all, ordinary, or holiday (with the days before and after it)"),
        *_ERRORS,
        Column("champion", "boolean", "whether this model won the backtest"),
        Column("cutoffs", "integer", "number of cut-offs pooled"),
        Column("model_version", "varchar(64)", "version in the model store that this backtest chose"),
    ),
    key=("measure", "model", "product_category", "horizon", "kind_of_day"),
)

FORECAST_ACCURACY = Table(
    "forecast_accuracy",
    "one row per category (and TOTAL) and past forecast day, with the forecast and the actuals",
    (
        Column("product_category", "varchar(128)", "category, or TOTAL"),
        Column("forecast_date", "date", "day that the forecast was for; its actuals are known now"),
        Column("cutoff_date", "date", "last day of sales that the forecast had seen"),
        Column("horizon_day", "integer", "days after the cut-off"),
        Column("mean", "double", "forecast revenue of the day"),
        Column("actual", "double", "actual revenue of the day"),
        Column("error", "double", "forecast minus actual"),
        Column("seasonal_naive", "double", "revenue of the same weekday of the last week before the cut-off"),
        Column("inside80", "boolean", "whether the actual was inside the 80 % prediction interval"),
        Column("inside95", "boolean", "whether the actual was inside the 95 % prediction interval"),
        Column("model_version", "varchar(64)", "model version that made the forecast"),
        Column("issued_at", "timestamp", "time when the forecast was made, UTC"),
        Column("units", "double", "forecast units of the day; for TOTAL their sum", nullable=True),
        Column("units_actual", "double", "actual units of the day, net of returns", nullable=True),
        Column(
            "units_inside80",
            "boolean",
            "whether the units were inside their 80 % prediction interval; null for TOTAL",
            nullable=True,
        ),
    ),
    key=("product_category", "forecast_date", "cutoff_date"),
)

CUSTOMER_FEATURES = Table(
    "customer_features",
    "one row per known customer with a sale up to the snapshot; counts and sums are those of the window",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("frequency", "bigint", "number of purchases (orders in which something was bought)"),
        Column("purchase_days", "bigint", "number of days with a purchase"),
        Column("monetary", MONEY, "money spent, net of returns"),
        Column("returned", MONEY, "money of returns, as a negative amount"),
        Column("average_basket", "double", "money per purchase; 0 without purchases"),
        Column("first_sale_date", "date", "first sale ever"),
        Column("last_sale_date", "date", "latest sale up to the snapshot, even before the window"),
        Column("recency", "bigint", "days from the latest sale to the snapshot"),
        Column("tenure", "bigint", "days from the first sale to the snapshot"),
        Column("gap_mean", "double", "mean days between purchase days; null with fewer than two", nullable=True),
        Column(
            "gap_cv",
            "double",
            "standard deviation of those gaps / their mean; null with fewer than three purchase days",
            nullable=True,
        ),
        Column("top_month_share", "double", "share of the best month in the money; null without money", nullable=True),
        Column("weekend_share", "double", "share of the money spent on Saturdays and Sundays", nullable=True),
        Column(
            "holiday_share",
            "double",
            "share of the money spent on a holiday or the three days before one",
            nullable=True,
        ),
        Column(
            "favourite_category",
            "varchar(128)",
            "favorite category: the one furthest above its share of everybody's money",
            nullable=True,
        ),
        Column("favourite_share", "double", "share of the favorite category in the customer's money", nullable=True),
        Column("favourite_index", "double", "that share / the category's share of all customers' money", nullable=True),
        Column("favourite_orders", "bigint", "number of purchases with the favorite category", nullable=True),
        Column("gender", "varchar(16)", "latest known gender", nullable=True),
        Column("age_group", "varchar(16)", "latest known age band, or the decade of the age", nullable=True),
        Column("snapshot_date", "date", "last day of sales taken into account"),
        Column("window_days", "integer", "number of days in the window up to the snapshot that the sales cover"),
    ),
    key=("customer_id",),
)

CUSTOMER_SEGMENTS = Table(
    "customer_segments",
    "one row per known customer",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("persona", "varchar(64)", "name of the segment"),
        Column("cluster", "integer", "cluster of the model; null if a rule decided", nullable=True),
        Column(
            "confidence",
            "double",
            "probability of belonging to the segment, 0 to 1; null if a rule decided",
            nullable=True,
        ),
        Column("tags", "varchar(512)", "further characteristics, separated by commas; empty if there are none"),
        Column("favourite_category", "varchar(128)", "category that the customer focuses on, if any", nullable=True),
        Column("lapsed_risk", "boolean", "whether the latest purchase is more than three usual gaps ago"),
        Column("frequency", "bigint", "number of purchases in the window (orders in which something was bought)"),
        Column("monetary", MONEY, "money spent in the window, net of returns"),
        Column("average_basket", "double", "money per purchase"),
        Column("last_sale_date", "date", "latest sale"),
        Column("previous_persona", "varchar(64)", "persona before; see segment_migrations", nullable=True),
        Column("previous_snapshot", "date", "snapshot of the persona before", nullable=True),
        Column("previous_version", "varchar(64)", "model version of the persona before", nullable=True),
        Column("snapshot_date", "date", "last day of sales taken into account"),
        Column("model_version", "varchar(64)", "version in the model store, or none"),
    ),
    key=("customer_id",),
)

SEGMENT_PROFILES = Table(
    "segment_profiles",
    "one row per persona that has customers",
    (
        Column("persona", "varchar(64)", "name of the segment"),
        Column("decided_by", "varchar(16)", "cluster or rule: what assigns customers to the persona"),
        Column("customers", "bigint", "number of customers"),
        Column("customers_share", "double", "share of all customers"),
        Column("revenue", MONEY, "their money in the window, net of returns"),
        Column("revenue_share", "double", "share of all customers' money; null unless that is above 0", nullable=True),
        Column("average_frequency", "double", "mean number of purchases"),
        Column("median_frequency", "double", "median number of purchases"),
        Column("median_monetary", "double", "median money spent"),
        Column("median_average_basket", "double", "median of the average basket"),
        Column("median_recency_days", "double", "median days since the latest sale"),
        Column("median_tenure_days", "double", "median days since the first sale"),
        Column("median_top_month_share", "double", "median share of the best month in the money", nullable=True),
        Column("weekend_share", "double", "mean share of the money spent on weekends", nullable=True),
        Column("holiday_share", "double", "mean share of the money spent around holidays", nullable=True),
        Column("return_share", "double", "money of returns / money of purchases", nullable=True),
        Column("one_more_purchase", "double", "money that one more average basket per customer would bring"),
        Column("mean_confidence", "double", "mean probability of belonging; null if a rule decided", nullable=True),
        Column("lapsed_risk_share", "double", "share of customers with lapsed_risk"),
        Column(
            "female_share",
            "double",
            "share of women among known genders; null below 50 of them",
            nullable=True,
        ),
        Column("top_age_group", "varchar(16)", "most frequent known age band; null below 50 known ages", nullable=True),
        Column("snapshot_date", "date", "last day of sales"),
        Column("model_version", "varchar(64)", "version in the model store, or none"),
    ),
    key=("persona",),
)

SEGMENT_MIGRATIONS = Table(
    "segment_migrations",
    "one row per pair of personas between two states of the segments: month to month, or before and after a new model",
    (
        Column("from_snapshot", "date", "snapshot before"),
        Column("from_version", "varchar(64)", "model version before"),
        Column("to_snapshot", "date", "snapshot after"),
        Column("to_version", "varchar(64)", "model version after"),
        Column("from_persona", "varchar(64)", "persona before; (new) for customers who had none"),
        Column("to_persona", "varchar(64)", "persona after"),
        Column("customers", "bigint", "number of customers"),
        Column("revenue", MONEY, "their money in the window of the snapshot after"),
    ),
    key=("from_snapshot", "from_version", "from_persona", "to_persona"),
)

INSIGHTS = Table(
    "insights",
    "one row per sentence of insights.md",
    (
        Column("id", "varchar(64)", "name of the sentence; numbered where there are several, such as one per category"),
        Column("place", "integer", "place on the page, from 1"),
        Column("sentence", "varchar(65535)", "the sentence, as Markdown"),
        Column("value", "double", "its number; null where it states what is not known, or a remark", nullable=True),
        Column(
            "unit", "varchar(64)", "currency, share (0 to 1), ratio (1: as much), or what is counted", nullable=True
        ),
        Column("baseline", "double", "what the number is compared with, in the same unit", nullable=True),
        Column("p_value", "double", "p-value of its test", nullable=True),
        Column("low", "double", "lower end of the number's 95 % confidence interval", nullable=True),
        Column("high", "double", "upper end of the number's 95 % confidence interval", nullable=True),
        Column("figure", "varchar(128)", "file that shows it, in figures/", nullable=True),
        Column("query", "varchar(16384)", "SELECT over the warehouse from whose rows it is computed", nullable=True),
        Column("last_day", "date", "last day of the sales that it is computed from", nullable=True),
    ),
    key=("id",),
)

#: The scope of statistics over all categories, in place of a name; `scope` keeps it apart from a category of that name.
ALL_CATEGORIES = "(all)"

SUMMARY_STATISTICS = Table(
    "summary_statistics",
    f"one row per measure and category, and one per measure over all sales, the category {ALL_CATEGORIES}",
    (
        Column(
            "measure",
            "varchar(32)",
            "quantity, unit_price or total_amount of an order line, or basket_amount, the money of an order",
        ),
        Column("scope", "varchar(16)", "all or category"),
        Column("product_category", "varchar(128)", f"category, or {ALL_CATEGORIES}"),
        Column("value_count", "bigint", "number of order lines, or of orders (with the category)"),
        Column("mean", "double", "mean; four decimals, as all numbers of the row"),
        Column("std", "double", "sample standard deviation; null for a single value", nullable=True),
        Column("minimum", "double", "smallest value"),
        Column("p25", "double", "25 % quantile, interpolated linearly"),
        Column("median", "double", "50 % quantile"),
        Column("p75", "double", "75 % quantile"),
        Column("maximum", "double", "largest value"),
    ),
    key=("measure", "scope", "product_category"),
)

DAILY_QUALITY = Table(
    "daily_quality",
    "one row per landing day: what became of the rows that landed on it, so that landed = clean + quarantined + "
    "superseded + excluded + erased",
    (
        Column("landed_on", "date", "landing day"),
        Column("landed", "bigint", "rows that landed"),
        Column("clean", "bigint", "rows that count, as they landed, before later landings correct them"),
        Column("quarantined", "bigint", "rows that were rejected"),
        Column("superseded", "bigint", "rows that a later line of the same landing replaced"),
        Column("excluded", "bigint", "rows that a rule of the contract leaves out"),
        Column("erased", "bigint", "rows of customers who were erased: no place has them any more", nullable=True),
        Column("clean_amount", MONEY, "money of the clean rows"),
        Column("quarantined_amount", MONEY, "money of the rejected rows, as far as it could be read"),
        Column("superseded_amount", MONEY, "money of the superseded rows"),
        Column("excluded_amount", MONEY, "money of the excluded rows, as far as it could be read"),
        Column("quarantined_share", "double", "quarantined / landed; null where nothing landed", nullable=True),
        Column("top_reason", "varchar(64)", "most frequent reason for rejecting a row, if any", nullable=True),
        Column("top_reason_rows", "bigint", "rejected rows with that reason; a row may have several", nullable=True),
    ),
    key=("landed_on",),
)

CUSTOMER_MONTHS = Table(
    "customer_months",
    "one row per month of the sales; none where fewer than five whole months have known customers",
    (
        Column("month_start", "date", "first day of the month"),
        Column("first_seen", "bigint", "known customers whose first purchase is in the month"),
        Column("seen_before", "bigint", "known customers with a purchase in the month and one in an earlier month"),
        Column("first_seen_orders", "bigint", "purchases of those first seen"),
        Column("seen_before_orders", "bigint", "purchases of those seen before"),
        Column("first_seen_revenue", MONEY, "money of those first seen, net of returns"),
        Column(
            "seen_before_revenue", MONEY, "money of those seen before, net of returns, also where they only returned"
        ),
        Column("whole_month", "boolean", "whether the sales have all days of the month"),
        Column("counted", "boolean", "whole, and late enough for those first seen to be counted as new"),
        Column(
            "mistaken_share",
            "double",
            "of customers who look new in the first counted month, the share that had bought before, as measured in "
            "later months; above 0.2 new customers cannot be told from old ones; null if nobody looks new",
            nullable=True,
        ),
    ),
    key=("month_start",),
)

CUSTOMER_COHORTS = Table(
    "customer_cohorts",
    "one row per cohort of customers and whole period since their first purchase; periods are months, or quarters "
    "where the sales have more than 24 whole months",
    (
        Column("cohort", "date", "first day of the period of the customers' first purchase"),
        Column("periods_since", "integer", "periods since the first one, which is 0"),
        Column("period", "varchar(8)", "month or quarter"),
        Column("customers", "bigint", "customers of the cohort"),
        Column("active", "bigint", "of these, those with a purchase in the period"),
        Column("active_share", "double", "active / customers"),
        Column("revenue", MONEY, "their money in the period, net of returns"),
        Column("revenue_per_customer", "double", "revenue / customers of the cohort"),
        Column("before_data", "boolean", "whether the cohort began too early to tell new customers from old ones"),
    ),
    key=("cohort", "periods_since"),
)

PRODUCT_CONCENTRATION = Table(
    "product_concentration",
    "one row per hundredth of the products whose sales exceed their returns, best first, and one for none of them; of "
    "categories where the sales name no products",
    (
        Column("items", "bigint", "number of products, the best ones"),
        Column("of_items", "varchar(16)", "product or category"),
        Column("items_share", "double", "their share of these products"),
        Column("revenue_share", "double", "their share of the money of these products"),
        Column("half_items", "bigint", "number of products that bring half of it; the same in every row"),
        Column("four_fifths_items", "bigint", "number of products that bring 80 % of it; the same in every row"),
    ),
    key=("items",),
)

BASKET_AFFINITY = Table(
    "basket_affinity",
    "one row per pair of the most frequent categories, or products, that enough orders would hold together by chance; "
    "found in the earlier 60 % of the days, measured in the later 40 %",
    (
        Column("level", "varchar(16)", "category or product"),
        Column("first_item", "varchar(128)", "the more frequent of the two"),
        Column("second_item", "varchar(128)", "the other one"),
        Column("first_category", "varchar(128)", "category of the first"),
        Column("second_category", "varchar(128)", "category of the second"),
        Column("orders", "bigint", "orders with both, of the later days, as all that does not say otherwise"),
        Column("expected_orders", "double", "orders with both by chance, given how many items each order has"),
        Column("support", "double", "orders with both / orders"),
        Column("confidence_first", "double", "share of the orders with the first that hold the second", nullable=True),
        Column("confidence_second", "double", "share of the orders with the second that hold the first", nullable=True),
        Column("lift", "double", "orders with both / expected; null if too few are expected", nullable=True),
        Column("lift_low", "double", "lower end of its 95 % confidence interval", nullable=True),
        Column("lift_high", "double", "upper end of its 95 % confidence interval", nullable=True),
        Column(
            "plain_lift",
            "double",
            "orders with both / those expected if the size of orders did not matter; large orders raise it",
            nullable=True,
        ),
        Column("earlier_orders", "bigint", "orders with both, of the earlier days"),
        Column("earlier_lift", "double", "lift of the earlier days", nullable=True),
        Column("p_value", "double", "p-value of the earlier days against no more than expected"),
        Column("adjusted_p_value", "double", "the same after the correction of Benjamini and Hochberg"),
        Column("found", "boolean", "together more often than chance, earlier and later, and by enough to matter"),
        Column("later_from", "date", "first of the later days"),
        Column("last_day", "date", "last of the later days"),
    ),
    key=("level", "first_item", "second_item"),
)

WEATHER = Table(
    "weather",
    "one row per day, measure and day on which its weather was forecast; only where RETAIL_WEATHER_LATITUDE is set",
    (
        Column("date", "date", "day that the weather was forecast for"),
        Column("name", "varchar(64)", "weather_temperature or weather_precipitation"),
        Column("known_on", "date", "day on which it was forecast, in shop time"),
        Column("value", "double", "forecast minus usual: °C, or mm"),
        Column("forecast", "double", "mean temperature of the day in °C, or its precipitation in mm"),
        Column("usual", "double", "the same on average of 31 days around it, of ten years before the sales"),
        Column("latitude", "double", "degrees"),
        Column("longitude", "double", "degrees"),
    ),
    key=("date", "name", "known_on"),
)

ALL: tuple[Table, ...] = (
    SALES_CLEAN,
    SALES_QUARANTINE,
    SALES,
    DIM_DATE,
    DIM_CUSTOMER,
    DIM_PRODUCT,
    DIM_STORE,
    DAILY_CATEGORY_SALES,
    DAILY_STORE_CATEGORY_SALES,
    SALES_FORECAST,
    FORECAST_BACKTEST,
    FORECAST_ACCURACY,
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_PROFILES,
    SEGMENT_MIGRATIONS,
    INSIGHTS,
    SUMMARY_STATISTICS,
    DAILY_QUALITY,
    CUSTOMER_MONTHS,
    CUSTOMER_COHORTS,
    PRODUCT_CONCENTRATION,
    BASKET_AFFINITY,
)

#: Tables that a home has only where a setting asks for them.
OPTIONAL: tuple[Table, ...] = (WEATHER,)

#: Tables that keep their rows from load to load. All others are made again as a whole.
KEPT: tuple[Table, ...] = (SALES_CLEAN, SALES_QUARANTINE, SALES)
