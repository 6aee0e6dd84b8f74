"""A batch: records of one partition on their way into one landed object, compressed as they come."""

from __future__ import annotations

import zlib

from retail_assets.streaming.pseudonymized_lines import Lines
from retail_assets.streaming.record_lines import Header, poison_line

_CHUNK = 256 << 10
#: Bytes of lines; a batch this large is landed whatever its age.
LARGEST_BATCH = 32 << 20
#: Offsets without records up to which they are empty lines of a batch. A longer gap ends the batch.
_LONGEST_GAP = 10_000


class Batch:
    """Lines from the offset `first` on; `next` is the offset after its last record."""

    def __init__(self, lines: Lines, topic: str, partition: int, first: int, timestamp: int | None) -> None:
        self._lines = lines
        self._topic, self._partition = topic, partition
        self.first = self.next = first
        #: Milliseconds since 1970 by the broker; None if it has none.
        self.first_timestamp, self.last_timestamp = timestamp, timestamp
        self.records = self.rejected = 0
        self.unpacked = self.packed = 0
        self._header = Header()
        self._zip = zlib.compressobj(1, zlib.DEFLATED, 31)  # gzip without a time: the same records, the same bytes
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._parts: list[bytes] = []

    def add(self, offset: int, timestamp: int | None, value: bytes | None, *, anyway: bool = False) -> bool:
        """Add a record; return False, and add nothing, if it has to begin another batch.

        `anyway` is for a batch whose end has been decided.
        """
        gap = offset - self.next
        if gap > _LONGEST_GAP and not anyway:
            return False
        line, shape, wrong = self._lines.read(value)
        if wrong is not None:
            line = poison_line(wrong, self._topic, self._partition, offset, line)
            self.rejected += 1
        elif shape is not None and not self._header.takes(shape):
            if not anyway:
                return False
            # Since its end was decided, a contract has got other names, or a registry a schema.
            line = poison_line("keys that do not go with those before", self._topic, self._partition, offset, line)
            self.rejected += 1
        if gap:
            line = b"\n" * gap + line
        self._open.append(line)
        self._open_bytes += len(line) + 1
        self.next = offset + 1
        self.records += 1
        if timestamp is not None and (self.last_timestamp is None or timestamp > self.last_timestamp):
            self.last_timestamp = timestamp
        if self._open_bytes > _CHUNK:
            self._compress()
        return True

    @property
    def size(self) -> int:
        """Bytes of lines so far."""
        return self.unpacked + self._open_bytes

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self.packed + self._open_bytes

    def content(self) -> bytes:
        """Return the object's bytes. The batch ends with that."""
        self._compress()
        self._parts.append(self._zip.flush())
        return b"".join(self._parts)

    def _compress(self) -> None:
        if self._open:
            self._open.append(b"")
            part = self._zip.compress(b"\n".join(self._open))
            self._parts.append(part)
            self.packed += len(part)
            self.unpacked += self._open_bytes
            self._open, self._open_bytes = [], 0
