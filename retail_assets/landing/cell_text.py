"""The text of a cell: the one way in which numbers, dates, times and truth values of a workbook become text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal


class NumberText(str):
    """The text of a value that is a number in its file."""

    __slots__ = ()


_EXACT = 1e15  # a spreadsheet keeps fifteen digits, so a whole number beyond has lost some


def cell_text(value: object) -> str:
    """Return the text of a value; empty for None.

    A number beyond fifteen digits is written with an exponent, so that an id that was rounded shows it.

    >>> cell_text(123.0), cell_text(0.5), cell_text(1234567890123456.0), cell_text(True)
    ('123', '0.5', '1.234567890123456E+15', 'TRUE')
    >>> cell_text(dt.datetime(2024, 1, 5)), cell_text(dt.datetime(2024, 1, 5, 14, 5)), cell_text(dt.time(9, 30))
    ('2024-01-05', '2024-01-05 14:05:00', '09:30:00')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | int):
        return NumberText(_number_text(float(value)))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time.min else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        seconds, rest = divmod(value // dt.timedelta(milliseconds=1), 1000)
        text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{text}.{rest:03}" if rest else text
    return str(value)


def _number_text(value: float) -> str:
    if -_EXACT < value < _EXACT:
        if value == int(value):
            return str(int(value))
        text = repr(value)
        if "e" not in text:
            return text
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    rest = f".{significant[1:]}" if significant[1:] else ""
    return f"{'-' if sign else ''}{significant[0]}{rest}E{len(digits) - 1 + int(exponent):+}"
