"""One object store over local folders, S3 and Azure: list, read, write, publish atomically.

Keys are `/`-separated and relative to the store's root. What does not belong here: what the objects mean.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from retail_assets.errors import StorageBusyError, StorageError
from retail_assets.storage import local_files, part_files
from retail_assets.storage.locks import lock_within
from retail_assets.storage.objects import Entry, Page, RemoteObjects

_NAME = r"[^/\x00-\x1f\x7f\ud800-\udfff]+"
_KEY = re.compile(rf"{_NAME}(/{_NAME})*\Z")
#: How long to wait for a lock; a swap holds it for milliseconds.
_LOCK_SECONDS = 60

#: The extra of this project that installs the packages for a remote scheme.
_EXTRAS = {"s3": "aws", "abfs": "azure"}


class Store:
    """Objects below `uri`, which is a local folder, `s3://…` or `abfs://…`.

    Local writes go to a temporary file first and are renamed into place, so that a reader never sees half an object.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder)
    ...     store.write("sales/dt=2024-01-01/a.csv", b"1")
    ...     [entry.key for entry in store.list("sales")]
    ['sales/dt=2024-01-01/a.csv']
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/") or "/"
        self.is_local = "://" not in self.uri
        self._opened: RemoteObjects | None = None

    def __repr__(self) -> str:
        return f"Store({self.uri!r})"

    def uri_of(self, key: str) -> str:
        """Return the full path or URI of a key."""
        return f"{self.uri.rstrip('/')}/{_checked(key)}"

    def local_path(self, key: str) -> Path:
        """Return the path of a key in a local store. Raises StorageError for a remote one."""
        if not self.is_local:
            raise StorageError(f"{self.uri} is not a local folder")
        return Path(self.uri, *_checked(key).split("/"))

    def list(self, prefix: str) -> builtins.list[Entry]:
        """Return every object below the folder `prefix`, sorted by key.

        `prefix` is a folder, not the beginning of a name: `dt=1` does not match `dt=10`. Names that begin with `.` are
        unfinished writes and are left out, as is what cannot be an object, such as a link to a folder: `unread` has
        these. A folder that does not exist is empty.
        """
        with self._explained(f"list {self.uri}/{prefix}"):
            prefix = _checked(prefix) if prefix else prefix
            entries = local_files.walk(Path(self.uri), prefix) if self.is_local else self._remote().list(prefix)
            return sorted((e for e in entries if _is_visible(e.key)), key=lambda e: e.key)

    def pages(self, prefix: str, named: str = "", after: str = "") -> Iterator[Page]:
        """Yield the objects below the folders directly below `prefix`, one page after the other, sorted by folder.

        Only folders whose names begin with `named` and sort after `after` are listed. Nothing is asked of the store
        before a page is wanted, so a reader that stops has made as many requests as it has seen pages. What `list`
        leaves out is left out here, too.
        """
        with self._explained(f"list {self.uri}/{prefix}"):
            prefix = _checked(prefix)
            if self.is_local:
                for page in local_files.pages(Path(self.uri), prefix, named, after):
                    yield Page([e for e in page.entries if _is_visible(e.key)], page.listed_at)
            else:
                for page in self._remote().pages(prefix, named, after):
                    yield Page([e for e in page.entries if _is_below(e.key, prefix, named, after)], page.listed_at)

    def keys_not_listed(self, prefix: str) -> builtins.list[str]:
        """Return the keys of a remote store that `list` leaves out; for a local one, see `unread`."""
        with self._explained(f"list {self.uri}/{prefix}"):
            return [] if self.is_local else [e.key for e in self._remote().list(prefix) if not _is_visible(e.key)]

    def folders(self, prefix: str, since: str = "") -> builtins.list[str]:
        """Return the names of the folders directly below `prefix`, sorted: one listing, not a walk of the tree.

        With `since`, only names from that one on; S3 does not list the ones before.
        """
        with self._explained(f"list {self.uri}/{prefix}"):
            prefix = _checked(prefix) if prefix else prefix
            if self.is_local:
                base = Path(self.uri, *filter(None, prefix.split("/")))
                children = base.iterdir() if base.is_dir() else ()
                names = [p.name for p in children if p.is_dir()]
            else:
                names = [*self._remote().folders(prefix, since)]
            return sorted(name for name in names if name >= since and not name.startswith("."))

    def names_in(self, prefix: str) -> tuple[builtins.list[str], builtins.list[str]]:
        """Return the names of what lies directly in the folder `prefix`, hidden names excluded: files, and folders.

        Files of a remote store are not listed: it has no cheap listing of one folder's objects.
        """
        if not self.is_local:
            return [], self.folders(prefix)
        with self._explained(f"list {self.uri}/{prefix}"):
            base = Path(self.uri, *filter(None, prefix.split("/")))
            children = sorted(base.iterdir()) if base.is_dir() else []
            visible = [p for p in children if not p.name.startswith(".")]
            return [p.name for p in visible if not p.is_dir()], [p.name for p in visible if p.is_dir()]

    def exists(self, key: str) -> bool:
        """Return whether there is an object (not only a folder) at `key`."""
        with self._explained(f"look for {self.uri_of(key)}"):
            return self.local_path(key).is_file() if self.is_local else self._remote().exists(_checked(key))

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """Open an object for reading, as bytes. Raises StorageError if it is missing or not readable."""
        with self._explained(f"read {self.uri_of(key)}"):
            handle: IO[bytes]
            handle = self.local_path(key).open("rb") if self.is_local else self._remote().open(_checked(key))
        with handle:
            yield handle

    def read(self, key: str) -> bytes:
        """Return the content of an object. Raises StorageError if it is missing or not readable."""
        with self.open(key) as f, self._explained(f"read {self.uri_of(key)}"):
            return f.read()

    def read_if_exists(self, key: str) -> bytes | None:
        """Return the content of an object, or None if there is no object."""
        tagged = self.read_tagged(key)
        return None if tagged is None else tagged[0]

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        """Return the content of an object and the tag of this version, for `swap`; None if there is no object."""
        with self._explained(f"read {self.uri_of(key)}"):
            if not self.is_local:
                return self._remote().read_tagged(_checked(key))
            path = self.local_path(key)
            if not path.is_file():
                return None
            data = path.read_bytes()
            return data, hashlib.sha256(data).hexdigest()

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        """Publish an object in place of the version with the tag `tag` (None: if there is no object yet).

        Returns False, and changes nothing, if another writer was faster. So of several writers that have read the same
        version one succeeds, and no write is lost unnoticed.
        """
        doing = f"write {self.uri_of(key)}"
        with self._explained(doing):
            if not self.is_local:
                # A request that was repeated because its response was lost finds its own data there.
                return self._remote().swap(_checked(key), data, tag) or self.read_if_exists(key) == data
            path = self.local_path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path.parent):
                current = self.read_tagged(key)
                if (current[1] if current else None) != tag:
                    return False
                self.write(key, data)
                return True

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[IO[bytes]]:
        """Write an object as a stream. It appears whole if the block succeeds, and not at all otherwise."""
        doing = f"write {self.uri_of(key)}"
        with self._writing_remote(key, doing) if not self.is_local else self._writing_local(key, doing) as handle:
            yield handle

    @contextlib.contextmanager
    def _writing_local(self, key: str, doing: str) -> Iterator[IO[bytes]]:
        target = self.local_path(key)
        temporary = target.parent / part_files.new_name()
        with explained(doing):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = temporary.open("xb")
        try:
            with handle:
                part_files.hold(handle)
                yield handle
                with explained(doing):
                    handle.flush()
                    os.fsync(handle.fileno())
            with explained(doing):
                os.replace(temporary, target)
                _sync_folder(target.parent)
        except BaseException as e:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if isinstance(e, OSError) and e.errno in (*_SPACE, errno.EFBIG):  # raised by a write to the handle
                with explained(doing):
                    raise
            raise

    @contextlib.contextmanager
    def _writing_remote(self, key: str, doing: str) -> Iterator[IO[bytes]]:
        remote = self._remote()
        # Spooled to local disk first: an upload of a whole file appears at once or not at all, while a stream publishes
        # half an object if its writer fails.
        with explained(f"{doing} (spooling to {tempfile.gettempdir()})"):
            whole = tempfile.NamedTemporaryFile()  # noqa: SIM115 - closed below, whatever the block raises
        with whole:
            try:
                yield cast(IO[bytes], whole)
                whole.flush()
            except OSError as e:
                if e.errno in _SPACE:
                    with explained(f"{doing} (spooling to {tempfile.gettempdir()})"):
                        raise
                raise
            with self._explained(doing):
                remote.upload(_checked(key), whole.name)

    def write(self, key: str, data: bytes) -> None:
        """Publish an object: readers see the old bytes or the new ones, never a mixture."""
        if self.is_local:
            with self.writing(key) as f:
                f.write(data)
            return
        with self._explained(f"write {self.uri_of(key)}"):
            self._remote().put(_checked(key), data)

    def delete(self, keys: builtins.list[str]) -> None:
        """Delete objects; a missing object is no error."""
        keys = [_checked(key) for key in keys]
        if self.is_local:
            for key in keys:
                with explained(f"delete {self.uri_of(key)}"):
                    self.local_path(key).unlink(missing_ok=True)
        elif keys:
            with self._explained(f"delete {self.uri_of(keys[0])}{' and others' if keys[1:] else ''}"):
                self._remote().delete(keys)

    def filesystem(self) -> Any:
        """Return an fsspec file system of a remote store, for DuckDB: it opens what `uri_of` returns."""
        return self._remote().filesystem()

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        if self.is_local:
            with explained(doing):
                yield
        else:
            with explained(doing), self._remote().explaining(doing):
                yield

    def _remote(self) -> RemoteObjects:
        """The remote store's objects, imported late: a local store needs none of the packages."""
        if self._opened is None:
            scheme = self.uri.split("://")[0]
            try:
                if scheme == "s3":
                    from retail_assets.storage.s3_objects import S3Objects

                    self._opened = S3Objects(self.uri)
                elif scheme == "abfs":
                    from retail_assets.storage.fsspec_objects import AzureObjects

                    self._opened = AzureObjects(self.uri)
                else:
                    from retail_assets.storage.fsspec_objects import FsspecObjects

                    self._opened = FsspecObjects(self.uri)
            except ImportError as e:
                extra = f"'retail-assets[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else "an fsspec package"
                raise StorageError(
                    f"{self.uri}: {scheme}:// needs packages that are not installed ({e.name}). "
                    f"Install them: pip install {extra}"
                ) from e
        return self._opened


def is_key(key: str) -> bool:
    """Return whether a text can be the key of an object: folders and a name, in UTF-8, without control characters.

    >>> is_key("shop/dt=2024-01-01/a.csv"), is_key("shop//a.csv")
    (True, False)
    """
    return bool(_KEY.match(key)) and not any(part in (".", "..") for part in key.split("/"))


def _is_visible(key: str) -> bool:
    return "/." not in f"/{key}" and bool(_KEY.match(key))


def _is_below(key: str, prefix: str, named: str, after: str) -> bool:
    folder, separator, _ = key[len(prefix) + 1 :].partition("/")
    return bool(separator) and folder.startswith(named) and folder > after and _is_visible(key)


def _checked(key: str) -> str:
    if not is_key(key):
        raise StorageError(f"not a valid object key: {key!r}")
    return key


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure, where the platform can open a folder."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder that lock it the same way; the lock ends with the process.

    Without locks, what was read is still compared right before it is replaced. Raises StorageBusyError if another
    process, perhaps a suspended one, does not release the lock.
    """
    if os.name == "nt":  # folders cannot be opened there
        yield
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        if not lock_within(fd, _LOCK_SECONDS):
            raise StorageBusyError(
                f"Another process has been writing in {folder} for {_LOCK_SECONDS} s. Try again later."
            )
        yield
    finally:
        os.close(fd)


_SPACE = (errno.ENOSPC, errno.EDQUOT)
#: What a network file system answers while its server is away: another attempt can help.
_AWAY = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.EHOSTDOWN, errno.ENOTCONN)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an error of the operating system into a StorageError that says what to do."""
    try:
        yield
    except StorageError:
        raise
    except (FileExistsError, NotADirectoryError) as e:
        raise StorageError(f"Cannot {doing}: a file is in the place of a folder ({e.filename}). Move it away.") from e
    except IsADirectoryError as e:
        raise StorageError(f"Cannot {doing}: that is a folder. Move it away, or choose another name.") from e
    except FileNotFoundError as e:
        raise StorageError(f"Cannot {doing}: it is not there. Check the path and the settings.") from e
    except PermissionError as e:
        raise StorageError(f"Cannot {doing}: permission denied. Check its owner and permissions.") from e
    except OSError as e:
        if e.errno in _SPACE:
            raise StorageError(f"Cannot {doing}: the disk is full. Free some space and try again.") from e
        if e.errno == errno.EROFS:
            raise StorageError(f"Cannot {doing}: the file system is read-only. Choose another folder.") from e
        if e.errno in _AWAY:
            raise StorageBusyError(f"Cannot {doing}: the file system does not answer ({e.strerror}). Try again.") from e
        raise StorageError(f"Cannot {doing}: {e.strerror or e}. Check the store and try again.") from e
