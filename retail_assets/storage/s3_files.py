"""Objects of S3 as the file system that DuckDB asks for, so that it reads them as every other part does.

DuckDB's own S3 extension is not in its package, and needs credentials of its own.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from fsspec import AbstractFileSystem

from retail_assets.storage.s3_objects import Reading, S3Objects


class S3Files(AbstractFileSystem):
    """Opens single objects below `root` (`s3://bucket/prefix/`) for reading. It lists nothing."""

    protocol = "s3"
    cachable = False

    def __init__(self, objects: S3Objects, root: str) -> None:
        super().__init__()
        self._objects = objects
        self._below = self._strip_protocol(root) + "/"
        self._about: dict[str, tuple[int, float | None]] = {}

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and type of an object."""
        size, _modified = self._known(path)
        return {"name": self._strip_protocol(path), "size": size, "type": "file"}

    def modified(self, path: str) -> dt.datetime:
        """When an object was written; DuckDB asks to see whether it is still the same."""
        _size, modified = self._known(path)
        return dt.datetime.fromtimestamp(modified or 0, dt.UTC)

    def _known(self, path: str) -> tuple[int, float | None]:
        name = self._strip_protocol(path)
        if name not in self._about:
            self._open(name).close()
        return self._about[name]

    def glob(self, path: str, **_: Any) -> list[str]:
        """The one object that a pattern without wildcards names: `[[]` stands for `[`."""
        name = self._strip_protocol(path)
        for mark in "[*?":
            name = name.replace(f"[{mark}]", mark)
        return [name]

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """The object itself."""
        found = self.info(path)
        return [found] if detail else [found["name"]]

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BufferedReader:
        if mode != "rb":
            raise io.UnsupportedOperation("S3Files reads only")
        name = self._strip_protocol(path)
        key = name.removeprefix(self._below)
        with self._objects.explaining(f"read {key}"):
            reading = Reading(self._objects, key)
        self._about[name] = reading.size, reading.modified
        return io.BufferedReader(reading, 64 << 10)
