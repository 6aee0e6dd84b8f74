"""A writer's schema, as a registry has it, made ready to read: checked, bounded, and with conversions in its types.

What a schema can do to a process is bounded here: the size of its text, its depth, how many types it unfolds to (a few
named types that use each other twice can mean millions), and how many items one record may have. Types that contain
themselves are refused: fastavro reads them by recursion in C, which a record of some thousand bytes takes beyond the
stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastavro import parse_schema
from fastavro.read import LOGICAL_READERS

from retail_assets.streaming.avro_values import Conversion, TooLongError, conversion, decimals

#: Bytes of a schema with all that it refers to.
LARGEST_SCHEMA = 256 << 10
MOST_TYPES = 2_000
_TYPE_BYTES = 500
_DEEPEST = 32
_DEEPEST_JSON = 200
_MOST_ITEMS = 100_000
_RECORDS = ("record", "error")
_OURS = "retail"
_PRIMITIVE = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


def _converted(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Any:
    return writer_schema["convert"](data)


# A logical type of our own, whose attribute `convert` is called with each value: fastavro's way for custom types.
for _kind in (*_PRIMITIVE, "fixed", "array", "map", *_RECORDS):
    LOGICAL_READERS[f"{_kind}-{_OURS}"] = _converted


class UnusableSchemaError(Exception):
    """A schema that no sale can be read with; the message says why."""


class TooManyItemsError(ValueError):
    """A record has more items in its arrays and maps than any sale."""


@dataclass
class Schema:
    """What `fastavro` reads with, how many types it has, and about how many bytes. `begin` comes before each record."""

    parsed: Any
    types: int
    size: int
    _items: _Items = field(repr=False)

    def begin(self) -> None:
        self._items.left = _MOST_ITEMS


class _Items:
    """How many types in items of arrays and maps the record being read may still have."""

    left = _MOST_ITEMS

    def counted(self, weight: int, convert: Conversion | None) -> Conversion:
        def count(data: Any) -> Any:
            self.left -= weight
            if self.left < 0:
                raise TooManyItemsError(f"more than {_MOST_ITEMS:,} values in arrays and maps")
            return data if convert is None else convert(data)

        return count


def readable(text: str, references: Sequence[str], decimal_mark: str) -> Schema:
    """Return a schema ready to read; `references` are the texts of what it refers to, each after what it needs itself.

    Raises UnusableSchemaError.
    """
    size = sum(map(len, (text, *references)))
    if size > LARGEST_SCHEMA:
        raise UnusableSchemaError(f"it is larger than {LARGEST_SCHEMA >> 10} KiB")
    named: dict[str, Any] = {}
    try:
        for reference in references:
            parse_schema(_loaded(reference), named_schemas=named)
        parsed = parse_schema(_loaded(text), named_schemas=named)
        items = _Items()
        unfolded = _Unfolding(named, decimal_mark, items)
        schema, _ = unfolded.of(parsed, 0)
        branches = schema if isinstance(schema, list) else [schema]
        kinds = {branch["type"] for branch in branches}
        if not kinds <= {*_RECORDS, "null"} or kinds == {"null"}:
            raise UnusableSchemaError("it is not the schema of a record")
        return Schema(parse_schema(schema), unfolded.types, size + _TYPE_BYTES * unfolded.types, items)
    except TooLongError as e:
        raise UnusableSchemaError(f"it has {e}") from None
    except UnusableSchemaError:
        raise
    except Exception as e:  # of a text by strangers: fastavro has an error of its own for some, Python's for others
        raise UnusableSchemaError(f"it is not an Avro schema ({type(e).__name__}: {str(e)[:80]})") from None


def _loaded(text: str) -> Any:
    """Return the JSON of a schema, not too deep, and without defaults, which only readers' schemas need."""
    try:
        loaded = json.loads(text)
    except RecursionError:
        raise UnusableSchemaError("it is nested too deeply") from None
    level, depth = [loaded], 0
    while level:
        depth += 1
        if depth > _DEEPEST_JSON:
            raise UnusableSchemaError("it is nested too deeply")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                item.pop("default", None)
                if item.get("logicalType") == "decimal" and decimals(item) is None:
                    del item["logicalType"]  # Avro says to ignore it, and fastavro would refuse the schema
                below += item.values()
            elif isinstance(item, list):
                below += item
        level = below
    return loaded


class _Unfolding:
    """Replaces names by what they name, each time under a name of its own, and puts conversions in."""

    def __init__(self, named: Mapping[str, Any], decimal_mark: str, items: _Items) -> None:
        self._named, self._mark, self._items = named, decimal_mark, items
        self._open: list[str] = []
        self._names = self.types = 0

    def of(self, schema: Any, depth: int, *, is_item: bool = False) -> tuple[Any, int]:
        """Return a type with conversions, and of how many types it consists."""
        if depth > _DEEPEST:
            raise UnusableSchemaError(f"it has more than {_DEEPEST} levels")
        if isinstance(schema, list):
            branches = [self.of(branch, depth + 1, is_item=is_item) for branch in schema]
            return [branch for branch, _ in branches], 1 + max((n for _, n in branches), default=0)
        if isinstance(schema, str):
            if schema not in _PRIMITIVE:
                return self._definition(schema, depth, is_item)
            schema = {"type": schema}
        if schema["type"] not in (*_PRIMITIVE, *_RECORDS, "fixed", "enum", "array", "map"):
            return self.of(schema["type"], depth + 1, is_item=is_item)
        self.types += 1
        if self.types > MOST_TYPES:
            raise UnusableSchemaError(f"it has more than {MOST_TYPES:,} types")
        return self._type(schema, depth, is_item)

    def _definition(self, name: str, depth: int, is_item: bool) -> tuple[Any, int]:
        if name in self._open:
            raise UnusableSchemaError(f"its type {name} contains itself")
        return self.of(self._named[name], depth, is_item=is_item)

    def _type(self, schema: Mapping[str, Any], depth: int, is_item: bool) -> tuple[Any, int]:
        kind = schema["type"]
        new: dict[str, Any] = {"type": kind}
        convert, weight = conversion(kind, schema, self._mark), 1
        if kind in _RECORDS:
            if schema["name"] in self._open:
                raise UnusableSchemaError(f"its type {schema['name']} contains itself")
            self._open.append(schema["name"])
            fields = [(f["name"], *self.of(f["type"], depth + 1)) for f in schema["fields"]]
            self._open.pop()
            new |= {"name": self._fresh(), "fields": [{"name": name, "type": type_} for name, type_, _ in fields]}
            weight += sum(n for _, _, n in fields)
        elif kind == "fixed":
            new |= {"name": self._fresh(), "size": schema["size"]}
        elif kind == "enum":
            # In Avro's binary an enum is an int. Read as one, a number below zero is not a symbol from the end.
            new, convert = {"type": "int"}, _symbol(tuple(schema["symbols"]))
        elif kind == "array":
            new["items"], _ = self.of(schema["items"], depth + 1, is_item=True)
        elif kind == "map":
            new["values"], _ = self.of(schema["values"], depth + 1, is_item=True)
        if is_item:
            convert = self._items.counted(weight, convert)
        if convert is not None:
            new |= {"logicalType": _OURS, "convert": convert}
        return new, weight

    def _fresh(self) -> str:
        self._names += 1
        return f"n{self._names}"


def _symbol(symbols: tuple[str, ...]) -> Conversion:
    return dict(enumerate(symbols)).__getitem__
