"""The interface that a `Store` needs of a remote object store; `s3_objects` and `fsspec_objects` implement it."""

from __future__ import annotations

import abc
import builtins
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from retail_assets.errors import StorageError


@dataclass(frozen=True)
class Entry:
    """One object: `key` below the root, `size` in bytes, `modified` in seconds since 1970 or None.

    `tag` changes with the content (the ETag of S3); it is None if the store has no such tag.
    """

    key: str
    size: int
    modified: float | None
    tag: str | None = None


@dataclass(frozen=True)
class Page:
    """A part of a listing as the store answers it: one request to a remote store, one folder of a local one.

    `listed_at` is the moment of the answer in seconds since 1970, by the store's own clock where it says so. `entries`
    always have a tag and a time. Of local files the time is that of the last change of any kind, such as a renaming.
    """

    entries: list[Entry]
    listed_at: float


class RemoteObjects(abc.ABC):
    """The objects below one URI. Keys have already been checked; prefixes do not end with a slash."""

    @abc.abstractmethod
    def list(self, prefix: str) -> Iterable[Entry]:
        """Return every object below a folder, in any order."""

    @abc.abstractmethod
    def pages(self, prefix: str, named: str, after: str) -> Iterator[Page]:
        """Yield what is below the folders directly below `prefix`, in order: names beginning `named`, after `after`."""

    @abc.abstractmethod
    def folders(self, prefix: str, since: str = "") -> Iterable[str]:
        """Return the names of the folders directly below a folder; those before `since` may be left out."""

    @abc.abstractmethod
    def exists(self, key: str) -> bool: ...

    @abc.abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """Open one version of an object; the handle is seekable."""

    @abc.abstractmethod
    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        """Return content and tag of one version of an object, or None if there is no object."""

    @abc.abstractmethod
    def put(self, key: str, data: bytes) -> None: ...

    @abc.abstractmethod
    def upload(self, key: str, path: str) -> None:
        """Upload a local file as an object, which appears whole or not at all."""

    @abc.abstractmethod
    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        """Write if the object still has the tag `tag` (None: if there is no object); return whether it did."""

    @abc.abstractmethod
    def delete(self, keys: builtins.list[str]) -> None: ...

    @abc.abstractmethod
    def filesystem(self) -> Any:
        """Return an fsspec file system that opens full URIs."""

    @abc.abstractmethod
    def explain(self, error: Exception) -> StorageError | None:
        """Return what an error of the store means and what to do, or None for an error that is not the store's."""

    @contextlib.contextmanager
    def explaining(self, doing: str) -> Iterator[None]:
        """Turn the store's own errors into StorageError, without the cause: its text may name endpoints and roles."""
        try:
            yield
        except StorageError:
            raise
        except Exception as e:
            explained = self.explain(e)
            if explained is None:
                raise
            raise type(explained)(f"Cannot {doing}: {explained}") from None
