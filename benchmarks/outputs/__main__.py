"""Everything that people look at, from a loaded warehouse, against its targets: `make bench-outputs`.

Measured on The Complete Journey and on made-up sales of ten million lines: figures, insights, statistics, report,
workbook, data dictionary and, where pantab is installed, Tableau's extract. Not measured: loading, training, and the
evaluation of models, which come before. Writes benchmarks/results/outputs.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.metering import Usage, measured

RESULTS = Path(__file__).parents[1] / "results"
SECONDS, SECONDS_AT_SCALE, PEAK_MB, FIRST_PAINT_MS, REPORT_BYTES = 25, 60, 1536, 1000, 2_000_000
PAINTS = 5
_PAINT = "performance.getEntriesByName('first-contentful-paint')"


def home_of(folder: Path, rows: int) -> Path:
    """Make the home that outputs are made from, once: The Complete Journey, or so many made-up `rows`."""
    home = folder / (f"rows_{rows}" if rows else "complete_journey")
    if not (home / "prepare.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        measured([sys.executable, "-m", "benchmarks.outputs.steps", "prepare", home, str(rows)])
    return home


def outputs_of(home: Path) -> dict[str, Any]:
    """Make all outputs in a process of its own; return its cost, and the seconds of the parts."""
    usage: Usage = measured([sys.executable, "-m", "benchmarks.outputs.steps", "write", home])
    facts = json.loads((home / "write.json").read_text())
    drawn = json.loads((home / "prepare.json").read_text())["parts"]["backtest_figures"]
    # The figures of a backtest are drawn where it is at hand, in the process that trains.
    parts = {**facts["parts"], "backtest_figures": drawn}
    return {
        "seconds": round(usage.wall_s + drawn, 1),
        "cpu_s": round(usage.cpu_s + drawn, 1),
        "peak_mb": usage.peak_mb,
        "parts": parts,
        "extract_rows": facts["extract_rows"],
        "report_bytes": (home / "output" / "report.html").stat().st_size,
    }


def first_paint_ms(report: Path) -> float | None:
    """Return when a browser first shows the report, in the median; None without Chromium or Playwright."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser_path is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        paints = []
        for _ in range(PAINTS):
            page = browser.new_page()
            page.goto(report.as_uri(), wait_until="load")
            page.wait_for_function(f"{_PAINT}.length > 0")  # on a busy machine the page is loaded before it is painted
            paints.append(page.evaluate(f"{_PAINT}[0].startTime"))
            page.close()
        browser.close()
    return round(statistics.median(paints), 1)


def targets_of(result: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return what has a target: name, measured, limit."""
    targets: list[tuple[str, float, float]] = [
        ("seconds, The Complete Journey", result["seconds"], SECONDS),
        ("peak MB, The Complete Journey", result["peak_mb"], PEAK_MB),
        ("bytes of the report", result["report_bytes"], REPORT_BYTES),
    ]
    for each in result["scale"]:
        targets.append((f"seconds, {each['rows']:,} lines", each["seconds"], SECONDS_AT_SCALE))
        targets.append((f"peak MB, {each['rows']:,} lines", each["peak_mb"], PEAK_MB))
    if result["first_paint_ms"] is not None:
        targets.append(("first paint of the report, ms", result["first_paint_ms"], FIRST_PAINT_MS))
    return targets


def main() -> int:
    """Measure, print, write the results; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="lines of made-up sales; may be given several times")
    parser.add_argument("--folder", type=Path, help="where homes are made and kept; else they are deleted")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bench-outputs-"))
    try:
        home = home_of(folder, 0)
        journey = outputs_of(home)
        rows, seconds = journey.pop("extract_rows"), journey["parts"]["extract"]
        result = {
            **journey,
            "hyper_rows_per_s": round(rows / seconds) if rows else None,
            "first_paint_ms": first_paint_ms(home / "output" / "report.html"),
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 1),
            "scale": [],
        }
        for size in options.rows or [1_000_000, 10_000_000]:
            measured_at = outputs_of(home_of(folder, size))
            result["scale"].append(
                {"rows": size, **{k: measured_at[k] for k in ("seconds", "cpu_s", "peak_mb", "parts")}}
            )
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "outputs.json").write_text(json.dumps(result, indent=2) + "\n")
    missed = 0
    for name, value, limit in targets_of(result):
        missed += value > limit
        print(f"{name:34} {value:>12,.1f}   target {limit:>10,}   {'MISSED' if value > limit else 'reached'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
