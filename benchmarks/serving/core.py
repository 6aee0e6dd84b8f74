"""The command line, cold, and the bundle: publishing, opening, answering, and how soon a new one is seen."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.serving import made_bundle
from retail_assets.serving import Predictor, answers
from retail_assets.storage import Store

RUNS = 15
TARGETS = {"cli_cold_s": 0.4, "bundle_visible_s": 5.0}
"""What is to be at most so much."""


def measure(scratch: Path) -> dict[str, float]:
    """Measure, in a scratch folder, and return figures by name; seconds, unless the name says otherwise."""
    serving = Store(str(scratch / "serving"))
    began = time.perf_counter()
    made_bundle.publish(serving)
    figures = {"bundle_publish_s": time.perf_counter() - began}
    uri = serving.uri_of(made_bundle.SOURCE)
    began = time.perf_counter()
    with Predictor.from_uri(uri) as predictor:
        figures["bundle_open_ms"] = 1000 * (time.perf_counter() - began)
        figures["predictor_forecast_us"] = _microseconds(
            lambda: answers.encoded(answers.forecast(predictor.forecast(made_bundle.CATEGORIES[3])))
        )
        figures["predictor_segment_us"] = _microseconds(
            lambda: answers.encoded(answers.segment(predictor.segment("C00000123")))
        )
        bought = [{"customer_id": "n", "date": f"2023-{month:02d}-10", "amount": "95.50"} for month in range(1, 13)]
        figures["predictor_score_us"] = _microseconds(lambda: answers.encoded(answers.scores(predictor.score(bought))))
    figures["bundle_visible_s"] = max(_visible(serving, uri, factor) for factor in (2.0, 3.0, 4.0))
    return figures | _cold(scratch, serving)


def _cold(scratch: Path, serving: Store) -> dict[str, float]:
    """The whole process of an answer: started, imported, answered, ended."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RETAIL_")},
        "RETAIL_HOME": str(scratch / "home"),
        "RETAIL_SERVING_URI": serving.uri,
    }
    command = [sys.executable, "-m", "retail_assets.cli", "predict", "forecast", "--json"]
    costs = [_cost(command, environ) for _ in range(RUNS + 1)][1:]  # the first one reads the modules from the disk
    walls, cpus = [wall for wall, _ in costs], [cpu for _, cpu in costs]
    return {
        "cli_cold_s": statistics.median(walls),
        "cli_cold_fastest_s": min(walls),
        "cli_cpu_s": statistics.median(cpus),
    }


def _cost(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds of the clock and of the CPU that a command takes; its output goes nowhere."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def _visible(serving: Store, uri: str, factor: float) -> float:
    """Seconds from the publication of a bundle to the first answer from it."""
    with Predictor.from_uri(uri, background=True) as predictor:
        predictor.forecast()
        manifest = made_bundle.publish(serving, factor=factor)
        began, pause = time.perf_counter(), threading.Event()
        while predictor.provenance().bundle != manifest.version:
            pause.wait(0.005)
            if time.perf_counter() - began > 60:
                raise SystemExit("A published bundle was not seen within a minute.")
        return time.perf_counter() - began


def _microseconds(ask: Callable[[], object], runs: int = 2_000) -> float:
    for _ in range(100):
        ask()
    began = time.perf_counter()
    for _ in range(runs):
        ask()
    return 1e6 * (time.perf_counter() - began) / runs
