"""`make bench-cleaning`: our cleaning job, DuckDB and Polars on the same files in one run; table, plot and result file.

Each engine runs in a process of its own, alternating when repeated. The result is
`benchmarks/results/cleaning.json`, with `cleaning.png` next to it. Ratios within one run are meaningful; seconds on a
busy machine are not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cleaning import compare
from benchmarks.cleaning.data import SOURCE, Generated, generated
from benchmarks.metering import measured
from retail_assets import settings as settings_module
from retail_assets.contracts import loading as contracts
from retail_assets.spark import class_archive, java

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
ENGINES = ("ours", "duckdb", "polars")


def run(engine: str, data: Generated, out: Path) -> tuple[dict[str, Any], compare.Outputs]:
    """Run one engine over the files, into the empty folder `out`; return its cost and its outputs."""
    module = "ours" if engine == "ours" else f"{engine}_script"
    raw = data.home / "raw" if engine == "ours" else data.raw
    contract = [] if engine == "ours" else ["--contract", contracts.load(SOURCE).digest]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    out.mkdir(parents=True)
    usage = measured([sys.executable, "-m", f"benchmarks.cleaning.{module}", raw, out, *contract], env=env, cwd=out)
    cost: dict[str, Any] = dataclasses.asdict(usage)
    if engine == "ours":
        parts = json.loads((out / "parts.json").read_text())
        ended = {key: round(cost[key] - sum(part[key] for part in parts.values()), 2) for key in ("wall_s", "cpu_s")}
        cost["parts"] = parts | {"session end": ended}
        return cost, compare.of_lake(out, SOURCE)
    return cost, compare.of_script(out)


def prepared(home: Path) -> bool:
    """Whether `retail-assets prepare` was run in this environment, as make does."""
    settings = settings_module.load({"RETAIL_HOME": str(home)})
    return bool(class_archive.options(settings, java.find(home / "java")))


def compared(data: Generated, scratch: Path, repeat: int, engines: tuple[str, ...] = ENGINES) -> dict[str, Any]:
    """Run the engines in turn, `repeat` times; return medians, ratios, and whether all outputs are equal."""
    for file in data.files:
        file.read_bytes()  # so that the first engine does not wait for the disk
    runs: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
    problems: list[str] = []
    first: compare.Outputs | None = None
    for turn in range(repeat):
        for engine in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
            out = scratch / engine
            shutil.rmtree(out, ignore_errors=True)
            cost, outputs = run(engine, data, out)
            shutil.rmtree(out)
            runs[engine].append(cost)
            first = first or outputs
            problems += compare.against_generator(engine, outputs, data.expected)
            problems += compare.differences(engine, outputs, engines[0], first)
            print(f"{engine}: {cost['cpu_s']} CPU s, {cost['wall_s']} s, {cost['peak_mb']:,} MB", flush=True)
    result: dict[str, Any] = {"rows": data.rows, "prepared": prepared(scratch)}
    for engine, costs in runs.items():
        result[engine] = {key: statistics.median(c[key] for c in costs) for key in ("cpu_s", "wall_s", "peak_mb")}
    for key, name in (("cpu_ratio_duckdb", "cpu_s"), ("wall_ratio_duckdb", "wall_s")):
        if {"ours", "duckdb"} <= set(engines):
            result[key] = round(result["ours"][name] / result["duckdb"][name], 2)
    result["outputs_equal"] = not problems
    result["differences"] = sorted(set(problems))
    if "ours" in runs:
        result["parts"] = runs["ours"][-1]["parts"]
    result |= {"megabytes": round(data.megabytes), "files": len(data.files), "seed": data.seed, "runs": runs}
    return result


def show(result: dict[str, Any], console: Console) -> None:
    table = Table(title=f"Cleaning {result['rows']:,} rows, {result['megabytes']:,} MB, {result['files']} files")
    for heading in ("engine", "CPU s", "wall s", "peak MB", "CPU / DuckDB", "wall / DuckDB"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    base = result.get("duckdb")
    for engine in ENGINES:
        if cost := result.get(engine):
            ratios = [f"{cost[k] / base[k]:.2f}" if base else "" for k in ("cpu_s", "wall_s")]
            table.add_row(engine, f"{cost['cpu_s']:.1f}", f"{cost['wall_s']:.1f}", f"{cost['peak_mb']:,.0f}", *ratios)
    console.print(table)
    for name, part in result.get("parts", {}).items():
        console.print(f"  ours, {name:18s} {part['cpu_s']:7.1f} CPU s {part['wall_s']:7.1f} s")
    console.print("outputs: equal" if result["outputs_equal"] else "outputs: NOT equal", style="bold")
    for difference in result["differences"]:
        console.print(f"  {difference}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=1, help="runs per engine, in turn; medians are reported")
    parser.add_argument("--engines", default=",".join(ENGINES), help=f"some of {','.join(ENGINES)}")
    default = Path(tempfile.gettempdir(), "retail-assets-bench")
    parser.add_argument("--scratch", type=Path, default=default, help="keeps the generated files (%(default)s)")
    asked = parser.parse_args()
    engines = tuple(e for e in ENGINES if e in asked.engines.split(","))
    console = Console()
    data = generated(asked.scratch, asked.rows, asked.seed)
    with tempfile.TemporaryDirectory(dir=asked.scratch) as out:
        result = compared(data, Path(out), asked.repeat, engines)
    show(result, console)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cleaning.json").write_text(json.dumps(result, indent=2) + "\n")
    if set(engines) == set(ENGINES):
        from benchmarks.cleaning.plot import figure

        figure(result).savefig(RESULTS / "cleaning.png", dpi=120)
    console.print(f"written to {(RESULTS / 'cleaning.json').relative_to(ROOT)}")
    if not result["outputs_equal"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
