"""The main job as a new user runs it: The Complete Journey (simulated) from raw files to figures, forecast, segments.

Run it with `make bench`, on a quiet machine. It prints wall time, CPU time and peak memory of the process tree and the
time of each step, and writes benchmarks/results/main_job.json. Installing and landing the data are not included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.metering import measured
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[1]
RANGE = "2017-11-30...2017-12-31"


def measure(keep: Path | None = None) -> dict[str, Any]:
    """Land the data in a fresh home, run the materialization, and measure it. `keep` keeps home and output."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
        env |= {
            "RETAIL_HOME": str(folder / "home"),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_SOURCE": "complete_journey",
            "DAGSTER_HOME": str(folder / "home" / "dagster"),
        }
        dagster_home(folder / "home" / "dagster")
        bin_folder = Path(sys.executable).parent
        subprocess.run([bin_folder / "retail-assets", "sample", "complete-journey"], env=env, cwd=ROOT, check=True)
        command: list[str | Path] = [bin_folder / "dagster", "asset", "materialize", "-m", "retail_assets.definitions"]
        usage = measured([*command, "--select", "*", "--partition-range", RANGE], env=env, cwd=ROOT)
        summary = json.loads((folder / "output" / "summary.json").read_text())
        return {
            "wall_s": round(usage.wall_s, 1),
            "cpu_s": round(usage.cpu_s, 1),
            "peak_mb": usage.peak_mb,
            "steps_s": steps(env),
            "rows": summary["rows"],
            "revenue": summary["revenue"]["total"],
        }


def steps(env: dict[str, str]) -> dict[str, float]:
    """Return the seconds of each step of the last run, longest first, from Dagster's event log."""
    code = (
        "import dagster as dg, json\n"
        "i = dg.DagsterInstance.get(); run = i.get_runs(limit=1)[0]\n"
        "print(json.dumps({s.step_key: s.end_time - s.start_time for s in i.get_run_step_stats(run.run_id)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    taken = json.loads(done.stdout)
    return {k: round(v, 2) for k, v in sorted(taken.items(), key=lambda item: -item[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder for home and output, kept afterwards")
    result = measure(parser.parse_args().keep)
    target = ROOT / "benchmarks" / "results" / "main_job.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nwall {result['wall_s']} s   CPU {result['cpu_s']} s   peak memory {result['peak_mb']:,} MB")
    for step, seconds in list(result["steps_s"].items())[:12]:
        print(f"  {step:40s} {seconds:7.2f} s")
    print(f"rows {result['rows']}, revenue {result['revenue']}; written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
