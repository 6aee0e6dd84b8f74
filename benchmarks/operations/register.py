"""One more day after 50 landings and after 3,000: the same sales, dealt into few files or many.

So the tables, the forecast and the segments are of one size, and only the number of past landings differs. Time is that
of whole cold processes (`retail-assets materialize`, all assets) over folders, the fastest of some days;
requests are those of one such day with raw files, lake, models and output on S3 (moto). The past is loaded without
Dagster, which takes minutes to plan a run of 3,000 partitions: what its own records of the past cost is not in here.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.cleaning.loads import load as load_landings
from benchmarks.metering import measured
from retail_assets.defs.resources import SparkResource
from retail_assets.platform import Platform
from retail_assets.samples import synthetic
from retail_assets.settings import load
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
FEW, MANY = 50, 3_000
_ROWS, _SALES_DAYS = 30_000, 200
_SALES_FROM = dt.date(2015, 3, 1)
_FIRST = dt.date(2016, 1, 1)
_DAYS = 3
_BUCKET = "bench"
_ON_S3 = {"RAW_URI": "raw", "LAKE_URI": "lake", "MODELS_URI": "models", "SERVING_URI": "serving"}


def _lines() -> tuple[str, list[str]]:
    files = [content.decode() for *_, content in synthetic.generate(_ROWS, _SALES_DAYS, 7, _SALES_FROM, 0.0)]
    return files[0].splitlines()[0], [line for content in files for line in content.splitlines()[1:]]


class _Home:
    """A home whose sales landed on so many days, and days that have not run yet."""

    def __init__(self, folder: Path, landings: int, header: str, lines: Sequence[str]) -> None:
        self.folder, self.landings = folder, landings
        later = _DAYS + 2
        days = [_FIRST + dt.timedelta(days=i) for i in range(landings + later)]
        self.past, self.days = days[:landings], days[landings:]
        kept = len(lines) - later * 100
        files = [lines[i:kept:landings] for i in range(landings)]
        files += [lines[kept + i * 100 : kept + i * 100 + 100] for i in range(later)]
        for number, (day, rows) in enumerate(zip(days, files, strict=True)):
            target = folder / "raw" / synthetic.SOURCE / f"dt={day}" / "sales.csv"
            target.parent.mkdir(parents=True)
            rejected = f"bad{number},no date,C1,Male,30,Beauty,1,1,1"  # every landing has a quarantine
            target.write_text("\n".join([header, *rows, rejected]) + "\n")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_", "AWS_"))} | {
            "RETAIL_HOME": str(folder),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_SOURCE": synthetic.SOURCE,
            "RETAIL_START_DATE": str(_FIRST),
            "DAGSTER_HOME": str(folder / "dagster"),
            "PYTHONPATH": str(ROOT),
        }
        dagster_home(folder / "dagster")

    def materialize(self, *which: str, env: Mapping[str, str] | None = None) -> float:
        """Run the graph in a new process; return its seconds."""
        command = [str(Path(sys.executable).with_name("retail-assets")), "materialize", *which]
        usage = measured(command, env={**self.env, **(env or {})}, cwd=self.folder)
        print(self.landings, *which, usage, flush=True)
        return usage.wall_s

    def seconds(self) -> float:
        """Return the seconds of one more day, after all past landings have been loaded, and the graph has run once."""
        of = Platform(load({name: value for name, value in self.env.items() if name.startswith("RETAIL_")}))
        spark = SparkResource(of.settings)
        try:
            load_landings(of, spark, self.past)
        finally:
            spark.stop()
        self.materialize("--partition", str(self.past[-1]))
        return min(self.materialize("--partition", str(day)) for day in self.days[:_DAYS])

    def status_seconds(self) -> float:
        """Return the seconds of `retail-assets status`."""
        command = [str(Path(sys.executable).with_name("retail-assets")), "status", "--json"]
        with (self.folder / "status.json").open("w") as output:
            begin = dt.datetime.now(dt.UTC)
            subprocess.run(command, env=self.env, cwd=self.folder, check=True, stdout=output)
            return (dt.datetime.now(dt.UTC) - begin).total_seconds()

    def requests(self, endpoint: str) -> tuple[int, int]:
        """Return the requests of one more day with every store on S3, and how many of them are pages of listings.

        The day before it has written the register.
        """
        from retail_assets_tests.services.s3 import Door
        from retail_assets_tests.services.s3_fixtures import aws_environment

        bucket = f"{_BUCKET}-{self.landings}"
        _upload(endpoint, bucket, self.folder)
        with Door(endpoint) as door:
            env = {f"RETAIL_{name}": f"s3://{bucket}/{folder}" for name, folder in _ON_S3.items()}
            env |= {"RETAIL_OUTPUT": f"s3://{bucket}/output"} | aws_environment(door.url)
            self.materialize("--partition", str(self.days[_DAYS]), env=env)
            before = len(door.requests)
            self.materialize("--partition", str(self.days[_DAYS + 1]), env=env)
            requests = door.log[before:]
            return len(requests), sum(words.startswith("LIST ") for words in requests)


def _upload(endpoint: str, bucket: str, folder: Path) -> None:
    import boto3

    from retail_assets_tests.services.s3_fixtures import REGION

    s3: Any = boto3.client(
        "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    paths = [p for name in (*_ON_S3.values(), "output") for p in (folder / name).rglob("*") if p.is_file()]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda p: s3.upload_file(str(p), bucket, p.relative_to(folder).as_posix()), paths))


def measure() -> dict[str, float]:
    """Return `daily_run_growth` and `requests_growth`, of 3,000 landings against 50, and what they are made of."""
    from retail_assets_tests.services.s3 import moto

    header, lines = _lines()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        homes = {n: _Home(Path(scratch, str(n)), n, header, lines) for n in (FEW, MANY)}
        for landings, home in homes.items():
            found[f"daily_run_s_after_{landings}"] = round(home.seconds(), 2)
            found[f"status_s_after_{landings}"] = round(home.status_seconds(), 2)
        with moto(Path(scratch)) as endpoint:
            for landings, home in homes.items():
                found[f"requests_after_{landings}"], found[f"listings_after_{landings}"] = home.requests(endpoint)
    found["daily_run_growth"] = round(found[f"daily_run_s_after_{MANY}"] / found[f"daily_run_s_after_{FEW}"], 3)
    found["requests_growth"] = round(found[f"requests_after_{MANY}"] / found[f"requests_after_{FEW}"], 3)
    return found
