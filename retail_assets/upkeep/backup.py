"""Backup: a copy of a home and its embedded warehouse, with a checksum of every file, beside a running pipeline.

The warehouse is copied first, so that it is never newer than the lake: a landing that was cleaned but not loaded is
what a crash leaves, and the next run loads it. In every place, records come before what they name, which outlives them
by a day; a copy that lacks something that its records name is made again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import IO

from retail_assets import __version__
from retail_assets.errors import StorageError
from retail_assets.platform import Platform
from retail_assets.storage import Store
from retail_assets.storage.store import explained, is_key
from retail_assets.upkeep.manifest import HOME, MANIFEST, BackupError, File, Manifest, is_within, places, write_manifest
from retail_assets.upkeep.whole import RECORD, missing

_AT_ONCE = 4
_ATTEMPTS = 3
_CHUNK = 1 << 20
#: Permissions of a folder where nobody has set any.
_USUAL = 0o755
_SQLITE = b"SQLite format 3\0"
_SQLITE_BESIDE = ("-wal", "-shm", "-journal")

_REMOTE = "it is in a remote store: keep it by that store's versioning or replication"
_REDSHIFT = (
    "tables in Redshift are kept by its snapshots; all but `segment_migrations` are built again from the lake as well"
)


def back_up(platform: Platform, backup: Store, *, now: dt.datetime, dagster_home: Path | None = None) -> Manifest:
    """Copy all places of a home that are on this machine, of all its sources, and write the manifest last.

    Hidden files, and names that no store can have, are not copied.

    Args:
        platform: the places, and the warehouse, which waits for a writer and lets none begin while it is copied.
        backup: an empty folder, or prefix of a remote store.
        now: the time, in UTC.
        dagster_home: the folder of Dagster's records; outside of all places it is left out by name.

    Raises:
        BackupError: there is something in `backup`, or it is inside a place that is copied, or the other way round.
        WarehouseBusyError: another process has been writing to the warehouse for too long.
        StorageError: a store refuses.
    """
    settings = platform.settings
    everywhere = places(settings)
    local = {name: Path(uri) for name, uri in everywhere.items() if "://" not in uri}
    with explained(f"write a backup to {backup.uri}"):
        _refuse(backup, local)
    if not local[HOME].is_dir():
        raise BackupError(f"There is no home at {local[HOME]} to back up. Check RETAIL_HOME.")
    left_out = {name: _REMOTE for name in everywhere if name not in local}
    if backup.is_local:
        with explained(f"write a backup to {backup.uri}"):
            # Also where the folder itself is open to others: what is in it has keys, and rows about people.
            for folder in (Path(backup.uri), *(Path(backup.uri, name) for name in local)):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = _warehouse(platform, backup, local[HOME])
    skip = set(local.values())
    if files is None:
        left_out["warehouse"], files = _REDSHIFT, []
    else:
        skip |= {settings.duckdb_path.with_name(settings.duckdb_path.name + end) for end in ("", ".wal", ".tmp")}
    for name, folder in local.items():
        files += _place(name, folder, skip, backup)
        left_out |= _links(name, folder, skip)
    left_out |= _dagster_outside(dagster_home, local)
    manifest = Manifest(
        format=1,
        created=now.isoformat(timespec="seconds"),
        code_version=__version__,
        source=settings.source,
        warehouse=settings.warehouse,
        places={name: str(folder) for name, folder in local.items()},
        left_out=left_out,
        files=sorted(files, key=lambda file: file.stored_as),
        folders=_permissions(local, files),
    )
    write_manifest(backup, manifest)
    return manifest


def _refuse(backup: Store, local: dict[str, Path]) -> None:
    if backup.is_local:
        target = Path(backup.uri).resolve()
        for name, folder in local.items():
            if is_within(target, folder.resolve()) or is_within(folder.resolve(), target):
                raise BackupError(
                    f"{backup.uri} and {folder} ({name}) are one inside the other. Choose another folder."
                )
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise _not_empty(backup)
    elif backup.list(""):
        raise _not_empty(backup)


def _not_empty(backup: Store) -> BackupError:
    holds = "has a backup" if backup.read_if_exists(MANIFEST) is not None else "is not empty"
    return BackupError(f"{backup.uri} {holds}. Every backup needs a folder of its own: choose a new one.")


def _warehouse(platform: Platform, backup: Store, home: Path) -> list[File] | None:
    """Copy the database's files while nobody writes to them; a remote backup uploads them after that.

    None where the database is no file.
    """
    with contextlib.ExitStack() as uploads:
        files = []
        with platform.warehouse.unchanged() as database:
            for path in database or ():
                key = path.relative_to(home).as_posix()
                target = uploads.enter_context(backup.writing(f"{HOME}/{key}"))
                with path.open("rb") as source:
                    files.append(_copied(HOME, key, source, path.stat(), target))
    return None if database is None else files


def _place(name: str, folder: Path, skip: set[Path], backup: Store) -> list[File]:
    for _ in range(_ATTEMPTS):
        records = _copy(name, folder, [p for p in _files(folder, skip) if p.name.endswith(RECORD)], backup)
        others = _copy(name, folder, [p for p in _files(folder, skip) if not p.name.endswith(RECORD)], backup)
        files = [*records, *others]
        lacking = missing(name, Store(backup.uri_of(name)), {file.key for file in files})
        if not lacking:
            return files
        backup.delete([file.stored_as for file in files])
    raise StorageError(
        f"{folder} cannot be backed up: {lacking[0]} is named there and is missing, or was deleted again and again "
        "while it was copied. Is it damaged? See retail-assets doctor and status."
    )


def _files(folder: Path, skip: set[Path]) -> list[Path]:
    """The visible files below a folder, without those of other places, and those beside SQLite's databases."""
    found = []
    for below, names, files in os.walk(folder):
        names[:] = sorted(n for n in names if not n.startswith(".") and Path(below, n) not in skip)
        for path in (Path(below, name) for name in sorted(files)):
            if path.name.startswith(".") or path in skip or path.name.endswith(_SQLITE_BESIDE):
                continue
            if is_key(path.relative_to(folder).as_posix()):
                found.append(path)
    return found


def _links(name: str, folder: Path, skip: set[Path]) -> dict[str, str]:
    """Return the links to folders below a folder, which are not followed, with what to do."""
    found = {}
    for below, names, _ in os.walk(folder):
        names[:] = sorted(n for n in names if not n.startswith(".") and Path(below, n) not in skip)
        for path in (Path(below, n) for n in names if Path(below, n).is_symlink()):
            found[f"{name}/{path.relative_to(folder).as_posix()}"] = f"a link to {path.resolve()}: copy that yourself"
    return found


def _dagster_outside(dagster_home: Path | None, local: Mapping[str, Path]) -> dict[str, str]:
    """Return the folder of Dagster's records if it is in no place that is copied, with what to do."""
    if dagster_home is None or not dagster_home.is_dir():
        return {}
    if any(is_within(Path(os.path.abspath(dagster_home)), Path(os.path.abspath(folder))) for folder in local.values()):
        return {}  # behind a link it is named as one
    folders = [folder.resolve() for folder in local.values()]
    if any(is_within(dagster_home.resolve(), folder) for folder in folders):
        return {}
    return {"DAGSTER_HOME": f"{dagster_home} is outside of the home: copy that yourself"}


def _permissions(local: Mapping[str, Path], files: Sequence[File]) -> dict[str, int]:
    """Return the permissions of the places, and of those folders of the files that are not as usual."""
    below = {(file.place, parent.as_posix()) for file in files for parent in PurePosixPath(file.key).parents}
    found = {}
    for name, key in sorted(below | {(name, ".") for name in local}):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(local[name].joinpath(key).stat().st_mode)
            if key == "." or mode != _USUAL:
                found[name if key == "." else f"{name}/{key}"] = mode
    return found


def _copy(name: str, folder: Path, paths: Sequence[Path], backup: Store) -> list[File]:
    """Copy files; those that are gone since the listing are left out."""

    def copied(path: Path) -> File | None:
        key = path.relative_to(folder).as_posix()
        try:
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                return None
            with _readable(name, path) as source, backup.writing(f"{name}/{key}") as target:
                return _copied(name, key, source, about, target)
        except FileNotFoundError:
            return None
        except PermissionError as e:
            raise StorageError(
                f"{path} cannot be read: {e.strerror}. Run the backup as the user of the home."
            ) from None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [file for file in pool.map(copied, paths) if file is not None]


@contextlib.contextmanager
def _readable(name: str, path: Path) -> Iterator[IO[bytes]]:
    """Open a file; of a database of SQLite that may be in use, a copy as of one moment."""
    with path.open("rb") as source:
        is_database = name == HOME and source.read(len(_SQLITE)) == _SQLITE
        source.seek(0)
        if not is_database:
            yield source
            return
    with tempfile.TemporaryDirectory(prefix="retail-backup-") as scratch:
        copy = Path(scratch, "copy.db")
        with (
            contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as live,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            live.backup(target)
        with copy.open("rb") as source:
            yield source


def _copied(name: str, key: str, source: IO[bytes], about: os.stat_result, target: IO[bytes]) -> File:
    size, digest = copy_counted(source, target.write)
    return File(name, key, size, digest, stat.S_IMODE(about.st_mode), about.st_mtime_ns)


def copy_counted(source: IO[bytes], write: Callable[[bytes], object]) -> tuple[int, str]:
    """Copy a stream; return its size and its SHA-256."""
    size, digest = 0, hashlib.sha256()
    while chunk := source.read(_CHUNK):
        write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
