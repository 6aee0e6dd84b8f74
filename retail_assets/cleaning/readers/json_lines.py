"""JSON lines: one JSON object per line, whose keys are the columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from retail_assets.cleaning.readers.blocks import line_too_long, whole_lines
from retail_assets.cleaning.readers.records import REPLACEMENT_CHARACTER, Records
from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT
from retail_assets.landing.cell_text import NumberText
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES


class JsonLinesReader:
    """Reads one JSON-lines file. Columns are the keys in the header; a missing key is an empty value.

    Malformed is what is not an object; an object with a key given twice or not in the header; a nested value in a
    column that the contract reads. Nested values in other columns are ignored.
    """

    def __init__(
        self, header: Sequence[str], used: Iterable[int], key: str, decimal_commas: Iterable[int] = ()
    ) -> None:
        """`used` are the numbers of the columns that the contract reads; `key` names the file in messages.

        `decimal_commas` are the columns in which numbers, not texts, get a decimal comma.
        """
        self._key = key
        self._header = header
        self._known = set(header)
        self._read = {header[i] for i in used}
        self._commas = list(decimal_commas)
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_each_key_once,
            parse_float=NumberText if self._commas else str,
            parse_int=str,
            parse_constant=_json_constant,
        )

    def records(self, blocks: Iterator[bytes]) -> Iterator[Records]:
        """Yield the records of the file, in order. `blocks` are UTF-8. Raises LandingError for too long a line."""
        line = 1
        for data in whole_lines(blocks, self._key):
            rows: list[list[str | None]] = []
            places: list[tuple[int, str, int]] = []
            for content in data[:-1].split(b"\n"):
                if len(content) > MAX_LINE_BYTES:
                    raise line_too_long(self._key)
                if content[:1] > b" " or any(c > 32 for c in content):
                    values, text, mask = self._values(content.rstrip(b"\r"))
                    rows.append(values)
                    places.append((line, text, mask))
                line += 1
            if rows:
                yield _records([list(c) for c in zip(*rows, strict=True)], places)

    def defects(self, content: bytes) -> int:
        """Return the mask of the defects that the record of a line has."""
        return self._values(content)[2]

    def _values(self, content: bytes) -> tuple[list[str | None], str, int]:
        """Return the values of a line in the order of the header, its text, and its defects."""
        no_values: list[str | None] = [None] * len(self._header)
        text = content.decode("utf-8", "replace")
        mask = NOT_TEXT.mask if REPLACEMENT_CHARACTER in text or "\x00" in text else 0
        if mask:
            return no_values, text.replace("\x00", REPLACEMENT_CHARACTER), mask
        try:
            item = self._decoder.decode(text)
        except _RepeatedKeyError as e:
            item, mask = e.first, MALFORMED_ROW.mask
        except (ValueError, RecursionError):
            return no_values, text, MALFORMED_ROW.mask
        if not isinstance(item, dict):
            return no_values, text, MALFORMED_ROW.mask
        if not item.keys() <= self._known or any(isinstance(item.get(h), (dict, list)) for h in self._read):
            mask |= MALFORMED_ROW.mask
        values = [_json_text(item.get(h)) for h in self._header]
        for i in self._commas:
            if isinstance(number := values[i], NumberText):
                values[i] = number.replace(".", ",")
        if "\\u" in text:
            clean = [v if v is None else _storable(v) for v in values]
            mask |= NOT_TEXT.mask if clean != values else 0
            # As with bytes that are not text: the control parser of landing reads nothing from such a line.
            values = no_values if any(v is not None and _SURROGATE.search(v) for v in values) else clean
        return values, text, mask


class _RepeatedKeyError(ValueError):
    """An object gives a key twice. `first` has the first value of each key."""

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__("a key is given twice")
        self.first = first


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) != len(pairs):
        raise _RepeatedKeyError(dict(reversed(pairs)))
    return item


def _json_constant(name: str) -> str | None:
    return None if name == "NaN" else name


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _storable(value: str) -> str:
    """Replace NUL and half surrogate pairs, which a table cannot hold, with U+FFFD."""
    return re.sub("[\x00\ud800-\udfff]", REPLACEMENT_CHARACTER, value)


def _records(columns: list[list[str | None]], places: list[tuple[int, str, int]]) -> Records:
    return Records.of(
        [pa.array(c, pa.string()) for c in columns],
        pa.array([line for line, _, _ in places], pa.int64()),
        pa.array([1] * len(places), pa.int32()),
        pa.array([text for _, text, _ in places], pa.string()),
        pa.array([mask for _, _, mask in places], pa.int64()),
    )
