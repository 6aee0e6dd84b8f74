"""A file's header fits its contract, or the message lists the headers, the expected columns and the nearest matches."""

from __future__ import annotations

import pytest

from retail_assets.contracts.headers import match_header, required_raw_columns
from retail_assets.contracts.loading import load, parse
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError

LEAST = """\
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
columns:
  transaction_id: {compose: [Receipt, Line]}
  sold_at: {header: Sold at, aliases: [Date]}
  product_category: {header: Category, default: OTHER}
  quantity: {header: Qty}
  total_amount: {header: Amount}
  store_id: {header: Store}
"""
HEADER = ["Receipt", "Line", "Sold at", "Qty", "Amount"]


def shop(more: str = "") -> Contract:
    return parse(LEAST + more, "test")


def test_order_case_separators_and_aliases_do_not_matter() -> None:
    match = match_header(["AMOUNT", " qty", "date", "line", "RECEIPT", "Note", ""], shop(), "s.csv")
    assert match.positions == {"Amount": 0, "Qty": 1, "Sold at": 2, "Line": 3, "Receipt": 4}
    assert match.unknown == ("Note", "(no name, column 7)")
    assert match.missing == ("Category", "Store")


def test_what_must_be_there() -> None:
    assert required_raw_columns(shop()) == ["Receipt", "Line", "Sold at", "Qty", "Amount"]
    more = shop("  unit_price: {header: Price, required: true}\ncancellations: {column: Kind, prefix: C}\n")
    assert required_raw_columns(more) == ["Receipt", "Line", "Sold at", "Qty", "Price", "Kind"]


def test_a_header_that_does_not_fit_says_what_was_found_expected_and_nearest() -> None:
    with pytest.raises(LandingError) as refused:
        match_header(["Receipt", "Line", "Dates", "Quantity", "Ammount"], shop(), "shop/s.csv")
    message = str(refused.value)
    assert "shop/s.csv does not fit contract 'shop'" in message
    assert "headers found:  'Receipt', 'Line', 'Dates', 'Quantity', 'Ammount'" in message
    assert "'Sold at' (nearest: 'Dates')" in message
    assert "'Amount' (nearest: 'Ammount')" in message
    assert "expected:       'Receipt'" in message or "'Receipt'" in message.split("expected:")[1]
    assert "RETAIL_SOURCE" in message


def test_a_file_without_a_header_is_told_what_a_header_is() -> None:
    with pytest.raises(LandingError, match="check that the first line is a header"):
        match_header(["1", "2023-01-05", "Beauty", "3", "50", "150"], load("retail_sales"), "s.csv")


def test_two_headers_for_one_column_are_refused() -> None:
    with pytest.raises(
        LandingError, match=r"the headers 'Sold at' \(column 3\), 'DATE' \(column 6\) all mean 'Sold at'"
    ):
        match_header([*HEADER, "DATE"], shop(), "s.csv")


def test_unknown_columns_are_refused_only_where_the_contract_says_so() -> None:
    header = [*HEADER, "Till", "Cashier"]
    assert match_header(header, shop(), "s.csv").unknown == ("Till", "Cashier")
    strict = "unknown_columns: reject\nignore_columns: [till"
    with pytest.raises(
        LandingError, match=r"columns 'Cashier' are not in contract 'shop', which rejects unknown columns"
    ):
        match_header(header, shop(strict + "]\n"), "s.csv")
    assert match_header(header, shop(strict + ", cashier]\n"), "s.csv").unknown == ()


@pytest.mark.slow
def test_a_monstrous_header_still_gives_a_message_of_one_screen() -> None:
    with pytest.raises(LandingError) as refused:
        match_header(["x" * 100_000] * 1000 + ["Amounts" + "s" * 99_999], shop("unknown_columns: reject\n"), "s.csv")
    assert len(str(refused.value)) < 3000
