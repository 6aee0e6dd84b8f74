"""Blank cells that mean the value of the line above: within one key, across blocks, and the same for both parsers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Entry, Store
from retail_assets_tests.trials import trials

ORDERS: Contract = loading.parse(
    """
name: orders
timezone: UTC
country: US
currency: USD
start_date: 2024-01-01
file: {fill_down: [Name, Created at, Email, Status]}
columns:
  transaction_id: {compose: [Name, Lineitem], required: true}
  order_id: {header: Name}
  sold_at: {header: Created at}
  customer_id: {header: Email}
  product_category: {header: Lineitem}
  quantity: {header: Qty}
  total_amount: {header: Amount, required: true}
cancellations: {column: Status, prefix: c}
""",
    "test",
)
HEADER = "Name,Email,Created at,Status,Lineitem,Qty,Amount"


def read(folder: Path, data: str, block_bytes: int = 40) -> tuple[FileProfile, list[dict[str, object]]]:
    (folder / "o.csv").write_text(data)
    profile = inspect_file(Store(str(folder)), Entry("o.csv", len(data.encode()), None), ORDERS)
    rows: list[dict[str, object]] = []
    with (folder / "o.csv").open("rb") as handle, Parser(profile, ORDERS, dt.date(2024, 6, 1)) as parser:
        for records in read_records(handle, profile, block_bytes=block_bytes):
            rows += parser.parse(records.table).to_pylist()
    return profile, rows


@pytest.mark.parametrize("name", ["", "#1"])
@pytest.mark.parametrize("block_bytes", [1, 40, 1 << 20])
def test_continuation_lines_take_the_head_of_their_order(tmp_path: Path, name: str, block_bytes: int) -> None:
    """Order exports leave the head of continuation lines blank, with or without the order's name."""
    data = f"""{HEADER}
#1,ann@shop.test,2024-01-05,paid,Toys,1,5.00
{name},,,,Books,2,7.50
#2,,2024-01-06,canceled,Toys,1,4.00
,,,,Books,1,1.00
"""
    profile, rows = read(tmp_path, data, block_bytes)
    assert [r["order_id"] for r in rows] == ["#1", "#1", "#2", "#2"]
    assert [r["transaction_id"] for r in rows] == ["#1-Toys", "#1-Books", "#2-Toys", "#2-Books"]
    # The guest order has no e-mail, and does not get the one of the order above.
    assert [r["customer_id"] for r in rows] == ["ann@shop.test", "ann@shop.test", None, None]
    assert [r["total_amount"] for r in rows] == [Decimal(a) for a in ("5.00", "7.50", "-4.00", "-1.00")]
    assert (profile.control.rows, profile.control.amount) == (4, "7.50")


def test_nothing_is_filled_above_the_first_key_nor_from_a_line_that_cannot_be_split(tmp_path: Path) -> None:
    data = f"""{HEADER}
,,,,Toys,1,5.00
#1,ann@shop.test,2024-01-05,paid,Toys,1,5.00
#2,too,short
,,,,Books,1,1.00
#1,,,,Books,1,1.00
"""
    profile, rows = read(tmp_path, data)
    assert [r["order_id"] for r in rows] == [None, "#1", None, None, "#1"]
    assert [r["customer_id"] for r in rows] == [None, "ann@shop.test", None, None, None]
    assert profile.control.note.startswith("not taken: values are filled")


CELL = st.sampled_from(["", "", " ", "a", "b"])
ROW = st.tuples(CELL, CELL, st.sampled_from(["", "2024-01-05"]), st.sampled_from(["", "", "c", "p"]))


@settings(deadline=None, max_examples=trials(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=12), block_bytes=st.sampled_from([1, 30, 70, 1 << 20]))
def test_both_parsers_fill_the_same_values(tmp_path: Path, rows: list[tuple[str, ...]], block_bytes: int) -> None:
    lines = [f"{','.join(row)},L{i},1,{2**i}.00" for i, row in enumerate(rows)]
    profile, read_rows = read(tmp_path, "\n".join([HEADER, *lines, ""]), block_bytes)
    expected, key, head = [], None, [""] * 4
    for row in rows:
        cells = [cell.strip() for cell in row]
        if cells[0] and cells[0] != key:
            key, head = cells[0], [""] * 4
        head = [cell or above for cell, above in zip(cells, head, strict=True)]
        expected.append((head[0] or None, head[1] or None, head[3] == "c"))
    seen = [(r["order_id"], r["customer_id"], r["total_amount"] < 0) for r in read_rows]  # type: ignore[operator]
    assert seen == expected
    assert Decimal(profile.control.amount or "") == sum(r["total_amount"] for r in read_rows)  # type: ignore[misc]
