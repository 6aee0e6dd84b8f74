"""Every file of the door's catalogue comes out as a person wrote it down, and the page about them is up to date."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.door.case import Case, lines, sale, shop
from benchmarks.door.catalogue import CASES, all_cases, document
from benchmarks.door.outcome import Outcome, outcome_of, verdict_on

DOCUMENT = Path(__file__).parents[2] / "docs" / "files_that_work.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_file_is_read_as_a_person_reads_it(case: Case) -> None:
    verdict, difference = verdict_on(case, outcome_of(case.contract, case.files))
    assert (verdict, difference) == ("refused_as_expected" if case.refused else "exact", "")


def test_the_catalogue_is_large_and_names_each_file_once() -> None:
    names = [(case.group, case.what) for case, _ in all_cases()]
    assert len(names) == len(set(names))
    assert len(CASES) >= 60


def test_the_documentation_is_written_from_the_catalogue() -> None:
    command = "python -m benchmarks.door.catalogue"
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"{DOCUMENT.name} is out of date. Write it: {command}"


TWO = Case(
    "", "two rows", shop(),
    lines("ID,Date,Customer,Category,Qty,Total", "1,2026-03-01,C7,Toys,1,5", "2,2026-03-01,C7,Toys,1,6"),
    (sale("1", "2026-03-01", "Toys", "1", "5"), sale("2", "2026-03-01", "Toys", "1", "6")),
)  # fmt: skip


def test_another_amount_more_rows_or_fewer_are_not_exact() -> None:
    right = outcome_of(TWO.contract, {TWO.name: TWO.data()})
    assert verdict_on(TWO, right) == ("exact", "")
    other = replace(right, sales=({**right.sales[0], "total_amount": Decimal(7)}, right.sales[1]))
    assert verdict_on(TWO, other)[0] == "silently_wrong"
    assert verdict_on(TWO, replace(right, sales=(*right.sales, right.sales[0])))[0] == "silently_wrong"
    fewer = replace(right, sales=right.sales[:1])
    assert verdict_on(TWO, fewer)[0] == "wrongly_refused"
    assert verdict_on(TWO, replace(fewer, counts={"superseded": 1}))[0] == "silently_wrong"
    assert verdict_on(TWO, Outcome(refused="no"))[0] == "wrongly_refused"
    assert verdict_on(TWO, Outcome(crash="KeyError"))[0] == "crashed"
    assert verdict_on(replace(TWO, sales=(), refused="no header"), right)[0] == "silently_wrong"
