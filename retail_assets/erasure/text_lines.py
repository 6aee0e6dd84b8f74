"""Taking rows out of a text file: their lines become empty, and every other byte stays.

The line ends stay as well, so every other row keeps its line number, by which lake and warehouse know it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

_READ_BYTES = 8 << 20
_WIDE = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4, "utf-32-le": 4, "utf-32-be": 4}


def emptied(source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str) -> int:
    """Copy a text from `source` to `sink` with some of its lines (1 = the first) empty. Returns the bytes written.

    Lines end with a line feed, or with a carriage return where `line_end` is `cr`; a carriage return before the line
    feed is part of the line end.
    """
    wanted = np.unique(np.fromiter(lines, dtype=np.int64))
    name = codecs.lookup(encoding).name
    width = _WIDE.get(name, 1)
    written = 0
    if width > 1:  # rare, and small enough for the memory: a code unit may not be cut
        data = source.read()
        for piece in _without(_wide(data, width, name), data, wanted, 1, width, line_end):
            written += sink.write(piece)
        return written
    end = b"\r" if line_end == "cr" else b"\n"
    number, rest = 1, b""
    while True:
        block = source.read(_READ_BYTES)
        data = rest + block
        cut = data.rfind(end) + 1 if block else len(data)
        whole, rest = data[:cut], data[cut:]
        if whole:
            count = whole.count(end)
            if np.any((wanted >= number) & (wanted <= number + count)):
                at = np.frombuffer(whole, dtype=np.uint8)
                for piece in _without(at, whole, wanted, number, 1, line_end):
                    written += sink.write(piece)
            else:
                written += sink.write(whole)
            number += count
        if not block:
            return written


def _wide(data: bytes, width: int, name: str) -> np.ndarray:
    """Return the code units of a text in UTF-16 or UTF-32; without a named order, its byte-order mark decides."""
    big = (
        name.endswith("-be")
        or (not name.endswith("-le") and data[:2] == codecs.BOM_UTF16_BE)
        or (width == 4 and data[:4] == codecs.BOM_UTF32_BE)
    )
    return np.frombuffer(data[: len(data) // width * width], dtype=f"{'>' if big else '<'}u{width}")


def _without(
    units: np.ndarray, data: bytes, wanted: np.ndarray, first: int, width: int, line_end: str
) -> Iterator[bytes]:
    """Yield the pieces of a text that stay. `first` is the number of its first line."""
    mark = 13 if line_end == "cr" else 10
    ends = np.flatnonzero(units == mark)
    starts = np.concatenate(([0], ends + 1))
    stops = np.append(ends, len(units))
    place = 0
    for line in (wanted - first).tolist():
        if not 0 <= line < len(starts):
            continue
        start, stop = int(starts[line]), int(stops[line])
        while mark == 10 and stop > start and stop < len(units) and units[stop - 1] == 13:
            stop -= 1
        yield data[place * width : start * width]
        place = stop
    yield data[place * width :]
