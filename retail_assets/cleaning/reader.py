"""From the bytes of a landed file to records of text, each with its raw text and its place in the file.

A record is what a row of the table should be; it keeps the physical line it begins on and how many it spans, so that
every line of the file can be accounted for. Nothing is dropped here: a record that cannot be split into the header's
fields comes out with the reason. What the texts mean is `parse.py`.

Text files stream in blocks, so memory does not grow with the file; where a block ends makes no difference to the
records. The common block (quotes only where they belong) costs one pass of numpy over the bytes and one of Arrow's CSV
parser; lines with odd quoting are read one by one.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT, UNCLOSED_QUOTE
from retail_assets.contracts.typing_sql import literal
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspect import MAX_LINE_BYTES

BLOCK_BYTES = 16 << 20
#: A quoted field that spans more lines or bytes than this is taken for a quote that never closes.
MAX_LINES_IN_RECORD = 1000
MAX_RECORD_BYTES = MAX_LINE_BYTES

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_NO_TEXT = "\ufffd"
_PARQUET_ROWS = 100_000


@dataclass(frozen=True)
class Records:
    """A block of records.

    `table` has text columns c0…cN (null where a CSV record cannot be split), `line` (int64, physical line where the
    record begins, 1 = first line of the file; row number in Parquet), `lines` (int32, physical lines that are not
    blank), `raw` (text as in the file, without the last line end) and `defects` (int64 mask of rules.READING).
    """

    table: pa.Table


def read_records(handle: IO[bytes], profile: FileProfile, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Records]:
    """Every record of an open file after its header, in order.

    Raises LandingError when the file as a whole cannot be read: a truncated gzip, a broken Parquet file, a line of more
    than MAX_LINE_BYTES.
    """
    try:
        if profile.format == "parquet":
            yield from _parquet_records(handle, profile)
            return
        text = _utf8_blocks(handle, profile, block_bytes)
        parser = _JsonLines(profile) if profile.format == "jsonl" else _Csv(profile)
        yield from parser.records(text)
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise LandingError(
            f"{profile.key} is damaged: its gzip stream ends or breaks off in the middle ({e}). "
            "Land a whole copy with `retail-assets land --replace`; nothing of it has been loaded."
        ) from e
    except pa.ArrowException as e:
        raise LandingError(
            f"{profile.key} cannot be read as {profile.format}: {str(e)[:300]}. Land a whole copy with --replace."
        ) from e


def open_text(handle: IO[bytes], profile_compression: str | None) -> IO[bytes]:
    """The uncompressed byte stream of a text file."""
    if profile_compression == "gzip":
        return cast(IO[bytes], gzip.open(handle, "rb"))
    return handle


def _utf8_blocks(handle: IO[bytes], profile: FileProfile, size: int) -> Iterator[bytes]:
    """The file in blocks of about `size` bytes of UTF-8; line ends are `\\n` or `\\r\\n`."""
    stream = open_text(handle, profile.compression)
    decoder = None
    if codecs.lookup(profile.encoding).name != "utf-8":
        decoder = codecs.getincrementaldecoder(profile.encoding)(errors="replace")
    while True:
        block = stream.read(size)
        last = not block
        if decoder:
            block = decoder.decode(block, final=last).encode("utf-8")
        if profile.line_end == "cr":
            block = block.replace(b"\r", b"\n")
        if block:
            yield block
        if last:
            return


def _whole_lines(blocks: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Buffers that end with a line end, cut from a stream of blocks; the byte-order mark is gone."""
    rest: list[bytes] = []
    waiting = 0
    first = True
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest.append(block)
            waiting += len(block)
        else:
            buffer = b"".join((*rest, block[:cut])) if rest else block[:cut]
            yield buffer.removeprefix(codecs.BOM_UTF8) if first else buffer
            first = False
            rest = [block[cut:]] if cut < len(block) else []
            waiting = len(block) - cut
        if waiting > MAX_LINE_BYTES + len(codecs.BOM_UTF8):
            raise _too_long(key)
    if tail := b"".join(rest):
        tail = tail.removeprefix(codecs.BOM_UTF8) if first else tail
        yield tail + b"\n"


def _too_long(key: str) -> LandingError:
    return LandingError(
        f"{key} has a line of more than {MAX_LINE_BYTES >> 20} MB: line ends are missing, or it is no text file. "
        "Land it again with --replace, one record a line."
    )


class _Csv:
    """Delimited text. One instance a file: it carries the line number and an unfinished record between buffers."""

    def __init__(self, profile: FileProfile) -> None:
        self._profile = profile
        self._width = len(profile.header)
        self._names = [f"c{i}" for i in range(self._width)]
        self._quoting = _Quoting(profile.delimiter)
        self._line = 1
        self._header_pending = profile.header_lines

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        held = b""
        source = _whole_lines(blocks, self._profile.key)
        buffer = next(source, None)
        while buffer is not None:
            following = next(source, None)
            data = held + buffer if held else buffer
            lines = _Lines.of(data)
            if int((lines.stop - lines.start).max()) > MAX_LINE_BYTES:
                raise _too_long(self._profile.key)
            first = min(self._header_pending, len(lines.start))
            self._header_pending -= first
            layout = self._quoting.records(lines, first, last=following is None)
            held = data[lines.start[layout.decided] :] if layout.decided < len(lines.start) else b""
            if len(layout.first):
                yield from self._block(lines, layout)
            self._line += layout.decided
            buffer = following

    def _block(self, lines: _Lines, layout: _Layout) -> Iterator[Records]:
        filled = ~lines.blank()
        counted = np.add.reduceat(filled[: layout.decided], layout.first, dtype=np.int32)
        real = counted > 0
        if not real.any():
            return
        first, end = layout.first[real], layout.end[real]
        begin, stop = lines.start[first], lines.stop[end - 1]
        defects, careful = layout.defects[real], layout.careful[real]
        raw, no_text = _texts(lines.data, begin, stop)
        defects[no_text] |= NOT_TEXT.mask
        columns = self._columns(lines, first, end, raw, defects, careful)
        arrays = [
            *columns,
            pa.array(self._line + first, pa.int64()),
            pa.array(counted[real], pa.int32()),
            raw,
            pa.array(defects, pa.int64()),
        ]
        yield Records(pa.table(arrays, names=[*self._names, "line", "lines", "raw", "defects"]))

    def _columns(
        self, lines: _Lines, first: np.ndarray, end: np.ndarray, raw: pa.Array, defects: np.ndarray, careful: np.ndarray
    ) -> list[pa.Array]:
        """The fields of the records, null where there are defects. Adds MALFORMED_ROW to `defects` in place."""
        usual = np.flatnonzero((defects == 0) & ~careful)
        slow = np.flatnonzero((defects == 0) & careful)
        columns, fields = self._split_usual(lines, first, end, usual, self._width)
        if columns is None:
            slow, usual, fields = np.flatnonzero(defects == 0), usual[:0], fields[:0]
            columns = [pa.array([], pa.string())] * self._width
        place = np.full(len(first), -1, dtype=np.int64)
        good = usual[fields == self._width]
        place[good] = np.arange(len(good))
        longer = usual[fields == self._width + 1]
        if len(longer):  # a delimiter behind the last field, and none in the header
            wide, _ = self._split_usual(lines, first, end, longer, self._width + 1)
            if wide is not None:
                ends_empty = pa.compute.equal(wide.pop(), "").to_numpy(zero_copy_only=False)
                place[longer[ends_empty]] = len(good) + np.flatnonzero(ends_empty)
                columns = [pa.concat_arrays(both) for both in zip(columns, wide, strict=True)]
        defects[usual[place[usual] < 0]] |= MALFORMED_ROW.mask
        split = len(columns[0])
        if len(slow):
            rows: list[list[str]] = []
            for at, text in zip(slow.tolist(), raw.take(pa.array(slow)).to_pylist(), strict=True):
                values = self._quoting.split(text)
                if len(values) == self._width + 1 and not values[-1]:
                    values.pop()
                if len(values) == self._width:
                    place[at] = split + len(rows)
                    rows.append(values)
                else:
                    defects[at] |= MALFORMED_ROW.mask
            if rows:
                read = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
                columns = [pa.concat_arrays([a, b]) for a, b in zip(columns, read, strict=True)]
        if len(good) == len(first):
            return columns
        take = pa.array(place, mask=place < 0)
        return [column.take(take) for column in columns]

    def _split_usual(
        self, lines: _Lines, first: np.ndarray, end: np.ndarray, usual: np.ndarray, width: int
    ) -> tuple[list[pa.Array] | None, np.ndarray]:
        """The fields of those of the records `usual` that have `width` of them, by Arrow, and how many each has.

        No columns if Arrow did not see as many records as we do (which no input is known to bring about).
        """
        fields = np.full(len(usual), width)
        if not len(usual):
            return [pa.array([], pa.string())] * width, fields
        wrong: list[tuple[int | None, int]] = []

        def on_invalid(row: Any) -> str:
            wrong.append((row.number, row.actual_columns))
            return "skip"

        names = [f"c{i}" for i in range(width)]
        text = _joined(lines, first[usual], end[usual])
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(text)),
            read_options=pyarrow.csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(text) + 1, encoding="utf8"
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._profile.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=on_invalid,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        if table.num_rows + len(wrong) != len(usual) or any(n is None or not 1 <= n <= len(usual) for n, _ in wrong):
            return None, fields
        fields[[n - 1 for n, _ in wrong if n is not None]] = [count for _, count in wrong]
        return [_single(column) for column in table.columns], fields


@dataclass(frozen=True)
class _Lines:
    """The physical lines of a buffer that ends with a line end: where each starts, and stops without its line end."""

    data: bytes
    at: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    newline: np.ndarray

    @classmethod
    def of(cls, data: bytes) -> _Lines:
        at = np.frombuffer(data, dtype=np.uint8)
        newline = np.flatnonzero(at == _NEWLINE)
        start = np.concatenate((np.zeros(1, dtype=np.int64), newline[:-1] + 1))
        stop = newline
        if b"\r" in data:
            stop = newline - ((at[np.maximum(newline - 1, 0)] == _RETURN) & (newline > start))
            again = np.flatnonzero((stop > start) & (at[np.maximum(stop - 1, 0)] == _RETURN))
            for i in again.tolist():  # \r\r\n, as a text written twice through Windows' text mode has
                stop[i] = start[i] + len(data[start[i] : stop[i]].rstrip(b"\r"))
        return cls(data, at, start, stop, newline)

    def __getitem__(self, i: int) -> bytes:
        return self.data[self.start[i] : self.stop[i]]

    def of_bytes(self, places: np.ndarray) -> np.ndarray:
        """The line of each of the byte positions."""
        return np.searchsorted(self.start, places, side="right") - 1

    def blank(self) -> np.ndarray:
        """Which lines hold nothing but white space and control characters (bytes up to 32)."""
        blank = self.stop <= self.start
        unclear = np.flatnonzero(~blank & (self.at[self.start] <= 32))
        if len(unclear):
            bounds = np.stack((self.start[unclear], self.stop[unclear]), axis=1).ravel()
            blank[unclear] = np.add.reduceat(self.at > 32, bounds, dtype=np.int64)[::2] == 0
        return blank

    def with_returns(self) -> np.ndarray:
        """Lines that have a carriage return elsewhere than in a line end `\\r\\n`."""
        if self.data.count(b"\r") == int(np.count_nonzero(self.stop < self.newline)):
            return np.zeros(0, dtype=np.int64)
        returns = np.flatnonzero(self.at == _RETURN)
        return np.unique(self.of_bytes(returns[self.at[returns + 1] != _NEWLINE]))


@dataclass(frozen=True)
class _Layout:
    """Which lines make a record: `first` line and one past the last (`end`), defects, and whether Arrow may split it.

    Lines from `decided` on belong to a record that the next buffer may close.
    """

    first: np.ndarray
    end: np.ndarray
    defects: np.ndarray
    careful: np.ndarray
    decided: int


_State = Literal["outside", "inside", "wrong"]


class _Quoting:
    """The grammar of quotes, after RFC 4180.

    A field that begins with a quote (spaces before it do not count) ends with a quote before a delimiter or the end of
    a line (spaces do not count); between them a quote is written twice and lines may end. A quote in a field that does
    not begin with one is a character like any other. A line that breaks this is a record of its own and malformed. A
    field that does not close, because the file ends, because the line that would close it is wrong, or because it gets
    too long, spoils the line that it begins in and no other.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        mark = re.escape(delimiter)
        self._opening = re.compile(b' *"')
        self._to_close = re.compile(b'[^"]*+(?:""[^"]*+)*+')
        self._after = re.compile(b" *")
        self._field = re.compile(rf' *"([^"]*+(?:""[^"]*+)*+)" *(?={mark}|\Z)|([^{mark}]*+)')
        self._may_open = _one_of(delimiter.encode() + b'\n"')
        self._may_close = _one_of(delimiter.encode() + b'\r\n"')

    def split(self, text: str) -> list[str]:
        """The fields of one record whose quotes are right."""
        fields: list[str] = []
        place = 0
        while True:
            match = self._field.match(text, place)
            assert match is not None  # noqa: S101 - the second alternative matches anything
            quoted, bare = match.groups()
            fields.append(bare if quoted is None else quoted.replace('""', '"'))
            place = match.end()
            if place >= len(text):
                return fields
            place += 1

    def records(self, lines: _Lines, first: int, *, last: bool) -> _Layout:
        """How the lines from `first` on make records. `last` says that no line follows the buffer's."""
        n = len(lines.start)
        begins = np.ones(n, dtype=bool)
        begins[:first] = False
        defects = np.zeros(n, dtype=np.int64)
        careful = np.zeros(n, dtype=bool)
        decided = n
        with_returns = lines.with_returns()
        careful[with_returns] = True
        quotes = np.flatnonzero(lines.at == _QUOTE) if b'"' in lines.data else np.zeros(0, dtype=np.int64)
        if len(quotes):
            candidates, quoted = self._to_look_at(lines, quotes, with_returns)
            joining = _Joining(self, lines, quoted)
            position = first
            for line in candidates.tolist():
                if line < position:
                    continue
                state, usual = self.scan(lines[line], inside=False)
                careful[line] |= not usual
                if state == "wrong":
                    defects[line] = MALFORMED_ROW.mask
                elif state == "inside":
                    closing, usual = joining.closing(line, last=last)
                    if closing is None:
                        decided = line
                        break
                    if closing == line:
                        defects[line] = UNCLOSED_QUOTE.mask
                    careful[line] |= not usual
                    begins[line + 1 : closing + 1] = False
                    position = closing + 1
        starts = np.flatnonzero(begins[:decided])
        if not len(starts):
            return _Layout(starts, starts, defects[:0], careful[:0], decided)
        ends = np.append(starts[1:], decided)
        careful_records = np.logical_or.reduceat(careful[:decided], starts)
        return _Layout(starts, ends, defects[starts], careful_records, decided)

    def _to_look_at(self, lines: _Lines, quotes: np.ndarray, with_returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lines that may open a field they do not close or break the grammar, and all lines with quotes.

        In a line that does neither, quotes come in pairs: the first of a pair stands behind a delimiter or at the begin
        of the line, the second before a delimiter or the end; or the two of a written-twice quote stand side by side.
        """
        index = np.searchsorted(quotes, lines.start)
        count = np.diff(np.append(index, len(quotes)))
        quoted = np.flatnonzero(count)
        before = lines.at[quotes - 1]
        if quotes[0] == 0:
            before[0] = _NEWLINE
        after = lines.at[quotes + 1]
        odd = (count & 1).astype(bool)
        if odd.any():
            second = ((np.arange(len(quotes)) - np.repeat(index[quoted], count[quoted])) & 1).astype(bool)
            fits = np.where(second, self._may_close[after], self._may_open[before])
        else:
            fits = np.empty(len(quotes), dtype=bool)
            fits[0::2] = self._may_open[before[0::2]]
            fits[1::2] = self._may_close[after[1::2]]
        suspect = odd
        if not fits.all():
            suspect[lines.of_bytes(quotes[~fits])] = True
        suspect[with_returns] |= count[with_returns] > 0
        return np.flatnonzero(suspect), quoted

    def scan(self, line: bytes, *, inside: bool) -> tuple[_State, bool]:
        """Where a line ends that begins inside or outside a quoted field, and whether Arrow would read it the same."""
        usual = True
        place = 0
        while True:
            opening = None if inside else self._opening.match(line, place)
            if inside or opening:
                if opening:
                    usual = usual and opening.end() == place + 1
                    place = opening.end()
                place = self._to_close.match(line, place).end()  # type: ignore[union-attr]  # it matches anything
                if place == len(line):
                    return "inside", usual
                inside = False
                behind = self._after.match(line, place + 1).end()  # type: ignore[union-attr]
                usual = usual and behind == place + 1
                if behind < len(line) and not line.startswith(self._delimiter, behind):
                    return "wrong", usual
                end = behind
            else:
                end = line.find(self._delimiter, place)
            if end < 0 or end == len(line):
                return "outside", usual
            place = end + 1


class _Joining:
    """Finds the line that closes a quoted field. Each line is scanned once however many fields are open before it."""

    def __init__(self, quoting: _Quoting, lines: _Lines, quoted: np.ndarray) -> None:
        self._quoting = quoting
        self._lines = lines
        self._quoted = quoted
        self._event = -1  # the next line that does not simply stay inside
        self._outcome: _State = "inside"
        self._usual = True

    def closing(self, line: int, *, last: bool) -> tuple[int | None, bool]:
        """The line that closes the field that `line` leaves open; `line` itself if none does; None if not known yet."""
        self._find_event(line)
        start = self._lines.start[line]
        if self._event == len(self._lines.start):
            room = self._event - line < MAX_LINES_IN_RECORD and len(self._lines.data) - start <= MAX_RECORD_BYTES
            return (None if room and not last else line), True
        near = self._event - line < MAX_LINES_IN_RECORD and self._lines.stop[self._event] - start <= MAX_RECORD_BYTES
        return (self._event if near and self._outcome == "outside" else line), self._usual

    def _find_event(self, line: int) -> None:
        if self._event > line:
            return
        self._usual = True
        for i in range(int(np.searchsorted(self._quoted, line, side="right")), len(self._quoted)):
            self._event = int(self._quoted[i])
            self._outcome, usual = self._quoting.scan(self._lines[self._event], inside=True)
            self._usual = self._usual and usual
            if self._outcome != "inside":
                return
        self._event = len(self._lines.start)


def _one_of(characters: bytes) -> np.ndarray:
    table = np.zeros(256, dtype=bool)
    table[list(characters)] = True
    return table


def _joined(lines: _Lines, first: np.ndarray, end: np.ndarray) -> bytes | memoryview:
    """The text of the records, with line ends; what lies between them is left out."""
    view = memoryview(lines.data)
    begin = lines.start[first]
    stop = lines.newline[end - 1] + 1
    breaks = np.flatnonzero(begin[1:] != stop[:-1]) + 1
    if not len(breaks):
        return view[int(begin[0]) : int(stop[-1])]
    runs = zip(np.append(0, breaks), np.append(breaks, len(begin)), strict=True)
    return b"".join(view[begin[a] : stop[b - 1]] for a, b in runs)


def _texts(data: bytes, begin: np.ndarray, stop: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """The texts of ascending byte ranges, and which of them are no text: undecodable, or with NUL or U+FFFD.

    In those, NUL and what cannot be decoded become U+FFFD.
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
        mended: list[bytes] = []
        for row in rows[rows >= 0].tolist():
            text = data[begin[row] : stop[row]].decode("utf-8", "replace")
            if _NO_TEXT in text or "\x00" in text:
                bad[row] = True
                mended.append(text.replace("\x00", _NO_TEXT).encode())
        ranges = pa.compute.replace_with_mask(ranges, pa.array(bad), pa.array(mended, pa.binary()))
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
    return _NO_TEXT.encode() not in data


def _single(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


class _RepeatedKeyError(ValueError):
    """An object that gives a key twice."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__("a key is given twice")
        self.first = first


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) != len(pairs):
        raise _RepeatedKeyError(dict(reversed(pairs)))
    return item


def _json_constant(name: str) -> str | None:
    return None if name == "NaN" else name


class _JsonLines:
    """One JSON object a line. Columns are the keys in the header of the profile; a missing key is an empty value.

    Malformed: what is no object; a key given twice or not in the header; a nested value in a column that the contract
    reads. Nested values in other columns do no harm.
    """

    def __init__(self, profile: FileProfile) -> None:
        self._profile = profile
        self._header = profile.header
        self._known = set(profile.header)
        self._read = {profile.header[i] for i in profile.positions.values()}
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_each_key_once, parse_float=str, parse_int=str, parse_constant=_json_constant
        )

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        line = 1
        for data in _whole_lines(blocks, self._profile.key):
            rows: list[list[str | None]] = []
            places: list[tuple[int, str, int]] = []
            for content in data[:-1].split(b"\n"):
                if len(content) > MAX_LINE_BYTES:
                    raise _too_long(self._profile.key)
                if content[:1] > b" " or any(c > 32 for c in content):
                    values, text, mask = self._values(content.rstrip(b"\r"))
                    rows.append(values)
                    places.append((line, text, mask))
                line += 1
            if rows:
                yield _record_table([list(c) for c in zip(*rows, strict=True)], places)

    def _values(self, content: bytes) -> tuple[list[str | None], str, int]:
        nothing: list[str | None] = [None] * len(self._header)
        text = content.decode("utf-8", "replace")
        mask = NOT_TEXT.mask if _NO_TEXT in text or "\x00" in text else 0
        if mask:
            return nothing, text.replace("\x00", _NO_TEXT), mask
        try:
            item = self._decoder.decode(text)
        except _RepeatedKeyError as e:
            item, mask = e.first, MALFORMED_ROW.mask
        except (ValueError, RecursionError):
            return nothing, text, MALFORMED_ROW.mask
        if not isinstance(item, dict):
            return nothing, text, MALFORMED_ROW.mask
        if not item.keys() <= self._known or any(isinstance(item.get(h), (dict, list)) for h in self._read):
            mask |= MALFORMED_ROW.mask
        values = [_json_text(item.get(h)) for h in self._header]
        if "\\u" in text:
            clean = [v if v is None else _storable(v) for v in values]
            mask |= NOT_TEXT.mask if clean != values else 0
            # As with bytes that are no text: the parser of the control totals reads nothing of such a line.
            values = nothing if any(v is not None and _SURROGATE.search(v) for v in values) else clean
        return values, text, mask


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _storable(value: str) -> str:
    """The text with U+FFFD for NUL and for half a surrogate pair, neither of which a table can hold."""
    return re.sub("[\x00\ud800-\udfff]", _NO_TEXT, value)


def _record_table(columns: list[list[str | None]], places: list[tuple[int, str, int]]) -> Records:
    arrays: list[pa.Array] = [pa.array(c, pa.string()) for c in columns]
    names = [f"c{i}" for i in range(len(columns))]
    arrays += [
        pa.array([p[0] for p in places], pa.int64()),
        pa.array([1] * len(places), pa.int32()),
        pa.array([p[1] for p in places], pa.string()),
        pa.array([p[2] for p in places], pa.int64()),
    ]
    return Records(pa.table(arrays, names=[*names, "line", "lines", "raw", "defects"]))


def _parquet_records(handle: IO[bytes], profile: FileProfile) -> Iterator[Records]:
    """Rows of a Parquet file as text; `line` is the row number and the raw text a JSON object.

    A row is malformed where a column that the contract reads is nested, and no text where one holds other bytes.
    """
    import duckdb

    used = sorted(set(profile.positions.values()))
    line = 1
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            for batch in pyarrow.parquet.ParquetFile(handle).iter_batches(batch_size=_PARQUET_ROWS):
                mask = np.zeros(batch.num_rows, dtype=np.int64)
                if any(pa.types.is_nested(batch.schema.field(i).type) for i in used):
                    mask |= MALFORMED_ROW.mask
                columns = [_parquet_texts(column) for column in batch.columns]
                con.register("batch", pa.table([c for c, _ in columns], names=[f"b{i}" for i in range(len(columns))]))
                texts = ", ".join(_as_text(f"b{i}", f"c{i}", c.type) for i, (c, _) in enumerate(columns))
                pairs = ", ".join(f"{literal(h)}, c{i}" for i, h in enumerate(profile.header))
                table: pa.Table = con.sql(
                    f"SELECT *, CAST(json_object({pairs}) AS VARCHAR) AS raw FROM (SELECT {texts} FROM batch)"
                ).to_arrow_table()
                con.unregister("batch")
                for i in used:
                    mask[columns[i][1] | _holds_nul(table[f"c{i}"])] |= NOT_TEXT.mask
                n = table.num_rows
                table = table.append_column("line", pa.array(np.arange(line, line + n), pa.int64()))
                table = table.append_column("lines", pa.array(np.ones(n), pa.int32()))
                table = table.append_column("defects", pa.array(mask, pa.int64()))
                line += n
                names = [f"c{i}" for i in range(len(columns))]
                yield Records(table.select([*names, "line", "lines", "raw", "defects"]))
        except (duckdb.Error, OSError) as e:
            if isinstance(e, OSError) and e.errno is not None:
                raise  # the store's, not Parquet's
            raise LandingError(
                f"{profile.key} cannot be read as Parquet: {str(e)[:300]}. Land a whole copy with --replace."
            ) from e


def _parquet_texts(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """A column as something DuckDB can turn into text, and which rows are bytes that are no text."""
    bad = np.zeros(len(column), dtype=bool)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _parquet_texts(column.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            return column.cast(pa.binary()).cast(pa.string()), bad
        except pa.ArrowInvalid:
            texts = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
            bad |= [t is not None and _NO_TEXT in t for t in texts]
            return pa.array(texts, pa.string()), bad
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()), bad
    if pa.types.is_decimal256(kind) or pa.types.is_null(kind):
        return column.cast(pa.string()), bad
    return column, bad


def _as_text(column: str, name: str, kind: pa.DataType) -> str:
    missing = f"CASE WHEN NOT isnan({column}) THEN {column} END"
    return f"CAST({missing if pa.types.is_floating(kind) else column} AS VARCHAR) AS {name}"


def _holds_nul(column: pa.ChunkedArray) -> np.ndarray:
    found = pa.compute.fill_null(pa.compute.match_substring_regex(column, "[\\x00\\x{fffd}]"), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
