"""The benchmark of the segments on a few customers: its data are what they say, and its judgement can fail."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.segments import __main__ as bench
from benchmarks.segments import data
from benchmarks.segments.million import FILE, make, train_and_score
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.warehouse.duckdb import DuckDBWarehouse


@pytest.mark.slow
def test_planted_shoppers_are_found_and_named(tmp_path: Path) -> None:
    found = bench.planted(tmp_path)
    assert found["k"] == 3
    assert found["ari"] > 0.9
    assert found["named_rightly"] > 0.9
    assert all(target["met"] for target in found["targets"])


def test_planted_sales_are_the_same_again_and_in_the_stated_shares() -> None:
    lines, kinds = data.planted_lines(2000)
    again, same = data.planted_lines(2000)
    assert lines == again
    assert (kinds == same).all()
    for number, kind in enumerate(data.KINDS.values()):
        assert abs(np.mean(kinds == number) - kind.share) < 0.05
    assert Counter(lines["customer_id"].to_pylist()).most_common()[-1][1] >= 2


def test_cdnow_is_whole(tmp_path: Path) -> None:
    shop = data.cdnow(tmp_path)
    [totals] = shop.query(
        "select count(*) as n, count(distinct customer_id) as c, sum(total_amount) as m, max(sale_date) as d from sales"
    ).to_pylist()
    assert (totals["n"], totals["c"]) == (69_659, 23_570)
    assert str(totals["m"]) == "2500315.63"
    assert str(totals["d"]) == "1998-06-30"


@pytest.mark.slow
def test_customers_that_are_timed_are_as_many_as_asked_for_and_all_scored(tmp_path: Path) -> None:
    make(tmp_path, 3_000)
    train_and_score(tmp_path)
    timings = json.loads((tmp_path / "steps.json").read_text())
    assert timings["scored"] == 3_000
    shop = DuckDBWarehouse(tmp_path / FILE, "main")
    [row] = shop.query("select count(distinct customer_id) as n from customer_segments").to_pylist()
    assert row["n"] == 3_000


def test_a_target_that_is_missed_or_not_measured_is_not_met() -> None:
    assert bench._target("t", 0.9, low=0.85)["met"]
    assert not bench._target("t", 0.8, low=0.85)["met"]
    assert not bench._target("t", 31.0, high=30)["met"]
    assert not bench._target("t", None, low=0.85)["met"]


def test_a_warehouse_of_the_benchmark_has_what_the_features_need(tmp_path: Path) -> None:
    shop, truth = data.planted(tmp_path, 50)
    assert make_features(shop) == len(truth) == 50
