"""A customer's rows go from every table of both warehouses, and the current sales stay those of their definition."""

from __future__ import annotations

import re

import pytest

from retail_assets.tables import CUSTOMER_SEGMENTS, DIM_CUSTOMER
from retail_assets.warehouse import erasures, marts
from retail_assets.warehouse.customer_hash import Customer
from retail_assets_tests.warehouse.contract.warehouses import NEXT, Place
from retail_assets_tests.warehouse.landings import DAY, defined, line, publish, rejected

WHO = "o'brien \\ 本"


@pytest.fixture
def loaded(empty_place: Place) -> Place:
    """Two landings: two sales of the customer, one of which corrects somebody else's, and one that was corrected."""
    first = [line("A", 100), line("B", 200, at=3, customer_id="c1"), line("C", 300, at=4, customer_id=WHO)]
    second = [line("B", 250, NEXT, customer_id=WHO), line("C", 310, NEXT, at=3, customer_id="c2")]
    empty_place.first, empty_place.second = first, second
    empty_place.load(publish(empty_place.lake, DAY, first, [rejected(9)]))
    empty_place.load(publish(empty_place.lake, NEXT, second, [rejected(8, NEXT)]))
    empty_place.warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    return empty_place


def test_the_rows_of_a_customer_go_from_every_table(loaded: Place) -> None:
    [reject] = loaded.warehouse.query(
        f"SELECT source_file, source_line FROM sales_quarantine WHERE landed_on = DATE '{NEXT}'"
    ).to_pylist()
    places = erasures.places([(reject["source_file"], reject["source_line"])])
    counted = loaded.warehouse.erase(places, Customer.of(WHO), dry_run=True)
    assert counted == {"sales_clean": 2, "sales_quarantine": 1, "sales": 1, "dim_customer": 1}
    assert loaded.warehouse.erase(places, Customer.of(WHO)) == counted
    loaded.warehouse.purge()
    left = defined({DAY: loaded.first[:2], NEXT: loaded.second[1:]}, {DAY: [rejected(9)]})
    assert loaded.held() == left
    assert loaded.warehouse.query("SELECT customer_id FROM dim_customer ORDER BY 1").to_pylist() == [
        {"customer_id": "c2"}
    ]
    assert not any(loaded.warehouse.erase(places, Customer.of(WHO)).values())


def test_tables_that_are_not_there_are_no_error(empty_place: Place) -> None:
    assert empty_place.warehouse.erase(erasures.places([]), Customer.of(WHO)) == {}
    empty_place.warehouse.purge()
    assert not empty_place.warehouse.exists(CUSTOMER_SEGMENTS)


def test_no_statement_holds_the_id() -> None:
    statements: list[str] = []

    def run(sql: str, parameters: object) -> list[tuple[int]]:
        statements.append(f"{sql} {parameters}")
        return [(1,)]

    erasures.erase(run, {"sales", "sales_clean", "sales_quarantine", "dim_customer"}, Customer.of("CUST-81"))
    assert len(statements) > 8
    assert not any(re.search("CUST-81", text) for text in statements)
