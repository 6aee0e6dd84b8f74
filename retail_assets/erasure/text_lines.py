"""Taking rows out of a text file: their lines become empty, and every other byte stays.

The line ends stay as well, so every other row keeps its line number, by which lake and warehouse know it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import IO, Protocol

import numpy as np

_READ_BYTES = 8 << 20
_WIDE = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4, "utf-32-le": 4, "utf-32-be": 4}


def emptied(source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str) -> int:
    """Copy a text from `source` to `sink` with some of its lines (1 = the first) empty. Returns the bytes written.

    Lines end with a line feed, or with a carriage return where `line_end` is `cr`; a carriage return before the line
    feed is part of the line end.
    """
    return _copied(source, sink, lines, encoding, line_end, _without)


def only(source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str) -> int:
    """Copy nothing but some lines of a text, with their line ends. Returns the bytes written."""
    return _copied(source, sink, lines, encoding, line_end, _only)


class _Pieces(Protocol):
    """Yields the pieces of a text that stay. `at` are the code units of `data`, and `first` is its first line."""

    def __call__(self, at: np.ndarray, data: bytes, wanted: np.ndarray, first: int, mark: int) -> Iterator[bytes]: ...


def _copied(
    source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str, pieces: _Pieces
) -> int:
    wanted = np.unique(np.fromiter(lines, dtype=np.int64))
    name = codecs.lookup(encoding).name
    mark = 13 if line_end == "cr" else 10
    written = 0
    if name in _WIDE:  # rare, and small enough for the memory: a code unit may not be cut
        data = source.read()
        for piece in pieces(_wide(data, name), data, wanted, 1, mark):
            written += sink.write(piece)
        return written
    number, rest, end = 1, b"", bytes([mark])
    while True:
        block = source.read(_READ_BYTES)
        data = rest + block
        cut = data.rfind(end) + 1 if block else len(data)
        whole, rest = data[:cut], data[cut:]
        if whole:
            for piece in pieces(np.frombuffer(whole, dtype=np.uint8), whole, wanted, number, mark):
                written += sink.write(piece)
            number += whole.count(end)
        if not block:
            return written


def _wide(data: bytes, name: str) -> np.ndarray:
    """Return the code units of a text in UTF-16 or UTF-32; without a named order, its byte-order mark decides."""
    width = _WIDE[name]
    marks = (codecs.BOM_UTF16_BE,) if width == 2 else (codecs.BOM_UTF32_BE,)
    big = name.endswith("-be") or (not name.endswith("-le") and data.startswith(marks))
    return np.frombuffer(data[: len(data) // width * width], dtype=f"{'>' if big else '<'}u{width}")


def _bounds(at: np.ndarray, wanted: np.ndarray, first: int, mark: int) -> Iterator[tuple[int, int, int]]:
    """Yield for each wanted line of a text where it starts, where it stops, and where the next line starts."""
    ends = np.flatnonzero(at == mark)
    starts = np.concatenate(([0], ends + 1))
    stops = np.append(ends, len(at))
    for line in (wanted[np.searchsorted(wanted, first) :] - first).tolist():
        if line >= len(starts):
            return
        start, stop = int(starts[line]), int(stops[line])
        following = min(stop + 1, len(at))
        while mark == 10 and following > stop > start and at[stop - 1] == 13:
            stop -= 1
        yield start, stop, following


def _without(at: np.ndarray, data: bytes, wanted: np.ndarray, first: int, mark: int) -> Iterator[bytes]:
    width, place = at.itemsize, 0
    for start, stop, _ in _bounds(at, wanted, first, mark):
        yield data[place * width : start * width]
        place = stop
    yield data[place * width :]


def _only(at: np.ndarray, data: bytes, wanted: np.ndarray, first: int, mark: int) -> Iterator[bytes]:
    width = at.itemsize
    for start, _, following in _bounds(at, wanted, first, mark):
        yield data[start * width : following * width]
