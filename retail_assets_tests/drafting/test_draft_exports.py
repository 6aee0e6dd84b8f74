"""Exports of shops, tills and platforms that nobody has described: the draft reads them as a person does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from benchmarks.door import country_cases, export_cases
from benchmarks.door.case import Case
from benchmarks.door.outcome import outcome_of
from retail_assets.drafting.draft import draft

DAY = dt.date(2026, 11, 29)
CASES = (*export_cases.CASES, *country_cases.CASES)
READ = ("sold_at", "product_category", "quantity", "total_amount")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_draft_reads_the_same_sales_as_the_contract_of_a_person(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.data())
    place = yaml.safe_load(case.contract)
    drafted = draft([path], {key: place[key] for key in ("currency", "country", "timezone")}, DAY)
    assert not drafted.problems
    outcome = outcome_of(drafted.text, {case.name: case.data()})
    assert outcome.counts.get("excluded", 0) == case.excluded
    assert [[str(row[name]) for name in READ] for row in outcome.sales] == [
        [str(row[name]) for name in READ] for row in read_by(case)
    ]


def read_by(case: Case) -> tuple[dict, ...]:
    """What the case's own contract makes of its file, which the catalogue checks against what a person wrote down."""
    return tuple(dict(row) for row in outcome_of(case.contract, {case.name: case.data()}).sales)


def drafted(tmp_path: Path, *lines: str) -> str:
    (tmp_path / "a.csv").write_text("".join(f"{line}\n" for line in lines))
    return draft([tmp_path / "a.csv"], {}, DAY).text


def test_a_code_is_no_money_in_a_currency_of_its_letters(tmp_path: Path) -> None:
    text = drafted(tmp_path, "Shelf,Sold,Kind,Takings", "K1,2026-03-01,Toys,10.50", "K2,2026-03-15,Food,3.00")
    assert "does the sign K" not in text
    assert "header: Shelf}" not in text.split("total_amount")[-1]


@pytest.mark.parametrize(
    "header",
    ["Discount Amount", "Tax Amount", "Shipping Amount", "Refunded Amount", "Rabattbetrag", "Service fee total"],
)
def test_a_discount_a_tax_or_a_fee_is_never_the_revenue(tmp_path: Path, header: str) -> None:
    text = drafted(
        tmp_path,
        f"ID,Date,Category,Qty,Price,{header}",
        "1,2026-03-01,Toys,1,5.00,0.50",
        "2,2026-03-15,Food,2,5.00,0.00",
    )
    assert "total_amount: {header" not in text
    assert "unit_price: {header: Price}" in text


def test_a_price_under_a_name_that_says_nothing_is_asked_about(tmp_path: Path) -> None:
    rows = ("1,2026-03-01,Toys,1,5.00", "2,2026-03-15,Food,2,5.00")
    assert "ANSWER: is Price the price of one piece?" in drafted(tmp_path, "ID,Date,Category,Qty,Price", *rows)
    assert "price of one piece" not in drafted(tmp_path, "ID,Date,Category,Qty,Unit price", *rows)


def test_a_total_that_stands_in_each_line_of_its_order_is_asked_about_without_a_price(tmp_path: Path) -> None:
    rows = ("O1,2026-03-01,Toys,1,26.50", "O1,2026-03-01,Food,1,26.50", "O2,2026-03-15,Food,2,7.50")
    text = drafted(tmp_path, "Order ID,Date,Category,Qty,Order Total", *rows)
    assert "ANSWER: Order Total is the same in all lines of an order" in text


def test_a_sign_of_several_currencies_is_asked_about(tmp_path: Path) -> None:
    text = drafted(tmp_path, "ID,Date,Category,Qty,Total", "1,2026-03-01,Toys,1,kr 50", "2,2026-03-15,Food,2,kr 60")
    assert "ANSWER: is kr " in text


def test_a_weekday_proves_whether_day_or_month_comes_first(tmp_path: Path) -> None:
    def dates(day: str) -> str:
        return drafted(tmp_path, "ID,Date,Category,Qty,Total", f"1,{day},Toys,1,5.00", f"2,{day},Food,2,6.00")

    assert 'formats: ["%a %d/%m/%Y"]' in dates("Thu 05/03/2026")
    assert 'formats: ["%a %m/%d/%Y"]' in dates("Thu 03/05/2026")


def test_a_line_of_totals_is_no_evidence(tmp_path: Path) -> None:
    rows = ("1,2026-03-01,Toys,1,5.00", "2,2026-03-15,Food,2,6.00", "Total,,,3,11.00")
    text = drafted(tmp_path, "ID,Date,Category,Qty,Total", *rows)
    assert "ID is given and different in each of 2 rows" in text
    assert "default: UNKNOWN" not in text


def test_points_between_thousands_only_are_no_decimal_points(tmp_path: Path) -> None:
    rows = ("1,2026-03-01,Toys,2,250.000", "2,2026-03-15,Food,1,1.250.000")
    assert 'numbers: {decimal: ",", thousands: "."}' in drafted(tmp_path, "ID,Date,Category,Qty,Total", *rows)


def test_a_number_of_records_is_never_the_revenue(tmp_path: Path) -> None:
    rows = ("1201,A1,2026-03-01,Toys,2,n/a", "1202,A2,2026-03-15,Food,1,n/a")
    text = drafted(tmp_path, "Sales Record Number,ID,Date,Category,Qty,Takings", *rows)
    assert "total_amount: {header: Sales Record Number}" not in text


def test_a_header_that_stands_twice_is_named(tmp_path: Path) -> None:
    text = drafted(tmp_path, "ID,Date,Category,Qty,Total,Total", "1,2026-03-01,Toys,2,10.00,11.90")
    assert "ANSWER: the header Total stands more than once" in text
