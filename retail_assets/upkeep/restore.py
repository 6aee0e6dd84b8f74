"""Restore: every file of a backup is verified beside the home, and then takes its place in one step per folder.

Until that step everything is as it was; a crash before it leaves the old home, and files that the next restore removes.
What was there stays beside it, under a name that says when it was replaced.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.errors import StorageError
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.storage.locks import try_lock
from retail_assets.storage.store import explained
from retail_assets.upkeep.backup import copy_counted
from retail_assets.upkeep.manifest import HOME, BackupError, File, Manifest, is_within, places, read_backup

_AT_ONCE = 4
_STAGED, _NEW, _LOCK, _SWAPPING = ".restoring-", "new", "lock", "swapping"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
#: From the folders by place, as they are and as they are staged, to customers erased since the backup, by source.
Carry = Callable[[Mapping[str, Path], Mapping[str, Path]], Mapping[str, int]]


@dataclass(frozen=True)
class Restored:
    """A restored backup, and the folders that it replaced: where each was, and where it is now.

    `erased_since` are the customers, by source, who were erased after the backup and are in it: their tombstones were
    carried over, so registering all landings again erases them again.
    """

    manifest: Manifest
    replaced: tuple[tuple[Path, Path], ...]
    erased_since: Mapping[str, int] = field(default_factory=dict)


def restore(
    backup: Store, settings: Settings, *, now: dt.datetime, replace: bool = False, carry: Carry | None = None
) -> Restored:
    """Restore a backup into the folders of the settings.

    Stop the daemon and everything else that uses the home first.

    Args:
        backup: as `back_up` has left it.
        settings: name the folders, which need not be those of the backup.
        now: the time, in UTC.
        replace: also where the folders hold something.
        carry: adds to the staged folders what must outlive a restore (`erasure/restored.py`).

    Raises:
        BackupError: the backup is not whole or was changed, or the folders hold something and `replace` is not given.
        StorageError: a store or the disk refuses. Nothing was changed.
    """
    manifest = read_backup(backup)
    targets = _targets(manifest, settings)
    # The home last: it holds the records by which a pipeline goes on.
    roots = sorted(_outermost(targets.values()), key=lambda root: (is_within(targets[HOME], root), str(root)))
    occupied = [root for root in roots if root.exists() and (not root.is_dir() or any(root.iterdir()))]
    if occupied and not replace:
        raise BackupError(
            f"{', '.join(map(str, occupied))}: not empty. Nothing was restored. Restore into other folders "
            "(RETAIL_HOME, RETAIL_OUTPUT), or give --replace: what is there is then kept beside it."
        )
    if mounts := [root for root in roots if root.is_mount()]:
        raise BackupError(
            f"{mounts[0]} is a mount point, which cannot be replaced in one step. Set RETAIL_HOME to a folder below it."
        )
    _refuse_a_full_disk(manifest, targets, roots)
    with contextlib.ExitStack() as stack:
        staged = {root: stack.enter_context(_staging(root)) for root in roots}
        folders = {
            name: staged[root] / _NEW / folder.relative_to(root)
            for name, folder in targets.items()
            for root in roots
            if is_within(folder, root)
        }
        _fetch(backup, manifest.files, folders)
        _protect(manifest.folders, folders)
        erased = carry(targets, folders) if carry else {}
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        replaced = [_take_place(root, staged[root], stamp) for root in roots]
        return Restored(manifest, tuple(filter(None, replaced)), erased)


def _targets(manifest: Manifest, settings: Settings) -> dict[str, Path]:
    targets = {}
    for name, uri in places(settings).items():
        if name not in manifest.places:
            continue
        if "://" in uri:
            raise BackupError(
                f"The backup has files of {name}, and the settings put them at {uri}. A backup is restored into "
                "folders of this machine: set another place, or copy the files of the backup there."
            )
        targets[name] = Path(uri).resolve()
    if settings.warehouse != manifest.warehouse:
        raise BackupError(
            f"The backup is of a home with RETAIL_WAREHOUSE={manifest.warehouse}, and here it is {settings.warehouse}. "
            "Set the same."
        )
    return targets


def _outermost(folders: Iterable[Path]) -> set[Path]:
    each = set(folders)
    return {folder for folder in each if not any(other != folder and is_within(folder, other) for other in each)}


def _refuse_a_full_disk(manifest: Manifest, targets: dict[str, Path], roots: Sequence[Path]) -> None:
    for root in roots:
        needed = sum(file.bytes for file in manifest.files if is_within(targets[file.place], root))
        disk = next(folder for folder in (root, *root.parents) if folder.exists())
        if (free := shutil.disk_usage(disk).free) < needed:
            raise StorageError(
                f"The disk of {root} has {free:,} bytes free, and {needed:,} are needed. Nothing was restored."
            )


@contextlib.contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """A folder beside `root`, locked while it is in use; what killed restores have left is removed first."""
    with explained(f"restore beside {root}"):
        root.parent.mkdir(parents=True, exist_ok=True)
    for left in root.parent.glob(f".{root.name}{_STAGED}*"):
        if not (left / _SWAPPING).exists() and _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    with explained(f"restore beside {root}"):
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}{_STAGED}", dir=root.parent))
    with (staging / _LOCK).open("wb") as lock:
        try_lock(lock.fileno())
        try:
            (staging / _NEW).mkdir()
            yield staging
        finally:
            if not (staging / _SWAPPING).exists():
                shutil.rmtree(staging, ignore_errors=True)


def _is_abandoned(staging: Path) -> bool:
    try:
        with (staging / _LOCK).open("rb") as lock:
            return try_lock(lock.fileno())
    except FileNotFoundError:
        return False  # about to be made, or about to be removed
    except OSError:
        return False


def _fetch(backup: Store, files: Sequence[File], folders: dict[str, Path]) -> None:
    """Copy and verify every file. Raises BackupError for the first one that is not as the manifest says."""

    def fetched(file: File) -> None:
        path = folders[file.place].joinpath(*file.key.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with backup.open(file.stored_as) as source, path.open("xb") as target:
            if copy_counted(source, target.write) != (file.bytes, file.sha256):
                raise BackupError(
                    f"{backup.uri_of(file.stored_as)} is not as the manifest says: it is cut off or was changed. "
                    "Nothing was restored. Use another backup."
                )
            target.flush()
            os.fsync(target.fileno())
        path.chmod(file.mode)
        os.utime(path, ns=(file.modified, file.modified))

    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(fetched, files))
    except OSError as e:
        raise StorageError(f"Cannot restore: {e.strerror or e} ({e.filename}). Nothing was restored.") from e


def _protect(permissions: Mapping[str, int], folders: Mapping[str, Path]) -> None:
    """Give the staged folders the permissions that they had; their owner can always write."""
    for name, mode in permissions.items():
        place, _, key = name.partition("/")
        path = folders[place].joinpath(key)
        if path.is_dir():
            path.chmod(mode | stat.S_IRWXU)


def _take_place(root: Path, staging: Path, stamp: str) -> tuple[Path, Path] | None:
    """Put the staged folder in place of `root`; return where what was there is now."""
    new = staging / _NEW
    if not root.exists() or not any(root.iterdir()):
        new.rename(root)  # also over an empty folder
        return None
    before = root.with_name(f"{root.name}.before-restore-{stamp}")
    if before.exists():
        raise StorageError(f"{before} exists already. Nothing was restored. Try again in a second.")
    (staging / _SWAPPING).touch()  # from here on what is in the staging folder may be the old home
    if not _exchanged(new, root):
        root.rename(before)
        try:
            new.rename(root)
        except OSError:
            before.rename(root)
            (staging / _SWAPPING).unlink()
            raise
    else:
        new.rename(before)
    (staging / _SWAPPING).unlink()
    return root, before


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can; False, and nothing is changed, where it cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in (errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EPERM):
        return False
    raise StorageError(f"Cannot put {one} in place of {other}: {os.strerror(code)}. Nothing was restored.")
