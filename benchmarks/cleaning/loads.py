"""Two loads that a shop waits for: a year of sales in a running session, and one more day in a cold process.

Run with `python -m benchmarks.cleaning.loads`; writes benchmarks/results/loads.json. The year is The Complete Journey,
simulated, from raw files to loaded tables, landed in two ways: as `make demo` does (eleven months at once, then days)
and as 365 days. The day comes on top of `--rows` loaded rows, through `retail-assets materialize`, as cron would start
it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cleaning.data import LANDINGS, SOURCE, START, generated
from benchmarks.metering import measured
from retail_assets import settings as settings_module
from retail_assets.cleaning import job
from retail_assets.defs.resources import SparkResource
from retail_assets.landing.partitions import landed_partitions, partition_folder
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets.samples import complete_journey, synthetic
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
ASSETS = "raw_sales_files,clean_sales,quarantined_sales,sales,sales_quarantine"
DAYS_PER_YEAR = 365


def platform(home: Path, source: str, raw: Path | None = None) -> Platform:
    known = {"RETAIL_HOME": str(home), "RETAIL_SOURCE": source, "RETAIL_OUTPUT": str(home / "output")}
    return Platform(settings_module.load(known | ({"RETAIL_RAW_URI": str(raw)} if raw else {})))


def load(of: Platform, spark: SparkResource, days: Sequence[dt.date]) -> dict[str, float]:
    """Take the landings from raw files to loaded tables, as the assets do; return the seconds of each step."""
    begin = time.perf_counter()
    landings = register_landings(of.raw, of.lake, list(days), of.settings.contract).manifests
    registered = time.perf_counter()
    manifests = job.clean(lambda: spark.session, of.raw, of.lake, landings, of.settings.contract, "benchmark")
    for manifest in manifests:
        of.lake.publish_clean(manifest)
    cleaned = time.perf_counter()
    of.warehouse.load_landings(of.lake.store, manifests)
    loaded = time.perf_counter()
    parts = {"raw_sales_files": registered - begin, "clean_sales": cleaned - registered, "sales": loaded - cleaned}
    return {name: round(seconds, 2) for name, seconds in (parts | {"wall_s": loaded - begin}).items()}


def days_of(of: Platform) -> list[dt.date]:
    return landed_partitions(of.raw, of.source)


def years(scratch: Path) -> dict[str, Any]:
    """Load the year of The Complete Journey, landed in two ways, in a session that has cleaned a day before."""
    result = {}
    for name, daily_from in (("as in the demo", complete_journey.DAILY_FROM), ("365 days", complete_journey.FIRST_DAY)):
        of = platform(scratch / name.replace(" ", "-"), complete_journey.SOURCE)
        complete_journey.land(of.raw, daily_from)
        days = days_of(of)
        spark = SparkResource(of.settings)
        try:
            warm = platform(scratch / f"warm-{len(days)}", complete_journey.SOURCE, Path(of.raw.uri))
            load(warm, spark, days[-1:])
            result[name] = {"landings": len(days), **load(of, spark, days)}
        finally:
            spark.stop()
        [row] = of.warehouse.query("SELECT count(*) AS n FROM sales").to_pylist()
        result[name]["transactions"] = row["n"]
        print(f"The Complete Journey, {name}: {result[name]}", flush=True)
    return result


def renumbered(content: bytes, by: int) -> bytes:
    """Return generated sales with other ids: every file begins with 1, and a load refuses ids of other days' sales."""
    header, *lines = content.splitlines(keepends=True)
    return header + b"".join(
        b"%d,%s" % (int(first) + by, rest) if (first := line.partition(b",")[0]).isdigit() else line
        for line in lines
        for rest in [line.partition(b",")[2]]
    )


def one_more_day(scratch: Path, home: Path, rows: int, seed: int) -> dict[str, Any]:
    """Load days of rows / 365 on top of `rows` loaded rows; measure processes that start cold."""
    data = generated(scratch, rows, seed)
    of = platform(home, SOURCE)
    for file in data.files:
        target = Path(of.raw.uri, SOURCE, file.parent.name, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)
    before = days_of(of)
    spark = SparkResource(of.settings)
    try:
        first = load(of, spark, before)
    finally:
        spark.stop()
    days = [START + dt.timedelta(days=LANDINGS + i) for i in range(2)]
    for number, day in enumerate(days):
        for _, name, content in synthetic.generate(rows // DAYS_PER_YEAR, 1, seed + 1 + number, day):
            path = Path(of.raw.uri, partition_folder(SOURCE, day), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(renumbered(content, rows * (number + 2)))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
    env |= {
        "RETAIL_HOME": str(home),
        "RETAIL_SOURCE": SOURCE,
        "RETAIL_OUTPUT": str(home / "output"),
        "DAGSTER_HOME": str(home / "dagster"),
    }
    dagster_home(home / "dagster")
    command = [str(Path(sys.executable).parent / "retail-assets"), "materialize", "--select", ASSETS]
    # The first run creates Dagster's own database, which a shop has since its first day.
    subprocess.run([*command, "--partition", str(before[-1])], env=env, cwd=home, check=True)
    result: dict[str, Any] = {"rows_before": rows, "rows_of_the_day": rows // DAYS_PER_YEAR, "first_load": first}
    for name, day in zip(("first", "second"), days, strict=True):
        usage = measured([*command, "--partition", str(day)], env=env, cwd=home)
        [row] = of.warehouse.query("SELECT count(*) AS n FROM sales WHERE landed_on = ?", [day]).to_pylist()
        result[name] = {
            "transactions": row["n"],
            "wall_s": round(usage.wall_s, 2),
            "cpu_s": round(usage.cpu_s, 2),
            "peak_mb": usage.peak_mb,
        }
        print(f"one more day, {name}: {result[name]}", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows that are loaded before the extra day")
    parser.add_argument("--seed", type=int, default=7)
    default = Path(tempfile.gettempdir(), "retail-assets-bench")
    parser.add_argument("--scratch", type=Path, default=default, help="keeps the generated files (%(default)s)")
    asked = parser.parse_args()
    asked.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        result = {
            "complete_journey": years(Path(folder)),
            "one_more_day": one_more_day(asked.scratch, Path(folder, "home"), asked.rows, asked.seed),
        }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "loads.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {(RESULTS / 'loads.json').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
