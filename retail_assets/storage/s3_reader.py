"""Reads one S3 object in ranges, always of the same version of it."""

from __future__ import annotations

import contextlib
import io
import random
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from botocore import exceptions as aws

from retail_assets.storage.s3_errors import code_of

_MIB = 1 << 20
#: The first request of an open object. Smaller objects, such as manifests and most daily files, cost one GET.
_FIRST_READ = 4 * _MIB
#: Sequential reads double the request up to this size. It bounds the memory of an open object. No connection stays open
#: while the caller works: S3 closes idle connections.
_LONGEST_READ = 32 * _MIB
#: After a seek, as in Parquet: less would cost many requests, more would be read for nothing.
_RANDOM_READ = _MIB
_READ_ATTEMPTS = 5

_T = TypeVar("_T")


class GetObject(Protocol):
    """Sends a GetObject request for one key, with extra parameters such as `Range`, and returns the response."""

    def __call__(self, key: str, **parameters: str) -> dict[str, Any]: ...


class S3Reader(io.RawIOBase):
    """A seekable reader of one object. The constructor fetches the first range.

    `size` is in bytes; `modified` is in seconds since 1970, or None for an empty object. `explaining` wraps every later
    request and turns errors of S3 into errors for the user.
    """

    def __init__(
        self, get_object: GetObject, key: str, explaining: Callable[[str], contextlib.AbstractContextManager[None]]
    ) -> None:
        super().__init__()
        self._get_object, self._key, self._explaining = get_object, key, explaining
        self._position = 0
        self._block, self._block_start = b"", 0
        self._read_ahead = _FIRST_READ
        self.size, self._tag = 0, ""
        self.modified: float | None = None
        try:
            response, self._block = self._fetch(0, _FIRST_READ)
        except aws.ClientError as e:
            if code_of(e) != "InvalidRange":  # the object is empty
                raise
        else:
            self._tag = response["ETag"]
            self.modified = response["LastModified"].timestamp()
            content_range = str(response.get("ContentRange", f"/{response['ContentLength']}"))
            self.size = int(content_range.rpartition("/")[2])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self.size or not view:
            return 0
        block_end = self._block_start + len(self._block)
        if not self._block_start <= self._position < block_end:
            is_sequential = self._position == block_end
            self._read_ahead = min(2 * self._read_ahead, _LONGEST_READ) if is_sequential else _RANDOM_READ
            length = min(max(len(view), self._read_ahead), _LONGEST_READ)
            self._block = b""  # released before the next block is allocated
            with self._explaining(f"read {self._key}"):
                _, self._block = self._fetch(self._position, length)
            self._block_start = self._position
        offset = self._position - self._block_start
        count = min(len(view), len(self._block) - offset)
        view[:count] = memoryview(self._block)[offset : offset + count]
        self._position += count
        return count

    def _fetch(self, begin: int, length: int) -> tuple[dict[str, Any], bytes]:
        parameters = {"Range": f"bytes={begin}-{begin + length - 1}"}
        if self._tag:
            parameters["IfMatch"] = self._tag

        def fetch() -> tuple[dict[str, Any], bytes]:
            response = self._get_object(self._key, **parameters)
            return response, response["Body"].read()

        return with_retries(fetch)


def with_retries(fetch: Callable[[], _T]) -> _T:
    """Call `fetch` again when the connection breaks in the middle of a response body.

    botocore retries a request only until its response begins.
    """
    for attempt in range(1, _READ_ATTEMPTS + 1):
        try:
            return fetch()
        except (aws.ResponseStreamingError, aws.ReadTimeoutError, aws.IncompleteReadError):
            if attempt == _READ_ATTEMPTS:
                raise
            time.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311 - jitter is no secret
    raise AssertionError("unreachable")
