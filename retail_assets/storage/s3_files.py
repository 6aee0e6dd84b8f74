"""S3 objects as an fsspec file system for DuckDB, so that it reads them with the same client as everything else.

DuckDB's own S3 extension is not in its wheel, and would need credentials of its own.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

from fsspec import AbstractFileSystem

from retail_assets.storage.s3_reader import S3Reader


class S3Files(AbstractFileSystem):
    """Opens single objects below `root` (`s3://bucket/prefix/`) for reading. It lists nothing.

    `reader` opens the object of a key below the root.
    """

    protocol = "s3"
    cachable = False

    def __init__(self, root: str, reader: Callable[[str], S3Reader]) -> None:
        super().__init__()
        self._root = self._strip_protocol(root) + "/"
        self._reader = reader
        self._facts: dict[str, tuple[int, float | None]] = {}

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and type of an object."""
        size, _modified = self._size_and_time(path)
        return {"name": self._strip_protocol(path), "size": size, "type": "file"}

    def modified(self, path: str) -> dt.datetime:
        """Return when an object was written: DuckDB asks whether it is still the same."""
        _size, modified = self._size_and_time(path)
        return dt.datetime.fromtimestamp(modified or 0, dt.UTC)

    def _size_and_time(self, path: str) -> tuple[int, float | None]:
        name = self._strip_protocol(path)
        if name not in self._facts:
            self._open(name).close()
        return self._facts[name]

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the one object that a pattern without wildcards names: `[[]` stands for `[`."""
        name = self._strip_protocol(path)
        for mark in "[*?":
            name = name.replace(f"[{mark}]", mark)
        return [name]

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List the object itself."""
        entry = self.info(path)
        return [entry] if detail else [entry["name"]]

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BufferedReader:
        if mode != "rb":
            raise io.UnsupportedOperation("S3Files only reads")
        name = self._strip_protocol(path)
        reader = self._reader(name.removeprefix(self._root))
        self._facts[name] = reader.size, reader.modified
        return io.BufferedReader(reader, 64 << 10)
