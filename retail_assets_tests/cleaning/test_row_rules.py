"""Rules on which rows count: excluded rows are counted under the rule's name, and no sale is among them."""

from __future__ import annotations

import pytest

from retail_assets.cleaning import rules
from retail_assets.contracts.model import Contract
from retail_assets.errors import ContractError
from retail_assets_tests.cleaning.test_parse import COLUMNS, contract, parsed

STATUS = "{column: Status, %s}"


def ruled(rows: str) -> Contract:
    return contract(f"rows: {rows}\n", **COLUMNS)


def excluded_by(source: Contract, *texts: str | None) -> list[list[str]]:
    """Return the names of the rules that exclude a good row with each text in its column Status."""
    assert source.rows is not None
    rows = parsed(source, *({"Status": text} for text in texts))
    return [rules.exclusions_of(row["mask"], source.rows.names) for row in rows]


@pytest.mark.parametrize(
    ("test", "out", "kept"),
    [
        ("equals: cancelled", ["Cancelled", " CANCELLED "], ["Cancelled by shop", "", None]),
        ("prefix: cancel", ["Cancelled", "CANCELED"], ["not cancelled", None]),
        ("in: [Failed, Refunded]", ["failed", "Refunded"], ["Paid", "Fail", None]),
        ("empty: true", ["", None, "NULL"], ["Paid"]),
        ("empty: false", ["Paid"], ["", None]),
    ],
)
def test_a_rule_drops_or_keeps_the_rows_that_meet_it(test: str, out: list[str | None], kept: list[str | None]) -> None:
    drop = ruled("{drop: {by_status: " + STATUS % test + "}}")
    assert excluded_by(drop, *out) == [["by_status"]] * len(out)
    assert excluded_by(drop, *kept) == [[]] * len(kept)
    keep = ruled("{keep: {by_status: " + STATUS % test + "}}")
    assert excluded_by(keep, *out) == [[]] * len(out)
    assert excluded_by(keep, *kept) == [["by_status"]] * len(kept)


def test_a_row_is_excluded_whatever_else_is_wrong_with_it_and_counts_under_every_rule() -> None:
    source = ruled(
        "{keep: {paid: {column: Status, equals: Paid}}, "
        "drop: {tests: {column: id, prefix: T}, old: {column: id, equals: T1}}}"
    )
    assert source.rows is not None
    rows = parsed(
        source,
        {"Status": "Failed", "amount": "x"},
        {"Status": "Paid", "id": "T1", "date": ""},
        {"Status": "Paid", "amount": "x"},
    )
    assert [rules.exclusions_of(row["mask"], source.rows.names) for row in rows] == [["paid"], ["tests", "old"], []]
    assert rows[2]["reasons"] == ["invalid_amount"]
    assert [row["raw_text"] is None for row in rows] == [False, False, False]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("{drop: {a: {column: Status}}}", "exactly one"),
        ("{drop: {a: {column: Status, equals: x, prefix: y}}}", "exactly one"),
        ("{}", "1 to 20 rules"),
        ("{drop: {A b: {column: Status, empty: true}}}", "pattern"),
        ("{keep: {a: {column: S, empty: true}}, drop: {a: {column: S, empty: true}}}", "its own name"),
        ("{drop: {a: {column: Status, equal: x}}}", "equals"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(rows: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        ruled(rows)
