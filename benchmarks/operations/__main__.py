"""The cost of daily operation against its targets: `make bench-operations`.

Each part is a module beside this one with a function `measure`, and runs in a process of its own; `PARTS=sensors,erase`
chooses some. What an earlier run measured of the others stays. Writes benchmarks/results/operations.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import operator
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import benchmarks.operations

RESULTS = Path(__file__).parents[1] / "results" / "operations.json"
_AT_MOST, _AT_LEAST = operator.le, operator.ge
#: What each figure is to keep to.
TARGETS: dict[str, tuple[Callable[[float, float], bool], float]] = {
    "definitions_import_ratio": (_AT_MOST, 1.4),
    "overhead_s": (_AT_MOST, 10),
    "daily_run_growth": (_AT_MOST, 1.2),
    "requests_growth": (_AT_MOST, 1.2),
    "sensor_tick_s": (_AT_MOST, 2),
    "stream_records_per_s": (_AT_LEAST, 20_000),
    "stream_avro_records_per_s": (_AT_LEAST, 20_000),
    "stream_latency_s": (_AT_MOST, 5),
    "stream_peak_mb": (_AT_MOST, 300),
    "stream_lost": (_AT_MOST, 0),
    "stream_doubled": (_AT_MOST, 0),
    "erase_s": (_AT_MOST, 10),
    "alert_s": (_AT_MOST, 10),
    "alerts_lost": (_AT_MOST, 0),
}


def parts() -> list[str]:
    """Return the names of the parts that can be measured."""
    found = [importlib.import_module(f"benchmarks.operations.{m.name}") for m in _modules()]
    return [module.__name__.rpartition(".")[2] for module in found if hasattr(module, "measure")]


def _modules() -> list[pkgutil.ModuleInfo]:
    return [m for m in pkgutil.iter_modules(benchmarks.operations.__path__) if not m.name.startswith("_")]


def measured(part: str) -> dict[str, Any]:
    """Measure one part in a process of its own."""
    code = f"import json; from benchmarks.operations import {part} as p; print('\\n' + json.dumps(p.measure()))"
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=3600)
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, and print each figure beside its target. Returns 1 if one was missed or not measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="", help="some of the parts, with commas between them; all without it")
    chosen = [p for p in parser.parse_args(arguments).parts.split(",") if p] or parts()
    if unknown := sorted(set(chosen) - set(parts())):
        parser.error(f"{', '.join(unknown)}: no such part. Choose from {', '.join(parts())}.")
    figures: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    failed = []
    for part in chosen:
        print(f"{part} …", flush=True)
        try:
            figures |= measured(part)
        except subprocess.SubprocessError as e:
            failed.append(f"{part} was not measured: {e}")
            continue
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
    missed = 0
    for name, value in figures.items():
        if (target := TARGETS.get(name)) is None:
            print(f"{name:26} {value}")
            continue
        holds, limit = target
        missed += (short := not holds(value, limit))
        sign = "<=" if holds is _AT_MOST else ">="
        print(f"{name:26} {value:>12,.2f}   {sign} {limit:,}{'   MISSED' if short else ''}")
    print(*failed, sep="\n", end="\n" if failed else "")
    return int(missed > 0 or bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
