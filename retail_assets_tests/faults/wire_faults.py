"""Faults between a warehouse and its client: connections cut, and clients killed, at a statement on the wire."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

from retail_assets_tests.services.redshift.stack import Stack
from retail_assets_tests.services.redshift.wire import Cut, Event


def cut_once(number: int, when: str) -> Callable[[Event], None]:
    """Return a hook that cuts the connection once, at the n-th statement from now on. `when` is before or after it."""
    seen = 0

    def hook(event: Event) -> None:
        nonlocal seen
        if event.when != when:
            return
        seen += 1
        if seen == number + 1:
            raise Cut

    return hook


def cut_at_statement(begins: str) -> Callable[[Event], None]:
    """Return a hook that cuts the connection before every statement that begins so."""

    def hook(event: Event) -> None:
        if event.when == "before" and event.sql.startswith(begins):
            raise Cut

    return hook


@contextlib.contextmanager
def killed_at_statement(stack: Stack, child: subprocess.Popen[bytes], begins: str) -> Iterator[threading.Event]:
    """Kill a child when its first statement that begins so arrives at the wire. Yields an event that is set then."""
    done = threading.Event()

    def hook(event: Event) -> None:
        if event.when == "before" and event.sql.startswith(begins) and not done.is_set():
            os.kill(child.pid, signal.SIGKILL)
            child.wait(120)
            done.set()

    with stack.wire.hooked(hook):
        yield done
