"""Turns the driver's rows into Arrow tables, with the types that Redshift reports, not types guessed from values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_NUMERIC = 1700
_DECIMAL_DIGITS = 38


def to_arrow(columns: Sequence[tuple[str, int, int]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return a table made of rows of Python values; `columns` has name, type oid and type modifier of each column."""
    import pyarrow as pa

    arrays, fields = [], []
    for number, (name, oid, modifier) in enumerate(columns):
        values = [row[number] for row in rows]
        kind = _type(oid, modifier, values)
        if pa.types.is_string(kind):
            values = [v if v is None or isinstance(v, str) else _text(v) for v in values]
        elif pa.types.is_decimal(kind):
            exponent = Decimal(1).scaleb(-kind.scale)
            values = [v if v is None else Decimal(v).quantize(exponent, context=_WIDE) for v in values]
        arrays.append(pa.array(values, type=kind))
        fields.append(pa.field(name, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _type(oid: int, modifier: int, values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    simple = {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int32(),
        23: pa.int32(),
        26: pa.int64(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
        1114: pa.timestamp("us"),
        1184: pa.timestamp("us", tz="UTC"),
    }
    if oid != _NUMERIC:
        return simple.get(oid, pa.string())
    if modifier >= 4:  # precision and scale, packed as in PostgreSQL
        return pa.decimal128((modifier - 4) >> 16, (modifier - 4) & 0xFFFF)
    scales = [-e for v in values if v is not None and isinstance(e := Decimal(v).as_tuple().exponent, int)]
    return pa.decimal128(_DECIMAL_DIGITS, min(max([0, *scales]), _DECIMAL_DIGITS - 1))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _wide() -> Any:
    import decimal

    return decimal.Context(prec=_DECIMAL_DIGITS + 2)


_WIDE = _wide()
