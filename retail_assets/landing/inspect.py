"""What a landed file is, before it is read for good: format, header, line count, control totals.

The counts made here are independent of cleaning on purpose (other code, another CSV parser): row conservation and
revenue reconciliation compare cleaning's result with them. Not here: judging single records.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import functools
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import IO, Any, cast

import numpy as np

from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract, normalise
from retail_assets.contracts.typing_sql import TextColumns, literal
from retail_assets.errors import LandingError
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.storage import Entry, Store

_READ_BYTES = 8 << 20
_HEAD_BYTES = 1 << 20
#: A longer physical line (in UTF-8) is a file without line ends, not a record.
MAX_LINE_BYTES = 16 << 20
_SAMPLED_JSON_LINES = 1000
_MOST_JSON_KEYS = 1000
_LONGEST_HEADER = 100  # lines
_LONGEST_TYPE = 100  # characters; a nested type names all that is in it
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like that of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FORMATS = (
    (b"\x1f\x8b", "gzip-compressed: land it under a name that ends in .gz"),
    (b"PAR1", "Parquet: land it under a name that ends in .parquet"),
    (b"PK\x03\x04", "an Excel workbook or a zip archive: save its sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save its sheet as CSV"),
    (b"%PDF-", "a PDF: ask for the same as CSV"),
    *(
        (magic, "compressed in another way than gzip: unpack it")
        for magic in (b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
    ),
)
_WEB_PAGE = "a web page, perhaps of an error or a login: download the file again"
_OTHER_TEXTS = (
    ("<!doctype html", _WEB_PAGE),
    ("<html", _WEB_PAGE),
    ("<?xml", "XML: ask for the same as CSV"),
)
_JSON_BEGINS = re.compile(r'\{\s*"|\[\s*[\[{]')
#: A line that tells Excel the separator, above the header.
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;|\t])"?[ \r]*(?:\n|\Z)', re.IGNORECASE)
_DUCKDB_ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16", "iso8859-1": "latin-1"}


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
    if file_format == "jsonl":
        draft["header"] = _all_json_keys(store, entry, draft)
    match = match_header(draft["header"], contract, entry.key)
    if not lines:
        raise LandingError(
            f"{entry.key} has a header and no rows. If nothing was sold, remove it: a day without a file is fine; "
            "otherwise land the whole file with `retail-assets land --replace`."
        )
    lost_text = draft.pop("lost_text")
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
    control, dates = _control_totals(store, profile, contract, lost_text=lost_text)
    if dates is None and profile.format == "csv":
        dates = _dates_by_hand(store, profile, contract)
    return replace(profile, control=control, date_order=dates.order(profile.key) if dates else None)


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
    raise LandingError(
        f"{key}: cannot tell the format. Known suffixes: .csv .tsv .txt .jsonl .ndjson (also .gz), .parquet"
    )


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
        header, rows = list(file.schema_arrow.names), file.metadata.num_rows
        types = [str(kind)[:_LONGEST_TYPE] for kind in file.schema_arrow.types]
        unpacked = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
    except (pa.ArrowException, OSError) as e:
        if isinstance(e, OSError) and e.errno is not None:
            raise  # the store's, not Parquet's
        raise LandingError(
            f"{entry.key} is not a whole Parquet file ({str(e)[:300]}). Land it again with --replace."
        ) from e
    draft = {
        "sha256": hashing.hexdigest(),
        "encoding": "utf-8",
        "delimiter": "",
        "line_end": "lf",
        "header": header,
        "header_lines": 0,
        "lost_text": False,
        "types": types,
        "unpacked": max(entry.size, unpacked),
    }
    return draft, rows


def _inspect_text(
    handle: IO[bytes], entry: Entry, file_format: str, compression: str | None, contract: Contract
) -> tuple[dict[str, Any], int]:
    hashing = _Hashing(handle)
    source = cast(IO[bytes], hashing)
    stream = _uncompressed(source, compression)
    try:
        head = stream.read(_HEAD_BYTES)
        if other := next((what for magic, what in _OTHER_FORMATS if head.startswith(magic)), None):
            raise LandingError(f"{entry.key} is no text. Its content is {other}.")
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), contract.file.encoding)
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        text = decoder.decode(head).removeprefix("\ufeff")
        _refuse_other_text(head, text, file_format, encoding, entry)
        line_end = "cr" if "\r" in text and "\n" not in text else "lf"
        first = text.replace("\r", "\n") if line_end == "cr" else text
        if not first.strip():
            raise LandingError(
                f"{entry.key} has no text in it. Land the whole file with `retail-assets land --replace`."
            )
        if "\n" not in first and len(head) == _HEAD_BYTES:
            raise LandingError(
                f"{entry.key}: the first line is longer than {_HEAD_BYTES >> 20} MB, so it is no header: line ends are "
                "missing, or the file is no text. Land it again with --replace, one record a line."
            )
        if file_format == "jsonl":
            delimiter, header, header_lines = "", _json_keys(first, entry), 0
        else:
            delimiter = _delimiter(first, contract)
            header, header_lines = _header(first, delimiter, entry)
        lines, lost_text = _count_lines(_decoded(stream, decoder, text), line_end, entry)
        unpacked = stream.tell() if compression else entry.size
    except gzip.BadGzipFile as e:
        raise LandingError(
            f"{entry.key} is named .gz, but it is no gzip file or a damaged one ({e}). "
            "Land a whole copy with --replace, or plain text under a name without .gz; nothing of it has been loaded."
        ) from e
    except (EOFError, zlib.error) as e:
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
        "lost_text": lost_text,
        "unpacked": max(entry.size, unpacked),
    }
    return draft, lines - _nonblank(first, header_lines)


def _refuse_other_text(head: bytes, text: str, file_format: str, encoding: str, entry: Entry) -> None:
    """Raise LandingError for text that is no table, or is in another encoding than its bytes are read in."""
    begin = text[:1000].lstrip()
    what = next((what for mark, what in _OTHER_TEXTS if begin.lower().startswith(mark)), None)
    if what is None and file_format == "csv" and _JSON_BEGINS.match(begin):
        what = "JSON: land it, one object a line, under a name that ends in .jsonl"
    if what:
        raise LandingError(f"{entry.key} is no table of sales. Its content is {what}.")
    # Of a character in UTF-16 one byte is NUL where it is a letter, a digit or a mark of any western language.
    pairs = len(head) // 2
    for name, rest in (("utf-16-le", head[1 : 2 * pairs : 2]), ("utf-16-be", head[0 : 2 * pairs : 2])):
        if not encoding.startswith(("utf-16", "utf-32")) and rest.count(0) * 2 > pairs > 0:
            raise LandingError(
                f"{entry.key} looks like {name} without a byte-order mark, and is read as {encoding}. Declare it in "
                f"the contract: `file: {{encoding: {name}}}`, or save the file as UTF-8."
            )


def _uncompressed(handle: IO[bytes], compression: str | None) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(handle, "rb")) if compression else handle


def _decoded(stream: IO[bytes], decoder: codecs.IncrementalDecoder, head: str) -> Iterator[bytes]:
    yield head.encode()
    while chunk := stream.read(_READ_BYTES):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _count_lines(blocks: Iterator[bytes], line_end: str, entry: Entry) -> tuple[int, bool]:
    """Physical lines that hold anything but white space and control characters; whether text is lost.

    Lost is text with NUL, or with U+FFFD, the mark of bytes that could not be decoded, here or by whoever wrote the
    file.
    Raises LandingError for a line of more than MAX_LINE_BYTES.
    """
    total, open_line, open_bytes, lost = 0, False, 0, False
    for raw in blocks:
        block = raw.replace(b"\r", b"\n") if line_end == "cr" else raw
        if not block:
            continue
        lost = lost or b"\x00" in block or b"\xef\xbf\xbd" in block
        at = np.frombuffer(block, dtype=np.uint8)
        starts = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(at == 10) + 1))
        sizes = np.diff(np.append(starts, len(at)))
        sizes[0] += open_bytes
        if int(sizes.max()) > MAX_LINE_BYTES:
            raise LandingError(
                f"{entry.key} has a line of more than {MAX_LINE_BYTES >> 20} MB: line ends are missing, or it is no "
                "text file. Land it again with --replace, one record a line."
            )
        open_bytes = int(sizes[-1])
        ended_with_newline = starts[-1] == len(at)
        if ended_with_newline:
            starts = starts[:-1]
        filled = np.add.reduceat(at > 32, starts, dtype=np.int64) > 0
        total += int(filled.sum())
        if open_line and filled[0]:
            total -= 1  # the first piece continues a line that was counted with the last block
        whole_block_is_one_piece = len(starts) == 1 and not ended_with_newline
        open_line = not ended_with_newline and bool(filled[-1] or (whole_block_is_one_piece and open_line))
    return total, lost


def _nonblank(text: str, lines: int) -> int:
    return sum(1 for line in text.split("\n", lines)[:lines] if _has_text(line))


def _has_text(line: str) -> bool:
    return any(c > " " for c in line)


def _delimiter(text: str, contract: Contract) -> str:
    """The declared separator, or the one under which most of the contract's headers are found in the first record."""
    if contract.file.delimiter != "auto":
        return contract.file.delimiter
    if match := _SEPARATOR_LINE.match(text):
        return match.group(1)
    known = {normalise(n) for names in contract.raw_columns().values() for n in names}

    def fit(delimiter: str) -> tuple[int, int]:
        fields = _first_record(text, delimiter)[0] or text.lstrip().split("\n", 1)[0].split(delimiter)
        return sum(normalise(f) in known for f in fields), len(fields)

    return max(_DELIMITERS, key=fit)


def _header(text: str, delimiter: str, entry: Entry) -> tuple[list[str], int]:
    fields, lines = _first_record(text, delimiter)
    if not fields:
        raise LandingError(
            f"{entry.key}: the header has a quote that never closes. Mend the first line and land it again."
        )
    return fields, lines


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """The first record that is not blank, and how many physical lines end with it; no fields if it does not end."""
    lines = text.split("\n", 10_000)
    begin = next((i for i, line in enumerate(lines) if _has_text(line)), 0)
    if _SEPARATOR_LINE.match(text):
        begin = next((i for i, line in enumerate(lines) if i > begin and _has_text(line)), begin)
    for end in range(begin + 1, min(begin + _LONGEST_HEADER, len(lines)) + 1):
        try:
            return _fields("\n".join(lines[begin:end]), delimiter, strict=True), end
        except csv.Error as e:
            if "unexpected end" not in str(e):  # an open quote: the header goes on in the next line
                break
    else:
        return [], begin + 1
    try:
        return _fields(lines[begin], delimiter, strict=False), begin + 1
    except csv.Error:  # a field of more than 128 KB
        return [lines[begin]], begin + 1


def _fields(record: str, delimiter: str, *, strict: bool) -> list[str]:
    text = record.replace("\r", " ")
    return next(csv.reader([text], delimiter=delimiter, strict=strict, skipinitialspace=True), [])


def _json_keys(text: str, entry: Entry) -> list[str]:
    """Keys of the first lines in order of appearance: the header of a JSON-lines file."""
    keys: dict[str, None] = {}
    for line in text.split("\n")[:_SAMPLED_JSON_LINES]:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    if not keys:
        raise LandingError(f"{entry.key}: no line is a JSON object. Expected one object a line, keys as column names.")
    return list(keys)


def _all_json_keys(store: Store, entry: Entry, draft: dict[str, Any]) -> list[str]:
    """The sampled header and the keys that only later lines have, where DuckDB can read the file."""
    import duckdb

    header: list[str] = draft["header"]
    if not _duckdb_reads(draft["encoding"], draft["line_end"]):
        return header
    with _connected(store) as con:
        source = f"read_ndjson_objects({literal(_one_path(store, entry.key))}, ignore_errors=true)"
        try:
            found = con.execute(
                f"SELECT DISTINCT unnest(json_keys(json)) FROM {source} WHERE json_type(json) = 'OBJECT' "
                f"LIMIT {_MOST_JSON_KEYS + 1}"
            ).fetchall()
        except (duckdb.Error, UnicodeError):
            return header
    if len(found) > _MOST_JSON_KEYS:
        return header
    return [*header, *sorted({key for (key,) in found} - set(header))]


@contextlib.contextmanager
def _connected(store: Store) -> Iterator[Any]:
    """A connection for one file. Those to local files share one engine: to start one takes longer than a small file."""
    with contextlib.ExitStack() as stack:
        if store.is_local:
            con = stack.enter_context(_local_engine().cursor())
        else:
            con = stack.enter_context(_new_engine())
            con.register_filesystem(store.filesystem())
        con.execute("SET TimeZone = 'UTC'")  # time stamps of Parquet become text
        yield con


@functools.cache
def _local_engine() -> Any:
    return _new_engine()


def _new_engine() -> Any:
    import duckdb

    # Turning IN lists into joins takes DuckDB 40 ms of planning a file, and gains nothing with lists of four.
    return duckdb.connect(config={"threads": 2, "disabled_optimizers": "in_clause"})


def _one_path(store: Store, key: str) -> str:
    """The path of an object for DuckDB, which would take `[`, `*` and `?` for a pattern and read other files."""
    return re.sub(r"[\[*?]", r"[\g<0>]", store.uri_of(key))


def _duckdb_reads(encoding: str, line_end: str) -> bool:
    return line_end != "cr" and codecs.lookup(encoding).name in ("utf-8", "ascii")


@dataclass(frozen=True)
class _Dates:
    """What a file's numeric dates (03/04/2025) prove: how many there are, and how many fit one order only."""

    numeric: int = 0
    day_first: int = 0
    month_first: int = 0
    short: int = 0  # 24-01-05, which may also begin with the year
    example: str | None = None
    day_first_example: str | None = None
    month_first_example: str | None = None

    def order(self, key: str) -> str | None:
        """`dmy` or `mdy`; None if no date is numeric. Raises LandingError when the file does not prove one."""
        if not self.numeric:
            return None
        declare = "Declare it in the contract: `dates: {order: dmy}` or `dates: {order: mdy}`"
        if self.day_first and self.month_first:
            problem = (
                f"the day comes first in {self.day_first:,} ({self.day_first_example!r}) and the month in "
                f"{self.month_first:,} ({self.month_first_example!r})"
            )
            declare += "; dates in the other order then go to quarantine"
        elif self.short:
            problem = "the year of two digits may stand at the end or, as in 24-01-05, at the begin"
            declare += ", or `dates: {order: dmy, formats: ['%y-%m-%d']}`"
        elif not self.day_first and not self.month_first:
            problem = "no day is above 12, so day and month cannot be told apart"
        else:
            return "dmy" if self.day_first else "mdy"
        raise LandingError(
            f"{key}: {self.numeric:,} dates such as {self.example!r} are numeric, and {problem}. {declare}."
        )


_NUMERIC_DATE = r"^(\d{1,2})[./-](\d{1,2})[./-]\d"
_SHORT_DATE = r"^\d{2}-\d{2}-([0-2]\d|3[01])\b"


def _control_totals(
    store: Store, profile: FileProfile, contract: Contract, *, lost_text: bool
) -> tuple[Control, _Dates | None]:
    """Rows and money by DuckDB's own readers, and what the dates prove; None where DuckDB could not tell the lines."""
    import duckdb

    columns = TextColumns(contract, profile.positions)
    asked = contract.dates.day_month_order is None
    with _connected(store) as con:
        try:
            source = _duckdb_source(profile, _one_path(store, profile.key))
            # Cleaning reads no money from a record whose text is lost.
            holds_lost = " OR ".join(f"regexp_matches(c{i}, '[\\x00\\x{{fffd}}]')" for i in range(len(profile.header)))
            lost = holds_lost if lost_text else "FALSE"
            [row] = con.execute(_control_sql(source, columns, lost, dates=asked)).fetchall()
            rejected = 0
            if profile.format == "csv":
                not_blank = "regexp_matches(csv_line, '[^\\x00-\\x20]')"
                counted = f"SELECT count(DISTINCT line) FROM reject_errors WHERE {not_blank}"
                [(rejected,)] = con.execute(counted).fetchall()
        except (duckdb.Error, UnicodeError) as e:
            return Control(note=f"not taken: {str(e).splitlines()[0][:200]}"), None if asked else _Dates()
    rows, amount, *evidence = row
    dates = _Dates(*evidence) if asked else _Dates()
    if profile.format == "jsonl" and lost_text:
        return Control(rows=rows, rejected=0, note="not taken: the file holds text that is lost"), dates
    control = Control(rows=rows, rejected=rejected, amount=str(amount if amount is not None else Decimal("0.00")))
    swallowed = rows == 0 or (rejected and rows + rejected != profile.lines)  # an open quote takes all that follows
    return control, None if asked and swallowed else dates


def _control_sql(source: str, columns: TextColumns, lost: str, *, dates: bool) -> str:
    # A word for a missing value is no number and no date either; it matters only where something stands in for it.
    missing = any(rule.default is not None for rule in columns.contract.columns.values())
    texts = f"SELECT {columns.trimmed(trim=True, missing=missing)}, ({lost}) IS TRUE AS lost FROM {source}"
    if not dates:
        return f"SELECT count(*), sum({columns.amount()}) FILTER (WHERE NOT lost) FROM ({texts})"
    date = columns.field_text("sold_at")
    looks_numeric = f"(substr({date}, 2, 1) IN ('/', '.', '-') OR substr({date}, 3, 1) IN ('/', '.', '-'))"

    def part(group: int) -> str:
        found = f"regexp_extract({date}, {literal(_NUMERIC_DATE)}, {group})"
        return f"try_cast(CASE WHEN {looks_numeric} THEN {found} END AS INTEGER)"

    day_first = "first BETWEEN 13 AND 31 AND second BETWEEN 1 AND 12"
    month_first = "second BETWEEN 13 AND 31 AND first BETWEEN 1 AND 12"
    numeric = "first BETWEEN 1 AND 31 AND second BETWEEN 1 AND 31 AND least(first, second) <= 12"
    return f"""
        WITH typed AS (
            SELECT lost, {columns.amount()} AS amount, {date} AS written, {part(1)} AS first, {part(2)} AS second
            FROM ({texts})
        )
        SELECT count(*), sum(amount) FILTER (WHERE NOT lost),
               count(*) FILTER (WHERE {numeric}), count(*) FILTER (WHERE {day_first}),
               count(*) FILTER (WHERE {month_first}),
               count(*) FILTER (WHERE first IS NOT NULL AND regexp_matches(written, {literal(_SHORT_DATE)})),
               min(written) FILTER (WHERE {numeric}), min(written) FILTER (WHERE {day_first}),
               min(written) FILTER (WHERE {month_first})
        FROM typed"""


def _dates_by_hand(store: Store, profile: FileProfile, contract: Contract) -> _Dates:
    """What the dates of a delimited file prove, line by line in Python, where DuckDB cannot read it to the end."""
    position = profile.positions.get(next(iter(_sold_at_columns(contract, profile))), -1)
    numeric_date, short_date = re.compile(_NUMERIC_DATE), re.compile(_SHORT_DATE)
    counts = dict.fromkeys(("numeric", "day_first", "month_first", "short"), 0)
    examples: dict[str, str] = {}
    with store.open(profile.key) as handle:
        stream = _uncompressed(handle, profile.compression)
        decoded = io.TextIOWrapper(stream, profile.encoding, "replace", newline=None)
        for number, line in enumerate(decoded):
            if number < profile.header_lines or not _has_text(line):
                continue
            try:
                fields = _fields(line.rstrip("\n"), profile.delimiter, strict=False)
            except csv.Error:
                continue
            text = fields[position].strip() if position < len(fields) == len(profile.header) else ""
            if not (match := numeric_date.match(text)):
                continue
            first, second = int(match.group(1)), int(match.group(2))
            kinds = ["short"] if short_date.match(text) else []
            if 1 <= min(first, second) <= 12 and max(first, second) <= 31:
                kinds.append("numeric")
                kinds += ["day_first"] if first > 12 else ["month_first"] if second > 12 else []
            for kind in kinds:
                counts[kind] += 1
                examples[kind] = min(text, examples.get(kind, text))
    return _Dates(
        **counts,
        example=examples.get("numeric"),
        day_first_example=examples.get("day_first"),
        month_first_example=examples.get("month_first"),
    )


def _sold_at_columns(contract: Contract, profile: FileProfile) -> list[str]:
    header = normalise(contract.columns["sold_at"].header or "")
    return [c for c, names in contract.raw_columns().items() if header in map(normalise, names)] or [""]


def _duckdb_source(profile: FileProfile, path: str) -> str:
    if profile.format == "parquet":
        names = ", ".join(f"r{i}" for i in range(len(profile.header)))
        texts = ", ".join(f"CAST(r{i} AS VARCHAR) AS c{i}" for i in range(len(profile.header)))
        return f"(SELECT {texts} FROM read_parquet({literal(path)}, hive_partitioning=false) AS r({names}))"
    if profile.format == "jsonl":
        if not _duckdb_reads(profile.encoding, profile.line_end):
            raise UnicodeError(f"DuckDB does not read JSON in {profile.encoding} with line ends {profile.line_end}")
        keys = (literal("$." + json.dumps(h, ensure_ascii=False)) for h in profile.header)
        values = ", ".join(f"json_extract_string(json, {key}) AS c{i}" for i, key in enumerate(keys))
        return f"(SELECT {values} FROM read_ndjson_objects({literal(path)}, ignore_errors=true))"
    encoding = _DUCKDB_ENCODINGS.get(codecs.lookup(profile.encoding).name)
    if encoding is None or profile.line_end == "cr":
        raise UnicodeError(f"DuckDB does not read {profile.encoding} with line ends {profile.line_end}")
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(profile.header)))
    records = profile.header_lines - sum(name.count("\n") for name in profile.header)  # DuckDB skips records, not lines
    return (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={records}, "
        f"delim={literal(profile.delimiter)}, quote='\"', escape='\"', columns={{{types}}}, encoding='{encoding}', "
        f"store_rejects=true, strict_mode=true, max_line_size={MAX_LINE_BYTES + 4096}, "
        # Its own choice would be sixteen of the longest lines: 256 MB a file, with several files at once.
        f"buffer_size={2 * MAX_LINE_BYTES}, hive_partitioning=false)"
    )
