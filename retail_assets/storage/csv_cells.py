"""CSV files that are safe to open in a spreadsheet: no cell becomes a formula."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """Return `text`, preceded by an apostrophe if a spreadsheet would take it for a formula (OWASP: CSV injection).

    Full-width signs count as well, because spreadsheets read a full-width `＝` as `=`. For text only: a number that we
    write ourselves may begin with a minus.

    >>> safe_cell("=1+1"), safe_cell("Beauty")
    ("'=1+1", 'Beauty')
    """
    first = text.lstrip(" \u00a0\ufeff")[:1]
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or first in _SIGNS else text


_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")


def write_pages(
    sink: IO[bytes], columns: Sequence[str], pages: Iterable[Iterable[Sequence[str]]], *, marked: bool = True
) -> int:
    """Write rows of finished cells page by page, in constant memory; return the number of rows.

    The file is UTF-8; if `marked`, with a byte order mark, without which spreadsheets on Windows assume another
    encoding. Lines end as in RFC 4180.
    """
    if marked:
        sink.write(codecs.BOM_UTF8)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    rows = 0
    for page in pages:
        for cells in page:
            writer.writerow(cells)
            rows += 1
        sink.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    sink.write(text.getvalue().encode())
    return rows
