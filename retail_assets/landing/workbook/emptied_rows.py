"""Taking rows out of a sheet of a workbook: the row stays without cells, so that all others keep their numbers.

Texts that a workbook keeps once for all of its cells (shared strings) become empty where no cell has them any more.
Every other part of the archive is copied as it is.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from typing import IO

from retail_assets.landing.workbook.parts import open_workbook

_ROW = re.compile(rb"<((?:\w+:)?row)\b([^>]*?)(?:/>|>(.*?)</\1\s*>)", re.DOTALL)
_NUMBER = re.compile(rb"\br=[\"'](\d+)[\"']")
_SHARED = re.compile(
    rb"<(?:\w+:)?c\b[^>]*?\bt=[\"']s[\"'][^>]*>\s*(?:<(?:\w+:)?f\b.*?)?<(?:\w+:)?v\b[^>]*>\s*(\d+)\s*<", re.DOTALL
)
_ITEM = re.compile(rb"<((?:(\w+):)?si)\b[^>]*?(?:/>|>.*?</\1\s*>)", re.DOTALL)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml\Z", re.IGNORECASE)


def without_cells(source: IO[bytes], sink: IO[bytes], sheet: str, rows: Iterable[int]) -> None:
    """Copy a workbook with some rows of a sheet (1 = the first) empty. Raises LandingError if it is damaged."""
    wanted = set(rows)
    with open_workbook(source, sheet) as book, zipfile.ZipFile(sink, "w") as new:
        [part] = [s.part for s in book.sheets if s.name == sheet]
        before = book.archive.read(part)
        after, gone = _emptied(before, wanted)
        used = texts_of(after)
        for name in book.archive.namelist():
            if name != part and _SHEET.match(name):
                used |= texts_of(book.archive.read(name))
        for info in book.archive.infolist():
            data = after if info.filename == part else book.archive.read(info)
            if info.filename == book.texts_part and gone - used:
                data = without_texts(data, gone - used)
            copied = zipfile.ZipInfo(info.filename, info.date_time)
            copied.compress_type, copied.external_attr = info.compress_type, info.external_attr
            new.writestr(copied, data)


def _emptied(xml: bytes, wanted: set[int]) -> tuple[bytes, set[int]]:
    """Return a sheet with rows emptied, and the numbers of the shared texts that these had."""
    gone: set[int] = set()
    last = 0

    def row(match: re.Match[bytes]) -> bytes:
        nonlocal last
        number = _NUMBER.search(match[2])
        last = int(number[1]) if number else last + 1
        if last not in wanted:
            return match[0]
        gone.update(texts_of(match[3] or b""))
        return b'<%s r="%d"/>' % (match[1], last)

    return _ROW.sub(row, xml), gone


def texts_of(xml: bytes) -> set[int]:
    """Return the numbers of the shared texts that the cells of a sheet have."""
    return {int(number) for number in _SHARED.findall(xml)}


def without_texts(xml: bytes, gone: set[int]) -> bytes:
    """Return the part of shared texts with some of them empty, so that all others keep their numbers."""
    number = -1

    def item(match: re.Match[bytes]) -> bytes:
        nonlocal number
        number += 1
        if number not in gone:
            return match[0]
        prefix = match[2] + b":" if match[2] else b""
        return b"<%s><%st/></%s>" % (match[1], prefix, match[1])

    return _ITEM.sub(item, xml)
