"""The register answers as the manifests do, whatever happened to it, and costs no request per landing."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from retail_assets.contracts import loading
from retail_assets.eda.landed import read_landed
from retail_assets.errors import StorageError
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest
from retail_assets.landing.register import refuse_vanished
from retail_assets.landing.schema_drift import schema_drift_of
from retail_assets.storage import Store
from retail_assets_tests.lake.test_lake import profile
from retail_assets_tests.services.s3 import Door
from retail_assets_tests.warehouse.landings import DAY, SOURCE, line, publish, rejected

CONTRACT = loading.load("retail_sales")
CLEAN = f"{SOURCE}/register/clean.json.gz"
RAW = f"{SOURCE}/register/raw.json.gz"
REJECTED = f"{SOURCE}/register/rejected.json.gz"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Store(str(tmp_path / "lake")), SOURCE)


def day(number: int) -> dt.date:
    return DAY + dt.timedelta(days=number)


def published(lake: Lake, number: int, run: str = "run", sha256: str = "0" * 64) -> CleanManifest:
    """Register and clean a landing without data files, as far as the manifests go."""
    raw = RawManifest(SOURCE, day(number), "shop@1+0", (profile(f"{SOURCE}/dt={day(number)}/a.csv", sha256),))
    clean = CleanManifest(SOURCE, day(number), run, "c", raw.digest, {s: () for s in STATUSES}, {"r": number + 1})
    lake.publish_raw(raw)
    lake.publish_clean(clean)
    return clean


def truth(lake: Lake) -> tuple[list[CleanManifest], list[str]]:
    """What the manifests say, each read by itself."""
    fresh = Lake(lake.store, lake.source)
    return (
        [fresh.clean(d) for d in fresh.landings("clean")],
        [fresh.raw(d).digest for d in fresh.landings("raw")],
    )


def answered(lake: Lake) -> tuple[list[CleanManifest], list[str]]:
    """What the registers say."""
    return (
        lake.clean_landings(),
        [landing.entry.summary.digest for landing in lake.raw_register.published().values()],
    )


def test_a_home_without_a_register_opens_and_gets_one(lake: Lake) -> None:
    for number in range(3):
        published(lake, number)
    assert lake.known_days("clean") == [day(n) for n in range(3)]
    assert not lake.store.exists(CLEAN)
    assert answered(lake) == truth(lake)
    assert lake.store.exists(CLEAN)
    assert lake.store.exists(RAW)
    assert [m.landed_on for m in lake.clean_landings()] == [day(n) for n in range(3)]


def test_landings_that_are_new_rewritten_and_deleted_since_are_read_again(lake: Lake) -> None:
    """A crash after a manifest and before the register, a writer of an older version, and a hand leave the same."""
    for number in range(4):
        published(lake, number)
    answered(lake)
    published(lake, 4)
    published(lake, 1, run="ran", sha256="1" * 64)  # the same size
    lake.store.delete([lake.manifest_key("clean", day(2)), lake.manifest_key("raw", day(3))])
    assert answered(lake) == truth(lake)
    assert {m.run_id for m in lake.clean_landings()} == {"run", "ran"}
    assert lake.clean_register.known_days() == [day(0), day(1), day(3), day(4)]


def test_a_manifest_of_the_same_size_and_time_is_another_version(lake: Lake) -> None:
    before = published(lake, 0, run="one")
    answered(lake)
    path = lake.store.local_path(lake.manifest_key("clean", day(0)))
    moment = path.stat()
    published(lake, 0, run="two")
    os.utime(path, ns=(moment.st_atime_ns, moment.st_mtime_ns))
    assert path.stat().st_size == moment.st_size
    assert [m.run_id for m in lake.clean_landings()] == ["two"]
    assert before.run_id == "one"


def test_a_run_that_is_killed_while_it_writes_the_register_leaves_the_manifests_to_count(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(lake, 0)
    answered(lake)
    published(lake, 0, run="new")
    real = os.replace

    def killed(source: Any, target: Any) -> None:
        if str(target).endswith(".gz"):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        lake.clean_landings()
    monkeypatch.undo()
    assert answered(lake) == truth(lake)
    assert lake.clean_landings()[0].run_id == "new"


_DAMAGE: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("empty", lambda _: b""),
    ("no gzip", lambda _: b"{}"),
    ("cut", lambda data: data[: len(data) // 2]),
    ("the last byte is missing", lambda data: data[:-1]),
    ("a bit", lambda data: data[:40] + bytes([data[40] ^ 4]) + data[41:]),
    ("no JSON", lambda _: gzip.compress(b"{")),
    ("a list", lambda _: gzip.compress(b"[]")),
    ("no landing day", lambda _: gzip.compress(b'{"tomorrow": {}}')),
    ("another version", lambda data: gzip.compress(gzip.decompress(data).replace(b'"version"', b'"edition"'))),
    ("other types", lambda data: gzip.compress(gzip.decompress(data).replace(b'"files":', b'"files":"7","x":'))),
)


@pytest.mark.parametrize("damage", [damage for _, damage in _DAMAGE], ids=[name for name, _ in _DAMAGE])
def test_a_damaged_register_is_written_again(lake: Lake, damage: Callable[[bytes], bytes]) -> None:
    for number in range(3):
        published(lake, number)
    answered(lake)
    kept = {key: lake.store.read(key) for key in (CLEAN, RAW)}
    for key, data in kept.items():
        lake.store.write(key, damage(data))
    assert answered(lake) == truth(lake)
    assert {key: gzip.decompress(lake.store.read(key)) for key in kept} == {
        key: gzip.decompress(data) for key, data in kept.items()
    }


def test_a_manifest_that_cannot_be_read_is_reported_although_the_register_knew_it(lake: Lake) -> None:
    published(lake, 0)
    answered(lake)
    lake.store.write(lake.manifest_key("clean", day(0)), b"{")
    with pytest.raises(StorageError, match=r"manifest\.json is not a manifest: it is damaged"):
        lake.clean_landings()


def test_a_reader_that_may_not_write_gets_the_same_answer(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        published(lake, number)

    def refused(*_: object) -> bool:
        raise StorageError("permission denied")

    monkeypatch.setattr(lake.store, "swap", refused)
    assert answered(lake) == truth(lake)
    assert not lake.store.exists(CLEAN)


def test_a_store_without_versions_is_read_without_a_register() -> None:
    lake = Lake(Store("memory://register"), SOURCE)
    published(lake, 0)
    assert answered(lake) == truth(lake)
    published(lake, 0, run="new")
    assert answered(lake) == truth(lake)
    assert not lake.store.exists(CLEAN)


def test_readers_and_writers_at_once_lose_nothing(lake: Lake) -> None:
    """Each thread is a run of its own: it publishes its landings, and reads all of them each time."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        mine = Lake(Store(lake.store.uri), SOURCE)
        try:
            for turn in range(6):
                manifest = published(mine, number * 3 + turn % 3, run=f"{number}-{turn}")
                assert manifest in mine.clean_landings()
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert answered(lake) == truth(lake)
    assert len(lake.clean_register.known_days()) == 12


_STEPS = st.lists(
    st.tuples(st.sampled_from(["publish", "withdraw", "read", "cut", "drop", "older"]), st.integers(0, 3)), max_size=12
)


@given(_STEPS)
def test_whatever_happened_the_register_says_what_the_manifests_say(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    lake = Lake(Store(str(tmp_path_factory.mktemp("register"))), SOURCE)
    older: bytes | None = None
    for turn, (what, number) in enumerate(steps):
        if what == "publish":
            published(lake, number, run=f"run-{turn}", sha256=f"{turn:064d}")
        elif what == "withdraw":
            lake.store.delete([lake.manifest_key("clean", day(number))])
        elif what == "read":
            assert answered(Lake(lake.store, SOURCE)) == truth(lake)
        elif (data := lake.store.read_if_exists(CLEAN)) is not None:
            if what == "cut":
                lake.store.write(CLEAN, data[: len(data) - 1 - number])
            elif what == "drop":
                lake.store.delete([CLEAN])
            else:  # the register of a backup beside the manifests of today
                lake.store.write(CLEAN, older or data)
                older = data
    assert answered(lake) == truth(lake)


def test_what_the_quarantine_says_is_kept_and_read_again_after_a_replay(lake: Lake) -> None:
    sold = {"sale_date": DAY, "total_amount": None}
    for number in range(3):
        publish(lake, day(number), [line("A", 1, day(number))], [rejected(9, day(number)) | sold])
    first = read_landed(lake, lake.clean_landings())
    assert (first.without_amount, first.rejected_days) == (3, {DAY: 3})
    opened: list[str] = []
    real = lake.store.open
    lake.store.open = lambda key: (opened.append(key), real(key))[1]  # type: ignore[method-assign, func-returns-value]
    assert read_landed(lake, lake.clean_landings()) == first
    assert [key for key in opened if key.endswith(".parquet")] == []
    publish(lake, day(1), [line("A", 1, day(1))], [rejected(n, day(1)) | sold for n in (3, 4)], run="replay")
    again = read_landed(lake, lake.clean_landings())
    assert (again.without_amount, again.rejected_days) == (4, {DAY: 4})
    assert len({key.split("/")[2] for key in opened if key.endswith(".parquet")}) == 1
    lake.store.write(REJECTED, b"damage")
    assert read_landed(lake, lake.clean_landings()) == again


def test_no_person_is_named_in_the_register(lake: Lake) -> None:
    """Erasing a customer need not look into it: no value of a row is in it but days of sale."""
    publish(lake, DAY, [line("PLANTED-T", 1, customer_id="PLANTED-C")], [rejected(9) | {"raw_text": "PLANTED-R"}])
    lake.publish_raw(RawManifest(SOURCE, DAY, "c", (profile(),)))
    answered(lake)
    read_landed(lake, lake.clean_landings())
    for key in (CLEAN, RAW, REJECTED):
        assert b"PLANTED" not in gzip.decompress(lake.store.read(key))


def requests_of_a_day(door: Door, lake: Lake, number: int) -> list[str]:
    """What a day asks of the lake beyond its own files: what S3 has to answer."""
    before = len(door.requests)
    raw = RawManifest(SOURCE, day(number), "shop@1+0", (profile(f"{SOURCE}/dt={day(number)}/a.csv"),))
    refuse_other_currency(lake, CONTRACT, [day(number)])
    refuse_vanished(lake, [raw])
    assert [drift.earlier for drift in schema_drift_of(lake, [raw], CONTRACT)] == [day(number - 1)]
    clean = published(lake, number)
    landings = lake.clean_landings()
    assert landings[-1] == clean
    assert read_landed(lake, landings).total == 0
    assert len(lake.cleaned_summaries()) == len(landings)
    refuse_other_currency(lake, CONTRACT)
    return door.log[before:]


def test_a_day_asks_s3_for_as_much_after_few_landings_as_after_many(
    door: Door, bucket: str, s3: Any, lake: Lake, tmp_path: Path
) -> None:
    on_s3 = Lake(Store(f"s3://{bucket}/lake"), SOURCE)
    asked, numbers = {}, iter(range(100))
    for landings in (3, 24):
        while (number := next(numbers)) < landings:  # beside the door: what is there is not what a day asks for
            published(lake, number)
            for layer in ("raw", "clean"):
                key = lake.manifest_key(layer, day(number))
                s3.put_object(Bucket=bucket, Key=f"lake/{key}", Body=lake.store.read(key))
        published(on_s3, number)
        answered(on_s3)
        asked[landings] = requests_of_a_day(door, on_s3, next(numbers))
    assert len(asked[24]) == len(asked[3]), asked
    assert answered(on_s3) == truth(on_s3)


def test_the_register_is_small(lake: Lake) -> None:
    for number in range(40):
        published(lake, number)
    answered(lake)
    assert len(lake.store.read(CLEAN)) < 200 * 40
    assert json.loads(gzip.decompress(lake.store.read(CLEAN)))[str(day(7))]["manifest"]["reasons"] == {"r": 8}
