"""The cost of a command: wall time, CPU time and peak memory of its process tree, exact where the system reports it.

A small separate process waits for the command. The operating system adds up the CPU time of all processes that are
waited for, however short-lived; on Linux that process also adopts what the command leaves behind. Nothing waits for the
children of a process that ignores their end, as Spark's daemon of Python workers does: their time is sampled while they
live. So is memory; pages that processes share count once where `smaps_rollup` is available.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_EVERY_SECONDS = 0.2
_MEMORY_EVERY_SECONDS = 1.0
_ORPHANS_SECONDS = 30
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Usage:
    """`cpu_s` is user plus system time of the tree; `peak_mb` the most memory at once, in MiB."""

    wall_s: float
    cpu_s: float
    peak_mb: int


class MeasuredCommandError(RuntimeError):
    """The measured command failed; its own output says why."""


def measured(command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Usage:
    """Run a command to its end and return its cost. Raises MeasuredCommandError if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "usage.json")
        waiter = [sys.executable, str(Path(__file__)), str(report), *map(str, command)]
        code = subprocess.run(waiter, env=env, cwd=cwd, check=False).returncode
        if code:
            raise MeasuredCommandError(f"exit code {code}: {' '.join(map(str, command))}")
        return Usage(**json.loads(report.read_text()))


def tree_cpu(process: psutil.Process) -> float:
    """Return the CPU seconds so far of a process, its living descendants, and all that these have waited for."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += _cpu(member)
    return total


class TreeMeter:
    """Samples, until `stop`, the peak memory of a process's descendants and the CPU time of those nobody waits for."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self.peak_bytes = 0
        self._unwaited: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        next_memory = 0.0
        while not self._stop.wait(_EVERY_SECONDS):
            with contextlib.suppress(psutil.Error):
                members = self._root.children(recursive=True)
                ignoring = {p.pid for p in members if _ignores_children(p.pid)}
                for member in members:
                    with contextlib.suppress(psutil.Error):
                        if member.ppid() in ignoring:
                            self._unwaited[member.pid] = _cpu(member)
                if time.monotonic() >= next_memory:
                    self.peak_bytes = max(self.peak_bytes, sum(map(_memory, members)))
                    next_memory = time.monotonic() + _MEMORY_EVERY_SECONDS

    def stop(self) -> None:
        """End sampling."""
        self._stop.set()
        self._thread.join()

    def unwaited_cpu(self, waited: set[int]) -> float:
        """Return the CPU seconds, as of the last sample, of processes that are not among the `waited` ones."""
        return sum(cpu for pid, cpu in self._unwaited.items() if pid not in waited)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    children = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + children)


def _ignores_children(pid: int) -> bool:
    """Whether a process ignores SIGCHLD: the system then forgets its children when they end."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigIgn:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGCHLD - 1) & 1)
    return False


def _memory(process: psutil.Process) -> int:
    """Return the bytes of a process: its proportional share (PSS) if the system reports it, else its resident size."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        resident: int = process.memory_info().rss
        return resident
    except psutil.Error:
        return 0


def _wait(report: Path, command: list[str]) -> int:
    """Run the command, as the process that waits for it and for everything it leaves behind."""
    _adopt_orphans()
    started = time.monotonic()
    meter = TreeMeter(os.getpid())
    code = subprocess.run(command, check=False).returncode
    wall = time.monotonic() - started
    orphans = _wait_for_orphans()
    meter.stop()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = usage.ru_utime + usage.ru_stime + meter.unwaited_cpu(orphans)
    peak = max(meter.peak_bytes, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    report.write_text(json.dumps(asdict(Usage(round(wall, 2), round(cpu, 2), round(peak / 2**20)))))
    return code if code >= 0 else 128 - code


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends. Outside Linux their last CPU time is lost."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_orphans() -> set[int]:
    """Wait for whatever the command has left behind, killing it after a while; return the process ids."""
    limit = time.monotonic() + _ORPHANS_SECONDS
    waited: set[int] = set()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return waited
        if pid:
            waited.add(pid)
        else:
            if time.monotonic() > limit:
                for child in psutil.Process().children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        child.kill()
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(_wait(Path(sys.argv[1]), sys.argv[2:]))
