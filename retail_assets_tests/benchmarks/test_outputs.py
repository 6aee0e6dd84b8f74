"""The benchmark of the outputs: its made-up sales are a shop's and always the same; its results have their keys."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from benchmarks.outputs import __main__ as outputs
from benchmarks.outputs import data


def test_made_up_sales_are_as_many_as_asked_for_and_the_same_again() -> None:
    rows = duckdb.sql(data.lines(5_000)).fetchall()
    assert rows == duckdb.sql(data.lines(5_000)).fetchall()
    assert len({row[0] for row in rows}) == 5_000
    [facts] = duckdb.sql(
        f"""SELECT count(DISTINCT sale_date) > 500, max(sale_date) <= DATE '{data.LAST_DAY}', min(total_amount) > 0,
            count(DISTINCT customer_id) > 40, count(DISTINCT order_id), count(DISTINCT store_id) > 40,
            bool_and(sale_date = sold_at::DATE) FROM ({data.lines(5_000)})"""
    ).fetchall()
    assert facts == (True, True, True, True, 1_000, True, True)


def test_a_target_that_is_missed_is_the_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    cost = {"seconds": 10.0, "cpu_s": 9.0, "peak_mb": 700, "parts": {"extract": 2.0}, "report_bytes": 1_200_000}
    monkeypatch.setattr(outputs, "RESULTS", tmp_path)
    monkeypatch.setattr(outputs, "home_of", lambda folder, rows: tmp_path)
    monkeypatch.setattr(outputs, "first_paint_ms", lambda report: 300.0)
    monkeypatch.setattr("sys.argv", ["outputs", "--rows", "1000"])
    for slow, code in ((0, 0), (55, 1)):
        monkeypatch.setattr(
            outputs, "outputs_of", lambda home, slow=slow: {**cost, "seconds": 10.0 + slow, "extract_rows": 1_000}
        )
        assert outputs.main() == code
    written = json.loads((tmp_path / "outputs.json").read_text())
    assert {"seconds", "peak_mb", "report_bytes", "hyper_rows_per_s", "scale"} <= set(written)
    assert written["hyper_rows_per_s"] == 500
    assert {"rows", "seconds", "peak_mb"} <= set(written["scale"][0])
