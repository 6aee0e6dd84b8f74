"""Inspecting a workbook: which sheet has the sales, where its header is, how many rows it has, and their texts."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.cell_text import NumberText
from retail_assets.landing.inspection.header import has_required_columns
from retail_assets.landing.inspection.shape import Shape
from retail_assets.landing.inspection.tail import MOST_TOTALS
from retail_assets.landing.inspection.text_stream import READ_BYTES
from retail_assets.landing.workbook.parts import Sheet, Workbook, open_workbook, read_texts
from retail_assets.landing.workbook.rows import SheetEnd, SheetRow, sheet_rows
from retail_assets.storage import Entry

_ROWS_OF_TITLES = 50
_SEARCHED_ROWS = 1000
_ROWS_PER_BATCH = 20_000


def inspect_workbook(handle: IO[bytes], entry: Entry, contract: Contract) -> Shape:
    """Hash an open workbook and read the sheet with the sales to its end.

    Raises LandingError if it is damaged or too large, if the sheet is not clear, or if the header is in merged cells.
    """
    hashing = hashlib.sha256()
    while chunk := handle.read(READ_BYTES):
        hashing.update(chunk)
    handle.seek(0)
    with open_workbook(handle, entry.key) as book:
        read_texts(book)
        sheet = _chosen_sheet(book, contract)
        end = SheetEnd()
        rows = sheet_rows(book, sheet, end)
        first = list(itertools.islice(rows, _SEARCHED_ROWS))
        at = _header_at(first, contract, f"{entry.key}, sheet {sheet.name!r}")
        collected = _Collected(numbers=contract.numbers.decimal == ",")
        collected.take(itertools.chain(first[at + 1 :], rows))
    head = first[at] if first else SheetRow(0, {})
    names = {i: " ".join(text.split()) for i, text in head.cells.items()}
    width = max([*names, collected.last_column], default=-1) + 1
    header = [names.get(i) or f"(no name, column {i + 1})" for i in range(width)]
    _refuse_merged_header(end.merged, head.number, f"{entry.key}, sheet {sheet.name!r}")
    return Shape(
        sha256=hashing.hexdigest(),
        encoding="utf-8",
        delimiter="",
        line_end="lf",
        header=header,
        header_lines=head.number,
        lines=collected.rows,
        unpacked=max(entry.size, collected.characters),
        lost_text=collected.lost_text,
        types=[collected.type_of(i) for i in range(width)],
        above=[_joined(row) for row in first[:at]],
        tail=collected.tail,
        sheet=sheet.name,
        texts=collected.table(width),
        numbers=collected.numbers(width),
        uncomputed=collected.uncomputed,
        merged=end.merged,
    )


def split_row(text: str) -> list[str]:
    """Return the cells of a row as `Shape.above` and `Shape.tail` have it."""
    return text.split("\t")


def refuse_unreadable_cells(shape: Shape, profile: FileProfile, contract: Contract) -> None:
    """Raise LandingError for columns that the contract reads, with formulas without a value or with merged cells.

    Cells that are merged across rows are blank but in the first row. Columns in `fill_down` may be merged.
    """
    used = set(profile.positions.values())
    if columns := sorted(used & shape.uncomputed.keys()):
        column = columns[0]
        raise LandingError(
            f"{profile.key}, sheet {shape.sheet!r}: cell {_letters(column)}{shape.uncomputed[column]} is a formula "
            f"without a computed value (column {profile.header[column]!r}), as programs other than a spreadsheet write "
            "them. Open the file in Excel or LibreOffice, save it, and land that."
        )
    for first_row, first_column, last_row, last_column in shape.merged:
        columns = sorted((used - set(profile.fill_down)) & set(range(first_column, last_column + 1)))
        last = min(last_row, profile.totals_from - 1) if profile.totals_from else last_row
        if columns and max(first_row, profile.header_lines + 1) < last:
            cells = f"{_letters(first_column)}{first_row}:{_letters(last_column)}{last_row}"
            name = profile.header[columns[0]]
            raise LandingError(
                f"{profile.key}, sheet {shape.sheet!r}: the cells {cells} are merged across rows, so only the first of "
                f"these rows has a value in column {name!r}. Unmerge them, or let the contract fill the column from "
                f"the row above: `file: {{fill_down: [{name}]}}`."
            )


class _Collected:
    """The rows below the header, as texts in columns, with what inspection has to know about them."""

    def __init__(self, *, numbers: bool) -> None:
        self._masks: list[dict[int, pa.Array]] | None = [] if numbers else None
        self.rows = self.characters = 0
        self.last_column = -1
        self.lost_text = False
        self.tail: list[tuple[int, str]] = []
        self.uncomputed: dict[int, int] = {}
        self._values: Counter[int] = Counter()
        self._moments: Counter[int] = Counter()
        self._batches: list[dict[int, pa.Array]] = []
        self._lines: list[pa.Array] = []

    def take(self, rows: Iterator[SheetRow]) -> None:
        """Read all rows."""
        last: list[SheetRow] = []
        while batch := list(itertools.islice(rows, _ROWS_PER_BATCH)):
            for row in batch:
                for column in row.uncomputed:
                    self.uncomputed.setdefault(column, row.number)
            filled = [row for row in batch if row.cells]
            columns = {column for row in filled for column in row.cells}
            arrays = {c: pa.array([row.cells.get(c) for row in filled], pa.string()) for c in columns}
            self.last_column = max(self.last_column, *columns) if columns else self.last_column
            self.lost_text = self.lost_text or any(_holds_lost(a) for a in arrays.values())
            self.characters += sum(a.nbytes for a in arrays.values())
            self.rows += len(filled)
            self._values.update({c: len(a) - a.null_count for c, a in arrays.items()})
            self._moments.update(column for row in filled for column in row.moments)
            self._batches.append(arrays)
            if self._masks is not None:
                of_column = ((c, [isinstance(row.cells.get(c), NumberText) for row in filled]) for c in columns)
                self._masks.append({c: pa.array(mask) for c, mask in of_column if any(mask)})
            self._lines.append(pa.array([row.number for row in filled], pa.int64()))
            last = [*last, *filled][-MOST_TOTALS - 1 :]
        self.tail = [(row.number, _joined(row)) for row in last]

    def type_of(self, column: int) -> str:
        """Return `timestamp` for a column with nothing but dates and times, otherwise `text`."""
        return "timestamp" if 0 < self._values[column] == self._moments[column] else "text"

    def table(self, width: int) -> pa.Table:
        """Return the texts as columns c0…cN, and the numbers of the rows as `line`."""
        names = [*(f"c{i}" for i in range(width)), "line"]
        schema = pa.schema([(name, pa.string() if name != "line" else pa.int64()) for name in names])
        batches = [
            pa.record_batch(
                [*(arrays.get(i, pa.nulls(len(lines), pa.string())) for i in range(width)), lines], schema=schema
            )
            for arrays, lines in zip(self._batches, self._lines, strict=True)
        ]
        return pa.Table.from_batches(batches, schema)

    def numbers(self, width: int) -> pa.Table | None:
        """Return which cells are numbers as columns c0…cN; None if nobody wants it."""
        if self._masks is None:
            return None
        schema = pa.schema([(f"c{i}", pa.bool_()) for i in range(width)])
        batches = [
            pa.record_batch([masks.get(i, pa.array([False] * len(lines))) for i in range(width)], schema=schema)
            for masks, lines in zip(self._masks, self._lines, strict=True)
        ]
        return pa.Table.from_batches(batches, schema)


def with_decimal_commas(texts: pa.Table, numbers: pa.Table, columns: Sequence[int]) -> pa.Table:
    """Return the texts of a sheet with a decimal comma in the cells of some columns that are numbers."""
    for name in (f"c{i}" for i in columns):
        commas = pc.replace_substring(texts[name], ".", ",")
        texts = texts.set_column(texts.column_names.index(name), name, pc.if_else(numbers[name], commas, texts[name]))
    return texts


def _chosen_sheet(book: Workbook, contract: Contract) -> Sheet:
    named = contract.file.sheet
    listed = ", ".join(repr(s.name) + ("" if s.visible else " (hidden)") for s in book.sheets[:30])
    if named is not None:
        same = [s for s in book.sheets if s.name == named]
        same = same or [s for s in book.sheets if s.name.strip().casefold() == named.strip().casefold()]
        if not same and named.isdecimal() and 1 <= int(named) <= len(book.sheets):
            same = [book.sheets[int(named) - 1]]
        if not same:
            raise LandingError(
                f"{book.key} has no sheet {named!r} (`file: {{sheet: {named}}}`). Its sheets: {listed}. Name one of "
                "them in the contract, or give its number."
            )
        return same[0]
    visible = [s for s in book.sheets if s.visible]
    if len(visible) == 1:
        return visible[0]
    fitting = [s for s in visible if _has_header(book, s, contract)]
    if len(fitting) != 1:
        which = "none of them has" if not fitting else f"{len(fitting)} of them have"
        raise LandingError(
            f"{book.key} has several sheets ({listed}), and {which} the columns of contract {contract.name!r}. Name "
            "the one with the sales in the contract: `file: {sheet: Name}`."
        )
    return fitting[0]


def _has_header(book: Workbook, sheet: Sheet, contract: Contract) -> bool:
    rows = list(itertools.islice(sheet_rows(book, sheet), _SEARCHED_ROWS))
    try:
        at = _header_at(rows, contract, "")
    except LandingError:
        return False
    return bool(rows) and has_required_columns(list(rows[at].cells.values()), contract)


def _header_at(rows: Sequence[SheetRow], contract: Contract, where: str) -> int:
    """Return which of the first rows is the header: see `find_header`, which does the same for lines of text."""
    rule = contract.file
    if rule.skip_top is not None:
        below = (i for i, row in enumerate(rows) if row.number > (rule.skip_top or 0))
        return next(below, 0)
    if rule.header is not None:
        found = (i for i, row in enumerate(rows) if re.search(rule.header, _joined(row)[:10_000]))
        at = next(found, None)
        if at is None:
            raise LandingError(
                f"{where}: none of the first {_SEARCHED_ROWS:,} rows has the header's pattern "
                f"(`file: {{header: {rule.header!r}}}`). Change it, or give the rows to skip: `skip_top: N`."
            )
        return at
    fitting = [
        i for i, row in enumerate(rows[:_ROWS_OF_TITLES]) if has_required_columns(list(row.cells.values()), contract)
    ]
    if 0 in fitting or len(fitting) != 1:
        return 0
    [at] = fitting
    fits_below = at + 1 == len(rows) or max(rows[at + 1].cells, default=0) <= max(rows[at].cells)
    return at if fits_below else 0


def _refuse_merged_header(merged: Sequence[tuple[int, int, int, int]], row: int, where: str) -> None:
    for first_row, first_column, last_row, last_column in merged:
        if first_row <= row <= last_row:
            raise LandingError(
                f"{where}: the header (row {row}) has merged cells "
                f"({_letters(first_column)}{first_row}:{_letters(last_column)}{last_row}), so which column has which "
                "name is not clear. Unmerge them, and give each column a name of its own in one row."
            )


def _joined(row: SheetRow) -> str:
    cells = (" ".join(row.cells.get(i, "").split()) for i in range(max(row.cells, default=-1) + 1))
    return "\t".join(cells)


def _holds_lost(texts: pa.Array) -> bool:
    data = texts.buffers()[2]
    return data is not None and b"\xef\xbf\xbd" in memoryview(data).tobytes()


def _letters(column: int) -> str:
    """Return the letters of a column: 0 is A.

    >>> _letters(0), _letters(27)
    ('A', 'AB')
    """
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
