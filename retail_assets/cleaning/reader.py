"""From the bytes of a landed file to records of text, each with its raw text and its place in the file.

A record is what a row of the table should be; it keeps the physical line it begins on and how many it spans, so that
every line of the file can be accounted for. Nothing is dropped here: a record that cannot be split into the header's
fields comes out with the reason. What the texts mean is `parse.py`.

Text files stream in blocks, so memory does not grow with the file. The common block (no stray quotes) costs one pass
of numpy over the bytes and one of Arrow's CSV parser.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT, UNCLOSED_QUOTE
from retail_assets.errors import LandingError
from retail_assets.landing.inspect import FileProfile

BLOCK_BYTES = 16 << 20
#: A quoted field that spans more lines than this is taken for a quote that never closes.
MAX_LINES_IN_RECORD = 1000

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_NO_TEXT = "\ufffd"


@dataclass(frozen=True)
class Records:
    """A block of records.

    `table` has text columns c0…cN (null where the record is malformed), `line` (int64, physical line where the record
    begins, 1 = first line of the file), `lines` (int32, physical lines that are not blank), `raw` (text) and `defects`
    (int64 mask of rules.READING).
    """

    table: pa.Table


def read_records(handle: IO[bytes], profile: FileProfile, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Records]:
    """Every record of an open file after its header, in order.

    Raises LandingError when the file as a whole cannot be read (a truncated gzip, a broken Parquet footer).
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
    except pa.ArrowInvalid as e:
        raise LandingError(f"{profile.key} cannot be read as {profile.format}: {e}. Land a whole copy with --replace.") from e


def open_text(handle: IO[bytes], profile_compression: str | None) -> IO[bytes]:
    """The uncompressed byte stream of a text file."""
    if profile_compression == "gzip":
        return gzip.open(handle, "rb")
    return handle


def _utf8_blocks(handle: IO[bytes], profile: FileProfile, size: int) -> Iterator[bytes]:
    """The file as UTF-8 without a byte-order mark, in blocks of about `size` bytes; line ends are `\\n` or `\\r\\n`."""
    stream = open_text(handle, profile.compression)
    decoder = None
    if codecs.lookup(profile.encoding).name not in ("utf-8", "ascii"):
        decoder = codecs.getincrementaldecoder(profile.encoding)(errors="replace")
    first = True
    while True:
        block = stream.read(size)
        last = not block
        if decoder:
            block = decoder.decode(block, final=last).encode("utf-8")
        if first:
            block = block.removeprefix(codecs.BOM_UTF8)
            first = False
        if profile.line_end == "cr":
            block = block.replace(b"\r", b"\n")
        if block:
            yield block
        if last:
            return


class _Lines:
    """Cuts a stream of blocks into buffers that end with a line end, and numbers the lines."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def buffers(self) -> Iterator[bytes]:
        rest: list[bytes] = []
        for block in self._blocks:
            cut = block.rfind(b"\n") + 1
            if not cut:
                rest.append(block)
                continue
            yield b"".join((*rest, block[:cut]))
            rest = [block[cut:]] if cut < len(block) else []
        if tail := b"".join(rest):
            yield tail + b"\n"


class _Csv:
    """Delimited text. One instance a file: it carries the line number and an unfinished record between buffers."""

    def __init__(self, profile: FileProfile) -> None:
        self._profile = profile
        self._width = len(profile.header)
        self._line = 1
        self._header_pending = profile.header_lines

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        held = b""
        source = _Lines(blocks).buffers()
        buffer = next(source, None)
        while buffer is not None:
            following = next(source, None)
            data = held + buffer if held else buffer
            held = b""
            starts, ends = _line_bounds(data)
            first = 0
            if self._header_pending:
                first = min(self._header_pending, len(starts))
                self._header_pending -= first
            spans, kept = _join_quoted_lines(data, starts, ends, first, last=following is None)
            if kept is not None:
                held = data[starts[kept] :]
                starts, ends = starts[:kept], ends[:kept]
            if spans.size:
                yield self._block(data, starts, ends, spans)
            self._line += len(starts)
            buffer = following

    def _block(self, data: bytes, starts: np.ndarray, ends: np.ndarray, spans: np.ndarray) -> Records:
        """Records of a buffer. `spans` has a row a record: first line, one past its last, mask of reasons."""
        begin, stop = starts[spans[:, 0]], ends[spans[:, 1] - 1]
        blank = _is_blank(data, begin, stop)
        spans, begin, stop = spans[~blank], begin[~blank], stop[~blank]
        gapless = not blank.any()
        lines = spans[:, 1] - spans[:, 0]
        for row in np.flatnonzero(lines > 1):  # a blank line inside a quoted field is not counted as landed
            inner = slice(spans[row, 0], spans[row, 1])
            lines[row] = int((~_is_blank(data, starts[inner], ends[inner])).sum())
        defects = spans[:, 2].copy()
        clean_utf8 = _is_utf8(data)
        raw = _slices(data, begin, stop, gapless=gapless and clean_utf8)
        if not clean_utf8 or b"\x00" in data:
            texts = raw.to_pylist()
            bad = np.fromiter((_NO_TEXT in t or "\x00" in t for t in texts), dtype=bool, count=len(texts))
            defects[bad] |= NOT_TEXT.mask
            raw = pa.array([t.replace("\x00", _NO_TEXT) if b else t for t, b in zip(texts, bad, strict=True)], pa.string())
        readable = np.flatnonzero(defects == 0)
        columns, ragged = self._split(data, begin, stop, readable, gapless=gapless)
        defects[readable[ragged]] |= MALFORMED_ROW.mask
        place = np.full(len(begin), -1, dtype=np.int64)
        good = readable[~ragged]
        place[good] = np.arange(len(good))
        take = pa.array(place, mask=place < 0)
        names = [f"c{i}" for i in range(self._width)]
        arrays: list[pa.Array] = [column.take(take) for column in columns]
        arrays += [
            pa.array(self._line + spans[:, 0], pa.int64()),
            pa.array(lines, pa.int32()),
            raw,
            pa.array(defects, pa.int64()),
        ]
        return Records(pa.table(arrays, names=[*names, "line", "lines", "raw", "defects"]))

    def _split(
        self, data: bytes, begin: np.ndarray, stop: np.ndarray, readable: np.ndarray, *, gapless: bool
    ) -> tuple[list[pa.Array], np.ndarray]:
        """The fields of the readable records, and which of those have the wrong number of fields."""
        ragged = np.zeros(len(readable), dtype=bool)
        empty = [pa.array([], pa.string()) for _ in range(self._width)]
        if not len(readable):
            return empty, ragged
        view = memoryview(data)
        if gapless and len(readable) == len(begin):
            text: bytes | memoryview = view[int(begin[0]) :]
        else:
            text = b"\n".join(bytes(view[b:s]) for b, s in zip(begin[readable], stop[readable], strict=True)) + b"\n"
        parsed = self._parse_with_arrow(text, len(readable), ragged)
        if parsed is None:  # odd quoting: Arrow saw other records than we did, so read them one by one
            texts = [bytes(view[b:s]).decode() for b, s in zip(begin[readable], stop[readable], strict=True)]
            return self._parse_one_by_one(texts, ragged)
        return parsed, ragged

    def _parse_with_arrow(self, text: bytes | memoryview, records: int, ragged: np.ndarray) -> list[pa.Array] | None:
        wrong: list[int | None] = []

        def on_invalid(row: Any) -> str:
            wrong.append(row.number)
            return "skip"

        names = [f"c{i}" for i in range(self._width)]
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(pa.py_buffer(text)),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=names, use_threads=False, block_size=max(len(text), 1) + 1, encoding="utf8"
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
        except pa.ArrowInvalid:
            return None
        if table.num_rows + len(wrong) != records or any(n is None or not 1 <= n <= records for n in wrong):
            return None
        ragged[[n - 1 for n in wrong if n is not None]] = True
        return [_single(column) for column in table.columns]

    def _parse_one_by_one(self, texts: list[str], ragged: np.ndarray) -> tuple[list[pa.Array], np.ndarray]:
        columns: list[list[str]] = [[] for _ in range(self._width)]
        for i, text in enumerate(texts):
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self._profile.delimiter))
            if len(rows) != 1 or len(rows[0]) != self._width:
                ragged[i] = True
                continue
            for column, value in zip(columns, rows[0], strict=True):
                column.append(value)
        return [pa.array(column, pa.string()) for column in columns], ragged


def _line_bounds(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Begin and end (without line end) of every physical line in a buffer that ends with a line end."""
    at = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(at == _NEWLINE)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), newlines[:-1] + 1))
    previous = at[np.maximum(newlines - 1, 0)]
    ends = newlines - ((previous == _RETURN) & (newlines > starts))
    return starts, ends


def _is_blank(data: bytes, begin: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Which ranges hold nothing but white space and control characters (bytes up to 32)."""
    at = np.frombuffer(data, dtype=np.uint8)
    blank = stop <= begin
    for i in np.flatnonzero(~blank & (at[np.minimum(begin, len(at) - 1)] <= 32)):
        blank[i] = bool((at[begin[i] : stop[i]] <= 32).all())
    return blank


def _join_quoted_lines(
    data: bytes, starts: np.ndarray, ends: np.ndarray, first: int, *, last: bool
) -> tuple[np.ndarray, int | None]:
    """Which lines make a record: (first line, one past the last, mask) a record, from line `first` on.

    Only lines with an odd number of quotes can open or close a field that spans lines, so only those are looked at one
    by one. When the buffer ends inside such a field and more is to come, the second result is the line to keep for the
    next buffer. A quote that never closes spoils its own line only.
    """
    n = len(starts)
    at = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(at == _QUOTE)
    whole = np.stack((np.arange(first, n), np.arange(first + 1, n + 1), np.zeros(n - first, np.int64)), axis=1)
    if not quotes.size:
        return whole, None
    count = np.bincount(np.searchsorted(starts, quotes, side="right") - 1, minlength=n)
    odd = np.flatnonzero(count % 2 == 1)
    odd = odd[odd >= first]
    if not odd.size:
        return whole, None
    joined: list[tuple[int, int, int]] = []
    position = first
    kept: int | None = None
    i = 0
    while i < len(odd):
        line = int(odd[i])
        i += 1
        if line < position or not _opens(data[starts[line] : ends[line]]):
            continue
        closing = None
        j = i
        while j < len(odd) and odd[j] - line < MAX_LINES_IN_RECORD:
            if _closes(data[starts[odd[j]] : ends[odd[j]]]):
                closing = int(odd[j])
                break
            j += 1
        if closing is None and not last and n - line <= MAX_LINES_IN_RECORD:
            kept = line
            break
        joined.extend((k, k + 1, 0) for k in range(position, line))
        if closing is None:
            joined.append((line, line + 1, UNCLOSED_QUOTE.mask))
            position = line + 1
        else:
            joined.append((line, closing + 1, 0))
            position = closing + 1
            i = j + 1
    end = n if kept is None else kept
    joined.extend((k, k + 1, 0) for k in range(position, end))
    return np.array(joined, dtype=np.int64).reshape(-1, 3), kept


_FIELD = re.compile(rb'(?:^|[,;\t|])"[^"]*(?:""[^"]*)*(?:"(?=[,;\t|]|\r?$)|(?P<open>\Z))')


def _opens(line: bytes) -> bool:
    """Whether a line (with an odd number of quotes) ends inside a quoted field that began in it."""
    return any(m.group("open") is not None for m in _FIELD.finditer(line))


def _closes(line: bytes) -> bool:
    """Whether a line that begins inside a quoted field leaves it, and does not open another."""
    m = re.match(rb'[^"]*(?:""[^"]*)*"(?=[,;\t|]|\r?$)', line)
    return m is not None and not _opens(line[m.end() :])


def _slices(data: bytes, begin: np.ndarray, stop: np.ndarray, *, gapless: bool) -> pa.Array:
    """Texts of the byte ranges. Undecodable bytes become U+FFFD.

    `gapless` promises UTF-8 and nothing but line ends between the ranges: the texts are then cut from the buffer at once.
    """
    if not len(begin):
        return pa.array([], pa.string())
    if gapless and len(data) < 2**31:
        offsets = np.append(begin, stop[-1]).astype(np.int32)
        with_line_ends = pa.StringArray.from_buffers(len(begin), pa.py_buffer(offsets), pa.py_buffer(data))
        return pa.compute.utf8_rtrim(with_line_ends, "\r\n")
    view = memoryview(data)
    return pa.array([bytes(view[b:s]).decode("utf-8", "replace") for b, s in zip(begin, stop, strict=True)], pa.string())


def _is_utf8(data: bytes) -> bool:
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


class _JsonLines:
    """One JSON object a line. Columns are the header of the profile; keys it does not know are ignored."""

    def __init__(self, profile: FileProfile) -> None:
        self._header = profile.header

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        line = 1
        for data in _Lines(blocks).buffers():
            rows: list[list[str | None]] = []
            places: list[tuple[int, str, int]] = []
            for raw_line in data.splitlines():
                if raw_line.strip():
                    text = raw_line.decode("utf-8", "replace")
                    values, mask = self._values(text)
                    rows.append(values)
                    places.append((line, text, mask))
                line += 1
            if rows:
                yield _record_table([list(c) for c in zip(*rows, strict=True)], places)

    def _values(self, text: str) -> tuple[list[str | None], int]:
        nothing: list[str | None] = [None] * len(self._header)
        if _NO_TEXT in text or "\x00" in text:
            return nothing, NOT_TEXT.mask
        try:
            item = json.loads(text, parse_float=str, parse_int=str)
        except ValueError:
            return nothing, MALFORMED_ROW.mask
        if not isinstance(item, dict) or any(isinstance(v, (dict, list)) for v in item.values()):
            return nothing, MALFORMED_ROW.mask
        return [None if (v := item.get(h)) is None else str(v) for h in self._header], 0


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
    """Rows of a Parquet file as text; `line` is the row number and the raw text a JSON object."""
    import duckdb

    line = 1
    with duckdb.connect(config={"threads": 1}) as con:
        for batch in pyarrow.parquet.ParquetFile(handle).iter_batches(batch_size=100_000):
            table = pa.Table.from_batches([batch]).rename_columns([f"c{i}" for i in range(len(profile.header))])
            nested = [i for i, f in enumerate(table.schema) if pa.types.is_nested(f.type)]
            con.register("rows", table)
            texts = ", ".join(f"CAST(c{i} AS VARCHAR) AS c{i}" for i in range(table.num_columns))
            as_text = con.execute(f"SELECT {texts} FROM rows").to_arrow_table()  # noqa: S608 - numbered columns
            con.unregister("rows")
            raws = [
                json.dumps(dict(zip(profile.header, values, strict=True)), ensure_ascii=False)
                for values in zip(*(c.to_pylist() for c in as_text.columns), strict=True)
            ]
            mask = MALFORMED_ROW.mask if nested else 0
            n = as_text.num_rows
            extra = {
                "line": pa.array(range(line, line + n), pa.int64()),
                "lines": pa.array([1] * n, pa.int32()),
                "raw": pa.array(raws, pa.string()),
                "defects": pa.array([mask] * n, pa.int64()),
            }
            for name, array in extra.items():
                as_text = as_text.append_column(name, array)
            line += n
            yield Records(as_text)
