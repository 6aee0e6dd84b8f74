"""The texts of a file nobody has described yet: its encoding, separator, header and rows, found from its content."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_assets.drafting.header_words import WORDS, key_of
from retail_assets.errors import LandingError
from retail_assets.landing.formats import format_of
from retail_assets.landing.inspection import totals
from retail_assets.landing.land import check_file
from retail_assets.landing.workbook.parts import open_workbook, read_texts
from retail_assets.landing.workbook.rows import sheet_rows

#: Rows beyond this are not read for a draft. Whatever concerns the whole file is proved again when it lands.
MOST_ROWS = 300_000
_MOST_BYTES = 64 << 20
_LONGEST_FIELD = 1 << 24
_HEADER_WITHIN = 50  # lines
_MOST_WIDTH = 1000  # columns of a sheet
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WESTERN = "äöüßéèêëàáâãåæçñóòôõøíìîïúùûÄÖÜÉÈÀÅÇÑØ€£°–—’‘“”´«»©®²½ "
_LATIN = frozenset(_WESTERN) | {chr(c) for c in range(0xC0, 0x100)} | set("ŠšŽžŒœŸ")
_ODD_RUN = re.compile("[\u0080-\u02ff]{3,}")
_ALL_WORDS = frozenset(word for words in WORDS.values() for word in words)


@dataclass(frozen=True)
class RawTable:
    """The header and the rows of a file, all texts.

    `encoding` is None where a mark or the format declares it, else what the bytes fit; `certain` says that they fit
    nothing else. `skipped` counts the physical lines above the header, `totals` the lines of totals at the end.
    `sheet` names the sheet of a workbook; `sheets` are all that have rows. `cut` says that more rows were not read.
    """

    name: str
    format: str
    header: list[str]
    rows: list[list[str]]
    encoding: str | None = None
    certain: bool = True
    delimiter: str = ""
    skipped: int = 0
    totals: int = 0
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    cut: bool = False

    def column(self, index: int) -> list[str]:
        """Return the texts of a column, without white space around them."""
        return [row[index].strip() if index < len(row) else "" for row in self.rows]


def read_table(path: Path) -> RawTable:
    """Read a file's header and rows. Raises LandingError if it cannot be landed, or no table is found in it."""
    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return _of_workbook(path)
    kind, compression = format_of(path.name)
    if kind == "parquet":
        return _of_parquet(path)
    data, cut = _bytes_of(path, compression)
    if kind == "jsonl":
        return _of_json(path, data, cut)
    return _of_text(path, data, cut)


def _bytes_of(path: Path, compression: str | None) -> tuple[bytes, bool]:
    try:
        with gzip.open(path) if compression else path.open("rb") as file:
            data: bytes = file.read(_MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise LandingError(f"{path} is named .gz, but it is not a complete gzip file ({e}).") from e
    return data[:_MOST_BYTES], len(data) > _MOST_BYTES


def _decoded(data: bytes) -> tuple[str, str | None, bool]:
    """Return the text, the encoding to declare (None: none is needed), and whether the bytes fit nothing else."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace"), None, True
    if data[:400].count(0) > 40:
        name = "utf-16-le" if data[1:400:2].count(0) > data[0:400:2].count(0) else "utf-16-be"
        return data.decode(name, "replace"), name, True
    try:
        return data.decode("utf-8"), None, True
    except UnicodeDecodeError as e:
        if e.end >= len(data) - 4 and len(data) >= _MOST_BYTES:
            return data[: e.start].decode("utf-8"), None, True
    western = data.decode("cp1252", "replace")
    odd = [c for c in western if ord(c) > 127]
    alone = len(odd) - sum(map(len, _ODD_RUN.findall(western)))
    # Letters with accents stand among plain ones; in other scripts whole words are odd.
    if alone >= 0.7 * len(odd) and sum(c in _LATIN for c in odd) >= 0.8 * len(odd):
        central = data.decode("cp1250", "replace")
        if _known_words(central) > _known_words(western):
            return central, "cp1250", False
        return western, "cp1252", sum(c in _WESTERN for c in odd) >= 0.8 * len(odd)
    hangul = data.decode("euc_kr", "ignore")
    letters = [c for c in hangul if ord(c) > 127]
    if len(letters) >= 8 and sum(0xAC00 <= ord(c) <= 0xD7A3 for c in letters) >= 0.95 * len(letters):
        return data.decode("euc_kr", "replace"), "euc_kr", False  # Chinese read so is Hangul to about a half
    for name, first, last in (("shift_jis", 0x3040, 0x9FFF), ("gb18030", 0x4E00, 0x9FFF), ("euc_kr", 0xAC00, 0xD7A3)):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        letters = [c for c in text if ord(c) > 127]
        if sum(first <= ord(c) <= last for c in letters) >= 0.8 * len(letters):
            return text, name, False
    cyrillic = data.decode("cp1251", "replace")
    if sum("\u0400" <= c <= "\u04ff" for c in cyrillic if ord(c) > 127) >= 0.8 * len(odd):
        return cyrillic, "cp1251", False
    return western, "cp1252", False


def _known_words(text: str) -> int:
    """Return how many words of headers the first lines have."""
    cells = re.split(r"[,;\t|\r\n]", text[:4096])
    return sum(key_of(cell) in _ALL_WORDS for cell in cells)


def _of_text(path: Path, data: bytes, cut: bool) -> RawTable:
    text, encoding, certain = _decoded(data)
    text = (
        text.removeprefix("\ufeff").replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    )
    delimiter = max(_DELIMITERS, key=lambda mark: _fit(text, mark))
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    records: list[tuple[int, list[str]]] = []
    before = 0
    limit = csv.field_size_limit(_LONGEST_FIELD)  # of the whole process, so it is set back
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append((before, record))
            before = reader.line_num
            if len(records) > MOST_ROWS:
                cut = True
                break
    except csv.Error:
        cut = True
    finally:
        csv.field_size_limit(limit)
    at = _header_at([record for _, record in records[: _HEADER_WITHIN * 2]])
    if at is None:
        raise LandingError(
            f"{path} does not look like a table: no line of it has at least two fields that could be a header. "
            "Is it the right file?"
        )
    skipped, header = records[at]
    rows = [record for _, record in records[at + 1 :]]
    totals_below = 0 if cut else _totals(rows)
    body = _full(header, rows[: len(rows) - totals_below])
    return RawTable(path.name, "csv", header, body, encoding, certain, delimiter, skipped, totals_below, cut=cut)


def _full(header: list[str], rows: list[list[str]]) -> list[list[str]]:
    """Return the rows that have as many fields as the header; others will be quarantined whatever the contract says."""
    return [row for row in rows if len(row) == len(header) or (len(row) == len(header) + 1 and not row[-1].strip())]


def _fit(text: str, delimiter: str) -> tuple[int, int]:
    """Return how well a separator fits: lines of the most common number of fields, then that number."""
    lines = [line for line in text[: 1 << 18].split("\n")[:_HEADER_WITHIN] if line.strip()]
    widths = Counter(len(row) for row in _safe(lines, delimiter))
    many = [(count, width) for width, count in widths.items() if width > 1]
    return max(((count * min(width, 4), width) for count, width in many), default=(0, 0))


def _safe(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    rows = []
    for line in lines:
        try:
            rows.append(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []))
        except csv.Error:
            continue
    return rows


def _header_at(records: list[list[str]]) -> int | None:
    """Return which record is the header: one as wide as the rows, of texts that are not numbers."""
    widths = Counter(len([*record]) for record in records if len(record) > 1)
    if not widths:
        return None
    width = max(widths, key=lambda w: (widths[w] * min(w, 4), w))
    for at, record in enumerate(records[:_HEADER_WITHIN]):
        cells = [cell.strip() for cell in record]
        words = sum(key_of(cell) in _ALL_WORDS for cell in cells)
        named = [cell for cell in cells if cell]
        if abs(len(record) - width) <= 1 and len(named) >= max(2, len(cells) - 2):
            numbers = sum(_is_number(cell) for cell in named)
            if words >= 2 or numbers == 0:
                return at
    return None


def _is_number(text: str) -> bool:
    bare = text.replace(",", "").replace(".", "").replace("-", "").replace("/", "").replace(":", "").strip()
    return bare.isdigit()


def _totals(rows: list[list[str]]) -> int:
    """Return how many of the last rows are lines of totals."""
    count = 0
    for row in reversed(rows[-5:]):
        if not totals.is_word(next((cell for cell in row if cell.strip()), "")):
            break
        count += 1
    return count


def _of_json(path: Path, data: bytes, cut: bool) -> RawTable:
    header: dict[str, None] = {}
    items: list[dict[str, Any]] = []
    for line in data.decode("utf-8-sig", "replace").splitlines():
        if not line.strip():
            continue
        try:
            item = json.loads(line, parse_float=str, parse_int=str)
        except ValueError:
            continue
        if isinstance(item, dict):
            items.append(item)
            header.update(dict.fromkeys(item))
        if len(items) > MOST_ROWS:
            cut = True
            break
    if not items:
        raise LandingError(f"{path} has no JSON object per line, so no table is found in it.")
    names = list(header)
    rows = [[_text(item.get(name)) for name in names] for item in items]
    return RawTable(path.name, "jsonl", names, rows, cut=cut)


def _of_parquet(path: Path) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(MOST_ROWS), None)
    except (pa.ArrowException, OSError) as e:
        raise LandingError(f"{path} is not a complete Parquet file ({str(e)[:200]}).") from e
    names = list(file.schema_arrow.names)
    items = batch.to_pylist() if batch is not None else []
    rows = [[_text(item[name]) for name in names] for item in items]
    return RawTable(path.name, "parquet", names, rows, cut=file.metadata.num_rows > len(rows))


def _of_workbook(path: Path) -> RawTable:
    texts: dict[str, list[tuple[int, list[str]]]] = {}
    with path.open("rb") as handle, open_workbook(handle, path.name) as book:
        read_texts(book)
        for each in book.sheets:
            rows = [r for r in itertools.islice(sheet_rows(book, each), MOST_ROWS) if r.cells]
            width = min(_MOST_WIDTH, max((max(r.cells) + 1 for r in rows), default=0))
            texts[each.name] = [(r.number - 1, [r.cells.get(i, "") for i in range(width)]) for r in rows]
    filled = {name: rows for name, rows in texts.items() if len(rows) > 1}
    if not filled:
        raise LandingError(f"{path} has no sheet with a header and rows.")
    sheet = max(filled, key=lambda name: len(filled[name]))
    records = filled[sheet]
    at = _header_at([record for _, record in records[: _HEADER_WITHIN * 2]])
    if at is None:
        raise LandingError(f"{path}: no row of the sheet {sheet!r} looks like a header.")
    skipped, header = records[at]
    body = [record for _, record in records[at + 1 :]]
    while header and not header[-1].strip():
        header = header[:-1]
    body = [row[: len(header)] for row in body]
    below = _totals(body)
    body = body[: len(body) - below]
    return RawTable(path.name, "xlsx", header, body, skipped=skipped, totals=below, sheet=sheet, sheets=tuple(filled))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
