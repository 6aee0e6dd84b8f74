"""Tables that another version made: new nullable columns are added, other changes refused, on either warehouse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from retail_assets.errors import WarehouseError
from retail_assets.tables import (
    DIM_DATE,
    SALES,
    SALES_CLEAN,
    SALES_QUARANTINE,
    SEGMENT_MIGRATIONS,
    Column,
    Table,
)
from retail_assets.warehouse.schema_changes import select_list
from retail_assets_tests.warehouse.changed_tables import defined_as, with_new, with_type, without
from retail_assets_tests.warehouse.contract.warehouses import NEXT, Place
from retail_assets_tests.warehouse.landings import DAY, line, publish, rejected

CHANNEL = Column("channel", "varchar(32)", "shop or web", nullable=True)
POINTS = Column("points", "double", "loyalty points", nullable=True)


def _with_new_columns() -> dict[Table, tuple[Column, ...]]:
    return {
        SALES_CLEAN: with_new(SALES_CLEAN, CHANNEL, POINTS),
        SALES: with_new(SALES, CHANNEL, POINTS),
        SALES_QUARANTINE: with_new(SALES_QUARANTINE, CHANNEL),
    }


def test_new_columns_that_may_be_null_are_added_in_place_and_are_null_in_old_rows(place: Place) -> None:
    select = "SELECT transaction_id, total_amount, channel, points FROM sales ORDER BY transaction_id"
    with defined_as(_with_new_columns()):
        later = [line("B", -50, NEXT, channel="web", points=1.5), line("D", 400, NEXT, at=3)]
        place.load(publish(place.lake, NEXT, later, [rejected(8, NEXT)], run="later"))
        assert [tuple(row.values())[2:] for row in place.warehouse.query(select).to_pylist()] == [
            (None, None),
            ("web", 1.5),
            (None, None),
            (None, None),
        ]
        quarantined = place.warehouse.query("SELECT count(*) AS n, count(channel) AS known FROM sales_quarantine")
        assert quarantined.to_pylist() == [{"n": 2, "known": 0}]
        assert place.warehouse.query("SELECT * FROM sales").schema.field("points").type == "double"
        # Old rows get the column's values when their landing is cleaned and loaded again.
        again = [line("A", 100, channel="shop"), line("B", 200, at=3), line("C", 300, at=4)]
        place.load(publish(place.lake, DAY, again, [rejected(9)], run="again"))
        assert [row["channel"] for row in place.warehouse.query(select).to_pylist()] == ["shop", "web", None, None]


def test_new_columns_change_nothing_in_the_rows_that_were_there(place: Place) -> None:
    with defined_as(_with_new_columns()):
        assert place.load().sales_total == 3
    assert place.held() == place.before


def test_after_a_return_to_the_version_before_new_columns_stay_and_its_rows_are_null_in_them(place: Place) -> None:
    with defined_as(_with_new_columns()):
        place.load()
    place.rerun()
    assert place.held() == place.after
    assert "channel" in place.warehouse.query("SELECT * FROM sales").column_names


def test_a_file_of_the_lake_without_a_new_column_is_refused_and_nothing_changes(place: Place) -> None:
    with defined_as(_with_new_columns()), pytest.raises(WarehouseError, match="clean_sales"):
        place.rerun()
    assert place.held() == place.before


def test_a_file_of_version_0_1_0_has_no_list_price_and_is_loaded(place: Place) -> None:
    """Together with a file of this version; the columns that it lacks are NULL, also in a table that lacked them."""
    earlier = {t: tuple(c for c in t.columns if not c.later) for t in (SALES_CLEAN, SALES)}
    with defined_as(earlier):
        old = publish(place.lake, DAY, place.first, [rejected(9)], run="old")
        place.load(old)
    lines = [line("A", 100, NEXT, list_price=Decimal("1.5000"), discount=Decimal("0.50")), line("D", 250, NEXT, at=3)]
    place.load(old, publish(place.lake, NEXT, lines, [rejected(8, NEXT)], run="new"))
    rows = place.warehouse.query("SELECT transaction_id, list_price, discount FROM sales").to_pylist()
    assert sorted(tuple(row.values()) for row in rows) == [
        ("A", Decimal("1.5000"), Decimal("0.50")),
        *((transaction, None, None) for transaction in "BCD"),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {SALES: with_new(SALES, Column("must", "integer", "never null"))},
            r"must INTEGER NOT NULL is missing",
        ),
        (
            {SALES_CLEAN: with_type(SALES_CLEAN, "total_amount", "decimal(18,4)")},
            r"total_amount is DECIMAL\(18,2\), expected DECIMAL\(18,4\)",
        ),
        (
            {SALES: without(SALES, "unit_price")},
            r"unit_price is DECIMAL\(18,4\) NOT NULL and not a column of this version",
        ),
    ],
    ids=["new and required", "other type", "removed and required"],
)
def test_other_changes_are_refused_with_what_to_do_and_nothing_changes(
    place: Place, changes: dict[Table, tuple[Column, ...]], message: str
) -> None:
    way_out = (
        "Nothing was changed.*materialize `sales` over all landings: every table is built again from the raw files"
    )
    with defined_as(changes), pytest.raises(WarehouseError, match=f"made by another version .*{message}.*{way_out}"):
        place.load()
    assert place.held() == place.before
    place.rerun()
    assert place.held() == place.after


def test_a_refused_table_keeps_the_others_from_being_changed(place: Place) -> None:
    changes = {SALES_CLEAN: with_new(SALES_CLEAN, CHANNEL), SALES: with_type(SALES, "quantity", "bigint")}
    with defined_as(changes), pytest.raises(WarehouseError, match="quantity is DECIMAL"):
        place.load()
    assert "channel" not in place.warehouse.query("SELECT * FROM sales_clean").column_names


def test_a_table_that_is_replaced_has_all_columns_of_its_definition(place: Place) -> None:
    place.warehouse.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
    with defined_as({DIM_DATE: with_new(DIM_DATE, POINTS)}):
        place.warehouse.replace(DIM_DATE, DIM_DATE.arrow_schema().empty_table())
        assert place.warehouse.query("SELECT * FROM dim_date").column_names == list(DIM_DATE.names)


def test_a_table_of_the_version_before_can_be_read_with_the_columns_of_this_one(place: Place) -> None:
    row: dict[str, Any] = {name: "x" for name in SEGMENT_MIGRATIONS.names if name.endswith(("_version", "_persona"))}
    row |= {"from_snapshot": DAY, "to_snapshot": NEXT, "customers": 1, "revenue": Decimal("2.00")}
    place.warehouse.replace(SEGMENT_MIGRATIONS, pa.Table.from_pylist([row], schema=SEGMENT_MIGRATIONS.arrow_schema()))
    new = [Column("seen_on", "date", "a day", nullable=True), POINTS, CHANNEL]
    with defined_as({SEGMENT_MIGRATIONS: with_new(SEGMENT_MIGRATIONS, *new)}):
        columns = select_list(place.warehouse, SEGMENT_MIGRATIONS)
        found = place.warehouse.query(f"SELECT {columns} FROM segment_migrations")
        assert found.to_pylist() == [row | dict.fromkeys((column.name for column in new), None)]
        assert found.schema.types == SEGMENT_MIGRATIONS.arrow_schema().types


@pytest.mark.parametrize("sql", ["SELECT channel FROM sales", "SELECT s.channel FROM sales AS s"])
def test_a_query_of_a_column_that_is_not_there_yet_says_what_to_do(place: Place, sql: str) -> None:
    advice = "If an earlier version created the table, materialize its asset again"
    with pytest.raises(WarehouseError, match=rf"channel.*{advice}"):
        place.warehouse.query(sql)
