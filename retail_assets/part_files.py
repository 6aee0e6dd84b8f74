"""Temporary files of local writes: how one is known, whether its writer lives, and which are left of the dead.

A writer locks the file that it writes. The lock ends with its process, however that ends, so no clock has to guess
whether a writer that pauses (a suspended laptop, a slow source) is still there.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from pathlib import Path
from typing import IO

_NAME = re.compile(r"\.[0-9a-f]{32}\.part")


def new_name() -> str:
    """A name that nobody else uses; it begins with a dot, so that no listing shows the file."""
    return f".{uuid.uuid4().hex}.part"


def hold(handle: IO[bytes]) -> None:
    """Lock a file that is being written, until it is closed or the process ends."""
    _lock(handle.fileno())


def left_over(folder: Path, before: float) -> list[Path]:
    """Temporary files below a folder that were last written before a time (seconds since 1970), by nobody alive."""
    found = []
    for below, names, files in os.walk(folder):
        names.sort()
        for path in (Path(below, name) for name in sorted(files) if _NAME.fullmatch(name)):
            try:
                if path.stat().st_mtime < before and not _is_held(path):
                    found.append(path)
            except OSError:  # published since it was listed, or not ours to judge
                continue
    return found


def _is_held(path: Path) -> bool:
    with path.open("r+b") as handle:
        return not _lock(handle.fileno())


def _lock(fd: int) -> bool:
    """Lock an open file; False when a living process holds it.

    Where there are no such locks (Windows, some network file systems) nobody holds any, and age alone must tell.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True
