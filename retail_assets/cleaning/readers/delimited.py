"""Delimited text (CSV, TSV): physical lines grouped into records, and records split into fields.

The common block, with quotes only where they belong, costs one pass of numpy over the bytes and one of Arrow's CSV
parser. Only lines with unusual quoting are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.readers.blocks import line_too_long, whole_lines
from retail_assets.cleaning.readers.lines import Lines, texts
from retail_assets.cleaning.readers.quoting import Layout, Quoting
from retail_assets.cleaning.readers.records import Records
from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES


class DelimitedReader:
    """Reads one delimited file. Carries the line number and an unfinished record from buffer to buffer."""

    def __init__(self, profile: FileProfile) -> None:
        self._profile = profile
        self._width = len(profile.header)
        self._quoting = Quoting(profile.delimiter)
        self._line = 1
        self._header_pending = profile.header_lines

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        """Yield the records after the header, in order. `blocks` are UTF-8. Raises LandingError for too long a line."""
        held = b""
        source = whole_lines(blocks, self._profile.key)
        buffer = next(source, None)
        while buffer is not None:
            following = next(source, None)
            data = held + buffer if held else buffer
            lines = Lines.of(data)
            if int((lines.stop - lines.start).max()) > MAX_LINE_BYTES:
                raise line_too_long(self._profile.key)
            first = min(self._header_pending, len(lines.start))
            self._header_pending -= first
            layout = self._quoting.records(lines, first, last=following is None)
            held = data[lines.start[layout.decided] :] if layout.decided < len(lines.start) else b""
            if len(layout.first):
                yield from self._block(lines, layout)
            self._line += layout.decided
            buffer = following

    def _block(self, lines: Lines, layout: Layout) -> Iterator[Records]:
        filled = ~lines.blank()
        counted = np.add.reduceat(filled[: layout.decided], layout.first, dtype=np.int32)
        real = counted > 0
        if not real.any():
            return
        first, end = layout.first[real], layout.end[real]
        begin, stop = lines.start[first], lines.stop[end - 1]
        defects, careful = layout.defects[real], layout.careful[real]
        raw, not_text = texts(lines.data, begin, stop)
        defects[not_text] |= NOT_TEXT.mask
        columns = self._columns(lines, first, end, raw, defects, careful)
        line = pa.array(self._line + first, pa.int64())
        yield Records.of(columns, line, pa.array(counted[real], pa.int32()), raw, pa.array(defects, pa.int64()))

    def _columns(
        self, lines: Lines, first: np.ndarray, end: np.ndarray, raw: pa.Array, defects: np.ndarray, careful: np.ndarray
    ) -> list[pa.Array]:
        """Return the fields of the records, null where there are defects. Adds MALFORMED_ROW to `defects` in place."""
        usual = np.flatnonzero((defects == 0) & ~careful)
        slow = np.flatnonzero((defects == 0) & careful)
        text = lines.joined(first[usual], end[usual]) if len(usual) else b""
        columns, fields = self._split_by_arrow(text, len(usual))
        if columns is None:
            slow, usual, fields = np.flatnonzero(defects == 0), usual[:0], fields[:0]
            columns = [pa.array([], pa.string())] * self._width
        place = np.full(len(first), -1, dtype=np.int64)
        good = usual[fields == self._width]
        place[good] = np.arange(len(good))
        if len(longer := np.flatnonzero(fields > self._width)):
            extra = fields[longer] - self._width
            ended, text, by_hand = self._without_empty_ends(lines, first, end, raw, usual[longer], extra)
            shortened, widths = self._split_by_arrow(text, len(ended))
            if shortened is None:
                by_hand = np.sort(np.append(by_hand, ended))
            else:
                ended = ended[widths == self._width]
                place[ended] = len(good) + np.arange(len(ended))
                columns = [pa.concat_arrays(both) for both in zip(columns, shortened, strict=True)]
            if len(by_hand):
                slow = np.sort(np.append(slow, by_hand))
                usual = usual[~np.isin(usual, by_hand, assume_unique=True)]
        defects[usual[place[usual] < 0]] |= MALFORMED_ROW.mask
        split = len(columns[0])
        if len(slow):
            rows: list[list[str]] = []
            for at, record in zip(slow.tolist(), raw.take(pa.array(slow)).to_pylist(), strict=True):
                values = self._quoting.split(record)
                while len(values) > self._width and not values[-1]:
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

    def _without_empty_ends(
        self, lines: Lines, first: np.ndarray, end: np.ndarray, raw: pa.Array, records: np.ndarray, extra: np.ndarray
    ) -> tuple[np.ndarray, bytes, np.ndarray]:
        """Return those of `records` whose `extra` fields are all empty, and their text without these fields.

        Spreadsheets write such fields. The third result are records where some of them may be empty in quotes.
        """
        whole = raw.take(pa.array(records))
        trimmed = pa.compute.utf8_rtrim(whole, characters=self._profile.delimiter)
        removed = pa.compute.subtract(pa.compute.binary_length(whole), pa.compute.binary_length(trimmed))
        empty = removed.to_numpy(zero_copy_only=False) >= extra
        quoted = pa.compute.ends_with(trimmed, '""').to_numpy(zero_copy_only=False) & ~empty
        ended = records[empty]
        stop = lines.stop[end[ended] - 1] - extra[empty]
        bounds = zip(lines.start[first[ended]].tolist(), stop.tolist(), strict=True)
        return ended, b"".join(lines.data[a:b] + b"\n" for a, b in bounds), records[quoted]

    def _split_by_arrow(self, text: bytes | memoryview, count: int) -> tuple[list[pa.Array] | None, np.ndarray]:
        """Split `count` records with Arrow. Returns the fields of those as wide as the header, and how many each has.

        Returns no columns if Arrow did not see as many records as we do. No input is known to cause that.
        """
        fields = np.full(count, self._width)
        if not count:
            return [pa.array([], pa.string())] * self._width, fields
        wrong: list[tuple[int | None, int]] = []

        def on_invalid(row: Any) -> str:
            wrong.append((row.number, row.actual_columns))
            return "skip"

        names = [f"c{i}" for i in range(self._width)]
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
        if table.num_rows + len(wrong) != count or any(n is None or not 1 <= n <= count for n, _ in wrong):
            return None, fields
        fields[[n - 1 for n, _ in wrong if n is not None]] = [width for _, width in wrong]
        return [contiguous(column) for column in table.columns], fields
