"""Temporary files of local writes: how one is known, whether its writer lives, and which are left of the dead.

A writer locks the file that it writes. The lock ends with its process, however that ends, so no clock has to guess
whether a writer that pauses (a suspended laptop, a slow source) is still there. Where there are no locks, age alone
must tell.
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
    """A name that nobody else uses; it begins with a dot, so that no listing shows the file."""
    return f".{uuid.uuid4().hex}.part"


def hold(handle: IO[bytes]) -> None:
    """Lock a file that is being written, until it is closed or the process ends."""
    try_lock(handle.fileno())


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
        return not try_lock(handle.fileno())
