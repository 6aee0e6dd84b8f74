"""The work of the assets `raw_sales_files` and `clean_sales` without Dagster, with the cost of each part."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from pathlib import Path

import psutil

from benchmarks.metering import tree_cpu
from retail_assets import settings as settings_module
from retail_assets.cleaning import job
from retail_assets.defs.resources import SparkResource
from retail_assets.landing.register import inspect_landings
from retail_assets.platform import Platform

RUN = "benchmark"


class Stopwatch:
    """Wall and CPU seconds of this process tree between two laps."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._last = (self._process.create_time(), 0.0)  # starting Python and importing count as the first part
        self.parts: dict[str, dict[str, float]] = {}

    def lap(self, name: str) -> None:
        now = (time.time(), tree_cpu(self._process))
        wall, cpu = (round(b - a, 2) for a, b in zip(self._last, now, strict=True))
        self.parts[name] = {"wall_s": wall, "cpu_s": cpu}
        self._last = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="the raw store: holds <source>/dt=YYYY-MM-DD/")
    parser.add_argument("out", type=Path, help="becomes RETAIL_HOME; gets the lake and parts.json")
    parser.add_argument("--spark", default="local[2]")
    asked = parser.parse_args()
    watch = Stopwatch()
    settings = settings_module.load(
        {
            "RETAIL_HOME": str(asked.out),
            "RETAIL_RAW_URI": str(asked.raw),
            "RETAIL_OUTPUT": str(asked.out / "output"),
            "RETAIL_SPARK": asked.spark,
        }
    )
    platform = Platform(settings)
    folders = platform.raw.folders(platform.source)
    days = [dt.date.fromisoformat(folder.removeprefix("dt=")) for folder in folders]
    watch.lap("imports")
    landings = inspect_landings(platform.raw, platform.source, days, settings.contract)
    for landing in landings:
        platform.lake.publish_raw(landing)
    watch.lap("raw_sales_files")
    spark = SparkResource(settings)
    try:
        session = spark.session
        watch.lap("session start")
        cleaned = job.clean(lambda: session, platform.raw, platform.lake, landings, settings.contract, RUN)
        for manifest in cleaned:
            platform.lake.publish_clean(manifest)
        watch.lap("clean_sales")
    finally:
        spark.stop()
    (asked.out / "parts.json").write_text(json.dumps(watch.parts))


if __name__ == "__main__":
    main()
