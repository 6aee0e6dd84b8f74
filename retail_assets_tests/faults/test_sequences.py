"""Random files landed, replaced and withdrawn, through Spark to the tables: exact, conserved, repeatable."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from retail_assets.cleaning import job
from retail_assets.contracts import loading as contracts
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES
from retail_assets.landing.register import inspect_landings
from retail_assets.samples.synthetic import SOURCE
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults.crash_shop import FIRST, csv
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.landings import held

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAYS = [FIRST + dt.timedelta(days=i) for i in range(3)]
FILES = ("a.csv", "b.csv")

SEQUENCES = trials(ordinary=3, soak=100)

#: A file: (transaction, cents, has no date) per line, at least one; None withdraws the file.
_FILE = st.none() | st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.integers(1, 999), st.booleans()), min_size=1, max_size=5
)
#: A step: files that land or go, then a run over some days, in some order.
_STEP = st.tuples(
    st.dictionaries(st.tuples(st.sampled_from(DAYS), st.sampled_from(FILES)), _FILE, min_size=1, max_size=4),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True),
)

Line = tuple[str, int, bool]


@pytest.mark.soak
@pytest.mark.spark
@settings(max_examples=SEQUENCES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(_STEP, min_size=1, max_size=3))
def test_after_any_sequence_of_landings_and_runs_the_tables_follow_from_the_files(
    spark: SparkSession, steps: list[tuple[dict[tuple[dt.date, str], list[Line] | None], list[dt.date]]]
) -> None:
    contract = contracts.load(SOURCE)
    with tempfile.TemporaryDirectory() as folder:
        raw, lake = Store(f"{folder}/raw"), Lake(Store(f"{folder}/lake"), SOURCE)
        warehouse = DuckDBWarehouse(Path(folder, "w.duckdb"), SOURCE)
        there: dict[tuple[dt.date, str], list[Line]] = {}
        run: dict[dt.date, dict[str, list[Line]]] = {}  # what each day's last run found
        for number, (changes, days) in enumerate(steps):
            for (day, name), lines in changes.items():
                key = f"{SOURCE}/dt={day}/{name}"
                raw.delete([key])
                there.pop((day, name), None)
                if lines is not None:
                    raw.write(key, csv(*((f"!{t}" if bad else t, cents) for t, cents, bad in lines)))
                    there[day, name] = lines
            landings = inspect_landings(raw, SOURCE, days, contract)
            manifests = job.clean(lambda: spark, raw, lake, landings, contract, f"run{number}")
            for landing, manifest in zip(landings, manifests, strict=True):
                lake.publish_raw(landing)
                lake.publish_clean(manifest)
                run[landing.landed_on] = {n: there[d, n] for d, n in sorted(there) if d == landing.landed_on}
                landed = [line for lines in run[landing.landed_on].values() for line in lines]
                assert manifest.lines == manifest.landed_rows == landing.lines == len(landed)
                money = sum((manifest.amount(status) for status in STATUSES), Decimal(0))
                assert money == Decimal(sum(cents for _, cents, _ in landed)).scaleb(-2)
            warehouse.load_landings(lake.store, manifests)
            once = held(warehouse)
            warehouse.load_landings(lake.store, manifests)
            assert held(warehouse) == once
            current, clean, rejected = from_scratch(run)
            sales = warehouse.query(
                "SELECT transaction_id AS t, total_amount AS m, landed_on AS d FROM sales"
            ).to_pylist()
            assert {row["t"]: (int(row["m"] * 100), row["d"]) for row in sales} == current
            assert len(sales) == len(current)
            counted = "SELECT (SELECT count(*) FROM sales_clean) AS c, (SELECT count(*) FROM sales_quarantine) AS q"
            assert warehouse.query(counted).to_pylist() == [{"c": clean, "q": rejected}]


def from_scratch(run: dict[dt.date, dict[str, list[Line]]]) -> tuple[dict[str, tuple[int, dt.date]], int, int]:
    """Return `sales` by its definition, and the number of rows of `sales_clean` and `sales_quarantine`."""
    current: dict[str, tuple[int, dt.date]] = {}
    clean = rejected = 0
    for day in sorted(run):
        of_day = {t: (cents, day) for name in sorted(run[day]) for t, cents, bad in run[day][name] if not bad}
        rejected += sum(bad for lines in run[day].values() for _, _, bad in lines)
        clean += len(of_day)
        current |= of_day
    return current, clean, rejected
