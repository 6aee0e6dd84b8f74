"""A reader sees the old or the new landing completely while others write; anything else is noticed here."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from retail_assets.errors import RetailError, WarehouseBusyError
from retail_assets.lake.manifests import STATUSES
from retail_assets.samples.synthetic import SOURCE
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults import pipeline_children
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.faults.crash_shop import FIRST, Home, Scenario

_ALL_TABLES = (
    "SELECT (SELECT count(*) FROM sales), (SELECT sum(total_amount) FROM sales), (SELECT count(*) FROM sales_clean), "
    "(SELECT sum(total_amount) FROM sales_clean), (SELECT count(*) FROM sales_quarantine)"
)

#: Rows and money of `sales` and `sales_clean`, and rejected rows: with the original and the corrected landing.
TABLES = {(3, Decimal("71.00"), 3, Decimal("71.00"), 1), (3, Decimal("82.00"), 3, Decimal("82.00"), 1)}
_NONE = {"excluded": Decimal("0.00")}
#: Money by status of the same two in the lake.
LAKE = {
    tuple(
        sorted(
            (
                {"clean": Decimal("71.00"), "quarantine": Decimal("30.00"), "superseded": Decimal("10.00")} | _NONE
            ).items()
        )
    ),
    tuple(
        sorted(
            ({"clean": Decimal("82.00"), "quarantine": Decimal("9.00"), "superseded": Decimal("39.00")} | _NONE).items()
        )
    ),
}


@dataclass
class Seen:
    """What was seen how often. `turned_away` counts attempts to read the tables during a load."""

    tables: Counter[Any] = field(default_factory=Counter)
    lake: Counter[Any] = field(default_factory=Counter)
    turned_away: int = 0


def watched(home: Home, homes: list[Home], runs: int, how: str, enough: Callable[[Seen], bool]) -> Seen:
    """Read the tables and the lake in turn while a child writes; it ends when `enough` was seen."""
    done = multiprocessing.get_context("forkserver").Event()
    child = start(pipeline_children.correct_again_and_again, home, homes, runs, done, how)
    impatient = DuckDBWarehouse(home.platform.settings.duckdb_path, SOURCE, wait_seconds=0)
    lake, seen = home.lake, Seen()
    while child.is_alive():
        try:
            [row] = impatient.query(_ALL_TABLES).to_pylist()
            seen.tables[tuple(row.values())] += 1
        except WarehouseBusyError:
            seen.turned_away += 1
        try:
            manifest = lake.clean(FIRST)
            money = {
                status: sum(
                    (
                        value or Decimal(0)
                        for f in manifest.files[status]
                        for value in _amounts(lake.store.local_path(f.key))
                    ),
                    Decimal("0.00"),
                )
                for status in STATUSES
            }
            seen.lake[tuple(sorted(money.items()))] += 1
        except (RetailError, OSError) as e:
            seen.lake[type(e).__name__] += 1
        if enough(seen):
            done.set()
    assert ended(child) == 0, (home.folder / "writer.log").read_text()[-3000:]
    return seen


def _amounts(path: Path) -> list[Decimal | None]:
    amounts: list[Decimal | None] = pq.read_table(path, columns=["total_amount"])["total_amount"].to_pylist()
    return amounts


@pytest.mark.spark
def test_readers_of_tables_and_lake_see_whole_landings_only(home: Home, scenario: Scenario) -> None:
    def both_often_and_a_load(seen: Seen) -> bool:
        often = all(seen.lake[version] >= 10 for version in LAKE)
        return often and set(seen.tables) >= TABLES and seen.turned_away > 0

    seen = watched(home, [scenario.before, scenario.after], 8, "exact", both_often_and_a_load)
    assert set(seen.tables) == TABLES
    assert set(seen.lake) == LAKE
    assert both_often_and_a_load(seen), seen


@pytest.mark.spark
@pytest.mark.parametrize("how", ["two loads", "manifests in place"])
def test_the_watch_notices_a_writer_that_works_by_halves(home: Home, scenario: Scenario, how: str) -> None:
    """Otherwise the test before could not fail."""

    def noticed(seen: Seen) -> bool:
        return bool(set(seen.tables) - TABLES if how == "two loads" else set(seen.lake) - LAKE)

    assert noticed(watched(home, [scenario.before, scenario.after], 1, how, noticed))
