"""The rows of a worksheet, one after the other, as texts. Memory does not grow with the number of rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from retail_assets.errors import LandingError
from retail_assets.landing.cell_text import cell_text
from retail_assets.landing.workbook.parts import MOST_TEXT, Sheet, Workbook, parse_part, too_much_text, unescaped

#: Cells of the rectangle that holds all values of a sheet: twenty columns of a million rows.
MOST_CELLS = 20_000_000
_MOST_ROW = 1 << 20
_MOST_COLUMN = 1 << 14
_LONGEST_DAYS = 100_000_000
_MILLISECONDS_OF_DAY = 86_400_000


@dataclass
class SheetRow:
    """A row that is not blank: its number in the sheet and `{column: text}` of its cells, from column 0.

    `uncomputed` are columns with a formula whose value the workbook does not keep, `moments` those with a date or time.
    """

    number: int
    cells: dict[int, str]
    uncomputed: list[int] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)


@dataclass
class SheetEnd:
    """What a sheet has below its rows: the merged cells, as `(first row, first column, last row, last column)`."""

    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def sheet_rows(book: Workbook, sheet: Sheet, end: SheetEnd | None = None) -> Iterator[SheetRow]:
    """Yield the rows of a sheet that are not blank. Fills `end` once all are read.

    Raises LandingError if they hold more than MOST_CELLS or MOST_TEXT, or if rows are not in order.
    """
    reading = _Reading(book, end or SheetEnd())
    for _ in parse_part(book, sheet.part, reading.start, reading.end, reading.text):
        reading.refuse_too_much()
        if reading.rows:
            rows, reading.rows = reading.rows, []
            yield from rows


def moment_of(serial: float, kind: str, *, epoch_1904: bool) -> object:
    """Return the date, time or duration that a number means: days since 1899-12-30, or since 1904-01-01.

    >>> moment_of(45296.5, "date", epoch_1904=False), moment_of(0.5, "date", epoch_1904=False)
    (datetime.datetime(2024, 1, 5, 12, 0), datetime.time(12, 0))
    """
    milliseconds = round(serial * _MILLISECONDS_OF_DAY)
    if kind == "duration":
        return dt.timedelta(milliseconds=milliseconds)
    if epoch_1904:
        moment = dt.datetime(1904, 1, 1) + dt.timedelta(milliseconds=milliseconds)
    else:
        # The day 1900-02-29 exists in Excel only, so days before it are one off.
        first = dt.datetime(1899, 12, 30) if serial >= 60 else dt.datetime(1899, 12, 31)
        moment = first + dt.timedelta(milliseconds=milliseconds)
    return moment.time() if serial < 1 else moment


class _Reading:
    """The handlers of the XML of one sheet. `rows` are those that are complete."""

    def __init__(self, book: Workbook, end: SheetEnd) -> None:
        self.rows: list[SheetRow] = []
        self._book = book
        self._below = end
        self._columns: dict[str, int] = {}
        self._row = 0
        self._cells: dict[int, str] = {}
        self._uncomputed: list[int] = []
        self._moments: list[int] = []
        self._column = -1
        self._first = self._last = -1  # columns of the row with any value, an error included
        self._kind = ""
        self._style = ""
        self._formula = False
        self._collecting = False
        self._phonetic = False
        self._text: list[str] = []
        self._prefix: str | None = None
        self._length = 0
        self._box = [_MOST_ROW, 0, _MOST_COLUMN, 0]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: -len("worksheet")] if name.endswith(":worksheet") else ""
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._column_of(reference)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._formula = False
            self._text = []
        elif name == "v" or (name == "t" and not self._phonetic):
            self._collecting = True
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True
        elif name == "row":
            number = attributes.get("r")
            row = self._row + 1 if number is None else int(number)
            if not self._row < row <= _MOST_ROW:
                raise LandingError(f"{self._book.key}: row {row} comes after row {self._row}. Save it again in Excel.")
            self._row, self._column, self._first = row, -1, -1
            self._cells, self._uncomputed, self._moments = {}, [], []
        elif name == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            if last:
                self._below.merged.append((*self._place_of(first), *self._place_of(last)))

    def end(self, name: str) -> None:
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name in ("v", "t"):
            self._collecting = False
        elif name == "c":
            if self._text:
                self._last = self._column
                if self._first < 0:
                    self._first = self._column
                self._value("".join(self._text) if len(self._text) > 1 else self._text[0])
            elif self._formula and self._kind != "str":
                self._uncomputed.append(self._column)
        elif name == "rPh":
            self._phonetic = False
        elif name == "row":
            if self._first >= 0:
                box = self._box
                box[:] = [min(box[0], self._row), self._row, min(box[2], self._first), max(box[3], self._last)]
            if self._cells or self._uncomputed:
                self.rows.append(SheetRow(self._row, self._cells, self._uncomputed, self._moments))

    def text(self, data: str) -> None:
        if self._collecting:
            self._text.append(data)

    def refuse_too_much(self) -> None:
        """Raise LandingError if the rows so far need more memory than a library may take to read them."""
        if self._length > MOST_TEXT:
            raise too_much_text(self._book.key)
        first_row, last_row, first_column, last_column = self._box
        cells = (last_row - first_row + 1) * (last_column - first_column + 1)
        if last_row and cells > MOST_CELLS:
            raise LandingError(
                f"{self._book.key}: the values of its sheet lie in a rectangle of {cells:,} cells; at most "
                f"{MOST_CELLS:,} are read. Delete what is far from the table, or save the sheet as CSV."
            )

    def _value(self, text: str) -> None:
        kind = self._kind
        if kind == "n":
            number = float(text)
            style = self._book.styles[int(self._style)] if self._style else ""
            if style == "duration" and abs(number) > _LONGEST_DAYS:
                raise LandingError(
                    f"{self._book.key}: a cell in row {self._row} has the number {text[:40]} in a format for hours. "
                    "Give its column the format of a number."
                )
            if style:
                try:
                    value = cell_text(moment_of(number, style, epoch_1904=self._book.epoch_1904))
                    self._moments.append(self._column)
                except (OverflowError, ValueError):
                    value = cell_text(number)
            else:
                value = cell_text(number)
        elif kind == "s":
            value = self._book.texts[int(text)]
        elif kind == "b":
            value = cell_text(text.strip() in ("1", "true"))
        elif kind == "e":
            return  # an error such as #N/A is a missing value
        elif kind == "d":
            value = text.replace("T00:00:00", "")
            self._moments.append(self._column)
        else:
            value = unescaped(text)
        if value:
            self._length += len(value)
            if value[0] > " " or any(c > " " for c in value):
                self._cells[self._column] = value

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = 0
            for letter in letters.upper().replace("$", ""):
                column = column * 26 + ord(letter) - 64
            column -= 1
            if not 0 <= column < _MOST_COLUMN:
                raise ValueError(f"{reference!r} is not a cell")
            self._columns[letters] = column
        return column

    def _place_of(self, reference: str) -> tuple[int, int]:
        letters = reference.rstrip("0123456789")
        return int(reference[len(letters) :] or 0), self._column_of(reference)
