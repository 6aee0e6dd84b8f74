"""The main job as a newcomer runs it: Complete Journey, raw files to figures, forecast and segments, in one command.

Run with `make bench`, on a quiet machine: prints wall time, CPU time and peak memory of the process tree, and the time
of each step, and writes benchmarks/results/main_job.json. The installation and the landing of the data are not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
RANGE = "2017-11-30...2017-12-31"
_EVERY_SECONDS = 0.1


class TreeMeter:
    """Peak resident memory and CPU time of a process and all its descendants, sampled while it runs."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            total = 0
            try:
                tree = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                return
            for process in tree:
                try:
                    total += process.memory_info().rss
                    times = process.cpu_times()
                    self._cpu[process.pid] = times.user + times.system
                except psutil.Error:
                    continue
            self.peak_bytes = max(self.peak_bytes, total)

    def stop(self) -> float:
        """End sampling; returns CPU seconds of every process seen (each as of its last sample)."""
        self._stop.set()
        self._thread.join()
        return sum(self._cpu.values())


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
        (folder / "home" / "dagster").mkdir(parents=True, exist_ok=True)
        (folder / "home" / "dagster" / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
        bin_folder = Path(sys.executable).parent
        subprocess.run([bin_folder / "retail-assets", "sample", "complete-journey"], env=env, cwd=ROOT, check=True)
        command = [bin_folder / "dagster", "asset", "materialize", "-m", "retail_assets.definitions"]
        started = time.monotonic()
        process = subprocess.Popen([*command, "--select", "*", "--partition-range", RANGE], env=env, cwd=ROOT)
        meter = TreeMeter(process.pid)
        code = process.wait()
        wall = time.monotonic() - started
        cpu = meter.stop()
        if code:
            raise SystemExit(f"the materialization failed with exit code {code}")
        summary = json.loads((folder / "output" / "summary.json").read_text())
        return {
            "wall_s": round(wall, 1),
            "cpu_s": round(cpu, 1),
            "peak_mb": round(meter.peak_bytes / 2**20),
            "steps_s": steps(env),
            "rows": summary["rows"],
            "revenue": summary["revenue"]["total"],
        }


def steps(env: dict[str, str]) -> dict[str, float]:
    """Seconds a step of the last run, longest first, from Dagster's event log."""
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
