"""CSV files that people open in a spreadsheet: none of their cells may become a formula."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """`text`, led by an apostrophe if a spreadsheet would take it for a formula (OWASP: CSV injection).

    Signs in other scripts count, too: spreadsheets read a full-width `＝` as `=`. For text only: a number that we write
    ourselves may begin with a minus.
    """
    first = text.lstrip(" \u00a0\ufeff")[:1]
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or first in _SIGNS else text


_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")


def write_pages(sink: IO[bytes], columns: Sequence[str], pages: Iterable[Iterable[Sequence[str]]]) -> int:
    """Write rows of finished cells, a page at a time, so that memory does not grow with their number; returns it.

    UTF-8 with a mark, without which spreadsheets on Windows take it for something else; lines end as in RFC 4180.
    """
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
