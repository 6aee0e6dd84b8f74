"""Resources and rights taken away: small disks, limits on the size of files, users without permissions."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@contextlib.contextmanager
def mounted_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 512 KB at an empty folder. Skips the test if that is not permitted.

    Limits on the size of files stand in for it where nothing can be mounted.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"may not mount: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def limit_file_size(most: int) -> None:
    """Let every write of this process beyond `most` bytes of a file fail, as on a full disk. Cannot be undone."""
    import resource  # POSIX only

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@contextlib.contextmanager
def limited_workers(most: int) -> Iterator[None]:
    """Keep Spark's Python workers, present and future ones, from writing files of more than `most` bytes."""
    assert _limit_workers(most), "Spark has no Python workers yet"
    try:
        yield
    finally:
        _limit_workers(psutil.RLIM_INFINITY)


def _limit_workers(most: int) -> int:
    """Set the limit and return the number of workers. Those that they fork inherit it."""
    limited = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may end meanwhile
            if "java" not in process.name() and "pyspark" in " ".join(process.cmdline()):
                process.rlimit(psutil.RLIMIT_FSIZE, (most, psutil.RLIM_INFINITY))
                limited += 1
    return limited


def become_nobody(home: Path | None = None) -> None:
    """Become the user nobody if this is root, whom permissions do not stop. Keeps the path to `home` open."""
    if os.geteuid() == 0:
        shared = Path(tempfile.gettempdir())
        for folder in (home, *home.parents) if home else ():
            if shared in folder.parents and folder.owner() == "root":
                folder.chmod(folder.stat().st_mode | 0o011)
        os.setgid(65534)
        os.setuid(65534)
