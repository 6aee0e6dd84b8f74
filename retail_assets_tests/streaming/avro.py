"""Sales as records in Avro with the id of a schema, written by fastavro."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_writer

_MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
SALE: dict[str, Any] = {
    "type": "record",
    "name": "Sale",
    "namespace": "shop.sales",
    "fields": [
        {"name": "transaction_id", "type": "long"},
        {"name": "sold_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer_id", "type": ["null", "string"], "default": None},
        {"name": "product_category", "type": {"type": "enum", "name": "Category", "symbols": ["Beauty", "Clothing"]}},
        {"name": "quantity", "type": "int"},
        {"name": "price_per_unit", "type": _MONEY},
        {"name": "total_amount", "type": _MONEY},
    ],
}
#: Noon in UTC, in the morning of the same day in the shop of `retail_sales`.
SOLD_AT = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)


def with_id(number: int, data: bytes) -> bytes:
    """Return a record as Confluent's serializers write it: a zero byte, the id of its schema, Avro's binary."""
    return b"\0" + number.to_bytes(4, "big") + data


def encoded(number: int, schema: Any, value: Any) -> bytes:
    """Return a record in the schema that has this id."""
    data = BytesIO()
    schemaless_writer(data, parse_schema(schema), value)
    return with_id(number, data.getvalue())


def record(number: int) -> dict[str, Any]:
    """Return a sale of the schema SALE."""
    return {
        "transaction_id": number,
        "sold_at": SOLD_AT,
        "customer_id": f"C{number % 97}",
        "product_category": "Beauty",
        "quantity": 2,
        "price_per_unit": Decimal("25.00"),
        "total_amount": Decimal("50.00"),
    }


def avro_sale(schema_id: int, number: int) -> bytes:
    return avro_sales(schema_id, [number])[0]


def avro_sales(schema_id: int, numbers: Iterable[int]) -> list[bytes]:
    """Return sales in the schema SALE."""
    parsed = parse_schema(SALE)
    found = []
    for number in numbers:
        data = BytesIO()
        schemaless_writer(data, parsed, record(number))
        found.append(with_id(schema_id, data.getvalue()))
    return found
