"""JSON records read into dataclasses: a damaged one, or one of wrong types, is one sentence, never a traceback."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class RecordError(ValueError):
    """A record that cannot be read; the message says where and why, in a few words."""


def read_record(data: bytes, kind: type[T]) -> T:
    """Read JSON bytes as a dataclass, or a list of one. Keys that it does not know are ignored. Raises RecordError.

    >>> read_record(b'{"a": 1}', dict[str, int])
    {'a': 1}
    >>> read_record(b'{"a": "x"}', dict[str, int])
    Traceback (most recent call last):
      ...
    retail_assets.storage.records.RecordError: a: Input should be a valid integer
    """
    from pydantic import ValidationError

    try:
        record: T = _reader(cast(Any, kind)).validate_json(data, strict=True)
    except ValidationError as e:
        raise RecordError(_first(e)) from None
    return record


def as_record(content: object, kind: type[T]) -> T:
    """Check content that was read from JSON against a dataclass. Raises RecordError."""
    return read_record(json.dumps(content).encode(), kind)


def write_record(content: object, kind: Any) -> bytes:
    """Write content of a kind as the JSON bytes that `read_record` reads."""
    written: bytes = _reader(kind).dump_json(content)
    return written


@functools.cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # the command line loads this module also for --help

    return TypeAdapter(kind)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}"[:200] if place else first["msg"][:200]
