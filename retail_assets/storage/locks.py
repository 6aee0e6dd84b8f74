"""Locks between the processes of a machine, on open files or folders; a lock goes with its process, however that ends.

Where there are no such locks (Windows, some network drives) nobody holds any and everybody gets them: whoever locks
must stay right without, by comparing what was read right before it is replaced.
"""

from __future__ import annotations

import errno
import time

_EVERY = 0.02
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


def try_lock(fd: int) -> bool:
    """Lock an open file until it is closed; False when a living process holds it."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno not in _HELD
    return True


def lock_within(fd: int, seconds: float) -> bool:
    """Wait for the lock of an open file; False when a living process, maybe a suspended one, has not let go by then."""
    deadline = time.monotonic() + seconds
    while not try_lock(fd):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_EVERY)
    return True
