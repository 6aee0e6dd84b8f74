"""What the extract holds: tables of the warehouse, the keys that relate them, and the table that says what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_QUALITY,
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
from retail_assets.warehouse.semantics import JOINS

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
_SAME = {column.name for column in LINES.columns if column in SALES.columns}

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
    """What is published under one name: a table, and those that it is related to. `day` is its column of days."""

    name: str
    fact: Table
    day: str
    describes: str


def _whole(table: Table) -> Content:
    return Content(table, table, f"SELECT {table.column_list} FROM {table.name}")


def _lines() -> Content:
    made = {join.column: f"{join.sql} AS {join.column}" for join in JOINS if join.table is SALES}
    columns = ", ".join(name if name in _SAME else made[name] for name in LINES.names)
    return Content(LINES, SALES, f"SELECT {columns} FROM {SALES.name}")


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
    _whole(DAILY_QUALITY),
    _lines(),
)


def _relations() -> Iterator[Relation]:
    """The joins of the warehouse between tables of the extract; what a join computes is a column of the lines."""
    there = {content.origin: content.table for content in CONTENTS}
    for join in JOINS:
        if join.table in there and join.to in there:
            table = there[join.table]
            yield Relation(table, join.sql if join.sql in table.names else join.column, join.to)


RELATIONS: tuple[Relation, ...] = tuple(_relations())

#: A server makes the data model of a .hyper file from its keys, and wants exactly one table that no other one names.
DATA_SOURCES: tuple[DataSource, ...] = (
    DataSource("sales", DAILY_STORE_CATEGORY_SALES, "sale_date", "Sales per day, store and category."),
    DataSource("forecast", SALES_FORECAST, "forecast_date", "Forecast of the next 28 days, with prediction intervals."),
    DataSource("forecast accuracy", FORECAST_ACCURACY, "forecast_date", "Past forecasts, and what was sold."),
    DataSource("customers", CUSTOMER_SEGMENTS, "snapshot_date", "Customers, their segments, profiles of the segments."),
    DataSource("quality", DAILY_QUALITY, "landed_on", "What became of the rows of each landing day."),
    DataSource("sales lines", LINES, "sale_date", "Single lines of sales."),
)
