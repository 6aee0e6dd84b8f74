"""Schemas by strangers: each is read, or refused with the reason, and none can take the process down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastavro import schemaless_reader

from retail_assets.streaming.avro_schemas import LARGEST_SCHEMA, UnusableSchemaError, readable

LIST = {
    "type": "record",
    "name": "List",
    "fields": [{"name": "next", "type": ["null", "List"]}],
}
VAST = {"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**9}


def record(*types: Any, name: str = "Sale") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": f"f{i}", "type": t} for i, t in enumerate(types)]}


def laughs(levels: int) -> Any:
    """Return a record whose fields are records of the next level, twice, and of the last one no byte is written."""
    inner: Any = record("null", name=f"L{levels}")
    for level in range(levels - 1, -1, -1):
        inner = record(inner, f"L{level + 1}", name=f"L{level}")
    return inner


def nested(levels: int) -> Any:
    inner: Any = "int"
    for level in range(levels):
        inner = record(inner, name=f"L{level}")
    return inner


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(LIST), "its type List contains itself"),
        (json.dumps(record({"type": "array", "items": "Sale"})), "its type Sale contains itself"),
        (json.dumps(laughs(20)), "more than 2,000 types"),
        (json.dumps(nested(40)), "more than 32 levels"),
        ("[" * 100_000, "not an Avro schema|nested too deeply"),
        ('{"type":' * 500 + '"int"' + "}" * 500, "nested too deeply"),
        (json.dumps(record(*["int"] * 3_000)), "more than 2,000 types"),
        (" " * (LARGEST_SCHEMA + 1), "larger than 256 KiB"),
        ('"string"', "not the schema of a record"),
        ('{"type": "map", "values": "int"}', "not the schema of a record"),
        ('["null"]', "not the schema of a record"),
        ('["null", "int"]', "not the schema of a record"),
        ("", "not an Avro schema"),
        ("null", "not an Avro schema"),
        ('{"type": "record"}', "not an Avro schema"),
        (json.dumps(record("Unknown")), "not an Avro schema"),
        (
            json.dumps(record({"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**9})),
            "a decimal of",
        ),
    ],
)
def test_a_schema_that_no_sale_can_be_read_with_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UnusableSchemaError, match=reason):
        readable(text, [], ".")


def test_a_record_may_be_one_of_several_and_defaults_do_not_matter() -> None:
    odd = record("int", name="Odd")
    odd["fields"][0]["default"] = "no number"
    assert readable(json.dumps([odd, "null", record("string", name="Other")]), [], ".").types == 5


def test_a_type_that_is_used_twice_is_read_in_both_places() -> None:
    money = {"type": "fixed", "name": "Money", "size": 1, "logicalType": "decimal", "precision": 2, "scale": 1}
    schema = readable(json.dumps(record(money, "Money", ["null", "Money"])), [], ".")
    schema.begin()
    assert _read(schema.parsed, b"\x0f\x10\x02\x11") == {"f0": "1.5", "f1": "1.6", "f2": "1.7"}


def test_types_of_other_schemas_are_found_by_their_names() -> None:
    money = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "int"}]}
    price = {"type": "record", "name": "Price", "namespace": "shop", "fields": [{"name": "money", "type": "Money"}]}
    texts = [json.dumps(money), json.dumps(price)]
    schema = readable(json.dumps(record("shop.Price")), texts, ".")
    schema.begin()
    assert _read(schema.parsed, b"\x0a") == {"f0": {"money": {"cents": 5}}}


def _many(count: int) -> bytes:
    """Return Avro's `long`."""
    left, found = count << 1, b""
    while left > 127:
        found += bytes([left & 127 | 128])
        left >>= 7
    return found + bytes([left])


@pytest.mark.parametrize(
    ("items", "data"),
    [
        ("null", lambda: _many(10**12) + b"\0"),
        (record(name="Empty"), lambda: _many(10**12) + b"\0"),
        (record(*["null"] * 1_000, name="Wide"), lambda: _many(10**12) + b"\0"),
        ("int", lambda: _many(400_000) + b"\x02" * 400_000 + b"\0"),
    ],
)
def test_a_few_bytes_do_not_become_a_billion_values(items: Any, data: Callable[[], bytes]) -> None:
    schema = readable(json.dumps(record({"type": "array", "items": items})), [], ".")
    schema.begin()
    with pytest.raises(ValueError, match="more than 100,000 values"):
        _read(schema.parsed, data())


def _read(parsed: Any, data: bytes) -> Any:
    from io import BytesIO

    return schemaless_reader(BytesIO(data), parsed, None)
