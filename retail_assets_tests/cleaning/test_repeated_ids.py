"""Which rows of a landing share an id without being versions of one sale."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.cleaning.repeated_ids import repeated_ids
from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets_tests.warehouse.landings import DAY, SOURCE, Row, line, write

OTHER_DAY = dt.datetime(2024, 2, 28, 12)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path)), SOURCE)


def found(lake: Lake, *rows: Row) -> tuple[int, int]:
    repeated = repeated_ids(lake, write(lake, DAY, rows, files=2))
    return repeated.rows, repeated.read


def test_rows_with_other_products_are_other_sales(lake: Lake) -> None:
    """Case 08: `transaction_id: {header: Order ID}` in a file with a line per product."""
    rows = [
        line("CA-1", 50000, at=2, product_id="CHAIR-1"),
        line("CA-1", 40000, at=3, product_id="PHONE-9"),
        line("CA-1", 500, at=4, product_id="PAPER-3"),
        line("CA-2", 40000, at=5, product_id="PHONE-9"),
        line("CA-2", 500, at=6, product_id="PAPER-3"),
    ]
    repeated = repeated_ids(lake, write(lake, DAY, rows, files=2))
    assert (repeated.rows, repeated.read, repeated.money, repeated.between_files) == (3, 5, Decimal("1300.00"), 0)
    assert (
        repeated.examples[0] == "CA-1 (a.csv line 2: CHAIR-1 500.00 on 2024-02-29; line 4: PAPER-3 5.00 on 2024-02-29)"
    )
    assert repeated.exceeds(0.05)
    assert repeated.exceeds(0.59)
    assert not repeated.exceeds(0.6)


@pytest.mark.parametrize(
    "change",
    [{"product_category": "Toys"}, {"total_amount": Decimal("2.00")}, {"customer_id": "C2"}, {"store_id": "S2"}],
)
def test_any_other_value_in_one_file_counts(lake: Lake, change: dict[str, object]) -> None:
    first, then = line("A", 100, customer_id="C1", store_id="S1"), line("A", 100, at=3, customer_id="C1", store_id="S1")
    assert found(lake, first, then | change) == (1, 2)


def test_exact_repetitions_and_values_that_are_not_given_are_not_other_sales(lake: Lake) -> None:
    assert found(lake, line("A", 100), line("A", 100, at=3, customer_id="C1"), line("B", 100, at=4)) == (0, 3)


def test_a_corrected_file_in_the_same_landing_is_a_correction(lake: Lake) -> None:
    first = [line("A", 100, customer_id="C1"), line("B", 200, at=3, customer_id="C2")]
    second = [
        line("A", 150, file="b.csv", customer_id="C1"),
        line("B", 200, file="b.csv", at=3, customer_id="C9", product_category="Toys"),
    ]
    assert found(lake, *first, *second) == (0, 4)


def test_files_of_two_days_or_stores_in_one_landing_are_not_corrections(lake: Lake) -> None:
    """Case 09 in one landing: receipt numbers restart, and both files land on one day."""
    first = [line("1", 100, sold_at=OTHER_DAY), line("2", 200, at=3, store_id="S1")]
    second = [line("1", 300, file="b.csv"), line("2", 400, file="b.csv", at=3, store_id="S2")]
    repeated = repeated_ids(lake, write(lake, DAY, [*first, *second]))
    assert (repeated.rows, repeated.between_files) == (2, 2)
    assert "b.csv line 2" in repeated.examples[0]


def test_a_file_in_which_everything_differs_is_not_a_correction(lake: Lake) -> None:
    """Two stores number their receipts alike, and no column says which store."""
    first = line("1", 100, customer_id="C1", product_id="P1")
    assert found(lake, first, line("1", 300, file="b.csv", customer_id="C2", product_id="P2")) == (1, 2)


def test_a_single_row_may_be_anything(lake: Lake) -> None:
    assert not repeated_ids(lake, write(lake, DAY, [line("A", 100), line("A", 200, at=3)])).exceeds(0.05)


def test_a_landing_without_superseded_rows_is_not_read(lake: Lake) -> None:
    manifest = write(lake, DAY, [line("A", 100)])
    lake.store.delete(manifest.keys("clean"))
    assert repeated_ids(lake, manifest).rows == 0
