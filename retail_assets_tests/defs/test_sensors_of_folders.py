"""The sensor over a local folder and over Azure: new and rewritten files, exactly the touched days, once each."""

from __future__ import annotations

import datetime as dt
import functools
import os
from pathlib import Path
from typing import Any

import dagster as dg
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retail_assets import settings as settings_module
from retail_assets.defs import sensors
from retail_assets.defs.build import build_defs
from retail_assets.defs.jobs import jobs
from retail_assets.defs.sensors import INGEST, PIPELINE
from retail_assets.errors import StorageError
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.landing.listing import landings
from retail_assets.landing.register import inspect_landings
from retail_assets.landing.streamed import Offsets
from retail_assets.platform import Platform
from retail_assets.storage.objects import Entry, Page
from retail_assets_tests.trials import trials

D1, D2, D3 = "2024-01-01", "2024-01-02", "2024-01-03"
HEADER = b"Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount\n"
ROW = b"1,2024-01-01,C1,Male,34,Beauty,1,50,50\n"


@functools.cache
def definitions() -> dg.Definitions:
    """The jobs and partitions of every shop here; they take a second."""
    return build_defs(settings_module.load({"RETAIL_HOME": "/nowhere", "RETAIL_START_DATE": D1}))


class Shop:
    """A raw store, and the sensor over it with the cursor that it left."""

    def __init__(self, environ: dict[str, str], **more: str) -> None:
        self.platform = Platform(settings_module.load({**environ, "RETAIL_START_DATE": D1, **more}))
        self.cursor: str | None = None
        self.last_run_key: str | None = None
        self.notes = ""

    def put(self, day: str, data: bytes = b"1", name: str = "a.csv") -> None:
        self.platform.raw.write(f"retail_sales/dt={day}/{name}", data)

    def delete(self, day: str, name: str = "a.csv") -> None:
        self.platform.raw.delete([f"retail_sales/dt={day}/{name}"])

    def evaluate(self, settled_seconds: float = -60) -> Any:
        sensor = sensors.landing_sensor(self.platform, jobs(), settled_seconds=settled_seconds)
        context = dg.SensorEvaluationContext(
            instance_ref=None, last_tick_completion_time=None, last_run_key=self.last_run_key, cursor=self.cursor,
            repository_name=None, definitions=definitions(),
        )  # fmt: skip
        return sensor.evaluate_tick(context)

    def tick(self) -> list[tuple[str, str]]:
        result = self.evaluate()
        self.cursor, self.notes = result.cursor, result.skip_message or ""
        if result.run_requests:
            self.last_run_key = result.run_requests[-1].run_key
        return [(r.partition_key, r.job_name) for r in result.run_requests]

    def load(self, day: str) -> None:
        """Register a landing and publish a result of cleaning it, as a run does."""
        contract = self.platform.settings.contract
        [raw] = inspect_landings(self.platform.raw, "retail_sales", [dt.date.fromisoformat(day)], contract)
        self.platform.lake.publish_raw(raw)
        self.platform.lake.publish_clean(
            CleanManifest("retail_sales", raw.landed_on, "run", contract.digest, raw.digest, {s: () for s in STATUSES})
        )


@pytest.fixture
def shop(environ: dict[str, str]) -> Shop:
    return Shop(environ)


def finds_what_changes(shop: Shop) -> None:
    assert shop.tick() == []
    shop.put(D1)
    shop.put(D2)
    assert shop.tick() == [(D1, INGEST), (D2, PIPELINE)]
    assert shop.tick() == []
    shop.put(D1, b"2")  # as long as before
    shop.put(D3, name="deep/er/b ü.csv")
    shop.put(D3, name=".part")
    assert shop.tick() == [(D1, INGEST), (D3, PIPELINE)]
    shop.delete(D2)
    assert shop.tick() == [(D2, INGEST)]
    assert shop.tick() == []
    result = shop.evaluate(settled_seconds=3600)
    assert result.run_requests == []
    shop.put("2023-12-31")
    shop.put("2024-02-31")
    assert shop.tick() == []
    assert f"1 outside the partitions {D1} to" in shop.notes


def test_a_folder_is_watched_as_s3_is(shop: Shop) -> None:
    finds_what_changes(shop)


def test_a_container_of_azure_is_watched_as_s3_is(container: str, environ: dict[str, str]) -> None:
    finds_what_changes(Shop(environ, RETAIL_RAW_URI=f"abfs://{container}/raw"))
    finds_what_changes(Shop(environ, RETAIL_RAW_URI=f"abfs://{container}"))


def test_a_file_that_just_came_is_waited_for(shop: Shop) -> None:
    """A file that is moved or copied with its old time is new as well: the folder's clock counts, not the file's."""
    shop.put(D1)
    path = shop.platform.raw.local_path(f"retail_sales/dt={D1}/a.csv")
    os.utime(path, (1, 1))
    result = shop.evaluate(settled_seconds=3600)
    assert result.run_requests == []
    assert "1 still arriving" in result.skip_message


def test_a_rewriting_that_keeps_size_and_time_is_seen(shop: Shop) -> None:
    """`cp -p`, rsync and archives can give a corrected file the time of the original."""
    shop.put(D1, b"1,000")
    path = shop.platform.raw.local_path(f"retail_sales/dt={D1}/a.csv")
    os.utime(path, (1, 1))
    assert shop.tick() == [(D1, PIPELINE)]
    path.write_bytes(b"2,000")
    os.utime(path, (1, 1))
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_loaded_landing_is_not_requested_for_a_new_owner_link_or_time(shop: Shop, tmp_path: Path) -> None:
    """A backup by hard links touches every file every night: a hundred thousand runs each morning."""
    shop.put(D1, HEADER + ROW)
    assert shop.tick() == [(D1, PIPELINE)]
    shop.load(D1)
    path = shop.platform.raw.local_path(f"retail_sales/dt={D1}/a.csv")
    os.link(path, tmp_path / "backup")
    os.utime(path)
    assert shop.tick() == []
    shop.put(D1, HEADER + ROW)  # landed again as it was
    assert shop.tick() == []
    path.write_bytes(HEADER + ROW.replace(b"C1", b"C2"))
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_landing_that_a_person_has_already_loaded_is_not_requested(shop: Shop) -> None:
    for day in (D1, D2):
        shop.put(day, HEADER + ROW)
    shop.load(D1)
    assert shop.tick() == [(D2, PIPELINE)]
    shop.put(D1, HEADER + ROW * 2)
    shop.load(D1)
    assert shop.tick() == []


def test_a_store_that_is_not_mounted_requests_no_run_and_says_so(shop: Shop, tmp_path: Path) -> None:
    """A mount that is gone at night was a failing run, and a place in the queue, for each of 3,000 landings."""
    for day in (D1, D2, D3):
        shop.put(day)
    assert len(shop.tick()) == 3
    root = Path(shop.platform.settings.raw_uri)
    root.rename(tmp_path / "unmounted")
    for _ in range(2):
        with pytest.raises(StorageError, match="has no landing any more, and had 3 landings before"):
            shop.tick()
    (tmp_path / "unmounted").rename(root)
    shop.put(D2, b"2")
    assert shop.tick() == [(D2, PIPELINE)]


def test_many_lost_landings_are_requested_some_at_a_tick(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [f"2024-03-{n:02d}" for n in range(1, 8)]
    for day in days:
        shop.put(day)
    assert len(shop.tick()) == len(days)
    monkeypatch.setattr(sensors, "_REQUESTS_PER_TICK", 2)
    for day in days[:5]:
        shop.delete(day)
    found = [shop.tick() for _ in range(8)]
    assert max(map(len, found)) <= 3
    assert sorted(day for changes in found for day, _ in changes) == days[:5]


def test_a_damaged_manifest_keeps_no_other_landing_waiting(shop: Shop) -> None:
    """Its own run is refused with the way out; before, every tick failed, and nothing was loaded any more."""
    shop.put(D1, HEADER + ROW)
    shop.load(D1)
    key = shop.platform.lake.manifest_key("raw", dt.date.fromisoformat(D1))
    shop.platform.lake.store.write(key, b'{"files": [')
    shop.put(D2)
    assert shop.tick() == [(D1, INGEST), (D2, PIPELINE)]


def test_marks_that_engines_write_are_no_files_of_a_landing(shop: Shop) -> None:
    shop.put(D1, HEADER + ROW)
    shop.put(D1, b"", "_SUCCESS")
    shop.put(D2, b"", "_SUCCESS")
    shop.load(D1)
    assert shop.tick() == []
    shop.put(D1, b"", "_committed_1")
    assert shop.tick() == []


def test_a_person_who_resets_the_cursor_gets_runs_again(shop: Shop) -> None:
    """Dagster starts a run key once: with the keys of before, it would silently skip every request."""
    shop.put(D1)
    first = shop.evaluate().run_requests
    shop.tick()
    shop.cursor = None
    again = shop.evaluate().run_requests
    assert [r.partition_key for r in again] == [D1]
    assert {r.run_key for r in again}.isdisjoint(r.run_key for r in first)
    assert [r.run_key for r in shop.evaluate().run_requests] == [r.run_key for r in again]


def test_a_file_of_a_clock_that_was_set_back_since_is_not_waited_for() -> None:
    """Otherwise a landing that came while the clock was a year ahead would still be arriving for a year."""
    now = 1_700_000_000.0
    stream = Offsets("sales", 0, 0, 1).key("retail_sales", dt.date.fromisoformat(D1))
    for key in (f"retail_sales/dt={D1}/a.csv", stream):
        [landing] = landings([Page([Entry(key, 1, now + 365 * 86400, "t")], now)], "")
        assert landing.quiet_seconds > 30
        [landing] = landings([Page([Entry(key, 1, now + 5, "t")], now)], "")
        assert landing.quiet_seconds < 30


def test_a_round_of_many_ticks_misses_nothing_and_sees_new_days_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [f"2024-03-{n:02d}" for n in range(1, 31)]
    for day in days:
        shop.put(day)
    assert len(shop.tick()) == len(days)
    monkeypatch.setattr(sensors, "_SECONDS_PER_LOCAL_TICK", -1.0)  # one landing at a time
    shop.put("2024-03-31")
    shop.put(days[4], b"2")
    assert shop.tick() == []  # the first of the round, and the first of the newest days
    shop.put(days[-3], b"2")
    shop.delete(days[7])
    found = [change for _ in days for change in shop.tick()]
    assert sorted(day for day, _ in found) == sorted([days[4], days[7], days[-3], "2024-03-31"])


@settings(max_examples=trials(ordinary=12))
@given(data=st.data())
def test_whatever_happens_each_change_is_requested_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Ticks that die before Dagster keeps their cursor are repeated; Dagster starts each run key once."""
    home = tmp_path_factory.mktemp("home")
    shop = Shop({"RETAIL_HOME": str(home), "RETAIL_OUTPUT": str(home / "output")})
    content: dict[str, int] = {}
    pending: set[str] = set()
    started: set[str] = set()

    def tick(*, dies: bool) -> None:
        result = shop.evaluate()
        new = [r for r in result.run_requests if r.run_key not in started]
        assert len({r.partition_key for r in result.run_requests}) == len(result.run_requests)
        kept = data.draw(st.integers(0, len(new))) if dies and new else len(new)
        for request in new[:kept]:
            assert request.partition_key in pending, "requested although nothing changed"
            pending.discard(str(request.partition_key))
            started.add(str(request.run_key))
        if not dies:
            shop.cursor = result.cursor

    for step in data.draw(st.lists(st.sampled_from(["put", "put", "delete", "tick", "tick", "dies"]), max_size=12)):
        day = data.draw(st.sampled_from([D1, D2, D3]))
        if step == "put":
            content[day] = content.get(day, 0) + 1
            shop.put(day, str(content[day]).encode())
            pending.add(day)
        elif step == "delete" and shop.platform.raw.exists(f"retail_sales/dt={day}/a.csv"):
            shop.delete(day)
            # A landing that comes and goes between two ticks has never been seen.
            place = f"{shop.platform.settings.raw_uri}/retail_sales"
            if dt.date.fromisoformat(day) in sensors.Cursor.read(shop.cursor, place).seen:
                pending.add(day)
            else:
                pending.discard(day)
        else:
            tick(dies=step == "dies")
            if step == "dies":  # the daemon repeats a tick that died before it goes on
                tick(dies=False)
    tick(dies=False)
    assert pending == set()
