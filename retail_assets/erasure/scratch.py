"""Temporary folders of an erasing, and what killed processes have left of theirs: copies of anything.

A folder of an erasing is locked while it is in use. Those of other work have no lock; they are in use for minutes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from retail_assets.storage.locks import try_lock

_PREFIX, _LOCK = "retail-erase-", ".lock"
_OTHERS = ("retail-backup-", "retail-bundle-", "retail-land-", "retail-segments-", "retail-tableau-")
_IN_USE_SECONDS = 3600


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder that is removed at the end, or by the next erasing if this process is killed."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with (folder / _LOCK).open("wb") as lock:
            try_lock(lock.fileno())
            yield folder


def discard_left() -> int:
    """Remove the temporary folders of this user whose processes were killed. Returns how many."""
    gone = 0
    if not hasattr(os, "getuid"):  # no owners, and no locks that could tell
        return gone
    for folder in sorted(Path(tempfile.gettempdir()).glob("retail-*")):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and folder.is_dir() and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
    return gone


def _is_left(folder: Path) -> bool:
    if folder.name.startswith(_PREFIX):
        with (folder / _LOCK).open("rb") as lock:
            return try_lock(lock.fileno())
    return folder.name.startswith(_OTHERS) and folder.stat().st_mtime < time.time() - _IN_USE_SECONDS
