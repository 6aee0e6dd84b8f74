"""One object store over local folders, S3 and Azure: list, read, write, publish atomically.

Keys are `/`-separated and relative to the store's root. What does not belong here: what the objects mean.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
import errno
import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from retail_assets.errors import StorageError

_KEY = re.compile(r"[^/\x00-\x1f\x7f]+(/[^/\x00-\x1f\x7f]+)*\Z")
#: Packages that open a remote scheme.
_PACKAGES = {"s3": "s3fs", "abfs": "adlfs"}


@dataclass(frozen=True)
class Entry:
    """One object: `key` below the root, `size` in bytes, `modified` as seconds since 1970 or None."""

    key: str
    size: int
    modified: float | None


class Store:
    """A folder tree at `uri`: a local folder, `s3://…` or `abfs://…`.

    Local writes go to a temporary file first and are renamed into place, so that a reader never sees half an object.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/") or "/"
        self.is_local = "://" not in self.uri

    def __repr__(self) -> str:
        return f"Store({self.uri!r})"

    def uri_of(self, key: str) -> str:
        """Full path or URI of a key."""
        return f"{self.uri.rstrip('/')}/{_checked(key)}"

    def local_path(self, key: str) -> Path:
        """Path of a key in a local store. Raises StorageError for a remote one."""
        if not self.is_local:
            raise StorageError(f"{self.uri} is not a local folder")
        return Path(self.uri, *_checked(key).split("/"))

    def list(self, prefix: str) -> builtins.list[Entry]:
        """Every object below the folder `prefix` (not a name prefix: `dt=1` does not find `dt=10`), sorted by key.

        Names that begin with `.` are unfinished writes and are left out. A folder that is not there is empty.
        """
        with _explained(f"list {self.uri}/{prefix}"):
            prefix = _checked(prefix) if prefix else prefix
            if self.is_local:
                entries = list(_walk(Path(self.uri), prefix))
            else:
                fs, root = self._remote()
                found = fs.find(f"{root}/{prefix}", detail=True) if prefix else fs.find(root, detail=True)
                entries = [
                    Entry(path[len(root) + 1 :], int(info["size"]), _timestamp(info)) for path, info in found.items()
                ]
        visible = (e for e in entries if not any(part.startswith(".") for part in e.key.split("/")))
        return sorted(visible, key=lambda e: e.key)

    def folders(self, prefix: str) -> builtins.list[str]:
        """Names of the folders directly below `prefix`, sorted. One listing, not a walk."""
        with _explained(f"list {self.uri}/{prefix}"):
            prefix = _checked(prefix) if prefix else prefix
            if self.is_local:
                base = Path(self.uri, *filter(None, prefix.split("/")))
                found = base.iterdir() if base.is_dir() else ()
                return sorted(p.name for p in found if p.is_dir() and not p.name.startswith("."))
            fs, root = self._remote()
            try:
                listed = fs.ls(f"{root}/{prefix}", detail=True)
            except FileNotFoundError:
                return []
            names = (i["name"].rstrip("/").rsplit("/", 1)[-1] for i in listed if i["type"] == "directory")
            return sorted(name for name in names if not name.startswith("."))

    def exists(self, key: str) -> bool:
        with _explained(f"look for {self.uri_of(key)}"):
            if self.is_local:
                return self.local_path(key).is_file()
            fs, root = self._remote()
            return bool(fs.isfile(f"{root}/{_checked(key)}"))

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """Open an object for reading, as bytes. Raises StorageError when it is not there or not readable."""
        with _explained(f"read {self.uri_of(key)}"):
            handle: IO[bytes]
            if self.is_local:
                handle = self.local_path(key).open("rb")
            else:
                fs, root = self._remote()
                handle = fs.open(f"{root}/{_checked(key)}", "rb")
        with handle:
            yield handle

    def read(self, key: str) -> bytes:
        with self.open(key) as f, _explained(f"read {self.uri_of(key)}"):
            return f.read()

    def read_if_exists(self, key: str) -> bytes | None:
        return self.read(key) if self.exists(key) else None

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[IO[bytes]]:
        """Write an object as a stream. It appears whole when the block ends well, and not at all otherwise."""
        doing = f"write {self.uri_of(key)}"
        with self._writing_remote(key, doing) if not self.is_local else self._writing_local(key, doing) as handle:
            yield handle

    @contextlib.contextmanager
    def _writing_local(self, key: str, doing: str) -> Iterator[IO[bytes]]:
        target = self.local_path(key)
        temporary = target.parent / f".{uuid.uuid4().hex}.part"
        with _explained(doing):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = temporary.open("xb")
        try:
            with handle:
                yield handle
                with _explained(doing):
                    handle.flush()
                    os.fsync(handle.fileno())
            with _explained(doing):
                os.replace(temporary, target)
                _sync_folder(target.parent)
        except BaseException as e:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if isinstance(e, OSError) and e.errno in _SPACE:  # whoever wrote to the handle met the full disk
                with _explained(doing):
                    raise
            raise

    @contextlib.contextmanager
    def _writing_remote(self, key: str, doing: str) -> Iterator[IO[bytes]]:
        with _explained(doing):
            fs, root = self._remote()
        # To local disk first: what is sent at the end is whole, and an upload appears at once or not at all. Streams
        # and transactions of fsspec commit half an object when the writer fails, or another thread's objects.
        with tempfile.NamedTemporaryFile() as whole:
            yield cast(IO[bytes], whole)
            with _explained(doing):
                whole.flush()
                fs.put_file(whole.name, f"{root}/{_checked(key)}")

    def write(self, key: str, data: bytes) -> None:
        """Publish an object: readers see the old bytes or the new, never a mixture."""
        with self.writing(key) as f:
            f.write(data)

    def delete(self, keys: builtins.list[str]) -> None:
        """Delete objects; those already gone are no error."""
        for key in keys:
            with _explained(f"delete {self.uri_of(key)}"):
                if self.is_local:
                    self.local_path(key).unlink(missing_ok=True)
                else:
                    fs, root = self._remote()
                    with contextlib.suppress(FileNotFoundError):
                        fs.rm_file(f"{root}/{_checked(key)}")

    def filesystem(self) -> Any:
        """The fsspec file system of a remote store."""
        return self._remote()[0]

    def _remote(self) -> tuple[Any, str]:
        """The fsspec file system and the root path in it. Imported late: local use needs neither s3fs nor adlfs."""
        from upath import UPath

        try:
            path = UPath(self.uri)
            return path.fs, path.path.rstrip("/")
        except ImportError as e:
            scheme = self.uri.split("://")[0]
            package = _PACKAGES.get(scheme, "an fsspec package")
            raise StorageError(
                f"{self.uri}: {scheme}:// needs {package}, which is not installed. Install it: pip install {package}"
            ) from e


def _checked(key: str) -> str:
    if not _KEY.match(key) or any(part in (".", "..") for part in key.split("/")):
        raise StorageError(f"not a valid object key: {key!r}")
    return key


def _walk(root: Path, prefix: str) -> Iterator[Entry]:
    base = Path(root, *filter(None, prefix.split("/")))
    for folder, names, files in os.walk(base, onerror=_raise):
        names[:] = sorted(n for n in names if not n.startswith("."))
        for name in files:
            path = Path(folder, name)
            try:
                stat = path.stat()
            except FileNotFoundError:  # gone since the listing
                continue
            yield Entry(path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime)


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _timestamp(info: dict[str, Any]) -> float | None:
    moment: Any = info.get("LastModified") or info.get("last_modified") or info.get("mtime")
    return moment.timestamp() if isinstance(moment, dt.datetime) else moment


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut. Not every platform can open a folder."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def _explained(doing: str) -> Iterator[None]:
    """Turn what the operating system or the object store says into a StorageError that says what to do."""
    try:
        yield
    except StorageError:
        raise
    except (FileExistsError, NotADirectoryError) as e:
        raise StorageError(
            f"Cannot {doing}: a file stands where a folder should be ({e.filename}). Move it away."
        ) from e
    except IsADirectoryError as e:
        raise StorageError(f"Cannot {doing}: that is a folder. Move it away, or choose another name.") from e
    except FileNotFoundError as e:
        raise StorageError(f"Cannot {doing}: it is not there. Check the path and the settings.") from e
    except PermissionError as e:
        raise StorageError(f"Cannot {doing}: permission denied. Check the owner and the rights of it.") from e
    except OSError as e:
        if e.errno in _SPACE:
            raise StorageError(f"Cannot {doing}: the disk is full. Free some space and run the same again.") from e
        if e.errno == errno.EROFS:
            raise StorageError(f"Cannot {doing}: the file system is read-only. Choose another folder.") from e
        raise StorageError(f"Cannot {doing}: {e.strerror or e}. Check the store and run the same again.") from e
    except Exception as e:
        # botocore and azure-core have families of their own; they are known by their packages, which may be missing.
        if type(e).__module__.split(".")[0] in ("botocore", "aiobotocore", "azure", "aiohttp"):
            raise StorageError(
                f"Cannot {doing}: {type(e).__name__}: {str(e)[:200]}. Check credentials, region and endpoint."
            ) from e
        raise
