"""Lines of a text file emptied, copied or replaced: every other byte stays.

The line ends stay as well, so every other row keeps its line number, by which lake and warehouse know it.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
from collections.abc import Iterable, Iterator
from typing import IO, cast

import numpy as np

_READ_BYTES = 8 << 20
_WIDE = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4, "utf-32-le": 4, "utf-32-be": 4}
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def emptied(source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str) -> int:
    """Copy a text from `source` to `sink` with some of its lines (1 = the first) empty. Returns the bytes written.

    Lines end with a line feed, or with a carriage return where `line_end` is `cr`; a carriage return before the line
    feed is part of the line end.
    """
    wanted = np.unique(np.fromiter(lines, dtype=np.int64))
    written = 0
    for block in _blocks(source, encoding, line_end):
        written += sum(map(sink.write, _without(*block, wanted)))
    return written


def only(source: IO[bytes], sink: IO[bytes], lines: Iterable[int], encoding: str, line_end: str) -> int:
    """Copy nothing but some lines of a text, with their line ends. Returns the bytes written."""
    wanted = np.unique(np.fromiter(lines, dtype=np.int64))
    written = 0
    for block in _blocks(source, encoding, line_end):
        written += sum(map(sink.write, _only(*block, wanted)))
    return written


def replaced(source: IO[bytes], sink: IO[bytes], texts: Iterator[tuple[int, str]], encoding: str, line_end: str) -> int:
    """Copy a text with other texts in place of some of its lines. Returns the number of lines replaced.

    `texts` has the number of each such line and its text without a line end, in ascending order; it is read as the file
    is, so that neither needs memory.
    """
    count = 0
    waiting = next(texts, None)
    for at, data, first, mark in _blocks(source, encoding, line_end):
        following = first + int(np.count_nonzero(at == mark)) + (len(at) > 0 and at[-1] != mark)
        here: list[tuple[int, str]] = []
        while waiting is not None and waiting[0] < following:
            here.append(waiting)
            waiting = next(texts, None)
        count += len(here)
        wanted = np.fromiter((line for line, _ in here), dtype=np.int64, count=len(here))
        codec, width, place = _codec(encoding, at, data), at.itemsize, 0
        parts: list[bytes] = []
        for (start, stop, _), (_, text) in zip(_bounds(at, data, first, mark, wanted), here, strict=True):
            begin = start * width
            if first == 1 and not start:  # a byte-order mark is not of the line
                begin = next((len(m) for m in _MARKS if data.startswith(m)), 0)
            parts += data[place * width : begin], text.rstrip("\r").encode(codec)
            place = stop
        parts.append(data[place * width :])
        sink.write(b"".join(parts))
    return count


@contextlib.contextmanager
def compressing(sink: IO[bytes], compression: str | None) -> Iterator[IO[bytes]]:
    """Open a stream whose bytes get into `sink` as they are, or by gzip: the same bytes give the same file."""
    if compression is None:
        yield sink
        return
    with gzip.GzipFile("", "wb", fileobj=sink, mtime=0) as packed:
        yield cast(IO[bytes], packed)


def _blocks(source: IO[bytes], encoding: str, line_end: str) -> Iterator[tuple[np.ndarray, bytes, int, int]]:
    """Yield a text in blocks of whole lines: code units, bytes, the first line, and the mark that ends lines."""
    name = codecs.lookup(encoding).name
    mark = 13 if line_end == "cr" else 10
    if name in _WIDE:  # rare, and small enough for the memory: a code unit may not be cut
        data = source.read()
        yield _wide(data, name), data, 1, mark
        return
    number, rest, end = 1, b"", bytes([mark])
    while True:
        block = source.read(_READ_BYTES)
        data = rest + block
        cut = data.rfind(end) + 1 if block else len(data)
        whole, rest = data[:cut], data[cut:]
        if whole:
            yield np.frombuffer(whole, dtype=np.uint8), whole, number, mark
            number += whole.count(end)
        if not block:
            return


def _codec(encoding: str, at: np.ndarray, data: bytes) -> str:
    """Return the codec for a piece of a text, which begins without a byte-order mark."""
    name = codecs.lookup(encoding).name
    if name in ("utf-16", "utf-32"):
        return f"{name}-{'be' if at.dtype.str.startswith('>') else 'le'}"
    return "utf-8" if name == "utf-8-sig" else name


def _wide(data: bytes, name: str) -> np.ndarray:
    """Return the code units of a text in UTF-16 or UTF-32; without a named order, its byte-order mark decides."""
    width = _WIDE[name]
    marks = (codecs.BOM_UTF16_BE,) if width == 2 else (codecs.BOM_UTF32_BE,)
    big = name.endswith("-be") or (not name.endswith("-le") and data.startswith(marks))
    return np.frombuffer(data[: len(data) // width * width], dtype=f"{'>' if big else '<'}u{width}")


def _bounds(at: np.ndarray, data: bytes, first: int, mark: int, wanted: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Yield for each wanted line of a text where it starts, where it stops, and where the next line starts."""
    ends = np.flatnonzero(at == mark)
    starts = np.concatenate(([0], ends + 1))
    stops = np.append(ends, len(at))
    lines = wanted[np.searchsorted(wanted, first) :] - first
    lines = lines[: np.searchsorted(lines, len(starts))]
    for start, stop in zip(starts[lines].tolist(), stops[lines].tolist(), strict=True):
        following = min(stop + 1, len(at))
        while mark == 10 and following > stop > start and at[stop - 1] == 13:
            stop -= 1
        yield start, stop, following


def _without(at: np.ndarray, data: bytes, first: int, mark: int, wanted: np.ndarray) -> Iterator[bytes]:
    width, place = at.itemsize, 0
    for start, stop, _ in _bounds(at, data, first, mark, wanted):
        yield data[place * width : start * width]
        place = stop
    yield data[place * width :]


def _only(at: np.ndarray, data: bytes, first: int, mark: int, wanted: np.ndarray) -> Iterator[bytes]:
    width = at.itemsize
    for start, _, following in _bounds(at, data, first, mark, wanted):
        yield data[start * width : following * width]
