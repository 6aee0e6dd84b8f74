"""Records in Confluent's wire format: a zero byte, the id of the writer's schema (4 bytes), and Avro's binary.

A record becomes the JSON object that its line in the landed file has. It depends on the record's bytes and its schema
alone, and a registry never changes the schema of an id: so whoever lands an offset writes the same line.
"""

from __future__ import annotations

import contextlib
import time
from io import BytesIO
from typing import Any

from retail_assets.errors import SettingsError
from retail_assets.streaming.registry import Registry, UnknownSchemaError

try:
    from fastavro import schemaless_reader
except ModuleNotFoundError as e:
    if e.name != "fastavro":
        raise
    raise SettingsError(
        "RETAIL_STREAM_FORMAT=avro needs fastavro, which is not installed. Run: pip install 'retail-assets[avro]'"
    ) from None

from retail_assets.streaming.avro_schemas import Schema, TooManyItemsError, UnusableSchemaError, readable
from retail_assets.streaming.avro_values import TooLongError

_BEFORE_RECORD = 5
#: Bytes of all schemas that are kept, and ids that no record can be read with.
_MOST_KEPT, _MOST_UNUSABLE_KEPT = 8 << 20, 10_000
#: A schema that the registry did not have is asked for again after so many seconds.
_UNKNOWN_SECONDS = 60.0


class AvroRecords:
    """Reads records by the schemas of a registry, each of which is asked for once."""

    def __init__(self, registry: Registry, decimal_mark: str = ".") -> None:
        self._registry, self._mark = registry, decimal_mark
        self._schemas: dict[int, Schema] = {}
        #: Why a schema is not usable, and until when that holds.
        self._unusable: dict[int, tuple[str, float]] = {}

    def ask(self) -> None:
        """Ask the registry for a schema, whether it has it or not. Raises what `read` raises."""
        with contextlib.suppress(UnknownSchemaError):
            self._registry.schema(1)

    def read(self, value: bytes) -> tuple[dict[str, Any] | None, str | None]:
        """Return a record as a JSON object, and why it cannot be read (None if it can).

        Raises StreamError if the registry refuses, StreamUnreachableError if waiting for it ended.
        """
        if value[:1] != b"\0":
            hint = " but JSON, it seems: set RETAIL_STREAM_FORMAT=json" if value.lstrip()[:1] == b"{" else ""
            return None, f"not Avro with the id of a schema{hint}"
        if len(value) < _BEFORE_RECORD:
            return None, "not Avro with the id of a schema"
        number = int.from_bytes(value[1:_BEFORE_RECORD], "big")
        schema = self._schemas.get(number) or self._looked_up(number)
        if isinstance(schema, str):
            return None, schema
        handle = BytesIO(value)
        handle.seek(_BEFORE_RECORD)
        schema.begin()
        try:
            item: Any = schemaless_reader(handle, schema.parsed, None)
        except (TooManyItemsError, TooLongError) as e:
            return None, f"not usable: {e}"
        except (EOFError, LookupError):
            return None, f"not a whole record of schema {number}"
        except UnicodeDecodeError:
            return None, f"a text of it, by schema {number}, is not UTF-8"
        except Exception as e:  # whatever strange bytes make of a reader in C; the record is shown in the quarantine
            return None, f"not readable by schema {number} ({type(e).__name__})"
        if left := len(value) - handle.tell():
            return None, f"not a record of schema {number}: {left:,} bytes are left"
        return (item, None) if item is not None else (None, "no value (null)")

    def _looked_up(self, number: int) -> Schema | str:
        """Return a schema, or why no record can be read with it."""
        now = time.monotonic()
        known = self._unusable.get(number)
        if known is not None and now < known[1]:
            return known[0]
        until = float("inf")
        try:
            schema = readable(*self._registry.schema(number), self._mark)
        except UnknownSchemaError as e:
            why, until = str(e), now + _UNKNOWN_SECONDS
        except UnusableSchemaError as e:
            why = f"schema {number} is not usable: {e}"
        else:
            if sum(s.size for s in self._schemas.values()) + schema.size > _MOST_KEPT:
                self._schemas.clear()
            self._schemas[number] = schema
            return schema
        if len(self._unusable) >= _MOST_UNUSABLE_KEPT:
            self._unusable.clear()
        self._unusable[number] = (why, until)
        return why
