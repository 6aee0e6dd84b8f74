"""What a store asks of an object store that is not a folder; S3 and fsspec's are modules of their own."""

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
    """One object: `key` below the root, `size` in bytes, `modified` as seconds since 1970 or None.

    `tag` changes when the content does, where the store has such a thing (the ETag of S3), else None.
    """

    key: str
    size: int
    modified: float | None
    tag: str | None = None


class RemoteObjects(abc.ABC):
    """What a `Store` asks of an object store that is not a folder. Keys are checked, prefixes end with no slash."""

    @abc.abstractmethod
    def list(self, prefix: str) -> Iterable[Entry]:
        """Every object below a folder, in any order."""

    @abc.abstractmethod
    def folders(self, prefix: str) -> Iterable[str]:
        """Names of the folders directly below a folder."""

    @abc.abstractmethod
    def exists(self, key: str) -> bool: ...

    @abc.abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """A seekable handle on one version of an object."""

    @abc.abstractmethod
    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        """Content and tag of one version of an object; None when it is not there."""

    @abc.abstractmethod
    def put(self, key: str, data: bytes) -> None: ...

    @abc.abstractmethod
    def upload(self, key: str, path: str) -> None:
        """Make a local file an object, which appears whole or not at all."""

    @abc.abstractmethod
    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        """Write if the object is the one `tag` stands for (None: if there is none); returns whether it was."""

    @abc.abstractmethod
    def delete(self, keys: builtins.list[str]) -> None: ...

    @abc.abstractmethod
    def filesystem(self) -> Any:
        """An fsspec file system that opens full URIs."""

    @abc.abstractmethod
    def explain(self, error: Exception) -> StorageError | None:
        """The store's own error in words: what it means and what to do; None for errors that are not the store's."""

    @contextlib.contextmanager
    def explaining(self, doing: str) -> Iterator[None]:
        """Turn the store's own errors into StorageError. Without their cause: its text may name endpoints and roles."""
        try:
            yield
        except StorageError:
            raise
        except Exception as e:
            known = self.explain(e)
            if known is None:
                raise
            raise type(known)(f"Cannot {doing}: {known}") from None
