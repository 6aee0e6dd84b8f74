"""The bytes of a text file: hashed while they are read, decompressed, decoded."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
from collections.abc import Iterator
from typing import IO, cast

READ_BYTES = 8 << 20
#: A longer physical line (in UTF-8) is a file without line ends, not a record.
MAX_LINE_BYTES = 16 << 20


class Hashing(io.RawIOBase):
    """Passes bytes through and hashes them, so that one read of the file serves both purposes."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self.sha256 = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.sha256.update(data)
        self.count += len(data)
        return data


def uncompressed(handle: IO[bytes], compression: str | None) -> IO[bytes]:
    """Return the uncompressed byte stream of a text file. `compression` is `gzip` or None."""
    return cast(IO[bytes], gzip.open(handle, "rb")) if compression else handle


def decoded(stream: IO[bytes], decoder: codecs.IncrementalDecoder, head: str) -> Iterator[bytes]:
    """Yield a text file in blocks of UTF-8: the `head` that was decoded before, then the rest of the stream."""
    yield head.encode()
    while chunk := stream.read(READ_BYTES):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
