"""What the extract holds: tables of the warehouse, the keys that relate them, and the table that says what is there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    FORECAST_ACCURACY,
    NO_STORE,
    SALES,
    SALES_FORECAST,
    SEGMENT_PROFILES,
    Column,
    Table,
)

_PRODUCT_KEY = Column("product_key", "varchar(128)", "product, or the category where the source has no products")
_STORE_KEY = Column("store_id", "varchar(128)", f"store, or {NO_STORE}")


def _of_lines(column: Column) -> tuple[Column, ...]:
    """What a column of `sales` is in the extract: without its place in the files, and with the keys of dimensions."""
    if column.name in ("source", "source_file", "source_line"):
        return ()
    if column.name == "product_id":
        return (_PRODUCT_KEY, column)
    return (_STORE_KEY,) if column.name == "store_id" else (column,)


#: Lines of sales.
LINES = Table("sales", SALES.grain, tuple(c for column in SALES.columns for c in _of_lines(column)), key=SALES.key)

#: What the extract says of itself, so that nothing is missing without a reason where people look.
ABOUT = Table(
    "about",
    "one row per table of the extract, and per table that was left out of it",
    (
        Column("table_name", "varchar(128)", "table"),
        Column("row_count", "bigint", "rows; null if the table was left out", nullable=True),
        Column("grain", "varchar(1024)", "what one row of it is"),
        Column("note", "varchar(1024)", "why it was left out, or what it lacks", nullable=True),
        Column("source", "varchar(64)", "name of the shop's contract"),
        Column("currency", "varchar(3)", "of the money, ISO 4217"),
        Column("last_sale_date", "date", "last day of sale in the warehouse", nullable=True),
    ),
    key=("table_name",),
)


@dataclass(frozen=True)
class Content:
    """A table of the extract, and the query over the warehouse's table `origin` that fills it."""

    table: Table
    origin: Table
    select: str


@dataclass(frozen=True)
class Relation:
    """A foreign key: `column` of `table` names a row of the table `to`, whose key is one column."""

    table: Table
    column: str
    to: Table

    @property
    def key(self) -> str:
        """The column of `to`."""
        [key] = self.to.key
        return key


@dataclass(frozen=True)
class DataSource:
    """What is published under one name: a table, and those that it is related to."""

    name: str
    fact: Table
    describes: str

    def tables(self, there: Collection[str]) -> tuple[Table, ...]:
        """Return its tables among those that are `there`, the fact first; empty if the fact is not there."""
        if self.fact.name not in there:
            return ()
        related = (r.to for r in RELATIONS if r.table == self.fact and r.to.name in there)
        return (self.fact, *related)


def _whole(table: Table) -> Content:
    return Content(table, table, f"SELECT {table.column_list} FROM {table.name}")


def _lines() -> Content:
    made = {
        "store_id": f"coalesce(store_id, '{NO_STORE}') AS store_id",
        "product_key": "coalesce(product_id, product_category) AS product_key",
    }
    columns = ", ".join(made.get(name, name) for name in LINES.names)
    return Content(LINES, SALES, f"SELECT {columns} FROM {SALES.name}")


#: Dimensions first, as they are written: a key is declared where the table that it names has its own.
CONTENTS: tuple[Content, ...] = (
    _whole(DIM_DATE),
    _whole(DIM_CUSTOMER),
    _whole(DIM_PRODUCT),
    _whole(DIM_STORE),
    _whole(SEGMENT_PROFILES),
    _whole(DAILY_STORE_CATEGORY_SALES),
    _whole(SALES_FORECAST),
    _whole(FORECAST_ACCURACY),
    _whole(CUSTOMER_SEGMENTS),
    _lines(),
)

RELATIONS: tuple[Relation, ...] = (
    Relation(DAILY_STORE_CATEGORY_SALES, "sale_date", DIM_DATE),
    Relation(DAILY_STORE_CATEGORY_SALES, "store_id", DIM_STORE),
    Relation(LINES, "sale_date", DIM_DATE),
    Relation(LINES, "customer_id", DIM_CUSTOMER),
    Relation(LINES, "product_key", DIM_PRODUCT),
    Relation(LINES, "store_id", DIM_STORE),
    Relation(CUSTOMER_SEGMENTS, "customer_id", DIM_CUSTOMER),
    Relation(CUSTOMER_SEGMENTS, "persona", SEGMENT_PROFILES),
)

#: A server makes the data model of a .hyper file from its keys, and wants exactly one table that no other one names.
DATA_SOURCES: tuple[DataSource, ...] = (
    DataSource("sales", DAILY_STORE_CATEGORY_SALES, "sales per day, store and category"),
    DataSource("forecast", SALES_FORECAST, "forecast of the next 28 days, with prediction intervals"),
    DataSource("forecast accuracy", FORECAST_ACCURACY, "past forecasts against actual sales"),
    DataSource("customers", CUSTOMER_SEGMENTS, "customers, their segments, and the profiles of these"),
    DataSource("sales lines", LINES, "single lines of sales"),
)
