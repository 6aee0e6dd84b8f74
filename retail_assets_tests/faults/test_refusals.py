"""Full disks, interrupted listings, missing permissions: a clear error, the old state, no loss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from retail_assets.cleaning import job
from retail_assets.errors import RetailError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.landing.land import land_file
from retail_assets.landing.register import inspect_landings
from retail_assets.samples.synthetic import SOURCE
from retail_assets.storage import Store
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults.breaking_s3 import breaking_s3
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.faults.crash_shop import FIRST, Home, Scenario, csv
from retail_assets_tests.faults.limits import become_nobody, limit_file_size, limited_workers
from retail_assets_tests.warehouse.landings import DAY, defined, held, line, publish
from retail_assets_tests.warehouse.landings import SOURCE as OTHER

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def files_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


# Disk full.


def test_a_disk_that_is_full_while_landing_leaves_the_file_that_stood_there(small_disk: Path, tmp_path: Path) -> None:
    raw, delivery = Store(str(small_disk / "raw")), tmp_path / "till.csv"
    delivery.write_bytes(csv(("T1", 1)))
    land_file(delivery, raw, SOURCE, FIRST)
    before = files_below(small_disk)
    delivery.write_bytes(csv(*((f"T{i}", i) for i in range(20_000))))
    with pytest.raises(StorageError, match=r"Cannot write .*till\.csv: the disk is full\. Free some space and try"):
        land_file(delivery, raw, SOURCE, FIRST, replace=True)
    assert files_below(small_disk) == before
    assert raw.read(f"{SOURCE}/dt={FIRST}/till.csv") == csv(("T1", 1))


@pytest.mark.slow
def test_a_limit_met_while_landing_leaves_nothing(tmp_path: Path) -> None:
    delivery = tmp_path / "till.csv"
    delivery.write_bytes(csv(*((f"T{i}", i) for i in range(20_000))))
    assert ended(start(_land_within_limits, delivery, tmp_path / "raw")) == 0
    assert files_below(tmp_path / "raw") == set()


def _land_within_limits(delivery: Path, raw: Path) -> None:
    limit_file_size(100_000)
    with pytest.raises(StorageError, match=r"Cannot write .*till\.csv: File too large"):
        land_file(delivery, Store(str(raw)), SOURCE, FIRST)


@pytest.mark.spark
@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_FSIZE"), reason="limits of other processes can be set on Linux only")
def test_spark_that_cannot_write_on_publishes_nothing_and_a_rerun_is_exact(
    home: Home, scenario: Scenario, spark: SparkSession
) -> None:
    with limited_workers(1000), pytest.raises(RetailError, match=r"Cannot write .*\.parquet: File too large"):
        home.materialize()
    assert home.tables() == scenario.tables_before
    assert home.lake.clean(FIRST) == scenario.before.lake.clean(FIRST)
    assert not [k for k in home.orphans() if k.endswith(".part")]
    home.materialize()
    assert home.tables() == scenario.tables_after


@pytest.mark.spark
def test_a_disk_that_is_full_while_spark_writes_says_so_and_leaves_no_temporary_file(
    small_disk: Path, tmp_path: Path, home: Home, spark: SparkSession
) -> None:
    raw, contract = Store(str(tmp_path / "raw")), home.platform.settings.contract
    raw.write(f"{SOURCE}/dt={FIRST}/till.csv", csv(*((f"T{i * 7919 % 99991}", i) for i in range(30_000))))
    landings = inspect_landings(raw, SOURCE, [FIRST], contract)
    lake = Lake(Store(str(small_disk / "lake")), SOURCE)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 450_000)
    with pytest.raises(StorageError, match=r"disk is full.*Free some space and try again"):
        job.clean(lambda: spark, raw, lake, landings, contract, "full")
    assert not [name for name in files_below(small_disk) if name.endswith(".part")]
    filler.unlink()
    [manifest] = job.clean(lambda: spark, raw, lake, landings, contract, "again")
    assert manifest.rows("clean") == 30_000


@pytest.mark.slow
def test_a_disk_that_is_full_while_loading_leaves_the_old_tables(small_disk: Path, tmp_path: Path) -> None:
    lake = Lake(Store(str(tmp_path / "lake")), OTHER)
    path = tmp_path / "retail.duckdb"
    lines = [line("A", 100)]
    DuckDBWarehouse(path, OTHER).load_landings(lake.store, [publish(lake, DAY, lines)])
    small = small_disk / "retail.duckdb"
    size = path.stat().st_size
    subprocess.run(["mount", "-o", f"remount,size={size + 300_000}", str(small_disk)], check=True)
    small.write_bytes(path.read_bytes())
    warehouse = DuckDBWarehouse(small, OTHER)
    many = [line(f"T{i * 7919 % 99991}" * 20, i, DAY, at=i + 2) for i in range(20_000)]
    manifest = publish(lake, DAY, many, run="many")
    with pytest.raises(StorageError, match=r"The disk of .* is full: nothing was changed\. Free some space"):
        warehouse.load_landings(lake.store, [manifest])
    assert held(warehouse) == defined({DAY: lines})
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    warehouse.load_landings(lake.store, [manifest])
    assert held(warehouse) == defined({DAY: many})


# An interrupted listing.


@pytest.mark.parametrize("broken", [(403, "AccessDenied"), (500, "InternalError"), (0, "")], ids=["403", "500", "cut"])
def test_a_listing_that_fails_on_its_second_page_is_never_taken_for_a_short_one(
    broken: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If half of a landing were registered as all of it, the sales of the other half would disappear."""
    with breaking_s3(*broken) as endpoint:
        environ = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "2",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        store = Store("s3://b/raw")
        for listing in (lambda: store.list("shop"), lambda: store.list(""), lambda: store.folders("shop")):
            with pytest.raises(StorageError) as raised:
                listing()
            assert "secret" not in str(raised.value)


def test_a_local_folder_that_cannot_be_listed_is_never_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    for name in ("a", "b", "c"):
        store.write(f"shop/{name}/x.csv", b"1")
    scandir = os.scandir

    def failing(path: str | Path = ".") -> object:
        if Path(path).name == "b":
            raise OSError(5, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(StorageError, match=r"Cannot list .*shop: .* does not answer \(Input/output error\)"):
        store.list("shop")


# Permissions.


def _refused(home: Home, denied: str) -> None:
    """Check the message of a run without permission to read or write something."""
    platform = home.platform  # before: this interpreter may lie where nobody reads
    become_nobody(home.folder)
    contract = platform.settings.contract
    message = {
        "a landed file": r"Cannot read .*till\.csv: permission denied\. Check its owner and permissions",
        "a landing": r"Cannot list .*: permission denied\. Check its owner and permissions",
        "the manifests": r"Cannot write .*manifest\.json: permission denied\. Check its owner and permissions",
        "the warehouse": r"retail\.duckdb cannot be written: nothing was changed\. Check its owner and permissions",
        "a file of the lake": r"nothing was changed|cannot be read",
        "a folder of the lake": r"Cannot read .*\.parquet: permission denied\. .* Nothing was loaded",
    }[denied]

    def run() -> None:
        landings = inspect_landings(platform.raw, SOURCE, [FIRST], contract)
        platform.lake.publish_raw(landings[0])
        platform.warehouse.load_landings(platform.lake.store, [platform.lake.clean(FIRST)])

    with pytest.raises(RetailError, match=message):
        run()


@pytest.mark.spark
@pytest.mark.parametrize(
    "denied",
    ["a landed file", "a landing", "the manifests", "the warehouse", "a file of the lake", "a folder of the lake"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_what_may_not_be_read_or_written_is_named_and_nothing_changes(
    denied: str, home: Home, scenario: Scenario
) -> None:
    for path in (home.folder, *home.folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    landing = home.platform.raw.local_path(f"{SOURCE}/dt={FIRST}")
    [file] = home.lake.clean(FIRST).files["clean"]
    path, mode = {
        "a landed file": (landing / "till.csv", 0o000),
        "a landing": (landing, 0o000),
        "the manifests": (home.lake.store.local_path(f"{SOURCE}/raw/dt={FIRST}"), 0o555),
        "the warehouse": (home.platform.settings.duckdb_path, 0o444),
        "a file of the lake": (home.lake.store.local_path(file.key), 0o000),
        "a folder of the lake": (home.lake.store.local_path(file.key).parent, 0o000),
    }[denied]
    path.chmod(mode)
    assert ended(start(_refused, home, denied)) == 0
    path.chmod(0o777)
    assert home.tables() == scenario.tables_before


@pytest.mark.spark
def test_left_overs_that_may_not_be_deleted_fail_no_run(
    home: Home, scenario: Scenario, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Store.delete

    def denied(self: Store, keys: list[str]) -> None:
        if keys:
            raise StorageError("Cannot delete: permission denied.")
        delete(self, keys)

    monkeypatch.setattr(Store, "delete", denied)
    home.materialize()
    assert home.tables() == scenario.tables_after
    assert set(scenario.killed_long_ago) <= home.orphans()
