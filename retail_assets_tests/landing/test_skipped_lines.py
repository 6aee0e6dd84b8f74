"""Lines above the header and totals below: skipped where the contract says so or the file proves it, and counted."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import ContractError, LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets_tests.landing.test_inspection import HEADER, ROWS, SHOP, YAML, cleaned_amount, inspected


def shop(rule: str) -> Contract:
    return loading.parse(f"{YAML}file: {{{rule}}}\n", "test")


def accounts(folder: Path, profile: FileProfile, contract: Contract = SHOP) -> tuple[int, int, int, Decimal]:
    """Return lines above, rows and lines below, and the money: cleaning, inspection and DuckDB agree on all of them."""
    rows = 0
    with (folder / profile.key).open("rb") as handle:
        for records in read_records(handle, profile, block_bytes=50):
            rows += sum(records.table["lines"].to_pylist())
    assert rows == profile.lines
    assert (profile.control.rows or 0) + (profile.control.rejected or 0) == profile.lines
    money = cleaned_amount(folder, profile, contract)
    assert Decimal(profile.control.amount or "0") == money
    assert len(profile.skipped) == profile.skipped_above + profile.skipped_below
    return profile.skipped_above, profile.lines, profile.skipped_below, money


TITLES = 'Sales report\n"Printed\nby Ann"\n\nPeriod;January\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_titles_above_a_provable_header_are_skipped(tmp_path: Path, encoding: str, end: str) -> None:
    data = f"{TITLES}{HEADER}\n{ROWS}".replace("\n", end).encode(encoding)
    contract = shop("encoding: latin-1") if encoding == "latin-1" else SHOP
    profile = inspected(tmp_path, "s.csv", data, contract)
    assert accounts(tmp_path, profile, contract) == (4, 2, 0, Decimal("3.50"))
    assert profile.skipped[0] == "Sales report"
    assert [name.strip() for name in profile.header] == HEADER.split(",")


def test_titles_and_totals_of_a_gzip_file(tmp_path: Path) -> None:
    profile = inspected(tmp_path, "s.csv.gz", gzip.compress(f"Report\n{HEADER}\n{ROWS}Total,,,3.50\n".encode()))
    assert accounts(tmp_path, profile) == (1, 2, 1, Decimal("3.50"))
    assert profile.skipped_in_words() == (
        "skipped: 1 line above the header ('Report'), 1 line of totals ('Total,,,3.50')"
    )


def test_a_header_is_not_proven_by_two_such_lines_or_by_rows_of_another_width(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match=r"skip_top: N"):
        inspected(tmp_path, "s.csv", f"Report\n{HEADER}\n{ROWS}{HEADER}\n{ROWS}")
    with pytest.raises(LandingError, match=r"skip_top: N"):
        inspected(tmp_path, "s.csv", f"Report\n{HEADER}\n1,2024-01-05\n{ROWS}")


@pytest.mark.parametrize("rule", ["skip_top: 3", "header: '^ID,'"])
def test_the_contract_says_where_the_header_is(tmp_path: Path, rule: str) -> None:
    contract = shop(rule)
    data = f"Report\n\nID of the report,5\n{HEADER}\n{ROWS}{HEADER}\n"
    profile = inspected(tmp_path, "s.csv", data, contract)
    assert accounts(tmp_path, profile, contract) == (2, 3, 0, Decimal("3.50"))
    assert profile.header_lines == 4


def test_a_header_pattern_that_no_line_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match=r"none of the first 1,000 lines has the header's pattern"):
        inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS}", shop("header: '^Order'"))


@pytest.mark.parametrize(
    ("below", "count"),
    [
        ("Total,,,3.50\n", 1),
        ("\n Grand total: ,,,$3.50\n\n,,,\n".replace(",,,\n", "\n"), 1),
        ('Summe,,,"3,50"\n', 1),
        ("Gesamtsumme,3.50\n", 1),
        ("Subtotal,,,3.50\nTotal,,,3.50", 2),
        (",,合計,3.50\n", 1),
        # A date, another word, or text: these are in quarantine, as any row that breaks a rule.
        ("Total,2024-01-05,,3.50\n", 0),
        ("Total cereal,,,3.50\n", 0),
        ("Total,,Toys,3.50\n", 0),
        ("Total,,,3.50\nend of report,,,\n", 0),
    ],
)
def test_totals_are_skipped_where_they_prove_to_be_some(tmp_path: Path, below: str, count: int) -> None:
    profile = inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS}{below}")
    above, rows, skipped, _ = accounts(tmp_path, profile)
    assert (above, skipped) == (0, count)
    assert rows == 2 + sum(1 for line in below.splitlines() if line.strip()) - count


def test_a_last_category_called_total_with_a_date_filled_from_above_is_refused(tmp_path: Path) -> None:
    """It was a sale, so that the total of an order export doubled its revenue."""
    with pytest.raises(LandingError, match=r"line 4 looks like a line of totals.*rows: \{drop: \{totals"):
        inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS},,Total,5.00\n", shop("fill_down: [ID, Date]"))


def test_totals_by_count_and_by_pattern(tmp_path: Path) -> None:
    data = f"{HEADER}\n{ROWS}2 rows\nSum of all,,,3.50\n"
    for rule in ("skip_bottom: 2", "totals: '^(Sum|\\d+ rows)'"):
        contract = shop(rule)
        profile = inspected(tmp_path, "s.csv", data, contract)
        assert accounts(tmp_path, profile, contract) == (0, 2, 2, Decimal("3.50"))


def test_a_sale_is_never_skipped_as_a_total(tmp_path: Path) -> None:
    for rule in ("skip_bottom: 1", "totals: Toys"):
        with pytest.raises(LandingError, match=r"line 3 would be skipped as one of totals .* looks like a sale"):
            inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS}", shop(rule))


def test_a_line_of_totals_in_the_middle_stays(tmp_path: Path) -> None:
    """Files that were joined: the first total is rejected, the last one skipped, and control totals are not guessed."""
    profile = inspected(tmp_path, "s.csv", f"{HEADER}\n{ROWS}Total,,,3.50\n{ROWS}Total,,,7.00\n")
    assert (profile.lines, profile.skipped_below, profile.control.rows) == (5, 1, 5)
    same = inspected(tmp_path, "t.csv", f"{HEADER}\n{ROWS}Total,,,3.50\n{ROWS}Total,,,3.50\n")
    assert (same.lines, same.skipped_below) == (5, 1)
    assert same.control.rows != same.lines


def test_only_totals_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="has a header and no rows"):
        inspected(tmp_path, "s.csv", f"{HEADER}\nTotal,,,0.00\n")


def test_rules_that_cannot_be_meant_are_refused() -> None:
    for rule, why in {
        "header: '('": "not a regular expression",
        "totals: '.*'": "found in every line",
        "skip_top: 1, header: ID": "either `skip_top` or `header`",
        "skip_bottom: 1, totals: Sum": "either `skip_bottom` or `totals`",
    }.items():
        with pytest.raises(ContractError, match=why):
            shop(rule)


def test_a_contract_without_these_keys_keeps_its_digest() -> None:
    assert shop("encoding: utf-8").digest == SHOP.digest
    assert shop("skip_top: 0").digest != SHOP.digest


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(?:x*)*y"])
def test_a_pattern_that_could_take_hours_is_refused_with_the_contract(pattern: str) -> None:
    """`(a+)+` over 60 letters took more than five minutes."""
    with pytest.raises(ContractError, match="leave the outer repetition out"):
        shop(f"totals: '{pattern}'")
