"""The sensors of landings with 100,000 objects: seconds per tick of a local folder, and requests per tick on S3.

The folder has two years of files and the cursor of a sensor that has seen them; the slowest of some ticks counts. S3 is
moto in a process of its own, behind a door that counts requests; its keys are listed in pages of ten, so that a store
of 1,000 keys has as many pages as one of 100,000 on S3.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets import settings as settings_module
from retail_assets.defs import sensors
from retail_assets.defs.build import build_defs
from retail_assets.defs.jobs import jobs
from retail_assets.platform import Platform

OBJECTS, DAYS = 100_000, 730
_FIRST = dt.date(2024, 1, 1)
_TICKS = 5
#: Keys on S3, and keys per page there: 25 and 100 pages.
_KEYS = (250, 1000)
_KEYS_PER_PAGE = 10


def measure() -> dict[str, float]:
    """Return `sensor_tick_s`, and requests per tick on S3 with 25,000 and with 100,000 objects' worth of pages."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = _local(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        few, many = _requests(Path(folder))
    return {"sensor_tick_s": round(seconds, 2), "sensor_requests": many, "sensor_requests_growth": round(many / few, 2)}


def _local(home: Path) -> float:
    per_day = OBJECTS // DAYS + 1
    for n in range(DAYS):
        day = home / "raw" / "retail_sales" / f"dt={_FIRST + dt.timedelta(n)}"
        day.mkdir(parents=True)
        for number in range(min(per_day, OBJECTS - n * per_day)):
            (day / f"part-{number:05d}.csv").touch()
    platform = Platform(_settings(home))
    cursor = _all_seen(platform)
    defs = build_defs(platform.settings)
    slowest = 0.0
    for _ in range(_TICKS):
        began = time.perf_counter()
        cursor, requested = _tick(platform, defs, cursor)
        slowest = max(slowest, time.perf_counter() - began)
        if requested:
            raise RuntimeError("the sensor has requested landings that it has seen")
    return slowest


def _all_seen(platform: Platform) -> str:
    """Return the cursor of a sensor that has seen every landing, without the runs that it would have requested."""
    settings = platform.settings
    cursor = sensors.Cursor(f"{settings.raw_uri}/{settings.source}")
    limits = sensors.Limits(is_local=True)
    found = sensors.Scan(cursor, settings.start_date, settings.today(), lambda _: True, -60, limits)
    root = sensors.root_of(settings.raw_uri)
    for _ in range(1000):
        found.limits = sensors.Limits(is_local=True)
        sensors.scan(platform.raw, settings.source, root, found)
        if cursor.after is None:
            return cursor.text()
    raise RuntimeError("the sensor does not come to an end")


def _requests(folder: Path) -> tuple[int, int]:
    from botocore.paginate import Paginator

    from retail_assets.storage.s3_client import client
    from retail_assets_tests.services.s3 import Door, moto

    whole = Paginator.paginate
    paged: Any = lambda self, **how: whole(self, PaginationConfig={"PageSize": _KEYS_PER_PAGE}, **how)  # noqa: E731
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    with moto(folder) as url, Door(url) as door:
        os.environ["AWS_ENDPOINT_URL"] = door.url
        Paginator.paginate = paged
        try:
            client().create_bucket(Bucket="raw")
            counts = []
            for keys in _KEYS:
                for n in range(keys):
                    day = _FIRST + dt.timedelta(n // 2)
                    client().put_object(Bucket="raw", Key=f"{keys}/retail_sales/dt={day}/{n % 2}.csv", Body=b"1")
                platform = Platform(_settings(folder / str(keys), raw=f"s3://raw/{keys}"))
                cursor, defs = _all_seen(platform), build_defs(platform.settings)
                most = 0
                for _ in range(_TICKS):
                    door.requests.clear()
                    cursor, _requested = _tick(platform, defs, cursor)
                    most = max(most, len(door.requests))
                counts.append(most)
        finally:
            Paginator.paginate = whole
    few, many = counts
    return few, many


def _tick(platform: Platform, defs: dg.Definitions, cursor: str) -> tuple[str, int]:
    sensor = sensors.landing_sensor(platform, jobs(), settled_seconds=-60)
    result: Any = sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor, definitions=defs))
    return result.cursor, len(result.run_requests)


def _settings(home: Path, raw: str = "") -> Any:
    environ = {"RETAIL_HOME": str(home), "RETAIL_OUTPUT": str(home / "output"), "RETAIL_START_DATE": str(_FIRST)}
    return settings_module.load({**environ, **({"RETAIL_RAW_URI": raw} if raw else {})})
