"""A time limit for calls that have none of their own and could wait indefinitely for a network or a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, cast

_T = TypeVar("_T")


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """Return what `work` returns, raise what it raises, or raise TimeoutError after `seconds`.

    The work runs in a thread of its own. Work that is late cannot be stopped: it goes on in a daemon thread, which does
    not delay the end of the process.

    >>> within(10, lambda: 6 * 7)
    42
    """
    return begun(work)(seconds)


def begun(work: Callable[[], _T]) -> Callable[[float], _T]:
    """Begin `work` in a thread of its own, and return what waits for it, for at most so many seconds, as `within` does.

    >>> six = begun(lambda: 6)
    >>> six(10)
    6
    """
    outcome: list[tuple[_T | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as e:  # raised again in the caller's thread
            outcome.append((None, e))

    thread = threading.Thread(target=run, name="deadline", daemon=True)
    thread.start()

    def wait(seconds: float) -> _T:
        thread.join(seconds)
        if not outcome:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        result, error = outcome[0]
        if error is not None:
            raise error
        return cast(_T, result)

    return wait
