"""Child processes of tests: started with everything imported or from nothing, waited for, and never left behind."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, NoReturn

#: What takes long to import. Every child of the fork server has it from the start.
_PRELOADED = [
    "duckdb",
    "pyarrow.parquet",
    "retail_assets.defs.build",
    "retail_assets.cleaning.job",
    "retail_assets_tests.faults.loading_children",
]


def start(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """Start a real process, forked from a server that has everything imported and nothing started."""
    processes: ForkServerContext = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(_PRELOADED)
    child = processes.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def ended(child: ForkServerProcess, log: Path | None = None) -> int:
    """Return the exit code of a child that ends within some minutes (it may start Spark); negative for a signal.

    One that does not end is killed; the failure shows the end of its log, where `apart` lets it say what it waits for.
    """
    child.join(300)
    if child.exitcode is None:
        child.kill()
        raise AssertionError(f"the child did not end: {log.read_text()[-6000:] if log else ''}")
    return child.exitcode


def pipe() -> tuple[Connection, Connection]:
    """Return our end and the child's end of a pipe."""
    ours, theirs = multiprocessing.get_context("forkserver").Pipe()
    return ours, theirs


def start_fresh(target: Callable[..., None], *arguments: Any, wait: bool = False) -> subprocess.Popen[bytes]:
    """Start a new interpreter that calls `target(*arguments)`. With `wait`, it begins when `go` tells it to.

    For tests whose process has threads and connections that must not be forked.
    """
    code = "import pickle, sys; f = pickle.loads(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())));" + (
        "sys.stdin.buffer.readline();" if wait else ""
    ) + "f[0](*f[1:])"  # fmt: skip
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    payload = pickle.dumps((target, *arguments))
    assert child.stdin is not None
    child.stdin.write(f"{len(payload)}\n".encode() + payload)
    child.stdin.flush()
    return child


def go(child: subprocess.Popen[bytes]) -> None:
    """Let a fresh child begin that waits."""
    assert child.stdin is not None
    child.stdin.write(b"go\n")
    child.stdin.flush()


def ended_fresh(child: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a fresh child that ends within some minutes; negative for a signal."""
    try:
        _, errors = child.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    if child.returncode > 0:
        raise AssertionError(errors.decode())
    return child.returncode


def kill_this_process() -> NoReturn:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("survived")
