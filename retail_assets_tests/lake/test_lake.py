"""Manifests contain exactly what was published, and sweeping never deletes what somebody may still read."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from retail_assets.errors import NotReadyError, StorageBusyError, StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile, RawManifest, total_reasons
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.lake.sweep import GRACE, sweep, sweep_all
from retail_assets.storage import Store
from retail_assets_tests.warehouse.landings import DAY, SOURCE, line, publish, rejected, write

NOW = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path / "lake")), SOURCE)


def profile(key: str = "shop/dt=2024-03-01/ä b.csv", sha256: str = "0" * 64, lines: int = 3) -> FileProfile:
    return FileProfile(
        key=key,
        size=100,
        sha256=sha256,
        format="csv",
        compression=None,
        encoding="utf-8",
        delimiter=",",
        line_end="\n",
        header=["Id", "Menge"],
        header_lines=1,
        positions={"Id": 0},
        unknown_columns=["Menge"],
        missing_columns=[],
        lines=lines,
        date_order="dmy",
        control=Control(3, 0, "10.00", ""),
    )


def aged(lake: Lake, key: str, age: dt.timedelta) -> str:
    """Set the time when an object was last written."""
    moment = (NOW - age).timestamp()
    os.utime(lake.store.local_path(key), (moment, moment))
    return key


def manifest_key(day: dt.date = DAY) -> str:
    return f"{SOURCE}/clean/dt={day}/manifest.json"


def test_a_raw_manifest_reads_back_as_it_was_published(lake: Lake) -> None:
    manifest = RawManifest(SOURCE, DAY, "shop@1+0", (profile(), profile("shop/dt=2024-03-01/b.csv")))
    uri = lake.publish_raw(manifest)
    assert uri.endswith(f"{SOURCE}/raw/dt={DAY}/manifest.json")
    assert lake.raw(DAY) == manifest
    assert (manifest.lines, manifest.size) == (6, 200)


def test_the_digest_changes_with_any_file_and_not_with_the_contract() -> None:
    one = RawManifest(SOURCE, DAY, "shop@1+0", (profile(),))
    assert one.digest == RawManifest(SOURCE, DAY, "shop@2+0", (profile(),)).digest
    others = [(profile(sha256="1" * 64),), (profile("x.csv"),), (profile(), profile("x.csv")), ()]
    assert len({one.digest, *(RawManifest(SOURCE, DAY, "shop@1+0", files).digest for files in others)}) == 5


_FILES = st.lists(
    st.builds(
        LakeFile,
        key=st.text(min_size=1),
        rows=st.integers(0, 10**12),
        lines=st.integers(0, 10**12),
        amount=st.decimals(-(10**12), 10**12, places=2).map(str),
        size=st.integers(0, 10**12),
    )
).map(tuple)


@given(_FILES, _FILES, _FILES, st.dictionaries(st.text(), st.integers(0, 10**12)))
def test_a_clean_manifest_reads_back_as_it_was_published(
    clean: tuple[LakeFile, ...],
    quarantine: tuple[LakeFile, ...],
    superseded: tuple[LakeFile, ...],
    reasons: dict[str, int],
) -> None:
    lake = Lake(Store("memory://manifests"), SOURCE)
    files = {"clean": clean, "quarantine": quarantine, "superseded": superseded, "excluded": ()}
    manifest = CleanManifest(SOURCE, DAY, "run", "shop@1+0", "digest", files, reasons)  # type: ignore[arg-type]
    lake.publish_clean(manifest)
    assert lake.clean(DAY) == manifest
    assert manifest.landed_rows == sum(f.rows for f in (*clean, *quarantine, *superseded))


def test_what_is_not_published_says_what_to_materialize(lake: Lake) -> None:
    with pytest.raises(NotReadyError, match=f"landing of {DAY} has not been registered.*Materialize raw_sales_files"):
        lake.raw(DAY)
    with pytest.raises(NotReadyError, match=f"landing of {DAY} has not been cleaned.*Materialize clean_sales"):
        lake.clean(DAY)
    assert lake.landings("raw") == lake.landings("clean") == []
    assert lake.cleaned() == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_damaged_manifest_is_reported_with_its_place(lake: Lake, damage: bytes) -> None:
    publish(lake, DAY, [])
    lake.store.write(manifest_key(), damage)
    with pytest.raises(StorageError, match=r"manifest\.json is not a manifest: it is damaged\. Materialize"):
        lake.clean(DAY)


@pytest.mark.parametrize("content", [b"{}", b'{"files": {"clean": [{"rows": 1}]}}', b'{"files": []}', b'{"files": 1}'])
def test_a_manifest_of_another_version_is_reported_as_such(lake: Lake, content: bytes) -> None:
    for layer, read in (("clean", lake.clean), ("raw", lake.raw)):
        lake.store.write(f"{SOURCE}/{layer}/dt={DAY}/manifest.json", content)
        with pytest.raises(StorageError, match=r"manifest\.json was written by another version .*Materialize"):
            read(DAY)


def test_a_slow_run_does_not_replace_the_result_of_newer_files(lake: Lake) -> None:
    """Two runs of one landing: the first one read the files before a correction landed, but ends last."""
    before, after = (RawManifest(SOURCE, DAY, "shop@1+0", (profile(sha256=c * 64),)) for c in "01")
    old, new = (
        CleanManifest(SOURCE, DAY, f"run-{r.digest[:4]}", "c", r.digest, {s: () for s in STATUSES})
        for r in (before, after)
    )
    lake.publish_raw(before)
    lake.publish_clean(old)
    lake.publish_raw(after)
    lake.publish_clean(new)
    with pytest.raises(StorageBusyError, match=r"another run has registered .*2024-03-01.*Run the same again"):
        lake.publish_clean(old)
    assert lake.clean(DAY) == new
    lake.publish_clean(new)  # the same again is no conflict


def test_only_the_manifest_that_was_read_is_replaced(lake: Lake) -> None:
    first, second, third = (
        CleanManifest(SOURCE, DAY, f"run-{n}", "c", "digest", {s: () for s in STATUSES}) for n in (1, 2, 3)
    )
    lake.publish_clean(first)
    lake.publish_clean(second, replacing=first)
    with pytest.raises(StorageBusyError, match="meanwhile"):
        lake.publish_clean(third, replacing=first)
    assert lake.clean(DAY) == second


def test_only_published_landings_are_listed_and_foreign_folders_are_not_ours(lake: Lake) -> None:
    days = [DAY + dt.timedelta(days=i) for i in (2, 0, 40)]
    for day in days:
        publish(lake, day, [line("A", 1, day)])
        lake.publish_raw(RawManifest(SOURCE, day, "shop@1+0", ()))
    write(lake, DAY + dt.timedelta(days=7), [line("A", 1)])  # data without a manifest
    for stray in ("dt=tomorrow", "dt=2024-13-01", "_temporary", "dt="):
        lake.store.write(f"{SOURCE}/clean/{stray}/manifest.json", b"{}")
    assert lake.landings("clean") == sorted(days)
    assert [(raw.landed_on, clean.landed_on) for raw, clean in lake.cleaned()] == [(d, d) for d in sorted(days)]
    assert sweep_all(lake, NOW) == []


def test_reasons_add_up_over_landings_most_frequent_first(lake: Lake) -> None:
    one = CleanManifest(SOURCE, DAY, "r", "c", "d", {"clean": (), "quarantine": (), "superseded": ()}, {"b": 2, "a": 1})
    two = CleanManifest(SOURCE, DAY, "r", "c", "d", one.files, {"a": 4, "c": 2})
    assert list(total_reasons([one, two]).items()) == [("a", 5), ("b", 2), ("c", 2)]


def test_a_sample_is_the_first_rows_of_the_first_file_with_any(lake: Lake) -> None:
    empty = publish(lake, DAY, [])
    full = publish(lake, DAY + dt.timedelta(days=1), [line(f"T{i}", i, at=i + 2) for i in range(9)], [rejected(20)])
    assert lake.head([empty], "clean").num_rows == 0
    assert lake.head([empty, full], "clean", rows=3)["transaction_id"].to_pylist() == ["T0", "T1", "T2"]
    assert lake.head([empty, full], "quarantine")["source_line"].to_pylist() == [20]


# Sweeping


def replaced(lake: Lake, *, replaced_ago: dt.timedelta) -> tuple[list[str], list[str]]:
    """Clean a landing a week ago and again `replaced_ago`. Returns the keys of the old files and of the new ones."""
    old = publish(lake, DAY, [line("A", 1)], [rejected(9)], run="old")
    new = publish(lake, DAY, [line("A", 2)], run="new")
    for key in (*old.keys("clean"), *old.keys("quarantine")):
        aged(lake, key, 7 * 24 * HOUR)
    for key in (*new.keys("clean"), manifest_key()):
        aged(lake, key, replaced_ago)
    return [*old.keys("clean"), *old.keys("quarantine")], new.keys("clean")


def test_replaced_files_go_when_their_manifest_has_been_gone_for_the_grace(lake: Lake) -> None:
    old, new = replaced(lake, replaced_ago=GRACE + HOUR)
    assert sorted(sweep(lake, DAY, NOW)) == sorted(old)
    assert [lake.store.exists(key) for key in (*old, *new)] == [False, False, True]
    assert sweep(lake, DAY, NOW) == []


def test_replaced_files_stay_for_the_readers_of_the_manifest_before_however_old_they_are(lake: Lake) -> None:
    old, _ = replaced(lake, replaced_ago=GRACE - HOUR)
    assert sweep(lake, DAY, NOW) == sweep_all(lake, NOW) == []
    assert all(lake.store.exists(key) for key in old)


def test_a_named_file_is_never_swept_however_old(lake: Lake) -> None:
    manifest = publish(lake, DAY, [line("A", 1), line("A", 2, at=3)], [rejected(9)])
    keys = [key for status in STATUSES for key in manifest.keys(status)]
    for key in (*keys, manifest_key()):
        aged(lake, key, 1000 * GRACE)
    assert sweep(lake, DAY, NOW) == sweep_all(lake, NOW) == []
    assert len(keys) == 3
    assert all(lake.store.exists(key) for key in keys)


def test_a_run_in_flight_keeps_its_files(lake: Lake) -> None:
    publish(lake, DAY, [line("A", 1)], run="published")
    aged(lake, manifest_key(), 7 * GRACE)
    in_flight = write(lake, DAY, [line("A", 2)], run="in-flight")
    for key in in_flight.keys("clean"):
        aged(lake, key, GRACE - HOUR)
    assert sweep(lake, DAY, NOW) == []
    lake.publish_clean(in_flight)
    assert lake.head([lake.clean(DAY)], "clean")["transaction_id"].to_pylist() == ["A"]


def test_files_of_a_dead_run_go_even_where_nothing_was_ever_published(lake: Lake) -> None:
    dead = write(lake, DAY, [line("A", 1)], run="dead").keys("clean")
    assert sweep_all(lake, NOW) == []  # written just now, as far as the store knows: not old
    aged(lake, dead[0], GRACE + HOUR)
    assert sweep(lake, DAY, NOW) == dead


def test_sweeping_everything_takes_the_orphans_of_every_landing_and_of_this_source_only(lake: Lake) -> None:
    orphans = []
    for source, day in ((SOURCE, DAY), (SOURCE, DAY + 30 * dt.timedelta(days=1)), ("other", DAY)):
        of_source = Lake(lake.store, source)
        named = publish(of_source, day, [line("A", 1, day)], run="named").keys("clean")
        dead = write(of_source, day, [line("A", 1, day)], run="dead").keys("clean")
        for key in (*named, *dead, f"{source}/clean/dt={day}/manifest.json"):
            aged(lake, key, 2 * GRACE)
        orphans += dead if source == SOURCE else []
    assert sorted(sweep_all(lake, NOW)) == sorted(orphans)


def test_a_manifest_published_during_the_sweep_keeps_the_files_of_the_one_before(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has read the old manifest when the new one is published; a reader may hold the old one."""
    old, _ = replaced(lake, replaced_ago=7 * GRACE)
    published = lake.clean(DAY)
    aged(lake, manifest_key(), 7 * GRACE)
    listing = lake.store.list

    def published_meanwhile(prefix: str) -> list[object]:
        publish(lake, DAY, [line("A", 3)], run="newest")
        aged(lake, manifest_key(), -HOUR)
        return listing(prefix)  # type: ignore[return-value]

    monkeypatch.setattr(lake.store, "list", published_meanwhile)
    assert sweep(lake, DAY, NOW) == []
    assert all(lake.store.exists(key) for key in (*old, *published.keys("clean")))
