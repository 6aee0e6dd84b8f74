"""Recognizing what a file contains: its encoding, and formats that are not the one its name promises."""

from __future__ import annotations

import codecs
import re

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_FORMATS = (
    (b"\x1f\x8b", "gzip-compressed: land it under a name that ends in .gz"),
    (b"PAR1", "Parquet: land it under a name that ends in .parquet"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls), or one with a password: save it as .xlsx without a password, and land that",
    ),
    (b"%PDF-", "a PDF: ask for the same data as CSV"),
    *(
        (magic, "compressed, but not with gzip: unpack it")
        for magic in (b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
    ),
)
_WEB_PAGE = "a web page, perhaps an error or a login page: download the file again"
_TEXT_FORMATS = (
    ("<!doctype html", _WEB_PAGE),
    ("<html", _WEB_PAGE),
    ("<?xml", "XML: ask for the same data as CSV"),
)
_JSON_BEGINS = re.compile(r'\{\s*"|\[\s*[\[{]')


def refuse_binary_format(head: bytes, key: str) -> None:
    """Raise LandingError if the first bytes of a text file are those of a known binary format."""
    if head.startswith(b"PK\x03\x04"):
        is_workbook = b"[Content_Types].xml" in head or b"xl/" in head
        other: str | None = (
            "an Excel workbook: land it under a name that ends in .xlsx"
            if is_workbook
            else "a zip archive: unpack it, and land what is in it"
        )
    else:
        other = next((what for magic, what in _BINARY_FORMATS if head.startswith(magic)), None)
    if other:
        raise LandingError(f"{key} is not a text file. Its content is {other}.")


def encoding_of(head: bytes, contract: Contract) -> str:
    """Return the encoding that a byte-order mark declares, or else the contract's."""
    return next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), contract.file.encoding)


def refuse_other_text(head: bytes, text: str, file_format: str, encoding: str, key: str) -> None:
    """Raise LandingError for text that is not a table, or is not in the encoding it is read in.

    `text` is the decoded `head`, the first bytes of the file.
    """
    begin = text[:1000].lstrip()
    what = next((what for mark, what in _TEXT_FORMATS if begin.lower().startswith(mark)), None)
    if what is None and file_format == "csv" and _JSON_BEGINS.match(begin):
        what = "JSON: land it, one object per line, under a name that ends in .jsonl"
    if what:
        raise LandingError(f"{key} is not a table of sales. Its content is {what}.")
    # In UTF-16, one of the two bytes of a letter, digit or mark of any western language is NUL.
    pairs = len(head) // 2
    for name, rest in (("utf-16-le", head[1 : 2 * pairs : 2]), ("utf-16-be", head[0 : 2 * pairs : 2])):
        if not encoding.startswith(("utf-16", "utf-32")) and rest.count(0) * 2 > pairs > 0:
            raise LandingError(
                f"{key} looks like {name} without a byte-order mark, but is read as {encoding}. Declare the encoding "
                f"in the contract (`file: {{encoding: {name}}}`), or save the file as UTF-8."
            )
