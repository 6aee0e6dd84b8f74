"""End processes and all that they have started; signals as interrupts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from types import FrameType

import psutil

#: Marks each process's environment with what it belongs to, so that it is found even in a session of its own whose
#: parent is gone. (Programs that set their own titles overwrite it; those are found by their sessions.)
MARK = "LOCAL_STACK_PART"
#: Seconds that processes have to end by themselves, in which Dagster marks the runs it interrupts.
_GRACE = 20.0
#: How often processes that still run after that are looked for and killed.
_SWEEPS = 5


def _members(sessions: set[int], marks: set[str]) -> dict[int, psutil.Process]:
    """Return every process of the sessions or with one of the marks, by id; also those whose parents are gone."""
    members = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) in sessions or process.environ().get(MARK) in marks:
                members[process.pid] = process
    return members


def end(leaders: Sequence[subprocess.Popen[bytes]], marks: set[str], polite: signal.Signals) -> None:
    """End the leaders and everything they started, in their sessions or in new ones: politely, then by force."""
    sessions = {leader.pid for leader in leaders}
    everyone = _members(sessions, marks)
    for leader in leaders:
        with contextlib.suppress(psutil.Error):
            everyone |= {p.pid: p for p in psutil.Process(leader.pid).children(recursive=True)}
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, polite)
    for stray in everyone.values():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getpgid(stray.pid) not in sessions:
                stray.terminate()
    waiting = threading.Thread(target=lambda: [leader.wait() for leader in leaders], daemon=True)
    waiting.start()  # reaps the leaders, which would be zombies otherwise
    _, alive = psutil.wait_procs(list(everyone.values()), timeout=_GRACE)
    rest = {p.pid: p for p in alive} | _members(sessions, marks)
    for _ in range(_SWEEPS):  # a killed process may have started another one just before
        if not rest:
            break
        for process in rest.values():
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(list(rest.values()), timeout=5)
        rest = _members(sessions, marks)
    waiting.join(10)


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Let SIGTERM and a closed terminal stop the stack as Ctrl-C does; a second signal does not interrupt the stop."""

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts this in the background ignores it for this process and all that it starts.
    before = {each: signal.signal(each, interrupt) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
