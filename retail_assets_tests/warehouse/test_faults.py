"""Processes that die, wait for each other, or find damage: the tables stay whole, and one re-run makes them right."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from retail_assets.errors import NotReadyError, RetailError, StorageError, WarehouseBusyError, WarehouseError
from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets.tables import DIM_DATE, SALES
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.faults import damage, loading_children
from retail_assets_tests.faults.child_processes import ended, pipe, start
from retail_assets_tests.faults.limits import limit_file_size
from retail_assets_tests.warehouse.landings import DAY, SOURCE, Row, defined, held, line, publish, rejected, write

NEXT = DAY + dt.timedelta(days=1)


@dataclass
class Place:
    """A lake with two landings, of which the first is loaded."""

    home: Path
    lake: Lake
    warehouse: DuckDBWarehouse
    first: list[Row]
    second: list[Row]

    def rerun(self) -> None:
        self.warehouse.load_landings(self.lake.store, [self.lake.clean(NEXT)])

    @property
    def before(self) -> dict[str, list[tuple[object, ...]]]:
        return defined({DAY: self.first}, {DAY: [rejected(9)]})

    @property
    def after(self) -> dict[str, list[tuple[object, ...]]]:
        return defined({DAY: self.first, NEXT: self.second}, {DAY: [rejected(9)], NEXT: [rejected(8, NEXT)]})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    lake = Lake(Store(str(tmp_path / "lake")), SOURCE)
    warehouse = DuckDBWarehouse(tmp_path / "retail.duckdb", SOURCE, wait_seconds=30)
    first = [line("A", 100), line("B", 200, at=3), line("C", 300, at=4)]
    second = [line("B", -50, NEXT), line("D", 400, NEXT, at=3)]
    warehouse.load_landings(lake.store, [publish(lake, DAY, first, [rejected(9)])])
    publish(lake, NEXT, second, [rejected(8, NEXT)])
    return Place(tmp_path, lake, warehouse, first, second)


STATEMENTS = (
    "BEGIN",
    "SELECT landed_on",
    "CREATE TEMP TABLE touched",
    "DELETE FROM sales_clean",
    "INSERT INTO sales_clean",
    "DELETE FROM sales_quarantine",
    "INSERT INTO sales_quarantine",
    "DELETE FROM sales WHERE",
    "INSERT INTO sales (",
    "DROP TABLE touched",
    "COMMIT",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_load_killed_before_any_statement_leaves_the_old_tables_and_a_rerun_makes_the_new(
    place: Place, statement: str
) -> None:
    assert ended(start(loading_children.load_and_die, place.home, [NEXT], statement)) == -signal.SIGKILL
    assert held(place.warehouse) == place.before
    place.rerun()
    assert held(place.warehouse) == place.after


def test_a_load_killed_after_its_commit_is_loaded(place: Place) -> None:
    child = start(loading_children.load_and_die_after_commit, place.home, [NEXT])
    assert ended(child) == -signal.SIGKILL
    assert held(place.warehouse) == place.after
    place.rerun()
    assert held(place.warehouse) == place.after


def test_the_very_first_load_killed_before_its_commit_leaves_nothing_and_a_rerun_makes_the_tables(
    place: Place,
) -> None:
    (place.home / "retail.duckdb").unlink()
    assert ended(start(loading_children.load_and_die, place.home, [DAY], "COMMIT")) == -signal.SIGKILL
    with pytest.raises(NotReadyError, match="Materialize the asset `sales` first"):
        place.warehouse.query("SELECT * FROM sales")
    loading_children.load(place.home, [DAY, NEXT])
    assert held(place.warehouse) == place.after


@pytest.mark.parametrize(("renames", "published"), [(0, "run"), (1, "run"), (2, "new")])
def test_a_writer_killed_before_or_after_its_data_file_or_manifest_leaves_one_whole_landing(
    place: Place, renames: int, published: str
) -> None:
    assert ended(start(loading_children.clean_and_die, place.home, NEXT, renames)) == -signal.SIGKILL
    assert place.lake.clean(NEXT).run_id == published
    assert held(place.warehouse) == place.before
    place.rerun()
    new = defined({DAY: place.first, NEXT: [line("NEW", 1, NEXT)]}, {DAY: [rejected(9)]})
    assert held(place.warehouse) == (new if published == "new" else place.after)


def test_data_files_of_a_writer_that_died_before_publishing_are_never_loaded(place: Place) -> None:
    write(place.lake, NEXT, [line("X", 999, NEXT)], run="died")
    place.rerun()
    assert held(place.warehouse) == place.after


def test_what_a_killed_load_fetched_from_a_remote_lake_is_removed_after_a_day_by_the_next_one(place: Place) -> None:
    killed, at_work = place.home / ".incoming-killed", place.home / ".incoming-at-work"
    for folder in (killed, at_work):
        folder.mkdir()
        (folder / "0.parquet").write_bytes(b"x" * 1000)
    os.utime(killed, (0, 0))
    remote = Lake(Store(f"memory://{place.home.name}"), SOURCE)
    place.warehouse.load_landings(remote.store, [publish(remote, NEXT, place.second, [rejected(8, NEXT)])])
    assert held(place.warehouse) == place.after
    assert (killed.exists(), at_work.exists()) == (False, True)


def test_processes_that_load_at_once_all_succeed_and_the_tables_are_exact(place: Place) -> None:
    days = [NEXT + dt.timedelta(days=i) for i in range(1, 4)]
    landings = {day: [line("A", 7, day), line(f"T{day}", 1, day, at=3)] for day in days}
    for day, lines in landings.items():
        publish(place.lake, day, lines)
    # Neighbours and the same ones, in different orders.
    orders = [[NEXT, *days], [*reversed(days), NEXT], [days[1], days[0], NEXT, days[2]]]
    loading = [start(loading_children.load, place.home, order) for order in orders]
    assert [ended(child) for child in loading] == [0, 0, 0]
    expected = defined(
        {DAY: place.first, NEXT: place.second, **landings}, {DAY: [rejected(9)], NEXT: [rejected(8, NEXT)]}
    )
    assert held(place.warehouse) == expected


def test_threads_that_write_at_once_wait_for_each_other(place: Place) -> None:
    errors: list[BaseException] = []

    def load() -> None:
        try:
            place.rerun()
            place.warehouse.rebuild(DIM_DATE, _NO_DATES)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert held(place.warehouse) == place.after


_NO_DATES = (
    "SELECT CAST(NULL AS DATE) AS calendar_date, 1 AS year, 1 AS quarter, 1 AS month, 1 AS day_of_month, "
    "1 AS iso_week, 1 AS weekday, TRUE AS is_weekend, NULL AS holiday WHERE FALSE"
)


def test_a_reader_beside_a_writer_sees_whole_landings_only(place: Place) -> None:
    """With and without the landing of NEXT, `sales` has these sums; a mixture has another one."""
    child = start(loading_children.load, place.home, [NEXT] * 8)
    sums = set()
    while child.is_alive():
        [row] = place.warehouse.query("SELECT sum(total_amount) AS s, count(*) AS n FROM sales").to_pylist()
        sums.add((str(row["s"]), row["n"]))
    assert ended(child) == 0
    assert sums <= {("6.00", 3), ("7.50", 4)}


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_warehouse_that_another_process_keeps_open_is_reported_after_the_wait(place: Place, mode: str) -> None:
    ours, theirs = pipe()
    child = start(loading_children.hold, place.home, mode, theirs)
    assert ours.recv() == "open"
    impatient = DuckDBWarehouse(place.home / "retail.duckdb", SOURCE, wait_seconds=0.2)
    with pytest.raises(WarehouseBusyError, match=r"not free within 0 s .*PID \d+.*Close it and try again"):
        impatient.load_landings(place.lake.store, [place.lake.clean(NEXT)])
    if mode == "write":
        with pytest.raises(WarehouseBusyError):
            impatient.query("SELECT 1")
    ours.send("let go")
    assert ended(child) == 0
    place.rerun()
    assert held(place.warehouse) == place.after


def test_a_load_that_waited_while_its_landing_was_cleaned_again_does_not_put_the_old_rows_back(place: Place) -> None:
    outdated = place.lake.clean(NEXT)
    newer = [line("B", 77, NEXT)]
    manifest = publish(place.lake, NEXT, newer, run="newer")
    place.warehouse.load_landings(place.lake.store, [manifest])
    with pytest.raises(WarehouseBusyError, match=f"Cleaned again by another run.*{NEXT}.*Nothing was loaded"):
        place.warehouse.load_landings(place.lake.store, [outdated])
    assert held(place.warehouse) == defined({DAY: place.first, NEXT: newer}, {DAY: [rejected(9)]})


# What a manifest names and the lake does not hold. Each damages the landing of NEXT.


@pytest.mark.parametrize(
    ("do_damage", "problem"),
    [
        (damage.shorten, r"clean-0\.parquet is named by a manifest and has \d+ bytes instead of \d+"),
        (damage.overwrite_with_zeros, r"A file of the lake cannot be read.*clean-0\.parquet"),
        (damage.remove_quarantine_file, r"quarantine-0\.parquet is named by a manifest and is not there"),
        (damage.promise_more_rows, r"2024-03-02: 3 rows \(3.50 in total\) promised, 2 rows \(3.50 in total\) found"),
        (damage.promise_other_money, r"2 rows \(3.51 in total\) promised, 2 rows \(3.50 in total\) found"),
        (damage.repeat_a_key, r"repeat a key \(landed_on, transaction_id\), such as 2024-03-02, B"),
        (
            damage.mix_in_another_landing,
            r"2024-03-01: 0 rows \(0.00 in total\) promised, 1 rows \(4.00 in total\) found",
        ),
        (damage.drop_a_column, "written by another version.*store_id"),
        (damage.add_a_file_without_a_column, r"A file of the lake cannot be read.*clean-1\.parquet"),
    ],
)
def test_a_lake_that_does_not_hold_what_its_manifest_says_is_refused_and_nothing_changes(
    place: Place, do_damage: Callable[[Lake, dt.date], None], problem: str
) -> None:
    do_damage(place.lake, NEXT)
    with pytest.raises(WarehouseError, match=f"(?s){problem}") as raised:
        place.rerun()
    assert "Nothing was loaded. Materialize clean_sales again" in str(raised.value)
    assert held(place.warehouse) == place.before
    publish(place.lake, NEXT, place.second, [rejected(8, NEXT)], run="again")
    place.rerun()
    assert held(place.warehouse) == place.after


# Warehouses that cannot be used.


@pytest.mark.parametrize(
    "do_damage",
    [
        damage.database_of_text,
        damage.empty_database,
        damage.half_a_database,
        damage.database_without_a_head,
        damage.folder_for_a_database,
    ],
)
def test_a_damaged_database_is_reported_with_the_way_out(place: Place, do_damage: Callable[[Path], None]) -> None:
    do_damage(place.home / "retail.duckdb")
    way_out = "(?s)retail.duckdb cannot be read: .*move it away and materialize `sales` over all landings"
    with pytest.raises(WarehouseError, match=way_out):
        place.rerun()
    with pytest.raises(WarehouseError, match=way_out):
        place.warehouse.query("SELECT * FROM sales")
    (place.home / "retail.duckdb").rename(place.home / "damaged")
    loading_children.load(place.home, [DAY, NEXT])
    assert held(place.warehouse) == place.after


def test_damage_that_a_scan_meets_late_is_reported_as_well_and_the_file_is_free_again(place: Place) -> None:
    """Arrow hands errors on as an OSError: without this the command ends with a traceback."""
    late = "SELECT CASE WHEN n = 9999999 THEN error('Corrupt database file') ELSE n END FROM range(10000000) AS r(n)"
    with pytest.raises(WarehouseError, match=r"retail.duckdb cannot be read: .*move it away") as kept:
        list(place.warehouse.scan(late))
    batches = place.warehouse.scan("SELECT * FROM sales")
    next(batches)
    with pytest.raises(KeyError) as also_kept:
        batches.throw(KeyError("of whoever reads"))  # type: ignore[attr-defined]
    place.rerun()
    assert held(place.warehouse) == place.after
    assert kept.tb
    assert also_kept.tb  # what they refer to must not hold the file


def test_what_a_killed_query_had_put_beside_the_file_goes_with_a_purge(place: Place) -> None:
    """DuckDB leaves it there: rows of customers, which outlived their erasure."""
    spilled = place.home / "retail.duckdb.tmp"
    spilled.mkdir()
    spilled.joinpath("duckdb_temp_1_0_storage_DEFAULT-0.tmp").write_bytes(b"\0CUST-4711")
    place.warehouse.purge()
    assert not spilled.exists()
    assert held(place.warehouse) == place.before


def test_a_purge_of_a_linked_file_leaves_no_old_one_behind_the_link(place: Place) -> None:
    file, disk = place.home / "retail.duckdb", place.home / "other disk"
    disk.mkdir()
    old = file.rename(disk / "moved.duckdb").stat().st_ino
    file.symlink_to(disk / "moved.duckdb")
    place.warehouse.purge()
    assert file.is_symlink()
    assert [path.name for path in disk.iterdir()] == ["moved.duckdb"]
    assert file.stat().st_ino != old
    assert held(place.warehouse) == place.before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE shop.sales_clean DROP COLUMN order_id", "order_id VARCHAR NOT NULL is missing"),
        (
            "ALTER TABLE shop.sales ALTER total_amount TYPE DECIMAL(9,2)",
            r"total_amount is DECIMAL\(9,2\), expected DECIMAL\(18,2\)",
        ),
    ],
)
def test_tables_of_another_version_are_refused_and_not_changed(place: Place, change: str, message: str) -> None:
    with duckdb.connect(str(place.home / "retail.duckdb")) as connection:
        connection.execute(change)
    with pytest.raises(WarehouseError, match=f"made by another version.*{message}.*Nothing was changed"):
        place.rerun()
    assert place.warehouse.query("SELECT count(*) AS n FROM sales_quarantine").to_pylist() == [{"n": 1}]


def test_a_derived_table_of_another_version_is_simply_made_again(place: Place) -> None:
    with duckdb.connect(str(place.home / "retail.duckdb")) as connection:
        connection.execute("CREATE TABLE shop.dim_date (something_else INTEGER)")
    assert place.warehouse.rebuild(DIM_DATE, _NO_DATES) == 0
    assert place.warehouse.query("SELECT * FROM dim_date").column_names == list(DIM_DATE.names)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ('IO Error: Could not write file "x": No space left on device', StorageError, "is full: nothing was changed"),
        ('IO Error: Cannot open file "x": Permission denied', StorageError, "Check its owner and permissions"),
        ('IO Error: Cannot open file "x": Read-only file system', StorageError, "Check its owner and permissions"),
    ],
)
def test_a_disk_that_refuses_is_told_apart_from_a_damaged_database(
    place: Place, monkeypatch: pytest.MonkeyPatch, text: str, kind: type[RetailError], message: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise duckdb.IOException(text)

    with monkeypatch.context() as patch:
        patch.setattr(duckdb, "connect", refuse)
        with pytest.raises(kind, match=message):
            place.rerun()
    assert held(place.warehouse) == place.before


def test_a_path_with_lock_in_it_is_not_taken_for_a_locked_one(tmp_path: Path) -> None:
    path = tmp_path / "sherlock" / "retail.duckdb"
    path.parent.mkdir()
    path.write_text("lock " * 5000)
    with pytest.raises(WarehouseError, match="cannot be read"):
        DuckDBWarehouse(path, SOURCE, wait_seconds=3600).query("SELECT 1")


def test_a_disk_that_fills_up_in_the_middle_of_a_load_changes_nothing(place: Place) -> None:
    """The limit on the size of files makes writes fail as a full disk does."""
    many = [line(f"T{i}" * 20, i, NEXT, at=i + 2) for i in range(5_000)]
    publish(place.lake, NEXT, many, run="many")
    assert ended(start(_load_within_limits, place.home)) == 0
    assert held(place.warehouse) == place.before
    place.rerun()
    assert held(place.warehouse) == defined({DAY: place.first, NEXT: many}, {DAY: [rejected(9)]})


def _load_within_limits(home: Path) -> None:
    limit_file_size((home / "retail.duckdb").stat().st_size + 50_000)
    with pytest.raises(StorageError, match="nothing was changed"):
        loading_children.load(home, [NEXT])


# What asks for something that is not there.


def test_what_has_not_been_made_says_what_to_materialize(place: Place, tmp_path: Path) -> None:
    with pytest.raises(
        NotReadyError, match=r"has no table daily_category_sales yet\. Materialize the asset `daily_cat"
    ):
        place.warehouse.query("SELECT * FROM daily_category_sales")
    other = DuckDBWarehouse(place.home / "retail.duckdb", "another")
    with pytest.raises(NotReadyError, match="has no table sales yet"):
        other.query("SELECT * FROM sales")
    nowhere = DuckDBWarehouse(tmp_path / "nowhere.duckdb", SOURCE)
    assert [w.exists(SALES) for w in (place.warehouse, other, nowhere)] == [True, False, False]
    assert not (tmp_path / "nowhere.duckdb").exists()


def test_a_query_that_is_wrong_is_no_missing_table(place: Place) -> None:
    for sql in ("SELEC 1", "SELECT nothing_like_it FROM sales", "SELECT no_such_function(1)", "SELECT 1/'a'"):
        with pytest.raises(WarehouseError):
            place.warehouse.query(sql)


def test_replacing_a_table_with_rows_that_break_it_keeps_the_old_ones(place: Place) -> None:
    day = {"calendar_date": DAY, "year": 2024, "quarter": 1, "month": 3, "day_of_month": 1}
    row = day | {"iso_week": 9, "weekday": 5, "is_weekend": False, "holiday": None}
    schema = DIM_DATE.arrow_schema()
    assert place.warehouse.replace(DIM_DATE, pa.Table.from_pylist([row], schema=schema)) == 1
    nullable = pa.schema([pa.field(f.name, f.type) for f in schema])
    with pytest.raises(WarehouseError, match=r"dim_date: the new rows do not fit .*year.*The old ones stay"):
        place.warehouse.replace(DIM_DATE, pa.Table.from_pylist([row | {"year": None}], schema=nullable))
    assert place.warehouse.query("SELECT year FROM dim_date").to_pylist() == [{"year": 2024}]
