"""Waiting until something is so, without waiting indefinitely."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    condition: Callable[[], T], seconds: float, what: Callable[[], object] = lambda: "", *, pause: float = 0.25
) -> T:
    """Ask until the answer is true, and return it; fail after `seconds`, with what `what()` returns then."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what()}"
        time.sleep(pause)
    return answer
