"""Concurrent materializations, and files replaced during a run: exact tables, or a refusal that says what to do."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import re
import threading
from typing import TYPE_CHECKING

import pytest

from retail_assets.cleaning import job
from retail_assets.errors import LandingError
from retail_assets.lake.manifests import STATUSES
from retail_assets.landing.register import inspect_landings
from retail_assets_tests.faults import pipeline_children
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.faults.crash_shop import (
    CORRECTED,
    FIRST,
    LANDED,
    SECOND,
    Home,
    Scenario,
    csv,
    recorded,
    summarized,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BOTH, ONE, OTHER = (FIRST, SECOND), (FIRST, FIRST), (SECOND, SECOND)


@pytest.mark.spark
@pytest.mark.parametrize(
    "ranges",
    [(BOTH, BOTH), (ONE, OTHER), (ONE, ONE), (BOTH, OTHER)],
    ids=["the same range", "neighbours", "the same landing", "overlapping ranges"],
)
def test_two_materializations_at_once_leave_exact_tables_or_say_what_to_do(
    ranges: tuple[tuple[dt.date, dt.date], ...],
    home: Home,
    scenario: Scenario,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    homes = [scenario.before, scenario.after]
    gate = multiprocessing.get_context("forkserver").Barrier(len(ranges))
    running = [
        start(pipeline_children.run_with_others, home, homes, first, last, gate, f"run{n}")
        for n, (first, last) in enumerate(ranges)
    ]
    codes = [ended(child) for child in running]
    for number, code in enumerate(codes):
        log = (home.folder / f"run{number}.log").read_text()[-3000:]
        assert code in (0, pipeline_children.REFUSED), log
        if code == pipeline_children.REFUSED:
            message = (home.folder / f"run{number}.refusal").read_text()
            assert "aterialize" in message or re.search("run the same again|try again", message.lower()), message
    covered = {day for first, last in ranges for day in (first, last)}
    if all(code == 0 for code in codes) and covered == {FIRST, SECOND}:
        assert home.tables() == scenario.tables_after
    monkeypatch.setattr(job, "clean", recorded(homes))
    home.materialize()
    assert home.tables() == scenario.tables_after


@pytest.mark.spark
def test_a_file_that_was_replaced_after_it_was_registered_is_refused_and_a_rerun_takes_the_new_one(
    home: Home, scenario: Scenario, spark: SparkSession
) -> None:
    platform = home.platform
    contract = platform.settings.contract
    registered = inspect_landings(platform.raw, platform.source, [FIRST], contract)
    home.land(FIRST, csv(("T1", 1), ("T2", 22222)))
    with pytest.raises(LandingError, match=r"replaced meanwhile\. Materialize raw_sales_files and clean_sales again"):
        job.clean(lambda: spark, platform.raw, platform.lake, registered, contract, "outdated")
    assert home.tables() == scenario.tables_before
    home.materialize(FIRST, FIRST)
    sales, _, _ = summarized(home.tables())
    assert sales == {"T1": (1, FIRST), "T2": (22222, FIRST)}


@pytest.mark.spark
def test_cleaning_while_files_are_replaced_takes_a_registered_file_whole_or_refuses_it(
    home: Home, spark: SparkSession
) -> None:
    """Another process may land a correction at any time; the result is never half of each."""
    platform = home.platform
    contract = platform.settings.contract
    versions, done = (LANDED, CORRECTED), threading.Event()
    assert len(LANDED) != len(CORRECTED)

    def replace_all_the_time() -> None:
        number = 0
        while not done.is_set():
            platform.raw.write(f"{platform.source}/dt={FIRST}/till.csv", versions[number % 2])
            number += 1

    replacing = threading.Thread(target=replace_all_the_time)
    replacing.start()
    try:
        cleaned = refused = 0
        for number in range(6):
            registered = inspect_landings(platform.raw, platform.source, [FIRST], contract)
            try:
                [manifest] = job.clean(lambda: spark, platform.raw, platform.lake, registered, contract, f"run{number}")
            except LandingError as e:
                refused += "replaced meanwhile" in str(e)
                continue
            cleaned += 1
            money = tuple(str(manifest.amount(status)) for status in STATUSES)
            assert money in {("71.00", "30.00", "10.00", "0.00"), ("82.00", "9.00", "39.00", "0.00")}
    finally:
        done.set()
        replacing.join()
    assert cleaned + refused == 6
