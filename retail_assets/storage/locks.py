"""Locks between processes of one machine, on open files or folders; a lock ends with its process, however that ends.

Some systems have no such locks (Windows, some network drives). There every attempt to lock succeeds, so code that locks
must be correct without the lock as well: it compares what it read right before it replaces it.
"""

from __future__ import annotations

import errno
import time

_EVERY = 0.02
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


def try_lock(fd: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock."""
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
    """Wait up to `seconds` for the lock of an open file; return False if another process still holds it then."""
    deadline = time.monotonic() + seconds
    while not try_lock(fd):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_EVERY)
    return True
