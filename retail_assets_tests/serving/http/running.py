"""A running `retail-assets serve` on a free port of this machine, stopped at the end."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from retail_assets_tests.services.server import free_port


@dataclass
class Running:
    """The server: `url`, its process, and the file that its log goes to."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def log(self) -> list[dict[str, Any]]:
        """The lines of the log. Raises ValueError if one is not JSON."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def stop(self, seconds: float = 20) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextlib.contextmanager
def running(folder: Path, uri: str, *arguments: str, ready: bool = True) -> Iterator[Running]:
    """Start a server, wait until it answers (and is ready), and stop it at the end."""
    port = free_port()
    log_file = folder / f"serve-{port}.log"
    command = [sys.executable, "-m", "retail_assets.cli", "serve", "--bundle", uri, "--port", str(port), *arguments]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = Running(f"http://127.0.0.1:{port}", process, log_file)
    try:
        _wait(server, "/readyz" if ready else "/healthz")
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Running, path: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log_file.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(server.url + path).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{path} is not ready after a minute: {server.log_file.read_text()}")
