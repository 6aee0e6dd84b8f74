"""`land` warns of ids that repeat with other content, before the file lands."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets.contracts import loading
from retail_assets.landing import repeated_ids
from retail_assets.landing.register import check_before_landing
from retail_assets.landing.repeated_ids import warning_of_repeated_ids

COLUMNS = """
  sold_at: {header: Order Date}
  product_id: {header: Product ID}
  product_category: {header: Category}
  quantity: {header: Quantity}
  total_amount: {header: Sales}
"""
HEAD = "Order ID,Order Date,Product ID,Category,Sales,Quantity\n"
ROWS = (
    "CA-1,2026-11-08,CHAIR-1,Furniture,500.00,2\nCA-1,2026-11-08,PHONE-9,Technology,400.00,1\n"
    "CA-1,2026-11-08,PAPER-3,Office Supplies,5.00,1\nCA-2,2026-11-09,PHONE-9,Technology,400.00,1\n"
    "CA-2,2026-11-09,PAPER-3,Office Supplies,5.00,1\nCA-3,2026-11-09,PAPER-3,Office Supplies,5.00,1\n"
)


def warning(tmp_path: Path, rows: str, rule: str = "{header: Order ID, required: true}") -> str | None:
    contract = loading.parse(
        "name: shop\ntimezone: America/New_York\ncountry: US\ncurrency: USD\nstart_date: 2025-01-01\ncolumns:\n"
        f"  transaction_id: {rule}{COLUMNS}",
        "test",
    )
    path = tmp_path / "sales.csv"
    path.write_text(HEAD + rows)
    return warning_of_repeated_ids(path, check_before_landing(path, contract), contract)


def test_an_order_id_in_a_file_with_a_line_per_product_is_named_with_the_fix(tmp_path: Path) -> None:
    """Case 08."""
    assert warning(tmp_path, ROWS) == (
        "sales.csv: 2 ids (Order ID) stand for 5 of 6 rows with different content, such as 'CA-1' 3 times. Only the "
        "last row of each id will count. If these are sales of their own, change the contract: `transaction_id: "
        "{compose: [Order ID, Product ID]}`, or `occurrence: true` if nothing tells them apart."
    )


@pytest.mark.parametrize("rule", ["{compose: [Order ID, Product ID]}", "{header: Order ID, occurrence: true}"])
def test_a_contract_that_tells_the_rows_apart_gets_no_warning(tmp_path: Path, rule: str) -> None:
    assert warning(tmp_path, ROWS, rule) is None


def test_exact_repetitions_are_no_reason_to_warn(tmp_path: Path) -> None:
    line = ROWS.splitlines(keepends=True)[0]
    assert warning(tmp_path, line * 3) is None


def test_a_large_file_is_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_ids, "MOST_ROWS", 2)
    text = warning(tmp_path, ROWS)
    assert text is not None
    assert "1 ids (Order ID) stand for 2 of the first 2 rows" in text
