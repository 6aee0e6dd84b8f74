"""The shop of `crash_shop.py`, cleaned once by the real Spark: every test starts from a copy of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retail_assets.samples.synthetic import SOURCE
from retail_assets_tests.faults.crash_shop import (
    AFTER,
    BEFORE,
    CORRECTED,
    FIRST,
    LANDED,
    NEXT,
    SECOND,
    Home,
    Scenario,
    summarized,
)
from retail_assets_tests.faults.limits import mounted_disk

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 512 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted_disk(folder):
        yield folder


@pytest.fixture(scope="session")
def scenario(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Bring raw files to tables through every asset and check, with the session's Spark."""
    before = Home(tmp_path_factory.mktemp("faults") / "before")
    before.folder.mkdir()
    before.land(FIRST, LANDED)
    before.materialize(FIRST, FIRST)
    before.land(FIRST, CORRECTED)
    before.land(SECOND, NEXT)
    # Leftovers of a run that was killed years ago: a data file, and one that was being written.
    dead = f"{SOURCE}/clean/dt={FIRST}/dead"
    left = (f"{dead}/clean-0.parquet", f"{dead}/.{'a' * 32}.part")
    for key in left:
        path = before.lake.store.local_path(key)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"PAR1")
        os.utime(path, (0, 0))
    manifest = before.lake.store.local_path(f"{SOURCE}/clean/dt={FIRST}/manifest.json")
    os.utime(manifest, (0, 0))
    after = before.copy(before.folder.with_name("after"))
    after.materialize()
    tables_before, tables_after = before.tables(), after.tables()
    assert (summarized(tables_before), summarized(tables_after)) == (BEFORE, AFTER)
    return Scenario(before, after, tables_before, tables_after, left)


@pytest.fixture
def home(scenario: Scenario, tmp_path: Path) -> Home:
    """Return the shop before the run."""
    return scenario.before.copy(tmp_path / "home")
