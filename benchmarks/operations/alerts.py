"""Seconds from a failure to its alert, and alerts lost while the receiver is away.

Dagster's daemon runs the sensor, a web server takes what is posted. `alert_s` is the longest of a few failures, from
the time of the event that a step failed to the request that the receiver has read. Then the receiver is gone for ten
minutes (BENCH_AWAY_SECONDS), in which steps fail as well, and comes back.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg

from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import WarehouseError
from retail_assets_tests.dagster_home import dagster_home

ROOT = Path(__file__).parents[2]
_FAILURES, _FAILURES_AWAY = 11, 12
#: How often Dagster's daemon looks at what is due.
_LOOK_SECONDS = 5.0
_AWAY_SECONDS = 600.0
_START_SECONDS, _LIMIT_SECONDS = 120.0, 120.0


class _Receiver:
    """A web server that notes when it has read which failure, and how often."""

    def __init__(self) -> None:
        self.received: dict[str, list[float]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                now = time.time()
                for word in json.loads(body)["text"].replace(".", " ").split():
                    if word.startswith("failure-"):
                        receiver.received.setdefault(word, []).append(now)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._handler, self._port = Handler, 0
        self.come_back()

    def come_back(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def go_away(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/services/hook"

    def wait_for(self, name: str) -> None:
        end = time.monotonic() + _LIMIT_SECONDS
        while name not in self.received and time.monotonic() < end:
            time.sleep(0.05)


def _fail(instance: dg.DagsterInstance, name: str) -> float:
    """Run an asset of ours that fails; return when it did."""

    @dg.asset(name="sales_forecast")
    def failing() -> None:
        with failing_clearly():
            raise WarehouseError(f"The warehouse refused {name} .")

    definitions = dg.Definitions([failing])
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey("sales_forecast")], raise_on_error=False
    )
    records = instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    return float(records[0].timestamp)


def measure() -> dict[str, float]:
    """Measure; return `alert_s`, `alerts_lost` and `alerts_doubled`."""
    away_seconds = float(os.environ.get("BENCH_AWAY_SECONDS", _AWAY_SECONDS))
    receiver = _Receiver()
    # Letters, because messages that differ in numbers only are one cause.
    names = ["failure-" + "".join(letters) for letters in itertools.product("abcdefghij", repeat=2)]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dagster_home(home)
        (home / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
        environment = kept | {
            "DAGSTER_HOME": folder,
            "RETAIL_HOME": f"{folder}/home",
            "RETAIL_OUTPUT": f"{folder}/output",
            "RETAIL_ALERT_WEBHOOK": receiver.address,
            "RETAIL_ALERT_PER_HOUR": "1000",
            "PYTHONPATH": str(ROOT),
        }
        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-w", "workspace.yaml"]
        with dg.DagsterInstance.from_config(
            folder
        ) as instance:  # its tables, which two processes cannot create at once
            instance.all_instigator_state()
            instance.get_runs(limit=1)
        with (home / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            with dg.DagsterInstance.from_config(folder) as instance:
                _wait_for_ticks(instance)
                failed = {name: _fail(instance, name) for name in names[:1]}
                for number, name in enumerate(names[1:_FAILURES]):
                    receiver.wait_for(next(reversed(failed)))
                    # A look of the sensor has just ended: the next failure comes at another part of its interval.
                    time.sleep(number * _LOOK_SECONDS / (_FAILURES - 1))
                    failed[name] = _fail(instance, name)
                receiver.wait_for(next(reversed(failed)))
                soon = list(failed)
                receiver.go_away()
                for name in names[_FAILURES : _FAILURES + _FAILURES_AWAY]:
                    failed[name] = _fail(instance, name)
                    time.sleep(away_seconds / _FAILURES_AWAY)
                receiver.come_back()
                for name in failed:
                    receiver.wait_for(name)
                time.sleep(10)  # for what comes twice
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
            receiver.go_away()
    lost = [name for name in failed if name not in receiver.received]
    return {
        "alert_s": max(receiver.received[name][0] - failed[name] for name in soon if name in receiver.received),
        "alerts_lost": float(len(lost)),
        "alerts_doubled": float(sum(len(times) > 1 for times in receiver.received.values())),
    }


def _wait_for_ticks(instance: dg.DagsterInstance) -> None:
    """Wait until the sensor has looked once: before that a daemon starts."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        for state in instance.all_instigator_state():
            if state.instigator_name == "alerts" and instance.get_ticks(
                state.instigator_origin_id, state.selector_id, limit=1
            ):
                return
        time.sleep(0.5)
    raise RuntimeError(f"The sensor did not begin within {_START_SECONDS:.0f} s.")
