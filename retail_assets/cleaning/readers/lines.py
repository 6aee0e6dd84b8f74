"""The physical lines of a buffer: where each starts and stops, which are blank, and their texts as Arrow strings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute

from retail_assets.cleaning.readers.records import REPLACEMENT_CHARACTER

NEWLINE = 10
_RETURN = 13


@dataclass(frozen=True)
class Lines:
    """The physical lines of a buffer that ends with a line end.

    `at` are the bytes of `data`; `start` and `stop` say where each line starts and where it stops without its line end;
    `newline` is the position of its line feed.
    """

    data: bytes
    at: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    newline: np.ndarray

    @classmethod
    def of(cls, data: bytes) -> Lines:
        at = np.frombuffer(data, dtype=np.uint8)
        newline = np.flatnonzero(at == NEWLINE)
        start = np.concatenate((np.zeros(1, dtype=np.int64), newline[:-1] + 1))
        stop = newline
        if b"\r" in data:
            stop = newline - ((at[np.maximum(newline - 1, 0)] == _RETURN) & (newline > start))
            again = np.flatnonzero((stop > start) & (at[np.maximum(stop - 1, 0)] == _RETURN))
            for i in again.tolist():  # \r\r\n, as in a text written twice through Windows' text mode
                stop[i] = start[i] + len(data[start[i] : stop[i]].rstrip(b"\r"))
        return cls(data, at, start, stop, newline)

    def __getitem__(self, i: int) -> bytes:
        return self.data[self.start[i] : self.stop[i]]

    def of_bytes(self, places: np.ndarray) -> np.ndarray:
        """Return the line number of each byte position."""
        return np.searchsorted(self.start, places, side="right") - 1

    def blank(self) -> np.ndarray:
        """Return which lines hold only white space and control characters (bytes up to 32)."""
        blank = self.stop <= self.start
        unclear = np.flatnonzero(~blank & (self.at[self.start] <= 32))
        if len(unclear):
            bounds = np.stack((self.start[unclear], self.stop[unclear]), axis=1).ravel()
            blank[unclear] = np.add.reduceat(self.at > 32, bounds, dtype=np.int64)[::2] == 0
        return blank

    def with_returns(self) -> np.ndarray:
        r"""Return the lines that have a carriage return elsewhere than in a line end `\r\n`."""
        if self.data.count(b"\r") == int(np.count_nonzero(self.stop < self.newline)):
            return np.zeros(0, dtype=np.int64)
        returns = np.flatnonzero(self.at == _RETURN)
        return np.unique(self.of_bytes(returns[self.at[returns + 1] != NEWLINE]))

    def joined(self, first: np.ndarray, end: np.ndarray) -> bytes | memoryview:
        """Return the text of records, with line ends, leaving out what lies between them.

        Each record spans the lines `first[i]` to `end[i]` (exclusive).
        """
        view = memoryview(self.data)
        begin = self.start[first]
        stop = self.newline[end - 1] + 1
        breaks = np.flatnonzero(begin[1:] != stop[:-1]) + 1
        if not len(breaks):
            return view[int(begin[0]) : int(stop[-1])]
        runs = zip(np.append(0, breaks), np.append(breaks, len(begin)), strict=True)
        return b"".join(view[begin[a] : stop[b - 1]] for a, b in runs)


def texts(data: bytes, begin: np.ndarray, stop: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Return the texts of ascending byte ranges, and which of them are not text.

    Not text is what cannot be decoded, or contains NUL or U+FFFD. In those, NUL and undecodable bytes become U+FFFD.
    """
    bounds = np.stack((begin, stop), axis=1).ravel().astype(np.int32)
    ranges_and_gaps = pa.Array.from_buffers(
        pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    )
    ranges = ranges_and_gaps.take(pa.array(np.arange(0, len(bounds) - 1, 2)))
    bad = np.zeros(len(begin), dtype=bool)
    if not _is_text(data):
        at = np.frombuffer(data, dtype=np.uint8)
        unusual = np.flatnonzero((at >= 128) | (at == 0))
        rows = np.unique(np.searchsorted(begin, unusual, side="right") - 1)
        repaired: list[bytes] = []
        for row in rows[rows >= 0].tolist():
            text = data[begin[row] : stop[row]].decode("utf-8", "replace")
            if REPLACEMENT_CHARACTER in text or "\x00" in text:
                bad[row] = True
                repaired.append(text.replace("\x00", REPLACEMENT_CHARACTER).encode())
        ranges = pa.compute.replace_with_mask(ranges, pa.array(bad), pa.array(repaired, pa.binary()))
    return pa.Array.from_buffers(pa.string(), len(ranges), ranges.buffers(), offset=ranges.offset), bad


def _is_text(data: bytes) -> bool:
    if b"\x00" in data:
        return False
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return REPLACEMENT_CHARACTER.encode() not in data
