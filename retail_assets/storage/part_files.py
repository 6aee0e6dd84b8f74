"""Temporary files of local writes: their names, and which of them were left behind by processes that ended.

A writer locks the file that it writes. The lock ends with its process, however that ends, so a pause (a suspended
laptop, a slow source) is not mistaken for a crash. Where the system has no locks, age alone decides.
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import IO

from retail_assets.storage.locks import try_lock

_NAME = re.compile(r"\.[0-9a-f]{32}\.part")


def new_name() -> str:
    """Return a unique name, which begins with a dot so that no listing shows the file."""
    return f".{uuid.uuid4().hex}.part"


def is_one(name: str) -> bool:
    """Return whether a file name is that of an unfinished write."""
    return _NAME.fullmatch(name) is not None


def hold(handle: IO[bytes]) -> None:
    """Lock a file that is being written, until it is closed or the process ends."""
    try_lock(handle.fileno())


def left_over(folder: Path, before: float) -> list[Path]:
    """Return temporary files below a folder that no process holds, last written before a time (seconds since 1970)."""
    left = []
    for below, names, files in os.walk(folder):
        names.sort()
        for path in (Path(below, name) for name in sorted(files) if _NAME.fullmatch(name)):
            try:
                if path.stat().st_mtime < before and not _is_held(path):
                    left.append(path)
            except OSError:  # published since the listing, or not accessible to us
                continue
    return left


def _is_held(path: Path) -> bool:
    with path.open("r+b") as handle:
        return not try_lock(handle.fileno())
