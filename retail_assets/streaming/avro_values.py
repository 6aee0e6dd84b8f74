"""What the values of Avro's types are in a JSON line: exact, of the same text every time, and read right by a contract.

A value that no row may be made of becomes an object: cleaning rejects it where the contract reads the column, and
ignores it elsewhere, as it does with every nested value.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import Any

Conversion = Callable[[Any], Any]

#: From here on a 32-bit float has not all cents.
_LOSES_CENTS = 131_072.0
#: Digits of a decimal; a longer number is none of a sale, and Python refuses to write one of 4,300.
MOST_DIGITS = 1_000
_MOST_DECIMAL_BYTES = 420
_EPOCH = dt.datetime(1970, 1, 1)
_FIRST_DAY = dt.date(1970, 1, 1)
_DAY_SECONDS = 86_400
#: Logical types of a number of parts of a second, by (type, logical type): parts, and whether it is an instant.
_MOMENTS = {
    ("long", "timestamp-millis"): (1_000, True),
    ("long", "timestamp-micros"): (1_000_000, True),
    ("long", "timestamp-nanos"): (1_000_000_000, True),
    ("long", "local-timestamp-millis"): (1_000, False),
    ("long", "local-timestamp-micros"): (1_000_000, False),
    ("long", "local-timestamp-nanos"): (1_000_000_000, False),
}
_TIMES = {("int", "time-millis"): 1_000, ("long", "time-micros"): 1_000_000}
_PARTS = {1_000: "milliseconds", 1_000_000: "microseconds", 1_000_000_000: "nanoseconds"}


class TooLongError(ValueError):
    """A decimal has more digits than any number of a sale."""


def conversion(kind: str, schema: Mapping[str, Any], decimal_mark: str) -> Conversion | None:
    """Return what makes JSON of the values of a type; None where they are JSON already.

    `schema` is the type with its attributes. Numbers with decimals have the contract's mark; a logical type that does
    not fit its type is none, as Avro says.

    >>> conversion("bytes", {"logicalType": "decimal", "precision": 9, "scale": 2}, ".")(b"\\x09\\xc5")
    '25.01'
    """
    logical = str(schema.get("logicalType"))
    if kind in ("bytes", "fixed") and logical == "decimal" and (scale := decimals(schema)) is not None:
        return _decimal(scale, decimal_mark)
    if (kind, logical) in _MOMENTS:
        return _moment(*_MOMENTS[kind, logical])
    if (kind, logical) in _TIMES:
        return _time(_TIMES[kind, logical])
    if (kind, logical) == ("int", "date"):
        return _date
    if kind == "fixed" and schema["size"] == 16 and logical == "uuid":
        return lambda data: str(uuid.UUID(bytes=data))
    if kind == "fixed" and schema["size"] == 12 and logical == "duration":
        return _duration
    if kind in ("bytes", "fixed"):
        return _text
    if kind == "double":
        return lambda value: _number(value, decimal_mark)
    if kind == "float":
        return lambda value: _short_float(value, decimal_mark)
    return None


def decimals(schema: Mapping[str, Any]) -> int | None:
    """Return how many decimals a decimal has; None if it is none by Avro's rules. Raises TooLongError."""
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision or precision < 1:
        return None
    if precision > MOST_DIGITS:
        raise TooLongError(f"a decimal of more than {MOST_DIGITS:,} digits")
    return scale


def _decimal(scale: int, mark: str) -> Conversion:
    def text(data: bytes) -> str:
        if len(data) > _MOST_DECIMAL_BYTES:
            raise TooLongError(f"a decimal of {len(data):,} bytes")
        units = int.from_bytes(data, "big", signed=True)
        if not scale:
            return str(units)
        if units < 0:
            digits = str(-units).zfill(scale + 1)
            return f"-{digits[:-scale]}{mark}{digits[-scale:]}"
        digits = str(units).zfill(scale + 1)
        return f"{digits[:-scale]}{mark}{digits[-scale:]}"

    return text


def _date(days: int) -> str:
    try:
        return (_FIRST_DAY + dt.timedelta(days)).isoformat()
    except OverflowError:
        return f"{days} days since 1970"


def _moment(per_second: int, instant: bool) -> Conversion:
    """Return ISO text of a number since 1970; an instant has a Z, so that a contract makes shop time of it."""
    digits, suffix = len(str(per_second)) - 1, "Z" if instant else ""

    def text(value: int) -> str:
        seconds, parts = divmod(value, per_second)
        try:
            whole = (_EPOCH + dt.timedelta(seconds=seconds)).isoformat()
        except OverflowError:
            return f"{value} {_PARTS[per_second]} since 1970"
        return f"{whole}.{parts:0{digits}}{suffix}" if parts else f"{whole}{suffix}"

    return text


def _time(per_second: int) -> Conversion:
    digits = len(str(per_second)) - 1

    def text(value: int) -> str:
        seconds, parts = divmod(value, per_second)
        if not 0 <= seconds < _DAY_SECONDS:
            return f"{value} {_PARTS[per_second]} since midnight"
        whole = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{whole}.{parts:0{digits}}" if parts else whole

    return text


def _duration(data: bytes) -> str:
    months, days, milliseconds = struct.unpack("<III", data)
    return f"P{months}M{days}DT{milliseconds // 1000}.{milliseconds % 1000:03}S"


def _text(data: bytes) -> Any:
    """Return bytes as the text that they are, as with Parquet; otherwise as an object."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _number(value: float, mark: str) -> Any:
    """Return a float as JSON has it; NaN is a missing value, as in Parquet, and infinity a text that is no number."""
    if not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value if mark == "." else repr(value).replace(".", mark)


def _short_float(value: float, mark: str) -> Any:
    """Return a 32-bit float with the fewest digits that give it back: 0.1, not 0.10000000149011612."""
    if not math.isfinite(value):
        return _number(value, mark)
    for digits in (6, 7, 8, 9):
        short = float(f"{value:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", value):
            break
    return {"float": short} if abs(value) >= _LOSES_CENTS else _number(short, mark)
