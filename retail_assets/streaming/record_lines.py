"""One record of a topic as one line of a landed file: its own bytes, or why it cannot be read and where it was.

A file whose header does not fit the contract stops its landing. A stream cannot ask for another file, so what would
make the header of a batch unfit is judged here, record by record. Everything else is for cleaning to judge.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import required_raw_columns
from retail_assets.contracts.model import Contract

#: A larger record is no sale, and the first line of a file may not be longer than a megabyte.
LARGEST_RECORD = 512 << 10
#: Bytes that are shown of a record that cannot be read.
_SHOWN = 64 << 10
#: Of a record, and of all records of a batch: a file with more columns could not be read.
_MOST_KEYS, _MOST_KEYS_PER_BATCH = 200, 900
_LONGEST_KEY = 200
_MOST_SHAPES = 10_000
#: Fewer bytes are no record in Avro with the id of a schema, which begins with a zero byte.
_SHORTEST_AVRO = 5

#: Returns a record as a JSON object, and why it cannot be read (None if it can).
Decode = Callable[[bytes], tuple[dict[str, Any] | None, str | None]]


@dataclass(frozen=True, eq=False)
class Shape:
    """What the keys of a record are to the contract: which key is which column; `wrong` says why it does not fit."""

    keys: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    wrong: str | None = None


class RecordLines:
    """Turns records into lines for one contract. Records are JSON, or what `decode` reads."""

    def __init__(self, contract: Contract, decode: Decode | None = None) -> None:
        self._decode = decode or self._json
        self._columns: dict[str, list[str]] = {}
        for column, names in contract.raw_columns().items():
            for name in names:
                self._columns.setdefault(normalize_header(name), []).append(column)
        self._needed = required_raw_columns(contract)
        self._ignored = {normalize_header(name) for name in contract.ignore_columns}
        self._rejects_unknown = contract.unknown_columns == "reject"
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._parse = json.JSONDecoder(parse_constant=_refuse_constant).decode
        self._is_json = decode is None
        self._line = json.JSONEncoder(ensure_ascii=False).encode

    def read(self, value: bytes | None) -> tuple[bytes, Shape | None, str | None]:
        """Return a record's bytes as one line, its shape, and why it cannot be read (None if it can).

        >>> from retail_assets.contracts.loading import load
        >>> RecordLines(load("retail_sales")).read(b"oops")[2]
        'not JSON'
        """
        if value is None:
            return b"", None, "no value (null)"
        if len(value) > LARGEST_RECORD:
            return value, None, f"too large ({len(value):,} bytes)"
        item, wrong = self._decode(value)
        if item is None:
            return value, None, wrong
        if not self._is_json and len(value := self._line(item).encode()) > LARGEST_RECORD:
            return value, None, f"too large ({len(value):,} bytes of JSON)"
        keys = tuple(item)
        shape = self._shapes.get(keys) or self._shape(keys)
        if shape.wrong:
            return value, None, shape.wrong
        if b"\n" in value or b"\r" in value:  # in JSON they stand between values alone
            value = value.replace(b"\n", b" ").replace(b"\r", b" ")
        return value, shape, None

    def _json(self, value: bytes) -> tuple[dict[str, Any] | None, str | None]:
        if value[:1] == b"\0" and len(value) >= _SHORTEST_AVRO:
            return None, "not JSON but Avro, it seems: set RETAIL_STREAM_FORMAT=avro"
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return None, "not UTF-8"
        try:
            item = self._parse(text)
        except (ValueError, RecursionError):
            return None, "not JSON"
        return (item, None) if type(item) is dict else (None, "not a JSON object")

    def _shape(self, keys: tuple[str, ...]) -> Shape:
        if len(self._shapes) >= _MOST_SHAPES:
            self._shapes.clear()
        shape = self._shapes[keys] = self._judged(keys)
        return shape

    def _judged(self, keys: tuple[str, ...]) -> Shape:
        if len(keys) > _MOST_KEYS:
            return Shape(keys, wrong=f"more than {_MOST_KEYS} keys")
        if strange := next((key for key in keys if not key.isprintable() or len(key) > _LONGEST_KEY), None):
            return Shape(keys, wrong=f"a key that cannot name a column: {ascii(strange)[:60]}")
        columns: dict[str, str] = {}
        for key in keys:
            name = normalize_header(key)
            for column in self._columns.get(name, ()):
                if column in columns:
                    return Shape(keys, wrong=f"{columns[column]!r} and {key!r} both mean {column!r}")
                columns[column] = key
            if self._rejects_unknown and name not in self._columns and name not in self._ignored:
                return Shape(keys, wrong=f"a key that the contract does not know: {key!r}")
        if missing := [column for column in self._needed if column not in columns]:
            return Shape(keys, wrong=f"without {', '.join(map(repr, missing))}")
        return Shape(keys, columns)


class Header:
    """The columns of a batch so far. Two names for one column in one file could not be read."""

    def __init__(self) -> None:
        self._shapes: set[Shape] = set()
        self._keys: set[str] = set()
        self._columns: dict[str, str] = {}

    def takes(self, shape: Shape) -> bool:
        """Add a record's keys; return False, and add nothing, if they do not go with those of earlier records."""
        if shape in self._shapes:
            return True
        if self._shapes:
            if any(self._columns.get(column, key) != key for column, key in shape.columns.items()):
                return False
            if len(self._keys.union(shape.keys)) > _MOST_KEYS_PER_BATCH:
                return False
        self._shapes.add(shape)
        self._keys.update(shape.keys)
        self._columns.update(shape.columns)
        return True


def poison_line(reason: str, topic: str, partition: int, offset: int, value: bytes) -> bytes:
    r"""Return the line of a record that cannot be read: a JSON array, which cleaning rejects as a malformed row.

    It shows the reason, the place in the topic, and the record's text, so that the quarantine does.

    >>> poison_line("not JSON", "sales", 3, 120, b"oops")
    b'["not JSON", "sales", 3, 120, "oops"]'
    """
    place: list[object] = [reason, topic, partition, offset]
    if len(value) > _SHOWN:
        place.append(f"{len(value):,} bytes, sha256 {hashlib.sha256(value).hexdigest()}, which begin with:")
    shown = value[:_SHOWN]
    text = _of_binary(shown) if shown[:1] == b"\0" else shown.decode("utf-8", "backslashreplace")
    return json.dumps([*place, text.replace("\x00", "\\x00")], ensure_ascii=False).encode()


def _of_binary(data: bytes) -> str:
    r"""Return bytes as text that can be turned back, with <16> for a byte that is none.

    The texts in it stay: so an erasure finds the customer, which it would not in base64.

    >>> _of_binary(b"\0\x06C17\xff<\x16")
    '<00><06>C17<ff><3c><16>'
    """
    escaped = re.sub(rb"[\x00-\x1f\x7f<\\]", lambda byte: b"<%02x>" % byte[0][0], data)
    return re.sub(r"\\x(..)", r"<\1>", escaped.decode("utf-8", "backslashreplace"))


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON, and no amounts."""
    raise ValueError(name)
