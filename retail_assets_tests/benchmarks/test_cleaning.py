"""The cleaning benchmark on a few thousand rows: three engines, each written on its own, make the same of the files.

So hand-written SQL is an oracle for the whole clean job, and the figures of a large run compare like with like.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.cleaning import __main__ as bench
from benchmarks.cleaning import compare
from benchmarks.cleaning.compare import Account, Outputs
from benchmarks.cleaning.data import generated


@pytest.mark.spark
def test_our_job_and_two_hand_written_scripts_make_the_same_of_the_same_files(tmp_path: Path) -> None:
    data = generated(tmp_path / "data", 3000, 5)
    result = bench.compared(data, tmp_path / "out", repeat=1)
    assert result["differences"] == []
    assert result["outputs_equal"]
    assert result["rows"] == 3000
    for engine in bench.ENGINES:
        assert set(result[engine]) == {"cpu_s", "wall_s", "peak_mb"}
        assert all(value > 0 for value in result[engine].values())
    assert result["cpu_ratio_duckdb"] == round(result["ours"]["cpu_s"] / result["duckdb"]["cpu_s"], 2)
    json.dumps(result)


def test_generated_files_are_kept_and_made_once(tmp_path: Path) -> None:
    first = generated(tmp_path, 500, 1)
    before = {f: f.stat().st_mtime_ns for f in first.files}
    assert before
    assert generated(tmp_path, 500, 1) == first
    assert {f: f.stat().st_mtime_ns for f in first.files} == before
    assert generated(tmp_path, 500, 2).files != first.files


def test_a_difference_in_rows_money_values_or_reasons_is_reported() -> None:
    account = Account(10, Decimal("5.00"), (1, 2))
    same = Outputs(dict.fromkeys(compare.TABLES, account), {"invalid_date": 3})
    assert compare.differences("ours", same, "duckdb", same) == []

    def problems(clean: Account = account, reasons: dict[str, int] | None = None) -> list[str]:
        other = Outputs({**same.places, "clean": clean}, same.reasons if reasons is None else reasons)
        return compare.differences("ours", other, "duckdb", same)

    assert problems(replace(account, rows=9)) == ["clean: ours has 9 rows of 5.00, duckdb 10 of 5.00"]
    assert problems(replace(account, amount=Decimal("4.99"))) == ["clean: ours has 10 rows of 4.99, duckdb 10 of 5.00"]
    assert "not the same values" in problems(replace(account, digest=(1, 3)))[0]
    assert problems(reasons={}) == ["invalid_date: ours 0, duckdb 3"]


def test_planted_rows_that_an_engine_does_not_find_are_reported() -> None:
    nothing = Account(0, Decimal(0), (0, 0))
    empty = Outputs(dict.fromkeys(compare.TABLES, nothing), {})
    expected: dict[str, object] = {
        "rows": 2,
        "clean": 1,
        "quarantined": 1,
        "superseded": 0,
        "clean_amount": "5.00",
        "reasons": {"invalid_date": 1},
    }
    problems = compare.against_generator("ours", empty, expected)
    assert [t.split(":")[0] for t in problems] == ["clean", "quarantined", "clean_amount", "reasons"]
