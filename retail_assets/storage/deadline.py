"""A time limit for work that has none of its own: a library call that may wait for ever on a network or a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, cast

_T = TypeVar("_T")


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """Return what `work` returns, or raise what it raises, or TimeoutError after `seconds`.

    The work runs in a thread of its own. Late work cannot be stopped; it is left to itself and does not hold up the end
    of the process.
    """
    outcome: list[tuple[_T | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as e:  # raised again in the caller's thread
            outcome.append((None, e))

    thread = threading.Thread(target=run, name="deadline", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"not done within {seconds:.0f} s")
    result, error = outcome[0]
    if error is not None:
        raise error
    return cast(_T, result)
