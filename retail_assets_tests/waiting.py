"""Waiting until something is so, without waiting indefinitely."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Callers name what a machine needs that does nothing else. Only a test that fails waits for longer.
_BUSY = 3


def until(
    condition: Callable[[], T], seconds: float, what: Callable[[], object] = lambda: "", *, pause: float = 0.25
) -> T:
    """Ask until the answer is true, and return it; fail after `seconds` thrice, with what `what()` returns then."""
    deadline = time.monotonic() + seconds * _BUSY
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds * _BUSY:.0f} s: {what()}"
        time.sleep(pause)
    return answer
