"""Cells of CSV files that people open in a spreadsheet: none of them may become a formula."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """`text`, led by an apostrophe if a spreadsheet would take it for a formula (OWASP: CSV injection).

    Signs in other scripts count, too: spreadsheets read a full-width `＝` as `=`. For text only: a number that we write
    ourselves may begin with a minus.
    """
    first = text.lstrip(" \u00a0\ufeff")[:1]
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or first in _SIGNS else text


_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
