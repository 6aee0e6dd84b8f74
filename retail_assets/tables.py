"""Every warehouse table, once: columns, types, keys, grain.

DDL, Parquet schemas, Dagster column schemas and contract checks derive from here. What does not belong here: SQL that
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
    """Return `name` if it may stand unquoted in SQL, else raise ValueError. The only way a name gets into SQL."""
    if not _IDENTIFIER.match(name):
        raise ValueError(f"not a valid SQL identifier: {name!r}")
    return name


@dataclass(frozen=True)
class Column:
    """One column. `type` is a portable SQL type: what DuckDB and Redshift both understand."""

    name: str
    type: str
    description: str
    nullable: bool = False

    def __post_init__(self) -> None:
        identifier(self.name)
        if not _TYPE.match(self.type):
            raise ValueError(f"{self.name}: unknown column type {self.type!r}")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the type: `(p, s)` of a decimal, `(n,)` of a varchar."""
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
    """A table: `grain` says in words what one row is, `key` in columns. `landing` is the partition column, if any."""

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
        if missing := [k for k in (*self.key, *filter(None, [self.landing])) if k not in names]:
            raise ValueError(f"{self.name}: key columns {missing} are not columns")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def column_list(self) -> str:
        """`a, b, c`: for an explicit column list in SQL."""
        return ", ".join(self.names)

    def arrow_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(c.name, c.arrow_type(), c.nullable) for c in self.columns])


MONEY = "decimal(18,2)"
PRICE = "decimal(18,4)"
QUANTITY = "decimal(18,3)"

_LINEAGE = (
    Column("source", "varchar(64)", "contract that read the row"),
    Column("landed_on", "date", "landing partition the row arrived in"),
    Column("source_file", "varchar(1024)", "object key below the raw store"),
    Column("source_line", "bigint", "first physical line of the record in its file (1 = the file's first line)"),
)

_SALE = (
    Column("transaction_id", "varchar(128)", "unique id of the sales line"),
    Column("order_id", "varchar(128)", "basket, receipt or invoice the line belongs to"),
    Column("sold_at", "timestamp", "moment of sale in shop time"),
    Column("sale_date", "date", "day of sale in shop time"),
    Column("customer_id", "varchar(128)", "customer; null for anonymous sales", nullable=True),
    Column("gender", "varchar(16)", "Female, Male or Other", nullable=True),
    Column("age", "integer", "age in years at the time of sale", nullable=True),
    Column("age_group", "varchar(16)", "age band, from the source or derived from age", nullable=True),
    Column("product_id", "varchar(128)", "product; null where the source has only categories", nullable=True),
    Column("product_category", "varchar(128)", "category the product is planned in"),
    Column("quantity", QUANTITY, "units sold in the product's own unit; negative for returns"),
    Column("unit_price", PRICE, "price of one unit; amount / quantity where the source has none"),
    Column("total_amount", MONEY, "money paid for the line; negative for returns"),
    Column("store_id", "varchar(128)", "shop", nullable=True),
)

SALES_CLEAN = Table(
    "sales_clean",
    "one row a transaction a landing: what each landing said, before later landings correct it",
    (*_SALE, *_LINEAGE),
    key=("landed_on", "transaction_id"),
    landing="landed_on",
)

SALES_QUARANTINE = Table(
    "sales_quarantine",
    "one row a rejected record of a landing",
    (
        *_LINEAGE,
        Column("reasons", "varchar(1024)", "every rule the record broke, comma separated"),
        Column("raw_text", "varchar(65535)", "the record as it stood in the file"),
        Column("contract_version", "varchar(64)", "version of the contract that rejected it"),
        Column("transaction_id", "varchar(128)", "id of the line, where it could be read", nullable=True),
        Column("total_amount", MONEY, "money of the line, where it could be read", nullable=True),
    ),
    key=("landed_on", "source_file", "source_line"),
    landing="landed_on",
)

SALES = Table(
    "sales",
    "one row a transaction: its current version (the latest landing wins, then the latest line)",
    (*_SALE, *_LINEAGE),
    key=("transaction_id",),
)

DIM_DATE = Table(
    "dim_date",
    "one row a calendar day from the first to the last day of sale",
    (
        Column("calendar_date", "date", "the day"),
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
    "one row a known customer, with what was last known of them",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("gender", "varchar(16)", "latest known gender", nullable=True),
        Column("age", "integer", "latest known age in years", nullable=True),
        Column("age_group", "varchar(16)", "latest known age band", nullable=True),
        Column("first_sale_date", "date", "first purchase"),
        Column("last_sale_date", "date", "latest purchase"),
        Column("orders", "bigint", "distinct orders"),
        Column("revenue", MONEY, "money spent, net of returns"),
    ),
    key=("customer_id",),
)

DIM_PRODUCT = Table(
    "dim_product",
    "one row a product; a category without product ids is one product. Join on coalesce(product_id, product_category)",
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

DAILY_CATEGORY_SALES = Table(
    "daily_category_sales",
    "one row a day of sale a category in which anything was sold or returned",
    (
        Column("sale_date", "date", "day of sale in shop time"),
        Column("product_category", "varchar(128)", "category"),
        Column("revenue", MONEY, "money, net of returns"),
        Column("units", QUANTITY, "units, net of returns"),
        Column("orders", "bigint", "distinct orders with the category"),
        Column("customers", "bigint", "distinct known customers"),
        Column("lines", "bigint", "sales lines"),
        Column("returned", MONEY, "money of returns, as a negative amount"),
    ),
    key=("sale_date", "product_category"),
)

SALES_FORECAST = Table(
    "sales_forecast",
    "one row a future day a category, and one a day for their sum, the category TOTAL",
    (
        Column("product_category", "varchar(128)", "category, or TOTAL"),
        Column("forecast_date", "date", "day that is forecast"),
        Column("cutoff_date", "date", "last day of sales the forecast has seen"),
        Column("horizon_day", "integer", "days after the cut-off, 1 to 28"),
        Column("mean", "double", "expected money of the day; of TOTAL the sum of the categories"),
        Column("p025", "double", "the day brings less with a chance of 2.5 %: low end of the 95 % interval"),
        Column("p10", "double", "less with a chance of 10 %: low end of the 80 % interval"),
        Column("p50", "double", "as likely more as less"),
        Column("p90", "double", "more with a chance of 10 %: high end of the 80 % interval"),
        Column("p975", "double", "more with a chance of 2.5 %: high end of the 95 % interval"),
        Column("units", "double", "expected units of the day, net of returns; of TOTAL their sum", nullable=True),
        Column("units_p10", "double", "fewer units with a chance of 10 %; of TOTAL unknown", nullable=True),
        Column("units_p90", "double", "more units with a chance of 10 %; of TOTAL unknown", nullable=True),
        Column("seasonal_naive", "double", "revenue of the same weekday of the last week before the cut-off"),
        Column("method", "varchar(64)", "the model that won the backtest, or the rule that stood in and why"),
        Column("model_version", "varchar(64)", "version in the model store"),
        Column("issued_at", "timestamp", "when the forecast was made, UTC"),
    ),
    key=("product_category", "forecast_date"),
)

_ERRORS = (
    Column("days", "bigint", "category-days scored"),
    Column("rmse", "double", "root mean square error, money", nullable=True),
    Column("mae", "double", "mean absolute error, money", nullable=True),
    Column("wape", "double", "sum of absolute errors / sum of sales", nullable=True),
    Column("mase", "double", "absolute error / that of seasonal naive a week ahead in training", nullable=True),
    Column("bias", "double", "sum of errors / sum of sales; above zero: forecast too high", nullable=True),
    Column("coverage80", "double", "share of days inside the 80 % interval", nullable=True),
    Column("coverage95", "double", "share of days inside the 95 % interval", nullable=True),
    Column("width80", "double", "mean width of the 80 % interval, money", nullable=True),
    Column("width95", "double", "mean width of the 95 % interval, money", nullable=True),
)

FORECAST_BACKTEST = Table(
    "forecast_backtest",
    "one row a measure, model, category (ALL: category-days pooled; TOTAL: of their sum), horizon and kind of day",
    (
        Column("measure", "varchar(16)", "revenue, or units at the prices of the cut-off"),
        Column("model", "varchar(64)", "learned model or simple rule"),
        Column("product_category", "varchar(128)", "category, ALL or TOTAL"),
        Column("horizon", "integer", "days ahead that are scored: 1 up to this"),
        Column("kind_of_day", "varchar(16)", "all, ordinary, or holiday (with the days before and after)"),
        *_ERRORS,
        Column("champion", "boolean", "the model that won"),
        Column("cutoffs", "integer", "cut-offs pooled"),
        Column("model_version", "varchar(64)", "version in the model store that this backtest chose"),
    ),
    key=("measure", "model", "product_category", "horizon", "kind_of_day"),
)

FORECAST_ACCURACY = Table(
    "forecast_accuracy",
    "one row a matured day of an earlier forecast a category (and TOTAL): what was said, and what came",
    (
        Column("product_category", "varchar(128)", "category, or TOTAL"),
        Column("forecast_date", "date", "day that was forecast and is now known"),
        Column("cutoff_date", "date", "last day of sales the forecast had seen"),
        Column("horizon_day", "integer", "days after the cut-off"),
        Column("mean", "double", "forecast money of the day"),
        Column("actual", "double", "money the day brought"),
        Column("error", "double", "forecast - actual"),
        Column("seasonal_naive", "double", "what the same weekday of the week before the cut-off would have said"),
        Column("inside80", "boolean", "the day was inside the 80 % interval"),
        Column("inside95", "boolean", "the day was inside the 95 % interval"),
        Column("model_version", "varchar(64)", "version that made the forecast"),
        Column("issued_at", "timestamp", "when it was made, UTC"),
        Column("units", "double", "forecast units of the day; of TOTAL their sum", nullable=True),
        Column("units_actual", "double", "units the day brought, net of returns", nullable=True),
        Column("units_inside80", "boolean", "inside the 80 % interval of units; TOTAL has none", nullable=True),
    ),
    key=("product_category", "forecast_date", "cutoff_date"),
)

CUSTOMER_FEATURES = Table(
    "customer_features",
    "one row a known customer who bought up to the snapshot; what is counted is counted in the window",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("frequency", "bigint", "purchases: orders in which something was bought"),
        Column("purchase_days", "bigint", "days with a purchase"),
        Column("monetary", MONEY, "money spent, net of returns"),
        Column("returned", MONEY, "money of returns, as a negative amount"),
        Column("average_basket", "double", "money a purchase; 0 without any"),
        Column("first_sale_date", "date", "first sale ever"),
        Column("last_sale_date", "date", "latest sale up to the snapshot, also before the window"),
        Column("recency", "bigint", "days from the latest sale to the snapshot"),
        Column("tenure", "bigint", "days from the first sale to the snapshot"),
        Column("gap_mean", "double", "mean days between purchase days; null under two", nullable=True),
        Column("gap_cv", "double", "standard deviation of those gaps / their mean; null under three", nullable=True),
        Column("top_month_share", "double", "best month's part of the money; null without any", nullable=True),
        Column("weekend_share", "double", "part of the money spent on Saturday and Sunday", nullable=True),
        Column("holiday_share", "double", "part spent on a holiday or the three days before one", nullable=True),
        Column("favourite_category", "varchar(128)", "category furthest above its part of all money", nullable=True),
        Column("favourite_share", "double", "the favourite's part of the customer's money", nullable=True),
        Column("favourite_index", "double", "that part / the category's part of all customers' money", nullable=True),
        Column("favourite_orders", "bigint", "purchases with the favourite category", nullable=True),
        Column("gender", "varchar(16)", "latest known gender", nullable=True),
        Column("age_group", "varchar(16)", "latest known age band, or the decade of the age", nullable=True),
        Column("snapshot_date", "date", "last day of sales that was seen"),
        Column("window_days", "integer", "days of the window up to the snapshot that the sales cover"),
    ),
    key=("customer_id",),
)

CUSTOMER_SEGMENTS = Table(
    "customer_segments",
    "one row a known customer",
    (
        Column("customer_id", "varchar(128)", "customer"),
        Column("persona", "varchar(64)", "name of the segment"),
        Column("cluster", "integer", "cluster of the model; null where a rule decided", nullable=True),
        Column("confidence", "double", "chance of belonging to the segment, 0 to 1; null by a rule", nullable=True),
        Column("tags", "varchar(512)", "what else is known, comma separated; empty if nothing"),
        Column("favourite_category", "varchar(128)", "category they are focused on, if any", nullable=True),
        Column("lapsed_risk", "boolean", "silent for three times as long as usual"),
        Column("frequency", "bigint", "purchases in the window: orders in which something was bought"),
        Column("monetary", MONEY, "money spent in the window, net of returns"),
        Column("average_basket", "double", "money a purchase"),
        Column("last_sale_date", "date", "latest sale"),
        Column("previous_persona", "varchar(64)", "name before: see segment_migrations", nullable=True),
        Column("previous_snapshot", "date", "snapshot of the name before", nullable=True),
        Column("previous_version", "varchar(64)", "model of the name before", nullable=True),
        Column("snapshot_date", "date", "last day of sales the segment has seen"),
        Column("model_version", "varchar(64)", "version in the model store, or none"),
    ),
    key=("customer_id",),
)

SEGMENT_PROFILES = Table(
    "segment_profiles",
    "one row a persona that has customers",
    (
        Column("persona", "varchar(64)", "name of the segment"),
        Column("decided_by", "varchar(16)", "cluster or rule"),
        Column("customers", "bigint", "customers"),
        Column("customers_share", "double", "part of all customers"),
        Column("revenue", MONEY, "their money in the window, net of returns"),
        Column("revenue_share", "double", "part of all customers' money; null unless that is above 0", nullable=True),
        Column("average_frequency", "double", "mean purchases"),
        Column("median_frequency", "double", "half of them bought as often or less"),
        Column("median_monetary", "double", "half of them spent as much or less"),
        Column("median_average_basket", "double", "half of them have such a basket or a smaller one"),
        Column("median_recency_days", "double", "half of them were last seen this many days ago or fewer"),
        Column("median_tenure_days", "double", "half of them are customers for this long or shorter"),
        Column("median_top_month_share", "double", "of the best month in the money", nullable=True),
        Column("weekend_share", "double", "mean part of the money spent on weekends", nullable=True),
        Column("holiday_share", "double", "mean part spent around holidays", nullable=True),
        Column("return_share", "double", "returned money / money bought", nullable=True),
        Column("one_more_purchase", "double", "what one more average basket each would bring"),
        Column("mean_confidence", "double", "mean chance of belonging; null by a rule", nullable=True),
        Column("lapsed_risk_share", "double", "part of them that is unusually silent"),
        Column("female_share", "double", "of those of known gender", nullable=True),
        Column("top_age_group", "varchar(16)", "most frequent known age band", nullable=True),
        Column("snapshot_date", "date", "last day of sales"),
        Column("model_version", "varchar(64)", "version in the model store, or none"),
    ),
    key=("persona",),
)

SEGMENT_MIGRATIONS = Table(
    "segment_migrations",
    "one row a pair of names between two states of the segments: month to month, or before and after a new model",
    (
        Column("from_snapshot", "date", "snapshot of the names before"),
        Column("from_version", "varchar(64)", "model of the names before"),
        Column("to_snapshot", "date", "snapshot of the names after"),
        Column("to_version", "varchar(64)", "model of the names after"),
        Column("from_persona", "varchar(64)", "name before; (new) for customers who had none"),
        Column("to_persona", "varchar(64)", "name after"),
        Column("customers", "bigint", "customers"),
        Column("revenue", MONEY, "their money in the window of the snapshot after"),
    ),
    key=("from_snapshot", "from_version", "from_persona", "to_persona"),
)

ALL: tuple[Table, ...] = (
    SALES_CLEAN,
    SALES_QUARANTINE,
    SALES,
    DIM_DATE,
    DIM_CUSTOMER,
    DIM_PRODUCT,
    DAILY_CATEGORY_SALES,
    SALES_FORECAST,
    FORECAST_BACKTEST,
    FORECAST_ACCURACY,
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_PROFILES,
    SEGMENT_MIGRATIONS,
)

#: Tables that keep their rows from load to load. All others are made again as a whole.
KEPT: tuple[Table, ...] = (SALES_CLEAN, SALES_QUARANTINE, SALES)
