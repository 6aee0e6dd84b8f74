"""What orchestration costs in a run of the whole graph: its wall time without the time inside assets and checks.

A small made shop has loaded all landings but the last, and runs the whole graph for that one, with Dagster's events in
SQLite, as in a local home. The process of the command line counts from its start to its end, so that imports, loading
the definitions and every event are in the figure.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from retail_assets_tests.dagster_home import dagster_home

_ROWS, _DAYS = 1_000, 6
_BY_LANDING = "raw_sales_files,clean_sales,quarantined_sales,sales,sales_quarantine"
_IMPORT = "from benchmarks.operations import overhead"
_INSIDE = "seconds inside assets and checks, CPU seconds outside: "


def measure() -> dict[str, float]:
    """Return `overhead_s` of a full run, and its CPU seconds: on a busy machine the wall time is that of the others."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dagster_home(home / "dagster")
        first = dt.date(2024, 1, 1)
        environ = {
            **os.environ,
            "DAGSTER_HOME": str(home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "RETAIL_HOME": folder,
            "RETAIL_OUTPUT": str(home / "output"),
            "RETAIL_START_DATE": str(first),
            "RETAIL_END_DATE": str(first + dt.timedelta(_DAYS - 1)),
        }
        python = [sys.executable, "-c"]
        land = (
            "from retail_assets import settings; from retail_assets.platform import Platform; import datetime as dt;"
            "from retail_assets.samples import synthetic;"
            f"synthetic.land(Platform(settings.load()).raw, rows={_ROWS}, days={_DAYS}, seed=1, "
            f"start=dt.date({first.year}, {first.month}, {first.day}))"
        )
        subprocess.run([*python, land], env=environ, check=True, timeout=600)
        last = first + dt.timedelta(_DAYS - 1)
        earlier = f"materialize({_BY_LANDING!r}, {str(first)!r}, {str(last - dt.timedelta(1))!r})"
        subprocess.run([*python, f"{_IMPORT}; overhead.{earlier}"], env=environ, check=True, timeout=3000)
        began = time.perf_counter()
        run = subprocess.run(
            [*python, f"{_IMPORT}; overhead.materialize('*', {str(last)!r}, {str(last)!r})"],
            env=environ, check=True, timeout=3000, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        wall = time.perf_counter() - began
    [found] = [line.removeprefix(_INSIDE) for line in run.stdout.splitlines() if line.startswith(_INSIDE)]
    inside, cpu = map(float, found.split())
    return {"overhead_s": round(wall - inside, 1), "overhead_cpu_s": round(cpu, 1)}


def materialize(select: str, first: str, last: str) -> None:
    """Materialize assets for landings, and print how long assets and checks took."""
    compute: Any = importlib.import_module("dagster._core.execution.plan.compute")
    whole, inside, cpu = compute.iterate_with_context, [0.0], [0.0]

    def timed(context: Callable[[], contextlib.AbstractContextManager[Any]], results: Iterator[Any]) -> Iterator[Any]:
        # Each step into the asset's own code, which ends where it yields something to Dagster.
        def steps() -> Iterator[Any]:
            while True:
                began, used = time.perf_counter(), time.process_time()
                try:
                    result = next(results)
                except StopIteration:
                    return
                finally:
                    inside[0] += time.perf_counter() - began
                    cpu[0] += time.process_time() - used
                yield result

        return whole(context, steps())

    compute.iterate_with_context = timed
    from retail_assets.cli.app import main

    if code := main(["materialize", "--select", select, "--partition-range", f"{first}...{last}"]):
        raise SystemExit(code)
    print(f"{_INSIDE}{inside[0]:.3f} {time.process_time() - cpu[0]:.3f}")
