"""Workbooks that tests land: what people and programs put into cells."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import openpyxl


def workbook(*rows: Iterable[object], change: Callable[[Any], object] | None = None, **sheets: Any) -> bytes:
    """Return a workbook with the sheet `Sales` of these rows, and others by name. `change` gets the openpyxl book."""
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Sales"
    for row in rows:
        first.append(list(row))
    for name, of_sheet in sheets.items():
        sheet = book.create_sheet(name)
        for row in of_sheet:
            sheet.append(list(row))
    if change:
        change(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_text(book: Any) -> None:
    """Make every text of a book a text: for openpyxl, one that begins with = is a formula, and `#N/A` an error."""
    for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row):
        if isinstance(cell.value, str):
            cell.data_type = "s"


def with_parts(data: bytes, parts: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """Return a workbook in which some parts of its archive are changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, parts.get(part.filename, bytes)(old.read(part.filename)))
    return file.getvalue()
