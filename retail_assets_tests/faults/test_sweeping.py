"""Leftovers of killed writers are swept after a day; files of living writers stay, however long they pause."""

from __future__ import annotations

import datetime as dt
import os
import signal
from pathlib import Path

import pytest

from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest, ReferenceVersion
from retail_assets.lake.sweep import GRACE, sweep, sweep_all, sweep_around, sweep_references, sweep_unfinished
from retail_assets.storage import Store
from retail_assets_tests.faults.child_processes import ended, pipe, start
from retail_assets_tests.warehouse.landings import DAY, SOURCE, line, publish, write

NOW = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path / "lake")), SOURCE)


def aged(path: Path, age: dt.timedelta) -> None:
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))


def begin_to_write(root: str, key: str, said: object) -> None:
    """Hold a half-written object until a message says to finish it."""
    with Store(root).writing(key) as handle:
        handle.write(b"half")
        handle.flush()
        said.send("half-way")  # type: ignore[attr-defined]
        said.recv()  # type: ignore[attr-defined]
        handle.write(b" and half")


def part_in(folder: Path) -> Path:
    [part] = [p for p in folder.iterdir() if p.name.endswith(".part")]
    return part


def test_a_file_that_a_living_process_writes_is_never_swept_and_a_killed_one_is_after_the_grace(lake: Lake) -> None:
    key = lake.data_key(DAY, "run", "clean-0")
    ours, theirs = pipe()
    writer = start(begin_to_write, lake.store.uri, key, theirs)
    assert ours.recv() == "half-way"
    part = part_in(lake.store.local_path(key).parent)
    aged(part, 30 * GRACE)
    assert sweep(lake, DAY, NOW) == sweep_all(lake, NOW) == []
    os.kill(writer.pid or 0, signal.SIGKILL)
    assert ended(writer) == -signal.SIGKILL
    aged(part, GRACE - HOUR)
    assert sweep(lake, DAY, NOW) == []
    aged(part, GRACE + HOUR)
    assert [Path(k).name for k in sweep_all(lake, NOW)] == [part.name]
    assert not part.exists()


def test_a_writer_that_paused_for_days_still_publishes(lake: Lake) -> None:
    key = lake.data_key(DAY, "run", "clean-0")
    ours, theirs = pipe()
    writer = start(begin_to_write, lake.store.uri, key, theirs)
    assert ours.recv() == "half-way"
    aged(part_in(lake.store.local_path(key).parent), 30 * GRACE)
    assert sweep_all(lake, NOW) == []
    ours.send("go on")
    assert ended(writer) == 0
    assert lake.store.read(key) == b"half and half"


def test_temporary_files_of_manifests_and_of_landed_files_go_as_well(lake: Lake, tmp_path: Path) -> None:
    raw = Store(str(tmp_path / "raw"))
    names = ("a" * 32, "b" * 32)
    left = [
        lake.store.local_path(f"{SOURCE}/raw/dt={DAY}/.{names[0]}.part"),
        raw.local_path(f"{SOURCE}/dt={DAY}/.{names[1]}.part"),
    ]
    kept = [raw.local_path(f"{SOURCE}/dt={DAY}/{name}") for name in (".hidden.part", "till.csv", f".{'c' * 31}.part")]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        aged(path, 2 * GRACE)
    assert sweep_all(lake, NOW) == [f"{SOURCE}/raw/dt={DAY}/{left[0].name}"]
    assert sweep_unfinished(raw, SOURCE, NOW) == [f"{SOURCE}/dt={DAY}/{left[1].name}"]
    assert [p.exists() for p in (*left, *kept)] == [False, False, True, True, True]


def test_a_run_of_more_than_a_day_keeps_its_first_files(lake: Lake) -> None:
    """A backfill writes its first landings long before it publishes them all."""
    early, late = DAY, DAY + dt.timedelta(days=1)
    first = write(lake, early, [line("A", 1, early)], run="long").keys("clean")
    dead = write(lake, early, [line("A", 1, early)], run="dead").keys("clean")
    for key in (*first, *dead):
        aged(lake.store.local_path(key), 3 * GRACE)
    for key in write(lake, late, [line("A", 1, late)], run="long").keys("clean"):
        aged(lake.store.local_path(key), HOUR)
    assert sweep_all(lake, NOW) == dead
    assert lake.store.exists(first[0])


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]"])
def test_of_a_landing_whose_manifest_cannot_be_read_nothing_is_swept_and_the_others_are(
    lake: Lake, damage: bytes
) -> None:
    """A damaged manifest of one day once stopped the cleaning of every other day."""
    other = DAY + dt.timedelta(days=1)
    named = publish(lake, DAY, [line("A", 1)], run="named").keys("clean")
    dead = write(lake, other, [line("A", 1, other)], run="dead").keys("clean")
    manifest = lake.store.local_path(f"{SOURCE}/clean/dt={DAY}/manifest.json")
    manifest.write_bytes(damage)
    for path in (manifest, *map(lake.store.local_path, (*named, *dead))):
        aged(path, 3 * GRACE)
    assert sweep_all(lake, NOW) == dead
    assert lake.store.exists(named[0])


def test_a_daily_run_sweeps_its_landing_and_a_few_others_in_turn_and_a_backfill_sweeps_all(lake: Lake) -> None:
    days = [DAY + dt.timedelta(days=i) for i in range(9)]

    def leave() -> set[str]:
        left = set()
        for day in days:
            publish(lake, day, [line("A", 1, day)], run="good")
            left |= set(write(lake, day, [line("A", 1, day)], run="dead").keys("clean"))
            for path in lake.store.local_path(f"{SOURCE}/clean/dt={day}").rglob("*"):
                aged(path, 9 * GRACE)
        return left

    left = leave()
    swept = set(sweep_around(lake, [days[1]], NOW))
    assert len(swept) == 4
    assert f"/dt={days[1]}/" in "".join(swept)
    for later in range(1, 4):
        swept |= set(sweep_around(lake, [days[1]], NOW + later * dt.timedelta(days=1)))
    assert swept == left
    assert set(sweep_around(lake, days[:5], NOW)) == set()
    left = leave()
    assert set(sweep_around(lake, days[:5], NOW)) == left


def copy_of(lake: Lake, name: str, age: dt.timedelta) -> str:
    """Write the lake copy of a reference file, and return its key."""
    key = f"{SOURCE}/references/products/{name}.parquet"
    lake.store.write(key, b"rows")
    aged(lake.store.local_path(key), age)
    return key


def name_copy(lake: Lake, day: dt.date, key: str) -> None:
    """Publish a raw manifest that names the copy."""
    version = ReferenceVersion("products", "0" * 64, key, 1, (("p.csv", 9),))
    lake.publish_raw(RawManifest(SOURCE, day, "shop@1+0", (), (version,)))


def test_copies_of_reference_files_are_swept_when_no_manifest_has_named_them_for_a_day(lake: Lake) -> None:
    old, named, young = (copy_of(lake, n, age) for n, age in (("a", 9 * GRACE), ("b", 9 * GRACE), ("c", HOUR)))
    name_copy(lake, DAY, old)
    name_copy(lake, DAY + GRACE, named)
    assert sweep_references(lake, NOW) == []
    name_copy(lake, DAY, named)  # a reader may still hold the manifest before
    assert sweep_references(lake, NOW) == []
    assert sweep_references(lake, NOW + GRACE - HOUR) == []
    assert sweep_references(lake, NOW + GRACE) == [old]
    assert [e.key for e in lake.store.list(f"{SOURCE}/references") if e.key.endswith(".parquet")] == [named, young]
    assert sweep_references(lake, NOW + GRACE) == []


def test_a_copy_that_is_named_or_written_again_is_not_swept(lake: Lake) -> None:
    named_again, written_again = copy_of(lake, "a", 9 * GRACE), copy_of(lake, "b", 9 * GRACE)
    assert sweep_references(lake, NOW) == []
    name_copy(lake, DAY, named_again)
    aged(lake.store.local_path(written_again), -GRACE)
    assert sweep_references(lake, NOW + GRACE) == []
    lake.store.delete([lake.manifest_key("raw", DAY)])
    assert sweep_references(lake, NOW + 2 * GRACE) == []  # both start from zero
    lake.store.write(f"{SOURCE}/references/unnamed.json", b"[")
    assert sweep_references(lake, NOW + 3 * GRACE) == []


def test_no_copy_is_swept_while_a_manifest_cannot_be_read(lake: Lake) -> None:
    copy = copy_of(lake, "a", 9 * GRACE)
    assert sweep_references(lake, NOW) == []
    lake.store.write(lake.manifest_key("raw", DAY), b"damaged")
    assert sweep_references(lake, NOW + 2 * GRACE) == []
    lake.store.delete([lake.manifest_key("raw", DAY)])
    assert sweep_references(lake, NOW + 2 * GRACE) == [copy]
