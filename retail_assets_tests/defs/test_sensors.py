"""The sensor of landings, here over S3: exactly the landings that changed, once each, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from botocore.paginate import Paginator

from retail_assets import settings as settings_module
from retail_assets.defs import sensors
from retail_assets.defs.build import build_defs
from retail_assets.defs.jobs import jobs
from retail_assets.defs.sensors import INGEST, PIPELINE, Cursor
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.landing.register import inspect_landings
from retail_assets.platform import Platform
from retail_assets_tests.services.s3 import Answer, Door

D1, D2, D3 = "2024-01-01", "2024-01-02", "2024-01-03"
HEADER = b"Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount\n"


class Shop:
    """A raw store on S3, and the sensor over it with the cursor that it left."""

    def __init__(self, s3: Any, bucket: str, environ: dict[str, str]) -> None:
        self.s3, self.bucket = s3, bucket
        self.settings = settings_module.load(
            {
                **environ,
                "RETAIL_RAW_URI": f"s3://{bucket}/raw",
                "RETAIL_LAKE_URI": f"s3://{bucket}/lake",
                "RETAIL_START_DATE": D1,
            }
        )
        self.platform = Platform(self.settings)
        self.cursor: str | None = None

    def put(self, day: str, name: str = "a.csv", data: bytes = b"1") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"raw/retail_sales/dt={day}/{name}", Body=data)

    def delete(self, day: str, name: str = "a.csv") -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=f"raw/retail_sales/dt={day}/{name}")

    def evaluate(self, settled_seconds: float = 0) -> Any:
        sensor = sensors.landing_sensor(self.platform, jobs(), settled_seconds=settled_seconds)
        context = dg.build_sensor_context(cursor=self.cursor, definitions=build_defs(self.settings))
        return sensor.evaluate_tick(context)

    def tick(self, **how: float) -> list[tuple[str, str]]:
        """Partition and job of each run that the next tick asks for; the cursor moves on."""
        result = self.evaluate(**how)
        self.cursor = result.cursor
        return [(r.partition_key, r.job_name) for r in result.run_requests]


@pytest.fixture
def shop(s3: Any, bucket: str, environ: dict[str, str]) -> Shop:
    return Shop(s3, bucket, environ)


def test_nothing_has_landed_is_no_error_and_no_run(shop: Shop) -> None:
    assert shop.tick() == []
    assert shop.tick() == []


def test_what_lands_is_asked_for_once(shop: Shop) -> None:
    shop.tick()
    shop.put(D2)
    assert shop.tick() == [(D2, PIPELINE)]
    assert shop.tick() == []
    shop.put(D3)
    assert shop.tick() == [(D3, PIPELINE)]
    assert shop.tick() == []


def test_rewritten_objects_are_seen_and_identical_ones_are_not(shop: Shop) -> None:
    """Listing keys that are greater than the last one, as simple S3 sensors do, never sees a correction."""
    shop.put(D1, data=b"1,000")
    shop.put(D2)
    assert shop.tick() == [(D1, INGEST), (D2, PIPELINE)]
    shop.put(D1, data=b"2,000")  # as long as before
    assert shop.tick() == [(D1, PIPELINE)]
    shop.put(D1, data=b"2,000")
    assert shop.tick() == []
    shop.put(D1, data=b"1,000")  # back to what it was
    assert shop.tick() == [(D1, PIPELINE)]


def test_several_changes_of_a_landing_are_one_run(shop: Shop) -> None:
    shop.put(D1)
    shop.tick()
    for name in ("a.csv", "b.csv", "c.csv"):
        shop.put(D1, name, b"new")
    shop.delete(D1, "c.csv")
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_landing_that_still_arrives_is_waited_for(shop: Shop) -> None:
    """Three files copied one after the other would be three runs."""
    shop.put(D1, "a.csv")
    result = shop.evaluate(settled_seconds=3600)
    assert result.run_requests == []
    assert "1 still arriving" in result.skip_message
    shop.cursor = result.cursor
    shop.put(D1, "b.csv")
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_lost_file_is_asked_for_so_that_its_run_says_so(shop: Shop) -> None:
    for day in (D1, D2, D3):
        shop.put(day)
        shop.put(day, "b.csv")
    shop.tick()
    shop.delete(D1)
    assert shop.tick() == [(D1, PIPELINE)]
    for name in ("a.csv", "b.csv"):
        shop.delete(D3, name)  # the last, with nothing behind it
        shop.delete(D2, name)
    assert shop.tick() == [(D2, INGEST), (D3, INGEST)]
    assert shop.tick() == []
    shop.put(D2)
    assert shop.tick() == [(D2, PIPELINE)]


def test_a_lost_landing_that_is_no_partition_any_more_is_not_asked_for() -> None:
    """RETAIL_START_DATE was moved: Dagster would refuse the partition, and the tick with it."""
    first, second, third = (dt.date.fromisoformat(day) for day in (D1, D2, D3))
    cursor = Cursor("place", {first: "aaaaaaaa", second: "bbbbbbbb"})
    found = sensors.Scan(cursor, second, third, lambda _: True, 0, sensors.Limits(is_local=True))
    assert found.read([], None) is None
    assert found.changed == [second]
    assert cursor.seen == {}


def test_what_is_no_landing_and_what_is_no_partition_is_left_alone(shop: Shop) -> None:
    for key in (
        "raw/retail_sales/dt=2024-02-31/a.csv", "raw/retail_sales/dt=tomorrow/a.csv", "raw/retail_sales/readme.txt",
        "raw/retail_sales/dt=2024-01-01/", "raw/retail_sales/dt=2024-01-01/.part", "raw/other/dt=2024-01-01/a.csv",
        "raw/retail_sales_2/dt=2024-01-01/a.csv",
    ):  # fmt: skip
        shop.s3.put_object(Bucket=shop.bucket, Key=key, Body=b"x")
    shop.put("2023-12-31")
    tomorrow = (shop.settings.today() + dt.timedelta(days=2)).isoformat()
    shop.put(tomorrow)
    result = shop.evaluate()
    assert result.run_requests == []
    assert f"2 outside the partitions {D1} to" in result.skip_message
    assert "RETAIL_START_DATE" in result.skip_message


def test_the_first_look_asks_only_for_what_the_lake_does_not_have(shop: Shop) -> None:
    """A sensor that is started next to a year's lake and requests everything would cost a day."""
    row = b"1,2024-01-01,C1,Male,34,Beauty,1,50,50\n"
    for day in (D1, D2, D3):
        shop.put(day, data=HEADER + row)
    next_second(shop)
    load(shop, D1)
    load(shop, D2)
    assert shop.tick() == [(D3, PIPELINE)]
    shop.cursor = None
    shop.put(D2, data=HEADER + row.replace(b"C1", b"C2"))  # as many bytes, after it was loaded
    assert (D2, INGEST) in shop.tick()


def next_second(shop: Shop) -> None:
    """Wait until what is written now has a later time than what is there: S3 tells whole seconds."""

    def written() -> dt.datetime:
        shop.s3.put_object(Bucket=shop.bucket, Key="clock", Body=b"")
        moment: dt.datetime = shop.s3.head_object(Bucket=shop.bucket, Key="clock")["LastModified"]
        return moment

    began, deadline = written(), time.monotonic() + 30
    while written() <= began and time.monotonic() < deadline:
        time.sleep(0.05)


def load(shop: Shop, day: str) -> None:
    """Register a landing and publish a result of cleaning it, as a run does."""
    contract = shop.settings.contract
    [raw] = inspect_landings(shop.platform.raw, "retail_sales", [dt.date.fromisoformat(day)], contract)
    shop.platform.lake.publish_raw(raw)
    shop.platform.lake.publish_clean(
        CleanManifest("retail_sales", raw.landed_on, "run", contract.digest, raw.digest, {s: () for s in STATUSES})
    )


def test_a_landing_that_was_registered_and_never_cleaned_is_asked_for(shop: Shop) -> None:
    shop.put(D1, data=HEADER + b"1,2024-01-01,C1,Male,34,Beauty,1,50,50\n")
    [raw] = inspect_landings(
        shop.platform.raw, "retail_sales", [dt.date.fromisoformat(D1)], shop.settings.contract
    )  # fmt: skip
    shop.platform.lake.publish_raw(raw)
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_tick_that_is_repeated_asks_with_the_same_keys_and_a_later_change_with_others(shop: Shop) -> None:
    """Dagster starts a run key once: a tick that crashed after its runs were launched launches none again."""
    shop.put(D1)
    shop.put(D2)
    first, again = shop.evaluate(), shop.evaluate()
    keys = [r.run_key for r in first.run_requests]
    assert keys == [r.run_key for r in again.run_requests]
    shop.cursor = first.cursor
    seen = set(keys)
    for data in (b"2", b"1", b"2"):
        shop.put(D1, data=data)
        result = shop.evaluate()
        shop.cursor = result.cursor
        [request] = result.run_requests
        assert request.run_key not in seen
        seen.add(request.run_key)


def test_the_cursor_does_not_grow_with_the_files(shop: Shop) -> None:
    for day in (D1, D2, D3):
        shop.put(day)
    shop.tick()
    small = len(shop.cursor or "")
    for number in range(40):
        shop.put(D1, f"{number}-{'long' * 20}.csv")
    shop.tick()
    assert len(shop.cursor or "") == small
    ten_years = {dt.date(2015, 1, 1) + dt.timedelta(days=i): "abcdefgh" for i in range(3650)}
    assert len(Cursor("place", ten_years).text()) < 40_000


def test_any_cursor_comes_back_as_it_was_written() -> None:
    cursor = Cursor("s3://b/raw/x", {dt.date(2024, 2, 29): "abcd-_gh", dt.date(2024, 12, 31): "12345678"}, None, 7)
    assert Cursor.read(cursor.text(), cursor.place) == cursor
    cursor.after = dt.date(2024, 3, 1)
    assert Cursor.read(cursor.text(), cursor.place) == cursor


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "2024-01-01", '{"place": "p", "seen": {"x": "y"}}'])
def test_a_cursor_of_another_version_begins_anew(text: str) -> None:
    assert Cursor.read(text, "p") == Cursor("p")


def test_a_cursor_of_another_bucket_begins_anew(shop: Shop) -> None:
    shop.put(D1)
    assert shop.tick() == [(D1, PIPELINE)]
    moved = json.loads(shop.cursor or "")
    shop.cursor = json.dumps({**moved, "place": "s3://elsewhere/raw/retail_sales"})
    assert shop.tick() == [(D1, PIPELINE)]


def test_a_big_bucket_is_looked_through_in_several_ticks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "_REQUESTS_PER_TICK", 2)
    days = [f"2024-01-{n:02d}" for n in range(1, 6)]
    for day in days:
        shop.put(day)
    assert shop.tick() == [(days[0], INGEST), (days[1], PIPELINE)]
    shop.delete(days[4])
    assert shop.tick() == [(days[2], INGEST), (days[3], PIPELINE)]
    assert shop.tick() == []
    shop.delete(days[0])  # behind where it stands and before: found in the next round
    shop.put(days[1], data=b"2")
    assert shop.tick() == [(days[0], INGEST), (days[1], PIPELINE)]


def test_a_tick_reads_so_many_pages_and_the_next_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "_PAGES_PER_TICK", 1)
    whole = Paginator.paginate
    monkeypatch.setattr(Paginator, "paginate", lambda self, **how: whole(self, PaginationConfig={"PageSize": 3}, **how))
    days = [f"2024-01-{n:02d}" for n in range(1, 5)]
    for day in days:
        for name in "ab":
            shop.put(day, name)
    asked: list[tuple[str, str]] = []
    ticks = 0
    while len(asked) < 4 and ticks < 10:
        asked += shop.tick()
        ticks += 1
    assert [day for day, _ in asked] == days
    assert ticks > 1
    assert shop.tick() == []


def test_a_tick_of_a_year_is_one_listing(shop: Shop, door: Door) -> None:
    for day in (D1, D2):
        shop.put(day)
    shop.tick()
    door.requests.clear()
    assert shop.tick() == []
    assert door.log == ["LIST raw/retail_sales/dt="]


def test_a_refusal_is_told_without_what_it_names(shop: Shop, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    door.meets(*[Answer(403, "AccessDenied", "assumed-role/PlantedRole/x is not authorized")] * 9)
    with pytest.raises(Exception, match="lacks s3:ListBucket") as refused:
        shop.evaluate()
    error: BaseException | None = refused.value
    while error is not None:
        assert "Planted" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ("s3://bucket/raw", "landings_on_s3"),
        ("abfs://container/raw", "landings_on_azure"),
        ("/tmp/raw", "landings_in_folder"),
    ],
)
def test_every_store_has_its_sensor_and_it_is_off(raw: str, named: str, environ: dict[str, str]) -> None:
    """Dagster keeps by name whether a sensor is on: a name that changes would switch it off."""
    defs = build_defs(settings_module.load({**environ, "RETAIL_RAW_URI": raw}))
    [sensor] = [s for s in defs.sensors or () if s.name.startswith("landings")]
    assert sensor.name == named
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_job_def(INGEST)


@pytest.mark.slow
@pytest.mark.parametrize("raw", ["s3://bucket/raw", "/tmp/raw"])
def test_definitions_load_without_the_packages_of_stores(raw: str, environ: dict[str, str], tmp_path: Path) -> None:
    code = "import sys, retail_assets.definitions; print('boto3' in sys.modules, 'pyspark' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "RETAIL_RAW_URI": raw, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "False"]


def test_a_landing_that_is_gone_does_not_keep_the_others_from_the_marts(shop: Shop) -> None:
    for day in (D1, D2):
        shop.put(day)
    shop.tick()
    shop.put(D1, data=b"rewritten")
    shop.delete(D2)
    assert shop.tick() == [(D1, PIPELINE), (D2, INGEST)]
