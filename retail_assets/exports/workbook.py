"""The workbook: tables of the warehouse as sheets of one Excel file, for those who have no BI tool.

Texts from the data are written as texts, never as formulas or links. Rows are streamed, so that memory does not grow
with them; what does not fit a sheet is left out, and the first sheet says so.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any

import xlsxwriter

from retail_assets import __version__
from retail_assets.errors import NotReadyError
from retail_assets.exports.dictionary import entries
from retail_assets.exports.sheets import SHEETS
from retail_assets.tables import Column, Table
from retail_assets.warehouse.protocol import Warehouse

MOST_ROWS = 100_000
"""Rows of a sheet. Excel opens a million, but few machines do so with pleasure; single stores are for the warehouse."""

_LONGEST_TEXT = 32_767
_SHARE = re.compile(r"_share$|^wape$|^coverage|^bias$|confidence$")


@dataclass(frozen=True)
class _Sheet:
    """What became of a table: rows written, and whether there are more; None if it does not exist yet."""

    table: Table
    rows: int | None
    more: bool = False


def write_workbook(warehouse: Warehouse, source: str, currency: str) -> bytes:
    """Write the workbook. The same tables give the same bytes.

    Args:
        warehouse: has the tables; those that do not exist yet are named on the first sheet.
        source: name of the shop's contract.
        currency: of the money in the tables.

    Raises:
        WarehouseError: the warehouse refuses.
    """
    target = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(target, options) as book:
        # A time of the clock would make every file another one.
        book.set_properties({"title": f"{source}: sales, forecast and customers", "created": dt.datetime(2000, 1, 1)})
        formats = _Formats(book)
        about = book.add_worksheet("About")
        written = [_write_table(book, formats, warehouse, table, order) for table, order in SHEETS]
        _write_dictionary(book, formats, currency)
        _write_about(about, formats, written, source, currency)
    return target.getvalue()


class _Formats:
    """The formats of cells, each made once."""

    def __init__(self, book: Any) -> None:
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.share = book.add_format({"num_format": "0.0%"})
        self.number = book.add_format({"num_format": "#,##0.####"})
        self.count = book.add_format({"num_format": "#,##0"})

    def of(self, column: Column) -> Any:
        """The format of a column's cells; None for text."""
        if column.type in ("date", "timestamp"):
            return self.day if column.type == "date" else self.moment
        if column.type.startswith("decimal"):
            return self.money
        if column.type in ("bigint", "integer"):
            return self.count
        if column.type == "double":
            return self.share if _SHARE.search(column.name) else self.number
        return None


def _write_table(book: Any, formats: _Formats, warehouse: Warehouse, table: Table, order: str) -> _Sheet:
    try:
        rows = _rows(warehouse, table, order)
        first = next(rows, None)
    except NotReadyError:
        return _Sheet(table, None)
    sheet = book.add_worksheet(table.name[:31])
    sheet.freeze_panes(1, 0)
    styles = [formats.of(column) for column in table.columns]
    for at, column in enumerate(table.columns):
        width = 60 if column.name == "sentence" else max(11, min(len(column.name) + 2, 24))
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, column.name, formats.head)
    count = 0
    while first is not None and count < MOST_ROWS:
        count += 1
        for at, value in enumerate(first):
            _write_cell(sheet, count, at, value, styles[at])
        first = next(rows, None)
    sheet.autofilter(0, 0, count, len(table.columns) - 1)
    return _Sheet(table, count, more=first is not None)


def _rows(warehouse: Warehouse, table: Table, order: str) -> Iterator[tuple[Any, ...]]:
    sql = f"SELECT {table.column_list} FROM {table.name} ORDER BY {order} LIMIT {MOST_ROWS + 1}"
    for batch in warehouse.query(sql).to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write_cell(sheet: Any, row: int, at: int, value: Any, style: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, at, value)
    elif isinstance(value, int | float | Decimal):
        number = float(value)
        if number == number and abs(number) != float("inf"):
            sheet.write_number(row, at, number, style)
    elif isinstance(value, dt.date):
        sheet.write_datetime(row, at, value, style)
    else:
        text = str(value)
        sheet.write_string(row, at, text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…")


def _write_dictionary(book: Any, formats: _Formats, currency: str) -> None:
    """What each column of each sheet means, and what may be computed from it: the data dictionary."""
    sheet = book.add_worksheet("Dictionary")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 1, 28)
    sheet.set_column(2, 3, 16)
    sheet.set_column(4, 5, 60)
    heads = ("table", "column or measure", "kind", "type or unit", "SQL", "meaning")
    for at, head in enumerate(heads):
        sheet.write_string(0, at, head, formats.head)
    row = 0
    for row, entry in enumerate((entry for table, _ in SHEETS for entry in entries(table, currency)), 1):
        for at, text in enumerate(astuple(entry)):
            sheet.write_string(row, at, text)
    sheet.autofilter(0, 0, row, len(heads) - 1)


def _write_about(sheet: Any, formats: _Formats, written: list[_Sheet], source: str, currency: str) -> None:
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, f"{source}: sales, forecast and customers", formats.title)
    sheet.write_string(1, 0, f"Money in {currency}. Made by retail-assets {__version__} from the warehouse's tables.")
    sheet.write_string(3, 0, "sheet", formats.head)
    sheet.write_string(3, 1, "what it holds", formats.head)
    for row, each in enumerate(written, 4):
        sheet.write_string(row, 0, each.table.name)
        sheet.write_string(row, 1, _state(each), formats.wrapped)


def _state(each: _Sheet) -> str:
    if each.rows is None:
        return f"Not there: the table {each.table.name} does not exist yet."
    rows = f"{each.rows:,} rows"
    if each.more:
        rows = f"the first {each.rows:,} rows; the warehouse has more"
    return f"{each.table.grain} ({rows})."
