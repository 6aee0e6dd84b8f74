"""Reference files (a product master, stores, customers): landed like sales, read whole, registered by hash.

Their bytes are at `<source>/references/<name>/dt=<day>/`. The files of the latest day are the version in use. What
cleaning joins is a copy of its columns as Parquet in the lake, so that tasks and replays read the registered version.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import ReferenceRule
from retail_assets.contracts.typing_sql.identifiers import identifier
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA
from retail_assets.errors import LandingError, NotReadyError, nearest
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import ReferenceVersion
from retail_assets.landing.formats import format_of
from retail_assets.landing.partitions import REFERENCES, partition_of
from retail_assets.landing.workbook.parts import open_workbook
from retail_assets.landing.workbook.rows import sheet_rows
from retail_assets.storage import Entry, Store

MOST_ROWS = 1_000_000
MOST_BYTES = 64 << 20
_SHOWN = 5
#: Keys of a rule that do not decide what its copy in the lake holds.
_NOT_OF_COPY = {"required", "on", "partial", "description"}
_DELIMITERS = (",", ";", "\t", "|")
#: A line of a file and its texts by column.
_Row = tuple[int, list[str]]


def reference_folder(source: str, name: str) -> str:
    """Return the folder of a reference file below the raw store.

    >>> reference_folder("my_shop", "products")
    'my_shop/references/products'
    """
    return f"{source}/{REFERENCES}/{name}"


def rule_of(contract: Contract, name: str) -> ReferenceRule:
    """Return the contract's rule for a reference. Raises LandingError if it has none of that name."""
    if name not in contract.references:
        known = ", ".join(contract.references) or "none"
        raise LandingError(
            f"The contract {contract.name!r} has no reference {name!r}.{nearest(name, contract.references)} "
            f"It has: {known}. Declare it under `references` (docs/contracts.md)."
        )
    return contract.references[name]


def latest_files(raw: Store, source: str, name: str) -> list[Entry]:
    """Return the landed files of the latest version of a reference, by key; none if nothing has landed."""
    days: dict[Any, list[Entry]] = {}
    for entry in raw.list(reference_folder(source, name)):
        rest = entry.key.split("/")[2:]  # <name>/dt=<day>/<file>
        if not any(part.startswith("_") for part in rest) and (day := partition_of("/".join(rest))):
            days.setdefault(day, []).append(entry)
    return sorted(days[max(days)], key=lambda e: e.key) if days else []


def latest_digests(raw: Store, source: str, contract: Contract) -> dict[str, str]:
    """Return the digest of the latest version of each reference of the contract, as ReferenceVersion has it."""
    return {
        name: _digest([_Content(f.key, _bytes_of(raw, f)) for f in latest_files(raw, source, name)])
        for name in contract.references
    }


def are_current(registered: Sequence[ReferenceVersion], latest: Mapping[str, str]) -> bool:
    """Return whether a landing was registered with the latest version of each reference."""
    before = {version.name: version.digest for version in registered}
    return all(before.get(name) == digest for name, digest in latest.items())


def check_reference(path: Path, contract: Contract, name: str) -> int:
    """Read a local reference file and return its number of rows. Raises LandingError if it cannot be used."""
    content = _Content(str(path), path.read_bytes())
    return len(_keyed([content], rule_of(contract, name)))


def register_references(raw: Store, lake: Lake, contract: Contract) -> tuple[ReferenceVersion, ...]:
    """Read the latest version of each reference of the contract, copy it into the lake, and return what was read.

    Raises NotReadyError if a reference has not landed, LandingError if one cannot be used.
    """
    versions = []
    for name, rule in contract.references.items():
        files = latest_files(raw, lake.source, name)
        if not files:
            raise NotReadyError(
                f"The contract {contract.name!r} joins sales with the reference {name!r}, and none has landed. "
                f"Land it first:  retail-assets land --reference {name} FILE"
                + (f"\n  What it is: {rule.description}" if rule.description else "")
            )
        contents = [_Content(f.key, _bytes_of(raw, f)) for f in files]
        digest = _digest(contents)
        key = copy_key(lake.source, name, digest, rule)
        rows = _keyed(contents, rule)
        if not lake.store.exists(key):
            _write_copy(lake.store, key, rule, rows)
        landed = tuple((f.key, f.size) for f in files)
        versions.append(ReferenceVersion(name, digest, key, len(rows), landed))
    return tuple(versions)


def copy_key(source: str, name: str, digest: str, rule: ReferenceRule) -> str:
    """Return the key in the lake of a version's copy; another rule makes another copy."""
    of_rule = hashlib.sha256(rule.model_dump_json(exclude=_NOT_OF_COPY).encode()).hexdigest()
    return f"{source}/references/{name}/{digest[:16]}-{of_rule[:8]}.parquet"


def differing(contract: Contract, registered: Sequence[ReferenceVersion]) -> str | None:
    """Return the first reference that a landing was not registered with as the contract declares it now, if any."""
    keys = {version.name: version for version in registered}
    for name, rule in contract.references.items():
        version = keys.get(name)
        if version is None or version.key != copy_key(version.key.split("/")[0], name, version.digest, rule):
            return name
    return None


def _write_copy(store: Store, key: str, rule: ReferenceRule, rows: Mapping[str, list[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        f"c{i}": pa.array([values[i] for values in rows.values()], pa.string()) for i in range(len(rule.columns))
    }
    with store.writing(key) as target:
        pq.write_table(pa.table({"key": pa.array(list(rows), pa.string()), **columns}), target)


@dataclass(frozen=True)
class _Content:
    """The bytes of one file; `key` names it in messages."""

    key: str
    data: bytes


def _digest(contents: Sequence[_Content]) -> str:
    texts = (f"{content.key}\0{hashlib.sha256(content.data).hexdigest()}\n" for content in contents)
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _bytes_of(raw: Store, file: Entry) -> bytes:
    _refuse_large(file.key, file.size)
    return raw.read(file.key)


def _refuse_large(key: str, size: int) -> None:
    if size > MOST_BYTES:
        raise LandingError(
            f"{key} has more than {MOST_BYTES >> 20} MB unpacked; a reference file is kept in memory. Leave out the "
            "columns and rows that sales do not need."
        )


def _keyed(contents: list[_Content], rule: ReferenceRule) -> dict[str, list[str]]:
    """Return the texts of the rule's columns by key.

    Rows that say the same are one. Raises LandingError for a key with two meanings.
    """
    keyed: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    for content in contents:
        header, rows = _rows_of(content, rule)
        wanted = _positions(header, rule, content.key)
        lines, texts = [], []
        for line, row in rows:
            if len(row) != len(header):
                raise LandingError(
                    f"{content.key}, line {line}: {len(row)} fields, but the header has {len(header)}. Nothing was "
                    "changed. Fix the line and land the file again (--replace)."
                )
            values = [_plain(row[p]) for p in wanted]
            if not any(map(_plain, row)):
                continue
            if not values[0]:
                raise LandingError(
                    f"{content.key}, line {line}: no {rule.key!r}, which is the key. Fix the line and land the file "
                    "again (--replace)."
                )
            lines.append(line)
            texts.append(values)
            if len(texts) + len(keyed) > MOST_ROWS:
                raise LandingError(f"{content.key}: more than {MOST_ROWS:,} rows; a reference file is kept in memory.")
        for line, key, values in zip(lines, _identifiers([t[0] for t in texts]), texts, strict=True):
            place = f"{content.key}, line {line}"
            if keyed.setdefault(key, values[1:]) != values[1:]:
                differ = next(i for i, v in enumerate(values[1:]) if v != keyed[key][i])
                raise LandingError(
                    f"{place}: the key {key[:60]!r} has {rule.columns[differ]} = {values[1 + differ][:60]!r}, but "
                    f"{keyed[key][differ][:60]!r} in {places[key]}. Sales could be joined with either. Keep one of the "
                    "two rows and land the file again (--replace)."
                )
            places.setdefault(key, place)
    if not keyed:
        raise LandingError(f"{contents[0].key} has no rows. Land the complete file.")
    return keyed


def _identifiers(keys: list[str]) -> list[str]:
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


def _rows_of(content: _Content, rule: ReferenceRule) -> tuple[list[str], Iterator[_Row]]:
    """Return the header of a file and its rows, each with its line."""
    kind, compression = format_of(content.key)
    if kind == "parquet":
        return _parquet(content)
    if kind == "xlsx":
        return _workbook(content)
    text = _decoded(content, compression, rule)
    return _json_lines(text, content.key) if kind == "jsonl" else _delimited(text, content.key, rule)


def _decoded(content: _Content, compression: str | None, rule: ReferenceRule) -> str:
    data = content.data
    if compression:
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES + 1)
        except (OSError, EOFError) as e:
            raise LandingError(f"{content.key} cannot be unpacked ({e}). Ask its sender for the file again.") from e
    _refuse_large(content.key, len(data))
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
    return text


def _delimited(text: str, key: str, rule: ReferenceRule) -> tuple[list[str], Iterator[_Row]]:
    wanted = {normalize_header(c) for c in (rule.key, *rule.columns)}
    text = text.lstrip("\r\n")

    def fit(delimiter: str) -> int:
        try:
            first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            return -1
        return len(wanted & set(map(normalize_header, first)))

    delimiter = max(_DELIMITERS, key=fit) if rule.delimiter == "auto" else rule.delimiter
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    skipped = 0

    def rows() -> Iterator[_Row]:
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as e:
            raise LandingError(
                f"{key}, line {reader.line_num}: {e}. Fix the quotes and land the file again (--replace)."
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
            value = json.loads(line, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or any(isinstance(v, dict | list) for v in value.values()):
            raise LandingError(f"{key}, line {number}: not an object of plain values. Fix it and land the file again.")
        objects.append((number, value))
    header = list(dict.fromkeys(name for _, value in objects for name in value))

    def shown(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return header, ((number, [shown(value.get(name)) for name in header]) for number, value in objects)


def _parquet(content: _Content) -> tuple[list[str], Iterator[_Row]]:
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
    _refuse_large(content.key, table.nbytes)
    header = table.column_names
    texts = ", ".join(f"coalesce(CAST(c{i} AS VARCHAR), '')" for i in range(len(header)))
    renamed = table.rename_columns([f"c{i}" for i in range(len(header))])
    with duckdb.connect() as con:
        con.register("renamed", renamed)
        rows = con.execute(f"SELECT {texts} FROM renamed").fetchall()
    return header, ((number, list(row)) for number, row in enumerate(rows, 1))


def _workbook(content: _Content) -> tuple[list[str], Iterator[_Row]]:
    with open_workbook(io.BytesIO(content.data), content.key) as book:
        visible = [sheet for sheet in book.sheets if sheet.visible]
        if len(visible) != 1:
            raise LandingError(
                f"{content.key} has {len(visible)} visible sheets. Save the one with the reference as a workbook of "
                "its own, or as CSV."
            )
        cells = [(row.number, row.cells) for row in sheet_rows(book, visible[0])]
    width = max((max(row) + 1 for _, row in cells if row), default=0)
    texts = [(number, [row.get(i, "") for i in range(width)]) for number, row in cells]
    return (texts[0][1] if texts else []), iter(texts[1:])
