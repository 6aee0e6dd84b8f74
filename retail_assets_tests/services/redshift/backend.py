"""A client of PostgreSQL for the wire and its tests: simple queries, COPY in and out, on a Unix socket."""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

#: Oids of PostgreSQL's types.
_ARROW: dict[int, pa.DataType] = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
}
_NUMERIC = 1700


class BackendError(Exception):
    """PostgreSQL's own ErrorResponse; it has already aborted the transaction."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.fields = {part[:1].decode(): part[1:].decode() for part in raw.split(b"\0") if part}
        super().__init__(self.fields.get("M", "?"))


def packed(tag: bytes, body: bytes = b"") -> bytes:
    return tag + struct.pack("!i", len(body) + 4) + body


def read_message(stream: Any) -> tuple[bytes, bytes]:
    head = stream.read(5)
    if len(head) < 5:
        raise ConnectionError("closed")
    return head[:1], stream.read(struct.unpack("!i", head[1:])[0] - 4)


class Backend:
    """One session of PostgreSQL. `status` is the last ReadyForQuery's (I, T or E)."""

    def __init__(self, path: Path, user: str, database: str, **options: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self.stream = self._socket.makefile("rb")
        given = " ".join(f"-c {name}={value}" for name, value in options.items())
        parts = {"user": user, "database": database, "client_encoding": "UTF8", "options": given}
        body = b"".join(f"{k}\0{v}\0".encode() for k, v in parts.items()) + b"\0"
        self._socket.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
        self.status = b"I"
        self.pid = 0

    def started(self) -> list[tuple[bytes, bytes]]:
        """Messages up to the first ReadyForQuery. Raises BackendError when the session is refused."""
        messages = []
        while True:
            tag, body = read_message(self.stream)
            if tag == b"E":
                raise BackendError(body)
            if tag == b"K":
                self.pid = struct.unpack("!i", body[:4])[0]
            messages.append((tag, body))
            if tag == b"Z":
                return messages

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        self.stream.close()
        self._socket.close()

    def ask(self, sql: str) -> list[list[str | None]]:
        """Run a statement; rows as texts."""
        self.send(packed(b"Q", sql.encode() + b"\0"))
        rows: list[list[str | None]] = []
        for tag, body in self._until_ready():
            if tag == b"D":
                rows.append(_row(body))
        return rows

    def describe(self, sql: str) -> pa.Schema:
        """The columns of a query as Redshift would write them to Parquet."""
        self.send(packed(b"Q", f"SELECT * FROM ({sql}) AS q LIMIT 0".encode() + b"\0"))
        fields: list[pa.Field] = []
        for tag, body in self._until_ready():
            if tag != b"T":
                continue
            at = 2
            for _ in range(struct.unpack_from("!h", body)[0]):
                end = body.index(b"\0", at)
                _, _, oid, _, modifier, _ = struct.unpack_from("!ihihih", body, end + 1)
                kind = _ARROW.get(oid, pa.string())
                if oid == _NUMERIC:
                    digits = modifier - 4
                    kind = pa.decimal128(digits >> 16, digits & 0xFFFF) if modifier >= 0 else pa.decimal128(38, 10)
                fields.append(pa.field(body[at:end].decode(), kind))
                at = end + 19
        return pa.schema(fields)

    def copy_in(self, sql: str, chunks: Iterable[bytes]) -> None:
        self.send(packed(b"Q", sql.encode() + b"\0"))
        tag, body = read_message(self.stream)
        if tag == b"E":
            list(self._until_ready())
            raise BackendError(body)
        assert tag == b"G", tag
        for chunk in chunks:
            self.send(packed(b"d", chunk))
        self.send(packed(b"c"))
        list(self._until_ready())

    def copy_out(self, sql: str) -> Iterator[bytes]:
        self.send(packed(b"Q", sql.encode() + b"\0"))
        for tag, body in self._until_ready():
            if tag == b"d":
                yield body

    def _until_ready(self) -> Iterator[tuple[bytes, bytes]]:
        error = None
        while True:
            tag, body = read_message(self.stream)
            if tag == b"E":
                error = body
            elif tag == b"Z":
                self.status = body
                if error is not None:
                    raise BackendError(error)
                return
            else:
                yield tag, body


class Chunks(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _row(body: bytes) -> list[str | None]:
    at, row = 2, []
    for _ in range(struct.unpack_from("!h", body)[0]):
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        row.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return row
