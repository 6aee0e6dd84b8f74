"""What a landed file is, before it is read for good: format, header, line count, control totals.

The counts made here are independent of cleaning on purpose (other code, another CSV parser): row conservation and
revenue reconciliation compare cleaning's result with them. Not here: judging single records.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import IO, Any, cast

import numpy as np

from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract, normalise
from retail_assets.contracts.typing_sql import TextColumns, literal
from retail_assets.errors import LandingError
from retail_assets.storage import Entry, Store

_READ_BYTES = 8 << 20
_HEAD_BYTES = 1 << 20
_SAMPLED_JSON_LINES = 1000
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DUCKDB_ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16", "iso8859-1": "latin-1"}


@dataclass(frozen=True)
class Control:
    """Control totals of a file by an independent parser: `rows` it could split, `rejected` lines, `amount` as text.

    `note` says why there is none.
    """

    rows: int | None = None
    rejected: int | None = None
    amount: str | None = None
    note: str = ""


@dataclass(frozen=True)
class FileProfile:
    """Everything that cleaning needs to read a file, and what it must account for.

    `lines` counts the physical lines after the header that are not blank (rows, for Parquet).
    """

    key: str
    size: int
    sha256: str
    format: str
    compression: str | None
    encoding: str
    delimiter: str
    line_end: str
    header: list[str]
    header_lines: int
    positions: dict[str, int]
    unknown_columns: list[str]
    missing_columns: list[str]
    lines: int
    date_order: str | None = None
    control: Control = field(default_factory=Control)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FileProfile:
        return cls(**{**data, "control": Control(**data["control"])})


def inspect_file(store: Store, entry: Entry, contract: Contract) -> FileProfile:
    """Read a landed file once: hash it, count its lines, match its header, take control totals.

    Raises LandingError when the file is empty, has only a header, is damaged, does not fit the contract, or writes
    dates whose day and month cannot be told apart.
    """
    file_format, compression = format_of(entry.key)
    if entry.size == 0:
        raise LandingError(f"{entry.key} is empty (0 bytes). Land the whole file with `retail-assets land --replace`.")
    with store.open(entry.key) as handle:
        if file_format == "parquet":
            draft, lines = _inspect_parquet(handle, entry)
        else:
            draft, lines = _inspect_text(handle, entry, file_format, compression, contract)
    match = match_header(draft["header"], contract, entry.key)
    if not lines:
        raise LandingError(
            f"{entry.key} has a header and no rows. If nothing was sold, remove it: a day without a file is fine; "
            "otherwise land the whole file with `retail-assets land --replace`."
        )
    profile = FileProfile(
        key=entry.key,
        size=entry.size,
        format=file_format,
        compression=compression,
        positions=match.positions,
        unknown_columns=list(match.unknown),
        missing_columns=list(match.missing),
        lines=lines,
        **draft,
    )
    control, date_order = _control_totals(store, profile, contract)
    return FileProfile(**{**vars(profile), "control": control, "date_order": date_order})


def format_of(key: str) -> tuple[str, str | None]:
    """`(format, compression)` by the suffix. Raises LandingError for one that cannot be read."""
    name = key.lower()
    compression = "gzip" if name.endswith(".gz") else None
    name = name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return "csv", compression
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl", compression
    if name.endswith(".parquet") and compression is None:
        return "parquet", None
    raise LandingError(f"{key}: cannot tell the format. Known suffixes: .csv .tsv .txt .jsonl .ndjson (also .gz), .parquet")


class _Hashing(io.RawIOBase):
    """Passes bytes through and hashes them, so that one read of the file serves both."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.sha256.update(data)
        return data


def _inspect_parquet(handle: IO[bytes], entry: Entry) -> tuple[dict[str, Any], int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    hashing = hashlib.sha256()
    while chunk := handle.read(_READ_BYTES):
        hashing.update(chunk)
    handle.seek(0)
    try:
        file = pq.ParquetFile(handle)
    except pa.ArrowInvalid as e:
        raise LandingError(f"{entry.key} is not a whole Parquet file ({e}). Land it again with --replace.") from e
    draft = {
        "sha256": hashing.hexdigest(),
        "encoding": "utf-8",
        "delimiter": "",
        "line_end": "lf",
        "header": list(file.schema_arrow.names),
        "header_lines": 0,
    }
    return draft, file.metadata.num_rows


def _inspect_text(
    handle: IO[bytes], entry: Entry, file_format: str, compression: str | None, contract: Contract
) -> tuple[dict[str, Any], int]:
    hashing = _Hashing(handle)
    source = cast(IO[bytes], hashing)
    stream = gzip.open(source, "rb") if compression else source
    try:
        head = stream.read(_HEAD_BYTES)
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), contract.file.encoding)
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        text = decoder.decode(head).removeprefix("\ufeff")
        line_end = "cr" if "\r" in text and "\n" not in text else "lf"
        first = text.replace("\r", "\n") if line_end == "cr" else text
        if not first.strip():
            raise LandingError(f"{entry.key} has no text in it. Land the whole file with `retail-assets land --replace`.")
        if file_format == "jsonl":
            delimiter, header, header_lines = "", _json_keys(first, entry), 0
        else:
            delimiter = _delimiter(first, contract)
            header, header_lines = _header(first, delimiter, entry)
        lines = _count_lines(_decoded(stream, decoder, text), line_end)
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise LandingError(
            f"{entry.key} is damaged: its gzip stream breaks off ({e}). Land a whole copy with --replace; "
            "nothing of it has been loaded."
        ) from e
    while hashing.read(_READ_BYTES):  # whatever lies behind the end of the gzip stream belongs to the hash
        pass
    draft = {
        "sha256": hashing.sha256.hexdigest(),
        "encoding": encoding,
        "delimiter": delimiter,
        "line_end": line_end,
        "header": header,
        "header_lines": header_lines,
    }
    return draft, lines - _nonblank(first, header_lines)


def _decoded(stream: IO[bytes], decoder: codecs.IncrementalDecoder, head: str) -> Iterator[bytes]:
    yield head.encode()
    while chunk := stream.read(_READ_BYTES):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _count_lines(blocks: Iterator[bytes], line_end: str) -> int:
    """Physical lines that hold anything but white space and control characters."""
    newline = 13 if line_end == "cr" else 10
    total, open_line = 0, False
    for block in blocks:
        if not block:
            continue
        at = np.frombuffer(block, dtype=np.uint8)
        starts = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(at == newline) + 1))
        ended_with_newline = starts[-1] == len(at)
        if ended_with_newline:
            starts = starts[:-1]
        filled = np.add.reduceat(at > 32, starts, dtype=np.int64) > 0
        total += int(filled.sum())
        if open_line and filled[0]:
            total -= 1  # the first piece continues a line that was counted with the last block
        whole_block_is_one_piece = len(starts) == 1 and not ended_with_newline
        open_line = not ended_with_newline and bool(filled[-1] or (whole_block_is_one_piece and open_line))
    return total


def _nonblank(text: str, lines: int) -> int:
    return sum(1 for line in text.split("\n", lines)[:lines] if any(c > " " for c in line))


def _delimiter(text: str, contract: Contract) -> str:
    """The declared separator, or the one under which most of the contract's headers are found in the first record."""
    if contract.file.delimiter != "auto":
        return contract.file.delimiter
    known = {normalise(n) for names in contract.raw_columns().values() for n in names}

    def fit(delimiter: str) -> tuple[int, int]:
        fields = _first_record(text, delimiter)[0]
        return sum(normalise(f) in known for f in fields), len(fields)

    return max(_DELIMITERS, key=fit)


def _header(text: str, delimiter: str, entry: Entry) -> tuple[list[str], int]:
    fields, lines = _first_record(text, delimiter)
    if lines > 100:
        raise LandingError(f"{entry.key}: the header has a quote that never closes. Mend the first line and land it again.")
    return fields, lines


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """The first record that is not blank, and how many physical lines end with it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(f.strip() for f in row):
                return row, reader.line_num
    except csv.Error:
        pass
    return [], 1


def _json_keys(text: str, entry: Entry) -> list[str]:
    """Keys of the first lines in order of appearance: the header of a JSON-lines file."""
    keys: dict[str, None] = {}
    for line in text.split("\n")[:_SAMPLED_JSON_LINES]:
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    if not keys:
        raise LandingError(f"{entry.key}: no line is a JSON object. Expected one object a line, keys as column names.")
    return list(keys)


def _control_totals(store: Store, profile: FileProfile, contract: Contract) -> tuple[Control, str | None]:
    """Rows and money by DuckDB's own readers, and the order of day and month that the whole file proves."""
    import duckdb

    columns = TextColumns(contract, profile.positions, "dmy")
    with duckdb.connect(config={"threads": 2}) as con:
        path = store.uri_of(profile.key)
        if not store.is_local:
            con.register_filesystem(store.filesystem())
        try:
            source = _duckdb_source(profile, path)
            [row] = con.execute(_control_sql(source, columns)).fetchall()
            rejected = 0
            if profile.format == "csv":
                [(rejected,)] = con.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchall()
        except (duckdb.Error, UnicodeError) as e:
            return Control(note=f"not taken: {str(e).splitlines()[0][:200]}"), None
    rows, amount, first, second, numeric, example = row
    control = Control(rows=rows, rejected=rejected, amount=str(amount if amount is not None else Decimal("0.00")))
    if contract.dates.order != "infer" or not numeric:
        return control, None
    return control, _proven_order(profile.key, int(first), int(second), int(numeric), example)


def _control_sql(source: str, columns: TextColumns) -> str:
    date = columns.field_text("sold_at")
    looks_numeric = f"(substr({date}, 2, 1) IN ('/', '.', '-') OR substr({date}, 3, 1) IN ('/', '.', '-'))"
    pattern = literal(r"^(\d{1,2})[./-](\d{1,2})[./-]\d")

    def part(group: int) -> str:
        return f"try_cast(CASE WHEN {looks_numeric} THEN regexp_extract({date}, {pattern}, {group}) END AS INTEGER)"

    return f"""
        WITH typed AS (
            SELECT {columns.amount()} AS amount, {date} AS written,
                   {part(1)} AS first, {part(2)} AS second
            FROM (SELECT {columns.trimmed(trim=True)} FROM {source})
        )
        SELECT count(*), sum(amount), max(first), max(second), count(first),
               min(written) FILTER (WHERE first IS NOT NULL)
        FROM typed"""  # noqa: S608 - numbered columns and literals only


def _duckdb_source(profile: FileProfile, path: str) -> str:
    if profile.format == "parquet":
        names = ", ".join(f"r{i}" for i in range(len(profile.header)))
        texts = ", ".join(f"CAST(r{i} AS VARCHAR) AS c{i}" for i in range(len(profile.header)))
        return f"(SELECT {texts} FROM read_parquet({literal(path)}, hive_partitioning=false) AS r({names}))"
    if profile.format == "jsonl":
        values = ", ".join(
            f"json_extract_string(json, {literal('$.' + json.dumps(h))}) AS c{i}" for i, h in enumerate(profile.header)
        )
        return f"(SELECT {values} FROM read_ndjson_objects({literal(path)}, ignore_errors=true))"
    encoding = _DUCKDB_ENCODINGS.get(codecs.lookup(profile.encoding).name)
    if encoding is None or profile.line_end == "cr":
        raise UnicodeError(f"DuckDB does not read {profile.encoding} with line ends {profile.line_end}")
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(profile.header)))
    return (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={int(profile.header_lines)}, "
        f"delim={literal(profile.delimiter)}, quote='\"', escape='\"', columns={{{types}}}, encoding='{encoding}', "
        "store_rejects=true, strict_mode=true, max_line_size=16000000, hive_partitioning=false)"
    )


def _proven_order(key: str, first: int, second: int, numeric: int, example: str) -> str:
    """`dmy` when some first number exceeds 12, `mdy` when some second does. Raises LandingError otherwise."""
    if first > 12 and second > 12:
        problem = "uses both day/month and month/day order"
    elif first > 12:
        return "dmy"
    elif second > 12:
        return "mdy"
    else:
        problem = "never shows a day above 12, so day and month cannot be told apart"
    raise LandingError(
        f"{key}: {numeric} dates such as {example!r} are numeric, and the file {problem}. "
        "Declare it in the contract: `dates: {order: dmy}` or `dates: {order: mdy}`."
    )
