"""CPU and memory from raw files to tables and daily marts, for one to thirty million rows: what grows, and how fast.

Generated sales in four landings of four files, 1 % of them dirty, on a fresh home; the whole process tree of
`retail-assets materialize`, Spark included. Generating is not measured. `python -m benchmarks.operations.scale
--rows 1000000` measures one size.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cleaning.data import SOURCE, generated
from benchmarks.metering import measured
from retail_assets import settings as settings_module
from retail_assets.platform import Platform
from retail_assets.tables import SALES
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
SIZES = (1_000_000, 3_000_000, 10_000_000, 30_000_000)
ASSETS = (
    "raw_sales_files,clean_sales,quarantined_sales,sales,sales_quarantine,"
    "dim_date,dim_customer,dim_product,dim_store,daily_category_sales,daily_store_category_sales"
)
_SEED = 7


def measure(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Return `scale`: one entry with `rows`, `cpu_s`, `peak_mb` and `wall_s` per size, smallest first."""
    with tempfile.TemporaryDirectory(prefix="retail-scale-") as scratch:
        return {"scale": [_one(Path(scratch), rows) for rows in sorted(sizes)]}


def _one(scratch: Path, rows: int) -> dict[str, float]:
    data, home = generated(scratch, rows, _SEED), scratch / "home"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
    ours = {
        "RETAIL_HOME": str(home),
        "RETAIL_OUTPUT": str(scratch / "output"),
        "RETAIL_SOURCE": SOURCE,
        "RETAIL_RAW_URI": str(data.raw.parent),
    }
    dagster_home(home / "dagster")
    days = sorted(folder.name.removeprefix("dt=") for folder in data.raw.iterdir())
    command: list[str | Path] = [Path(sys.executable).with_name("retail-assets"), "materialize", "--select", ASSETS]
    usage = measured(
        [*command, "--partition-range", f"{days[0]}...{days[-1]}"],
        env=env | ours | {"DAGSTER_HOME": str(home / "dagster")},
        cwd=scratch,
    )
    [loaded] = (
        Platform(settings_module.load(ours)).warehouse.query(f"SELECT count(*) AS n FROM {SALES.name}").to_pylist()
    )
    if not 0.9 * rows < loaded["n"] <= rows:
        raise RuntimeError(f"{loaded['n']:,} of {rows:,} rows were loaded: this run measured something else")
    shutil.rmtree(home)
    shutil.rmtree(data.home)
    return {"rows": rows, "cpu_s": round(usage.cpu_s, 1), "peak_mb": usage.peak_mb, "wall_s": round(usage.wall_s, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append", help=f"a size; by default {', '.join(map(str, SIZES))}")
    print(json.dumps(measure(parser.parse_args().rows or SIZES), indent=1))


if __name__ == "__main__":
    main()
