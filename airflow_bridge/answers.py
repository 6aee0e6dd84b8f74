"""The bytes of an HTTP answer, unpacked within bounds: a few packed kilobytes can stand for gigabytes."""

from __future__ import annotations

import zlib

import httpx

#: Bytes of an answer, unpacked; the event log of a long run has a few megabytes per page.
LARGEST = 64 * 1024 * 1024


class AnswerError(Exception):
    """An answer that is not read; the message continues a sentence that begins with the address."""


class Body:
    """The bytes of an answer, unpacked as they come, and never more of them than `LARGEST`."""

    def __init__(self, headers: httpx.Headers) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
            raise AnswerError(f"answers in the encoding {encoding[:40]!r}, which was not asked for")
        # 47: the window of zlib, and a header of gzip or zlib.
        self._unpacker = None if encoding in ("identity", "") else zlib.decompressobj(47)

    def add(self, chunk: bytes) -> None:
        room = LARGEST - self._size + 1
        if self._unpacker is not None:
            try:
                chunk = self._unpacker.decompress(chunk, room)
            except zlib.error as e:
                raise AnswerError(f"answers with packed bytes that are damaged ({e})") from None
        self._size += len(chunk)
        if self._size > LARGEST:
            raise AnswerError(f"answers with more than {LARGEST // 1024**2} MiB")
        self._parts.append(chunk)

    @property
    def data(self) -> bytes:
        return b"".join(self._parts)
