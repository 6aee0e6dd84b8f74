"""A server as a process group of its own, on a free port of the loopback, which ends when the block ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

_START_SECONDS = 180
_END_SECONDS = 30


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextlib.contextmanager
def served(
    command: Callable[[int], list[str]],
    log: Path,
    healthy: Callable[[str], bool],
    seconds: float = _START_SECONDS,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a server until the block ends; yield its URL once `healthy` returns True for it.

    `command` gets the port. What the server prints is appended to `log`.
    """
    for _ in range(3):  # the port may be taken between choosing and starting
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command(port),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < deadline:
                if healthy(url):
                    yield url
                    return
                time.sleep(0.05)
        finally:
            _end(process)
    raise RuntimeError(f"{command(0)[0]} did not start: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group, by force if it does not end by itself."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
