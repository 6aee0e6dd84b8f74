"""Values of Avro as JSON: what was sent, to the last digit, and what a contract reads as that."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.settings.stream_registry import RegistrySettings
from retail_assets.streaming.avro_records import AvroRecords
from retail_assets.streaming.avro_values import conversion
from retail_assets.streaming.registry import Registry
from retail_assets_tests.services.schema_registry import SchemaRegistry, schema_registry
from retail_assets_tests.streaming.avro import encoded
from retail_assets_tests.trials import trials


@pytest.fixture(scope="module")
def registry() -> Iterator[SchemaRegistry]:
    with schema_registry() as running:
        yield running


def read(registry: SchemaRegistry, type_: Any, value: Any, mark: str = ".") -> Any:
    """Return what a value of a type is in the JSON of its record."""
    schema = {"type": "record", "name": "Sale", "fields": [{"name": "x", "type": type_}]}
    plain = {"type": "record", "name": "Sale", "fields": [{"name": "x", "type": _plain(type_)}]}
    number = registry.add(schema)
    records = AvroRecords(Registry(RegistrySettings(registry.url), lambda _: False, print), mark)
    item, wrong = records.read(encoded(number, plain, {"x": value}))
    assert wrong is None, wrong
    assert item is not None
    return json.loads(json.dumps(item), parse_constant=_no_constant)["x"]


def _plain(type_: Any) -> Any:
    """Return a type without logical types, so that tests write the numbers and bytes themselves."""
    if isinstance(type_, list):
        return [_plain(branch) for branch in type_]
    if isinstance(type_, dict):
        return {k: _plain(v) if k in ("items", "values", "type") else v for k, v in type_.items() if k != "logicalType"}
    return type_


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def logical(kind: str, logical_type: str, /, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": logical_type, **more}


DECIMAL = logical("bytes", "decimal", precision=12, scale=2)
FIXED = logical("fixed", "decimal", name="Money", size=8, precision=12, scale=4)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("long", 2**63 - 1, 2**63 - 1),
        ("long", 2**53 + 1, 2**53 + 1),
        ("float", struct.unpack("f", struct.pack("f", 0.1))[0], 0.1),
        ("float", struct.unpack("f", struct.pack("f", 19.99))[0], 19.99),
        ("double", 0.1 + 0.2, 0.1 + 0.2),
        ("double", math.nan, None),
        ("double", math.inf, "Infinity"),
        ("float", -math.inf, "-Infinity"),
        ("float", 131_072.125, {"float": 131_072.12}),  # has lost its cents
        (DECIMAL, (123_456_789_012).to_bytes(8, "big"), "1234567890.12"),
        (DECIMAL, b"\xff", "-0.01"),
        (DECIMAL, b"", "0.00"),
        (FIXED, (250_000).to_bytes(8, "big"), "25.0000"),
        (FIXED, (-5).to_bytes(8, "big", signed=True), "-0.0005"),
        (logical("bytes", "decimal", precision=9), b"\x01\x00", "256"),
        (logical("bytes", "decimal", precision=2, scale=3), b"ab", "ab"),  # not a decimal by Avro's rules
        (logical("int", "date"), 20_786, "2026-11-29"),
        (logical("int", "date"), 2**31 - 1, "2147483647 days since 1970"),
        (logical("long", "timestamp-millis"), 1_795_953_600_000, "2026-11-29T12:00:00Z"),
        (logical("long", "timestamp-millis"), 1_795_953_600_007, "2026-11-29T12:00:00.007Z"),
        (logical("long", "timestamp-micros"), -1, "1969-12-31T23:59:59.999999Z"),
        (logical("long", "timestamp-nanos"), 1, "1970-01-01T00:00:00.000000001Z"),
        (logical("long", "timestamp-millis"), 2**60, f"{2**60} milliseconds since 1970"),
        (logical("long", "local-timestamp-micros"), 1_500_000, "1970-01-01T00:00:01.500000"),
        (logical("int", "time-millis"), 50_706_007, "14:05:06.007"),
        (logical("long", "time-micros"), 0, "00:00:00"),
        (logical("int", "time-millis"), -1, "-1 milliseconds since midnight"),
        (logical("int", "timestamp-millis"), 7, 7),  # of a type that has no such logical type
        (logical("fixed", "uuid", name="Id", size=16), bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (logical("fixed", "duration", name="D", size=12), struct.pack("<III", 1, 2, 3004), "P1M2DT3.004S"),
        ("bytes", "Zürich".encode(), "Zürich"),
        ("bytes", b"\xff\x00", {"base64": "/wA="}),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        (["null", DECIMAL], None, None),
        (["null", DECIMAL], b"\x09\xc5", "25.01"),
        (["string", logical("long", "timestamp-millis")], 0, "1970-01-01T00:00:00Z"),
        ({"type": "array", "items": DECIMAL}, [b"\x01", b"\x02"], ["0.01", "0.02"]),
        ({"type": "map", "values": logical("int", "date")}, {"a": 0}, {"a": "1970-01-01"}),
    ],
)
def test_a_value_is_exact_and_of_the_text_that_a_contract_reads(
    registry: SchemaRegistry, type_: Any, value: Any, expected: Any
) -> None:
    assert read(registry, type_, value) == expected


def test_numbers_have_the_decimal_mark_of_the_contract(registry: SchemaRegistry) -> None:
    """A contract of `1.234,56` reads 25.125 as 25125."""
    assert read(registry, DECIMAL, b"\x09\xc5", mark=",") == "25,01"
    assert read(registry, "double", 25.125, mark=",") == "25,125"
    assert read(registry, "float", 0.5, mark=",") == "0,5"
    assert read(registry, "long", 1_234_567, mark=",") == 1_234_567


@settings(max_examples=trials(ordinary=200, soak=20_000))
@given(units=st.integers(-(10**30), 10**30), scale=st.integers(0, 30))
def test_every_decimal_is_written_as_python_reads_it_back(units: int, scale: int) -> None:
    convert = conversion("bytes", logical("bytes", "decimal", precision=31, scale=scale), ".")
    assert convert is not None
    text = convert(units.to_bytes(16, "big", signed=True))
    assert Decimal(text) == Decimal(f"{units}E-{scale}")
    assert "E" not in text


@settings(max_examples=trials(ordinary=200, soak=20_000))
@given(value=st.floats(-131_000, 131_000, width=32))
def test_every_32_bit_float_has_the_fewest_digits_that_give_it_back(value: float) -> None:
    convert = conversion("float", {"type": "float"}, ".")
    assert convert is not None
    short = convert(value)
    assert struct.pack("f", short) == struct.pack("f", value)
    digits = len(f"{short!r}".partition("e")[0].replace(".", "").replace("-", "").strip("0"))
    assert digits <= 9


def test_a_nested_record_is_an_object(registry: SchemaRegistry) -> None:
    till = {"type": "record", "name": "Till", "fields": [{"name": "no", "type": "int"}]}
    assert read(registry, ["null", till], {"no": 7}) == {"no": 7}
