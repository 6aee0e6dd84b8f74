"""The HTTP server: latency at a steady rate, its peak next to the smallest application of its framework, memory, swaps.

`BENCH_SECONDS` is how long each run of requests lasts (10 by default), `BENCH_REQUESTS` how many the
memory is watched over (200,000).
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.serving import made_bundle
from benchmarks.serving.load import Client, Load
from retail_assets.storage import Store

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "200000"))
WORKERS = 2
RATE = 200.0
SWAPS = 100
TARGETS = {
    "http_p99_ms": 15.0,
    "http_errors": 0.0,
    "hello_to_http_peak": 1 / 0.6,
    "rss_peak_mb": 150.0,
    "rss_growth_mb": 2.0,
    "http_visible_s": 5.0,
    "swap_lost": 0.0,
}
"""What is to be at most so much; `hello_to_http_peak` is the peak of hello / the peak of the predictions."""

_PATHS = [
    f"/v1/forecasts/{name.replace(' ', '%20')}?days={days}"
    for name in ("TOTAL", *made_bundle.CATEGORIES[:4])
    for days in (7, 28)
]
_MEMORY = re.compile(r"^retail_serving_worker_memory_bytes\{.*\} (\d+)$", re.MULTILINE)


def measure(scratch: Path) -> dict[str, float]:
    """Measure, in a scratch folder, and return figures by name."""
    serving = Store(str(scratch / "serving"))
    made_bundle.publish(serving)
    uri = serving.uri_of(made_bundle.SOURCE)
    # What else the machine does decides about the latencies: processes that want a core, on the average of a minute.
    figures: dict[str, float] = {"http_run_s": SECONDS, "rss_requests": REQUESTS, "http_load": os.getloadavg()[0]}
    with _predictions(scratch, uri) as port, _hello(scratch) as hello_port:
        Client(port, _PATHS, 16).flood(requests=2_000)
        paced = Client(port, _PATHS, 16).pace(RATE, SECONDS)
        figures["http_p50_ms"] = 1000 * paced.quantile(0.5)
        figures["http_p99_ms"] = 1000 * paced.quantile(0.99)
        # In turn, so that what else this machine does meets both alike.
        ours, hellos = [], []
        for _ in range(3):
            ours.append(Client(port, _PATHS, 32).flood(seconds=SECONDS / 3))
            hellos.append(Client(hello_port, ["/hello"], 32).flood(seconds=SECONDS / 3))
        figures["http_peak_rps"] = statistics.median(each.per_second for each in ours)
        figures["hello_peak_rps"] = statistics.median(each.per_second for each in hellos)
        figures["hello_to_http_peak"] = figures["hello_peak_rps"] / figures["http_peak_rps"]
        many = [*_PATHS, *(f"/v1/segments/C{number:08d}" for number in range(2_000))]
        Client(port, many, 16).flood(requests=4 * len(many))  # what is remembered has been asked for
        before = _memory(port)
        soaked = Client(port, many, 16).flood(requests=REQUESTS)
        after = _memory(port)
        figures["rss_growth_mb"] = max(after) - max(before)
        figures["rss_peak_mb"] = max(after)
        figures["http_errors"] = _errors(paced, *ours, soaked)
    return figures | _swaps(scratch, serving, uri)


def _swaps(scratch: Path, serving: Store, uri: str) -> dict[str, float]:
    """Publish a hundred bundles while requests are sent: how many are lost, and how soon a bundle is seen."""
    loads: list[Load] = []
    lost: list[Exception] = []
    stop = threading.Event()

    def load(port: int) -> None:
        while not stop.is_set():
            try:
                loads.append(Client(port, _PATHS, 8).pace(RATE, 1.0))
            except OSError as e:
                lost.append(e)

    with _predictions(scratch, uri, check_seconds=0.2) as port:
        thread = threading.Thread(target=load, args=(port,), daemon=True)
        thread.start()
        visible = [_visible(serving, port, number) for number in range(SWAPS)]
        stop.set()
        thread.join(60)
    with _predictions(scratch, uri) as port:  # as often as it looks by default
        seconds = max(_visible(serving, port, number) for number in range(3))
    return {
        "swaps": len(visible),
        "swap_requests": sum(len(each.latencies) for each in loads),
        "swap_lost": _errors(*loads) + len(lost),
        "http_visible_s": seconds,
    }


def _visible(serving: Store, port: int, number: int) -> float:
    """Seconds from the publication of a bundle to the first answer from it."""
    version = made_bundle.publish(serving, customers=200, factor=1.0 + number % 2).version
    began = time.perf_counter()
    while version not in _get(port, "/v1/provenance"):
        if time.perf_counter() - began > 30:
            raise SystemExit("A published bundle was not seen within 30 s.")
        time.sleep(0.02)
    return time.perf_counter() - began


@contextlib.contextmanager
def _predictions(scratch: Path, uri: str, check_seconds: float | None = None) -> Iterator[int]:
    """`retail-assets serve` with two workers and its log in a file; or with one that looks for bundles more often."""
    if check_seconds is None:
        arguments = ["-m", "retail_assets.cli", "serve", "--bundle", uri, "--rate", "0", "--workers", str(WORKERS)]
        with _running(scratch, [*arguments, "--port"]) as port:
            yield port
    else:
        program = (
            "import sys; from retail_assets.serving.http.options import ServerOptions; "
            "from retail_assets.serving.http.server import serve; "
            f"serve(ServerOptions({uri!r}, port=int(sys.argv[1]), rate=0, check_seconds={check_seconds}))"
        )
        with _running(scratch, ["-c", program]) as port:
            yield port


def _hello(scratch: Path) -> contextlib.AbstractContextManager[int]:
    arguments = ["-m", "uvicorn", "benchmarks.serving.hello:app", "--no-access-log", "--workers", str(WORKERS)]
    return _running(scratch, [*arguments, "--port"], "/hello")


@contextlib.contextmanager
def _running(scratch: Path, arguments: Sequence[str], path: str = "/readyz") -> Iterator[int]:
    port = _free_port()
    with (scratch / "server.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *arguments, str(port)], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                _get(port, path)
                break
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(
                    f"{' '.join(arguments)} does not answer: {(scratch / 'server.log').read_text()[-500:]}"
                )
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _memory(port: int) -> list[float]:
    """Resident memory of each worker in MB, after they have had time to say."""
    time.sleep(2.5)
    return [int(number) / 1e6 for number in _MEMORY.findall(_get(port, "/metrics"))]


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def _errors(*loads: Load) -> int:
    return sum(each.errors for each in loads)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
