"""Backup and restore: a copy beside a running pipeline is whole, and nothing but a whole one takes a home's place."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_assets import settings as settings_module
from retail_assets.cli import app
from retail_assets.erasure.key import key_of
from retail_assets.erasure.restored import carry_tombstones_over
from retail_assets.erasure.tombstones import erased_customers, set_tombstone
from retail_assets.errors import StorageError
from retail_assets.lake.lake import Lake
from retail_assets.models.kinds import FORECAST
from retail_assets.models.store import BY_USER
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.tables import SALES
from retail_assets.upkeep import restore as restoring
from retail_assets.upkeep.backup import back_up
from retail_assets.upkeep.manifest import BackupError, read_backup, write_manifest
from retail_assets.upkeep.restore import restore
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse
from retail_assets_tests.faults.child_processes import ended, pipe, start
from retail_assets_tests.models.versions import save
from retail_assets_tests.upgrade.recorded_home import NEXT_DAY, unpack
from retail_assets_tests.warehouse.landings import DAY, line, publish, rows_of

NOW = dt.datetime(2026, 11, 30, 1, 2, 3, tzinfo=dt.UTC)
ROWS = 200


@pytest.fixture
def platform(settings: Settings) -> Platform:
    """A home with a landing, a model in use, a database of Dagster's kind and an output."""
    platform = Platform(settings, wait_seconds=60)
    load(platform.lake, platform.warehouse, 1)
    models = platform.model_store(FORECAST)
    models.promote(save(models), at=NOW, by=BY_USER, reason="")
    platform.output.write("figures/sales.png", b"picture")
    platform.raw.write(f"{settings.source}/dt={DAY}/till.csv", b"a,b\n1,2\n")
    keys = settings.home / "serving_keys"
    keys.write_text("hash")
    keys.chmod(0o600)
    (settings.home / "dagster").mkdir()
    with contextlib.closing(sqlite3.connect(settings.home / "dagster" / "runs.db")) as runs:
        runs.execute("CREATE TABLE runs (id)")
        runs.execute("INSERT INTO runs VALUES (1)")
        runs.commit()
    return platform


def load(lake: Lake, warehouse: Any, cents: int) -> None:
    """Clean and load one landing, all of whose sales have one price."""
    landing = publish(lake, DAY, [line(str(n), cents, at=n + 2) for n in range(ROWS)], run=f"run{cents}")
    warehouse.load_landings(lake.store, [landing])


def backed_up(platform: Platform, folder: Path) -> Store:
    backup = Store(str(folder))
    back_up(platform, backup, now=NOW)
    return backup


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and mode of the files of a folder, without databases, whose bytes may differ."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("runs.db")]
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mode) for p in paths}


def other_home(folder: Path) -> Settings:
    return settings_module.load({"RETAIL_HOME": str(folder / "home"), "RETAIL_OUTPUT": str(folder / "output")})


@pytest.mark.spark
@pytest.mark.slow
def test_after_a_disaster_a_restored_home_has_the_same_tables_and_the_next_day_runs(
    tmp_path: Path, spark: object
) -> None:
    """The drill: back up, destroy, restore, compare, go on."""
    home = unpack(tmp_path / "shop")
    tables = home.tables()
    assert json.loads(home.run("backup", str(tmp_path / "backup"), "--json"))["left_out"] == {}
    shutil.rmtree(home.path)
    shutil.rmtree(home.folder / "output")
    home.run("restore", str(tmp_path / "backup"))
    assert home.tables() == tables
    [landing] = (home.folder / "next").iterdir()
    home.run("land", str(landing), "--date", NEXT_DAY)
    home.run("materialize", "--partition", NEXT_DAY, "--select", "*daily_category_sales")
    landings = home.json("status")["landings"]
    assert landings[-1]["landed_on"] == NEXT_DAY
    assert {each["state"] for each in landings} == {"loaded"}


def test_a_restored_home_has_every_file_with_its_mode_and_time(platform: Platform, tmp_path: Path) -> None:
    settings = platform.settings
    hidden = settings.home / "lake" / f".{'a' * 32}.part"
    hidden.write_bytes(b"half")
    backup = backed_up(platform, tmp_path / "backup")
    hidden.unlink()
    elsewhere = other_home(tmp_path / "elsewhere")
    restored = restore(backup, elsewhere, now=NOW)
    assert restored.replaced == ()
    assert files(elsewhere.home) == files(settings.home)
    assert files(Path(elsewhere.output_uri)) == files(Path(settings.output_uri))
    raw = f"raw/{settings.source}/dt={DAY}/till.csv"
    assert (elsewhere.home / raw).stat().st_mtime_ns == (settings.home / raw).stat().st_mtime_ns
    with contextlib.closing(sqlite3.connect(elsewhere.home / "dagster" / "runs.db")) as runs:
        assert runs.execute("SELECT * FROM runs").fetchall() == [(1,)]
    assert rows_of(Platform(elsewhere).warehouse, SALES) == rows_of(platform.warehouse, SALES)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir() if path.name.startswith(".")] == []


def _load_until_told(uri: str, path: Path, said: Any) -> None:
    """Clean and load the landing again and again, each time with another price."""
    lake, warehouse = Lake(Store(uri), "retail_sales"), DuckDBWarehouse(path, "retail_sales")
    cents = 2
    while not said.poll():
        load(lake, warehouse, cents)
        cents += 1
        if cents == 3:
            said.send("loading")


def test_a_backup_beside_a_loading_pipeline_is_one_moment_of_the_warehouse_and_a_whole_lake(
    platform: Platform, tmp_path: Path
) -> None:
    ours, theirs = pipe()
    loading = start(_load_until_told, platform.lake.store.uri, platform.settings.duckdb_path, theirs)
    assert ours.recv() == "loading"
    prices = []
    for number in range(2):
        backup = backed_up(platform, tmp_path / f"backup{number}")
        copy = other_home(tmp_path / f"copy{number}")
        restore(backup, copy, now=NOW)
        there = Platform(copy)
        [price] = {row["total_amount"] for row in there.warehouse.query(f"SELECT * FROM {SALES.name}").to_pylist()}
        assert there.warehouse.query(f"SELECT * FROM {SALES.name}").num_rows == ROWS
        landing = there.lake.clean(DAY)
        assert all(there.lake.store.exists(key) for key in landing.keys("clean"))
        # The lake is not older than the warehouse: what it has is loaded by the next run.
        assert int(landing.run_id.removeprefix("run")) >= price * 100
        there.warehouse.load_landings(there.lake.store, [landing])
        prices.append(price)
    ours.send("stop")
    assert ended(loading) == 0
    assert prices == sorted(prices)


def test_a_database_of_dagster_is_copied_as_of_its_last_commit(platform: Platform, tmp_path: Path) -> None:
    path = platform.settings.home / "dagster" / "runs.db"
    with contextlib.closing(sqlite3.connect(path)) as runs:
        runs.execute("PRAGMA journal_mode = wal")
        runs.execute("INSERT INTO runs VALUES (2)")
        runs.commit()
        runs.execute("INSERT INTO runs VALUES (3)")
        backup = backed_up(platform, tmp_path / "backup")
    copy = Path(backup.uri, "home", "dagster", "runs.db")
    assert [p.name for p in copy.parent.iterdir()] == ["runs.db"]
    with contextlib.closing(sqlite3.connect(copy)) as runs:
        assert runs.execute("SELECT * FROM runs").fetchall() == [(1,), (2,)]


def _cut_off(backup: Path) -> None:
    path = next((backup / "lake").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])


def _changed(backup: Path) -> None:
    path = next((backup / "models").rglob("model.skops"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _lost(backup: Path) -> None:
    next((backup / "home" / "warehouse").iterdir()).unlink()


def _without_checksum(backup: Path) -> None:
    (backup / "backup.json.sha256").unlink()


def _edited(backup: Path) -> None:
    path = backup / "backup.json"
    path.write_text(path.read_text().replace('"key": "', '"key": "../', 1))


def _outside(backup: Path) -> None:
    """An edited manifest with a checksum that fits."""
    import hashlib

    _edited(backup)
    digest = hashlib.sha256((backup / "backup.json").read_bytes()).hexdigest()
    (backup / "backup.json.sha256").write_text(f"{digest}  backup.json\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut_off, "cut off or was changed"),
        (_changed, "cut off or was changed"),
        (_lost, "it is not there"),
        (_without_checksum, "not a whole backup"),
        (_edited, "was changed"),
        (_outside, "no file of a backup"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_damaged_backup_is_refused_and_changes_nothing(
    platform: Platform, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    damage(tmp_path / "backup")
    before = files(tmp_path)
    with pytest.raises((BackupError, StorageError), match=words):
        restore(backup, platform.settings, now=NOW, replace=True)
    assert files(tmp_path) == before


def test_a_home_with_anything_in_it_is_replaced_only_when_asked_and_stays_beside(
    platform: Platform, tmp_path: Path
) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    load(platform.lake, platform.warehouse, 7)
    before = files(platform.settings.home)
    with pytest.raises(BackupError, match=r"not empty.*--replace"):
        restore(backup, platform.settings, now=NOW)
    assert files(platform.settings.home) == before
    restored = restore(backup, platform.settings, now=NOW, replace=True)
    kept = {old.name: new for old, new in restored.replaced}
    assert kept["home"] == tmp_path / "home.before-restore-20261130T010203Z"
    assert files(kept["home"]) == before
    assert {row["total_amount"] * 100 for row in platform.warehouse.query("SELECT * FROM sales").to_pylist()} == {1}


def test_who_was_erased_since_the_backup_stays_erased_for_every_landing_that_is_registered_again(
    platform: Platform, tmp_path: Path
) -> None:
    """A restore once would have brought them back for good."""
    settings = platform.settings
    backup = backed_up(platform, tmp_path / "backup")
    key = key_of(settings, create=True)
    assert key is not None
    set_tombstone(platform.lake, key, "C-17", dt.date(2026, 11, 30))
    restored = restore(backup, settings, now=NOW, replace=True, carry=carry_tombstones_over)
    assert restored.erased_since == {settings.source: 1}
    erased = erased_customers(settings, platform.lake)
    assert erased is not None
    assert erased.among(["C-16", "C-17"]) == {"C-17"}
    again = restore(backup, other_home(tmp_path / "elsewhere"), now=NOW, carry=carry_tombstones_over)
    assert again.erased_since == {}
    later = backed_up(platform, tmp_path / "later")
    assert (
        restore(later, settings, now=NOW + dt.timedelta(1), replace=True, carry=carry_tombstones_over).erased_since
        == {}
    )


def test_keys_outlive_a_restore_also_where_the_lake_is_in_a_remote_store(platform: Platform, tmp_path: Path) -> None:
    """The lake in the bucket has tombstones and pseudonyms that were made after the backup, with keys of the home."""
    remote = dataclasses.replace(platform.settings, lake_uri="s3://bucket/lake")
    backup = Store(str(tmp_path / "backup"))
    back_up(Platform(remote), backup, now=NOW)
    home = platform.settings.home
    made = {}
    for name in ("erasure.key", "pseudonym.key"):
        (home / name).write_text(name)
        (home / name).chmod(0o600)
        made[name] = (name.encode(), (home / name).stat().st_mode)
    restore(backup, remote, now=NOW, replace=True, carry=carry_tombstones_over)
    assert {name: files(home).get(name) for name in made} == made


def test_where_folders_cannot_be_exchanged_they_are_renamed(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    monkeypatch.setattr(restoring, "_exchanged", lambda one, other: False)
    before = files(platform.settings.home)
    restored = restore(backup, platform.settings, now=NOW, replace=True)
    assert files(platform.settings.home) == before == files(dict(restored.replaced)[platform.settings.home])


def _restore_and_die(uri: str, settings: Settings, function: str, calls: int) -> None:
    """Restore, and be killed when a function is called for the n-th time."""
    original, left = getattr(restoring, function), [calls]

    def dying(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        return original(*arguments)

    setattr(restoring, function, dying)
    restore(Store(uri), settings, now=NOW, replace=True)


@pytest.mark.parametrize(
    ("function", "calls"), [("copy_counted", 1), ("copy_counted", 5), ("_take_place", 1), ("_exchanged", 1)]
)
def test_a_restore_that_is_killed_leaves_the_old_home_and_the_next_one_succeeds(
    platform: Platform, tmp_path: Path, function: str, calls: int
) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    load(platform.lake, platform.warehouse, 7)
    before = files(platform.settings.home)
    assert ended(start(_restore_and_die, backup.uri, platform.settings, function, calls)) == 9
    assert files(platform.settings.home) == before
    restore(backup, platform.settings, now=NOW, replace=True)
    assert {row["total_amount"] * 100 for row in platform.warehouse.query("SELECT * FROM sales").to_pylist()} == {1}


def test_a_home_that_is_swapped_is_whole_whichever_step_is_the_last(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after the exchange: the new home is in its place, and no later restore deletes the old one."""
    backup = backed_up(platform, tmp_path / "backup")
    load(platform.lake, platform.warehouse, 7)
    before = files(platform.settings.home)
    exchanged = restoring._exchanged

    def then_killed(one: Path, other: Path) -> bool:
        done = exchanged(one, other)
        if other == platform.settings.home:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(restoring, "_exchanged", then_killed)
    with pytest.raises(KeyboardInterrupt):
        restore(backup, platform.settings, now=NOW, replace=True)
    monkeypatch.undo()
    assert {row["total_amount"] * 100 for row in platform.warehouse.query("SELECT * FROM sales").to_pylist()} == {1}
    restore(backup, platform.settings, now=NOW + dt.timedelta(seconds=1), replace=True)
    [left] = tmp_path.glob(".home.restoring-*")
    assert files(left / "new") == before


def test_a_mount_point_and_a_full_disk_are_refused_before_anything_is_copied(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    before = files(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_mount", lambda path: path == platform.settings.home)
        with pytest.raises(BackupError, match="is a mount point"):
            restore(backup, platform.settings, now=NOW, replace=True)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
        with pytest.raises(StorageError, match="1 bytes free"):
            restore(backup, platform.settings, now=NOW, replace=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize("place", ["home/x", "output", ".", "full"])
def test_a_backup_needs_a_folder_of_its_own(platform: Platform, tmp_path: Path, place: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(BackupError, match=r"one inside the other|is not empty"):
        backed_up(platform, tmp_path / place)


def test_in_a_folder_that_everybody_reads_a_backup_is_closed_to_others(platform: Platform, tmp_path: Path) -> None:
    """Keys that only their owner may read were open to everybody in a folder that somebody had made for backups."""
    target = tmp_path / "backups"
    target.mkdir()
    target.chmod(0o755)
    manifest = read_backup(backed_up(platform, target))
    assert {name: (target / name).stat().st_mode & 0o777 for name in manifest.places} == dict.fromkeys(
        manifest.places, 0o700
    )
    assert {path.name for path in target.iterdir() if path.is_file()} == {"backup.json", "backup.json.sha256"}


def test_a_restored_home_is_as_closed_as_the_home_was(platform: Platform, tmp_path: Path) -> None:
    home = platform.settings.home
    home.chmod(0o700)
    (home / "dagster").chmod(0o750)
    backup = backed_up(platform, tmp_path / "backup")
    new = other_home(tmp_path / "new")
    restore(backup, new, now=NOW)
    assert [path.stat().st_mode & 0o777 for path in (new.home, new.home / "dagster")] == [0o700, 0o750]
    manifest = dataclasses.replace(read_backup(backup), folders={"home/../..": 0o777})
    write_manifest(backup, manifest)
    with pytest.raises(BackupError, match="no folder of a backup"):
        read_backup(backup)


def test_a_link_to_a_folder_is_named_as_not_in_the_backup(platform: Platform, tmp_path: Path) -> None:
    """A home whose Dagster records are linked to another disk was backed up without them, and without a word."""
    home = platform.settings.home
    (home / "dagster").rename(tmp_path / "elsewhere")
    (home / "dagster").symlink_to(tmp_path / "elsewhere")
    left_out = read_backup(backed_up(platform, tmp_path / "backup")).left_out
    assert left_out == {"home/dagster": f"a link to {tmp_path / 'elsewhere'}: copy that yourself"}


def test_the_records_of_dagster_outside_of_the_home_are_named_as_not_in_the_backup(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs of a year were in no backup, and `backup` printed nothing of it."""
    settings, outside = platform.settings, tmp_path / "dagster elsewhere"
    outside.mkdir()
    for name, value in {
        "RETAIL_HOME": settings.home,
        "RETAIL_OUTPUT": tmp_path / "out",
        "RETAIL_SOURCE": settings.source,
        "DAGSTER_HOME": outside,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert app.main(["backup", str(tmp_path / "backup")]) == 0
    line = f"DAGSTER_HOME: {outside} is outside of the home: copy that yourself."
    assert f"Not in the backup, {line}" in capsys.readouterr().out
    assert set(read_backup(Store(str(tmp_path / "backup"))).left_out) == {"DAGSTER_HOME"}
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "restored"))
    monkeypatch.setenv("RETAIL_OUTPUT", str(tmp_path / "restored_out"))
    assert app.main(["restore", str(tmp_path / "backup")]) == 0
    assert f"Not restored, {line}" in capsys.readouterr().out


def test_the_records_of_dagster_inside_of_the_home_or_gone_are_not_left_out(platform: Platform, tmp_path: Path) -> None:
    for n, dagster_home in enumerate((platform.settings.home / "dagster", tmp_path / "gone", None)):
        backup = Store(str(tmp_path / f"backup{n}"))
        assert back_up(platform, backup, now=NOW, dagster_home=dagster_home).left_out == {}


def test_a_backup_below_a_file_is_refused_with_the_way_out(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write a backup to .*a file is in the place of a folder"):
        backed_up(platform, tmp_path / "file" / "backup")


def test_a_home_below_a_file_is_not_restored(platform: Platform, tmp_path: Path) -> None:
    backup = backed_up(platform, tmp_path / "backup")
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "home"
    settings = settings_module.load({"RETAIL_HOME": str(below), "RETAIL_OUTPUT": str(tmp_path / "other")})
    with pytest.raises(StorageError, match=r"Cannot restore beside .*a file is in the place of a folder"):
        restore(backup, settings, now=NOW)


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_what_has_no_backup_is_not_restored(platform: Platform, tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackupError, match=r"backup\.json is missing. Is it the folder of a backup\?"):
        restore(Store(str(tmp_path / place)), platform.settings, now=NOW, replace=True)


def test_a_lake_that_lacks_what_its_manifest_names_is_not_backed_up_as_if_it_were_whole(
    platform: Platform, tmp_path: Path
) -> None:
    [key, *_] = platform.lake.clean(DAY).keys("clean")
    platform.lake.store.delete([key])
    with pytest.raises(StorageError, match="is named there and is missing"):
        backed_up(platform, tmp_path / "backup")
    assert not (tmp_path / "backup" / "backup.json").exists()


def test_places_in_a_remote_store_and_tables_in_redshift_are_left_out_by_name(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(platform.settings, raw_uri="s3://bucket/raw", warehouse="redshift")
    remote = Platform(settings)
    redshift: Any = RedshiftWarehouse.__new__(RedshiftWarehouse)  # what it says without a connection
    monkeypatch.setitem(remote.__dict__, "warehouse", redshift)
    manifest = back_up(remote, Store(str(tmp_path / "backup")), now=NOW)
    assert set(manifest.left_out) == {"raw", "warehouse"}
    assert "snapshots" in manifest.left_out["warehouse"]
    assert {file.place for file in manifest.files} == {"home", "lake", "models", "output"}
    with pytest.raises(BackupError, match="RETAIL_WAREHOUSE=redshift, and here it is duckdb"):
        restore(Store(str(tmp_path / "backup")), other_home(tmp_path / "elsewhere"), now=NOW)


def test_a_backup_in_s3_is_restored_from_there(platform: Platform, tmp_path: Path, bucket: str) -> None:
    backup = Store(f"s3://{bucket}/backups/1")
    manifest = back_up(platform, backup, now=NOW)
    assert read_backup(backup) == manifest
    elsewhere = other_home(tmp_path / "elsewhere")
    restore(backup, elsewhere, now=NOW)
    assert files(elsewhere.home) == files(platform.settings.home)
    with pytest.raises(BackupError, match="has a backup"):
        back_up(platform, backup, now=NOW)
