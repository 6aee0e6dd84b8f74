"""The rows of a reference file: its texts by key, of every format, or a refusal that says why it cannot be joined.

Not here: which files are the version in use, and its copy in the lake (`references.py`).
"""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.references import ReferenceRule
from retail_assets.contracts.typing_sql.identifiers import identifier
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.cell_text import NumberText
from retail_assets.landing.formats import format_of
from retail_assets.landing.replacement import use_instead
from retail_assets.landing.workbook.parts import open_workbook, read_texts
from retail_assets.landing.workbook.rows import sheet_rows

MOST_ROWS = 1_000_000
MOST_BYTES = 64 << 20
_DELIMITERS = (",", ";", "\t", "|")
#: A line of a file and its texts by column.
_Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Content:
    """The bytes of one file; `key` names it in messages."""

    key: str
    data: bytes

    @functools.cached_property
    def sha256(self) -> str:
        """The hash of the bytes, computed once: a version is compared with many landings."""
        return hashlib.sha256(self.data).hexdigest()


def refuse_large(key: str, size: int) -> None:
    """Raise LandingError for a file that is too large to be kept in memory."""
    if size > MOST_BYTES:
        raise LandingError(
            f"{key} has more than {MOST_BYTES >> 20} MB unpacked; a reference file is kept in memory. Leave out the "
            "columns and rows that sales do not need."
        )


def keyed_rows(
    contents: list[Content], rule: ReferenceRule, decimal_commas: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return the texts of the rule's columns by key.

    In the columns `decimal_commas`, of the rule, values that are numbers and no texts get a decimal comma.
    Rows that say the same are one. Raises LandingError for a key with two meanings.
    """
    keyed: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    for content in contents:
        header, rows = _rows_of(content, rule)
        wanted = _positions(header, rule, content.key)
        commas = [p for p, column in zip(wanted[1:], rule.columns, strict=True) if column in decimal_commas]
        lines, texts = [], []
        for line, row in rows:
            if len(row) != len(header):
                raise LandingError(
                    f"{content.key}, line {line}: {len(row)} fields, but the header has {len(header)}. Nothing was "
                    f"changed. Fix the line. {use_instead(content.key, 'the corrected file')}"
                )
            values = [_plain(_comma(row[p]) if p in commas else row[p]) for p in wanted]
            if not any(map(_plain, row)):
                continue
            if not values[0]:
                raise LandingError(
                    f"{content.key}, line {line}: no {rule.key!r}, which is the key. Fix the line. "
                    f"{use_instead(content.key, 'the corrected file')}"
                )
            lines.append(line)
            texts.append(values)
            if len(texts) + len(keyed) > MOST_ROWS:
                raise LandingError(f"{content.key}: more than {MOST_ROWS:,} rows; a reference file is kept in memory.")
        for line, key, values in zip(lines, identifiers([t[0] for t in texts]), texts, strict=True):
            place = f"{content.key}, line {line}"
            if keyed.setdefault(key, values[1:]) != values[1:]:
                differ = next(i for i, v in enumerate(values[1:]) if v != keyed[key][i])
                raise LandingError(
                    f"{place}: the key {key[:60]!r} has {rule.columns[differ]} = {values[1 + differ][:60]!r}, but "
                    f"{keyed[key][differ][:60]!r} in {places[key]}. Sales could be joined with either. Keep one of the "
                    f"two rows. {use_instead(content.key, 'the corrected file')}"
                )
            places.setdefault(key, place)
    if not keyed:
        raise LandingError(f"{contents[0].key} has no rows. Land the complete file.")
    return keyed


def keys_of(content: Content, rule: ReferenceRule) -> list[tuple[int, str]]:
    """Return the key of each row with the line on which the row ends (or its number), in order.

    Raises LandingError if the file cannot be read.
    """
    header, rows = _rows_of(content, rule)
    place = _positions(header, rule, content.key)[0]
    found = [(line, _plain(row[place]) if place < len(row) else "") for line, row in rows]
    return list(zip([line for line, _ in found], identifiers([key for _, key in found]), strict=True))


def text_of(content: Content, rule: ReferenceRule) -> tuple[str, str]:
    """Return the text of a delimited file or one of JSON lines, and its encoding."""
    return _decoded(content, format_of(content.key)[1], rule)


def profile_of(content: Content, rule: ReferenceRule) -> FileProfile:
    """Return how a reference file is written, for the readers of files of sales. Raises LandingError as they do."""
    kind, compression = format_of(content.key)
    header = _rows_of(content, rule)[0]
    encoding, delimiter, line_end, header_lines, sheet = "utf-8", ",", "lf", 1, ""
    if kind == "xlsx":
        with open_workbook(io.BytesIO(content.data), content.key) as book:
            visible = next(s for s in book.sheets if s.visible)
            read_texts(book)
            sheet, header_lines = visible.name, next(row.number for row in sheet_rows(book, visible))
    elif kind in ("csv", "jsonl"):
        text, encoding = text_of(content, rule)
        line_end = "cr" if "\r" in text and "\n" not in text else "lf"
        above = io.StringIO(text, newline="")
        delimiter, header_lines = _delimiter(text.lstrip("\r\n"), rule), 0
        if kind == "csv":
            reader = csv.reader(above, delimiter=delimiter)
            next(row for row in reader if row)
            header_lines = reader.line_num
    size = len(content.data)
    return FileProfile(
        *(content.key, size, content.sha256, kind, compression, encoding, delimiter, line_end, header, header_lines),
        positions={},
        unknown_columns=[],
        missing_columns=[],
        lines=0,
        sheet=sheet,
    )


def identifiers(keys: list[str]) -> list[str]:
    """Return keys as cleaning reads ids: `17850.0` is 17850."""
    import duckdb
    import pyarrow as pa

    if not any(key.endswith(".0") for key in keys):
        return keys
    texts = pa.table({"k": pa.array(keys, pa.string())})  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as con:
        return [row[0] for row in con.execute(f"SELECT {identifier('k')} FROM texts").fetchall()]


def _plain(text: str) -> str:
    trimmed = text.strip(BLANKS)
    return re.sub(FORMULA, r"\1", trimmed).strip(BLANKS) if trimmed.startswith("=") else trimmed


def _comma(text: str) -> str:
    return text.replace(".", ",") if isinstance(text, NumberText) else text


def _positions(header: list[str], rule: ReferenceRule, key: str) -> list[int]:
    """Return the numbers of the key column and of the rule's columns."""
    names = [normalize_header(name) for name in header]
    for wanted in (rule.key, *rule.columns):
        count = names.count(normalize_header(wanted))
        if count != 1:
            what = "has no column" if not count else f"has {count} columns"
            raise LandingError(
                f"{key} {what} {wanted!r}. Its header: {', '.join(repr(h[:40]) for h in header[:30])}. Change the "
                "file, or `references` in the contract."
            )
    return [names.index(normalize_header(wanted)) for wanted in (rule.key, *rule.columns)]


def _rows_of(content: Content, rule: ReferenceRule) -> tuple[list[str], Iterator[_Row]]:
    """Return the header of a file and its rows, each with its line."""
    kind, compression = format_of(content.key)
    if kind == "parquet":
        return _parquet(content)
    if kind == "xlsx":
        return _workbook(content)
    text = _decoded(content, compression, rule)[0]
    return _json_lines(text, content.key) if kind == "jsonl" else _delimited(text, content.key, rule)


def _decoded(content: Content, compression: str | None, rule: ReferenceRule) -> tuple[str, str]:
    """Return the text of a file and its encoding."""
    data = content.data
    if compression:
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES + 1)
        except (OSError, EOFError) as e:
            raise LandingError(f"{content.key} cannot be unpacked ({e}). Ask its sender for the file again.") from e
    refuse_large(content.key, len(data))
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = next((e for mark, e in marks.items() if data.startswith(mark)), rule.encoding)
    try:
        text = data.decode(encoding)
    except UnicodeError as e:
        raise LandingError(
            f"{content.key} is not text in {encoding} ({e}). Declare its encoding in the contract: "
            "`references: {…: {encoding: cp1252}}`."
        ) from e
    if "\0" in text or "\ufffd" in text:
        raise LandingError(f"{content.key} has NUL or U+FFFD: text was lost. Ask its sender for the file again.")
    return text, encoding


def _delimiter(text: str, rule: ReferenceRule) -> str:
    wanted = {normalize_header(c) for c in (rule.key, *rule.columns)}

    def fit(delimiter: str) -> int:
        try:
            first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            return -1
        return len(wanted & set(map(normalize_header, first)))

    return max(_DELIMITERS, key=fit) if rule.delimiter == "auto" else rule.delimiter


def _delimited(text: str, key: str, rule: ReferenceRule) -> tuple[list[str], Iterator[_Row]]:
    text = text.lstrip("\r\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, rule), strict=True)
    skipped = 0

    def rows() -> Iterator[_Row]:
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as e:
            raise LandingError(
                f"{key}, line {reader.line_num}: {e}. Fix the quotes. {use_instead(key, 'the corrected file')}"
            ) from e

    lines = rows()
    header = next(lines, (skipped, []))[1]
    return header, lines


def _json_lines(text: str, key: str) -> tuple[list[str], Iterator[_Row]]:
    objects: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_int=str, parse_float=NumberText)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or any(isinstance(v, dict | list) for v in value.values()):
            raise LandingError(f"{key}, line {number}: not an object of plain values. Fix it and land the file again.")
        objects.append((number, value))
    header = list(dict.fromkeys(name for _, value in objects for name in value))

    def shown(value: Any) -> str:
        if isinstance(value, str):
            return value
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return header, ((number, [shown(value.get(name)) for name in header]) for number, value in objects)


def _parquet(content: Content) -> tuple[list[str], Iterator[_Row]]:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content.data))
        if file.metadata.num_rows > MOST_ROWS:
            raise LandingError(f"{content.key}: more than {MOST_ROWS:,} rows; a reference file is kept in memory.")
        table = file.read()
    except (pa.ArrowException, OSError) as e:
        raise LandingError(f"{content.key} is not a readable Parquet file: {str(e).splitlines()[0]}.") from e
    refuse_large(content.key, table.nbytes)
    header = table.column_names
    texts = ", ".join(f"coalesce(CAST(c{i} AS VARCHAR), '')" for i in range(len(header)))
    renamed = table.rename_columns([f"c{i}" for i in range(len(header))])
    with duckdb.connect() as con:
        con.register("renamed", renamed)
        rows = con.execute(f"SELECT {texts} FROM renamed").fetchall()
    kinds = [NumberText if pa.types.is_floating(k) or pa.types.is_decimal(k) else str for k in table.schema.types]
    return header, (
        (number, [kind(text) for kind, text in zip(kinds, row, strict=True)]) for number, row in enumerate(rows, 1)
    )


def _workbook(content: Content) -> tuple[list[str], Iterator[_Row]]:
    with open_workbook(io.BytesIO(content.data), content.key) as book:
        visible = [sheet for sheet in book.sheets if sheet.visible]
        if len(visible) != 1:
            raise LandingError(
                f"{content.key} has {len(visible)} visible sheets. Save the one with the reference as a workbook of "
                "its own, or as CSV."
            )
        read_texts(book)
        cells = [(row.number, row.cells) for row in sheet_rows(book, visible[0])]
    width = max((max(row) + 1 for _, row in cells if row), default=0)
    texts = [(number, [row.get(i, "") for i in range(width)]) for number, row in cells]
    return (texts[0][1] if texts else []), iter(texts[1:])
