"""Processes killed at every boundary from raw files to tables: old or new state, and one re-run is exact."""

from __future__ import annotations

import datetime as dt
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import psutil
import pytest

from retail_assets.errors import NotReadyError
from retail_assets.lake.sweep import GRACE, sweep_all
from retail_assets.samples.synthetic import SOURCE
from retail_assets_tests.faults import matrix, pipeline_children
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.faults.crash_shop import FIRST, SECOND, Home, Scenario, recorded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAYS = (FIRST, SECOND)
DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"


def new_manifests(home: Home, scenario: Scenario) -> tuple[int, int]:
    """Count landings whose raw manifest, and whose clean manifest, names the files that landed last."""
    wanted = {day: scenario.after.lake.raw(day).digest for day in DAYS}
    raw = clean = 0
    for day in DAYS:
        try:
            raw += home.lake.raw(day).digest == wanted[day]
            clean += home.lake.clean(day).raw_digest == wanted[day]
        except NotReadyError:
            continue
    return raw, clean


def recorded_by_dagster(home: Home) -> tuple[str, ...]:
    """Return the assets that Dagster recorded as materialized for the second landing, in order."""
    with dg.DagsterInstance.from_config(str(home.folder / "dagster")) as instance:
        path = ("raw_sales_files", "clean_sales", "sales")
        return tuple(a for a in path if str(SECOND) in instance.get_materialized_partitions(dg.AssetKey(a)))


@pytest.mark.spark
@pytest.mark.parametrize("row", matrix.ROWS, ids=lambda row: row.name)
def test_a_process_killed_on_the_path_leaves_whole_tables_and_one_rerun_is_exact(
    row: matrix.Row, home: Home, scenario: Scenario, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [] if row.spark else [scenario.before, scenario.after]
    child = start(pipeline_children.run_and_die, home, row.kill, homes)
    log = home.folder / "killed.log"
    assert ended(child, log) == -signal.SIGKILL, log.read_text()[-3000:]
    # A process is still there for a moment after its SIGKILL; the last one is the killer itself.
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if _is_of(p, home)], timeout=60)
    assert not [p for p in alive if _is_of(p, home)], "the whole session was to die"

    assert home.tables() == (scenario.tables_after if row.loaded else scenario.tables_before)
    assert new_manifests(home, scenario) == (row.raw, row.clean)
    assert recorded_by_dagster(home) == row.recorded
    left = home.orphans() - set(scenario.killed_long_ago) - _replaced(scenario)
    assert (any(_is_data(k) for k in left), any(k.endswith(".part") for k in _hidden(home))) == (row.data, row.parts)

    if not row.spark:
        from retail_assets.cleaning import job

        monkeypatch.setattr(job, "clean", recorded(homes))
    home.materialize()
    assert home.tables() == scenario.tables_after
    assert new_manifests(home, scenario) == (2, 2)
    assert recorded_by_dagster(home) == ("raw_sales_files", "clean_sales", "sales")
    # Old leftovers are gone. What this kill left stays for a day, because its writer might live, and then goes too.
    assert not home.orphans() & set(scenario.killed_long_ago)
    assert left <= home.orphans()
    swept = sweep_all(home.lake, dt.datetime.now(dt.UTC) + GRACE + dt.timedelta(hours=1))
    assert left <= set(swept)
    assert home.orphans() == set() == set(_hidden(home))
    assert home.tables() == scenario.tables_after
    home.lake.head([home.lake.clean(day) for day in DAYS], "clean")


def _is_of(process: psutil.Process, home: Home) -> bool:
    """Return whether a process belongs to the killed child, by the home in its environment."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and str(home.folder) in process.environ().get(
            "RETAIL_TEST_HOME", ""
        )
    except psutil.Error:
        return False


def _is_data(key: str) -> bool:
    return key.endswith(".parquet")


def _hidden(home: Home) -> list[str]:
    """Return temporary files of this kill, of manifests and of data."""
    root = home.lake.store.local_path(SOURCE)
    return [str(p) for p in root.rglob(".*.part") if p.stat().st_mtime > 0]


def _replaced(scenario: Scenario) -> set[str]:
    """Return files that the manifest before named, and that a new one replaces."""
    manifest = scenario.before.lake.clean(FIRST)
    return {key for files in manifest.files.values() for key in (f.key for f in files)}


def test_the_document_shows_the_matrix_that_is_tested() -> None:
    assert matrix.table() in DOCUMENT.read_text(), "run: python -m retail_assets_tests.faults.matrix"
