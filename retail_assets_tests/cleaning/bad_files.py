"""The catalogue of bad files: how each is made, and what becomes of it. `docs/bad_files.md` is written from it.

`test_bad_files.py` lands every one and runs it through inspection and cleaning; nothing here is a promise that is not
kept there.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SHOP = """\
name: corner_shop
timezone: America/New_York
country: US
currency: USD
start_date: 2024-01-01
numbers: {thousands: ","}
columns:
  transaction_id: {header: ID}
  sold_at: {header: Date}
  customer_id: {header: Customer}
  product_category: {header: Category}
  quantity: {header: Qty, aliases: [Pieces]}
  total_amount: {header: Total, required: true}
"""
LADEN = (
    SHOP.replace("America/New_York", "Europe/Berlin")
    .replace("US\n", "DE\n")
    .replace("USD", "EUR")
    .replace('numbers: {thousands: ","}', "numbers: {decimal: ',', thousands: '.'}\nfile: {encoding: cp1252}")
)
DECLARED = f"{SHOP}missing_values: ['-', 'k. A.']\nfile: {{encoding: utf-16-le}}\n"
HEADER = "ID,Date,Customer,Category,Qty,Total"
GOOD = "1,2024-01-05,C7,Toys,2,10.00"
SECOND = "2,2024-01-06,C8,Books,1,7.50"


@dataclass(frozen=True)
class BadFile:
    """One kind of bad file.

    It is `refused` with a message that contains this text, or its rows are counted: `clean`, `superseded`, and the
    `rejected` by their reasons (`{"invalid_date": 1}`; of a row with several reasons each counts). `reads` says what
    stands in columns of the clean rows, in the order of the file. `say` is for people: why so, and what to do.
    """

    group: str
    what: str
    name: str
    data: Callable[[], bytes]
    say: str
    refused: str = ""
    clean: int = 0
    superseded: int = 0
    quarantined: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    reads: Mapping[str, list[str | None]] = field(default_factory=dict)
    contract: str = SHOP
    beside: Mapping[str, bytes] = field(default_factory=dict)


def text(*lines: str, header: str = HEADER, end: str = "\n", encoding: str = "utf-8") -> Callable[[], bytes]:
    """A file of these lines below a header."""
    return lambda: (end.join((header, *lines)) + end).encode(encoding, "surrogatepass")


def just(data: str | bytes) -> Callable[[], bytes]:
    """A file of exactly this."""
    return lambda: data.encode() if isinstance(data, str) else data


def jsonl(*items: object) -> Callable[[], bytes]:
    """A line an item: a text as it is, anything else as JSON."""
    return lambda: "".join((i if isinstance(i, str) else json.dumps(i)) + "\n" for i in items).encode()


def parquet(**columns: Any) -> Callable[[], bytes]:
    """A Parquet file of these columns; what a good row has stands in for those that are not given."""

    def made() -> bytes:
        rows = len(next(iter(columns.values())))
        good: dict[str, Any] = {
            "ID": [str(i + 1) for i in range(rows)],
            "Date": [dt.date(2024, 1, 5)] * rows,
            "Customer": ["C7"] * rows,
            "Category": ["Toys"] * rows,
            "Qty": [2] * rows,
            "Total": [Decimal("10.00")] * rows,
        }
        file = io.BytesIO()
        pq.write_table(pa.table(good | columns), file)
        return file.getvalue()

    return made


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("sales.csv", f"{HEADER}\n{GOOD}\n")
    return file.getvalue()


def _item(**values: object) -> dict[str, object]:
    return {"ID": 1, "Date": "2024-01-05", "Customer": "C7", "Category": "Toys", "Qty": 2, "Total": 10} | values


def _dated(*dates: str) -> tuple[str, ...]:
    return tuple(f"{i},{date},C7,Toys,1,5" for i, date in enumerate(dates, 1))


def _counted(*cells: str) -> tuple[str, ...]:
    """Rows whose quantity and total are given, quoted: `2|10.00`."""
    return tuple('{},2024-01-05,C7,Toys,"{}","{}"'.format(i, *cell.split("|")) for i, cell in enumerate(cells, 1))


FILE = "The file as a whole"
LINES = "Lines, fields and quotes"
TEXT = "Encodings and characters"
OTHER = "JSON lines and Parquet"
DATES = "Dates"
NUMBERS = "Numbers"
IDS = "Ids and missing values"

CATALOGUE: tuple[BadFile, ...] = (
    # The file as a whole
    BadFile(FILE, "empty, 0 bytes", "a.csv", just(""), "An export that failed.", refused="is empty (0 bytes)"),
    BadFile(FILE, "only white space", "a.csv", just("\n \r\n\t\n"), "", refused="has no text in it"),
    BadFile(
        FILE,
        "a header and no rows",
        "a.csv",
        text(),
        "Nothing sold, or an export that broke off? A day without a file says the first.",
        refused="has a header and no rows",
    ),
    BadFile(
        FILE,
        "no header",
        "a.csv",
        text(SECOND, header=GOOD),
        "Columns are never guessed by their place.",
        refused="check that the first line is a header",
    ),
    BadFile(
        FILE,
        "a title or a comment above the header",
        "a.csv",
        text(HEADER, GOOD, header="# Sales of January"),
        "Take it away, or export without it.",
        refused="check that the first line is a header",
    ),
    BadFile(
        FILE,
        "the line `sep=;` above the header, as Excel likes it",
        "a.csv",
        text(HEADER.replace(",", ";"), GOOD.replace(",", ";"), header="sep=;"),
        "The line is what it says, not a header.",
        clean=1,
    ),
    BadFile(
        FILE,
        "blank lines above the header, between rows and at the end",
        "a.csv",
        text(HEADER, "", GOOD, "   ", SECOND, "", "", header="\n"),
        "Blank lines are no rows.",
        clean=2,
    ),
    *(
        BadFile(
            FILE,
            f"separated by {name}",
            "a.txt",
            text(GOOD.replace(",", mark), header=HEADER.replace(",", mark)),
            "The separator is the one that finds the contract's headers.",
            clean=1,
        )
        for name, mark in (("`;`", ";"), ("tabs", "\t"), ("`|`", "|"))
    ),
    BadFile(
        FILE,
        "two headers that mean one column",
        "a.csv",
        text("1,2024-01-05,C7,Toys,2,3,10", header="ID,Date,Customer,Category,Qty,Pieces,Total"),
        "Which one counts is not ours to guess.",
        refused="'Qty' (column 5), 'Pieces' (column 6) all mean 'Qty'",
    ),
    BadFile(
        FILE,
        "the same header twice, of a column that nobody reads",
        "a.csv",
        text(f"{GOOD},x,y", header=f"{HEADER},Note,Note"),
        "It does no harm.",
        clean=1,
    ),
    BadFile(
        FILE,
        "5,000 columns",
        "a.csv",
        lambda: text(GOOD + ",x" * 4994, header=HEADER + "".join(f",n{i}" for i in range(4994)))(),
        "Those that the contract does not name are told in a warning.",
        clean=1,
    ),
    BadFile(
        FILE,
        "a web page (of an error or a login) named .csv",
        "a.csv",
        just("<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n"),
        "Download the file again.",
        refused="Its content is a web page",
    ),
    BadFile(
        FILE, "a zip archive or an .xlsx named .csv", "a.csv", _zip, "", refused="an Excel workbook or a zip archive"
    ),
    BadFile(
        FILE, "a PDF named .csv", "a.csv", just(b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n"), "", refused="Its content is a PDF"
    ),
    BadFile(
        FILE,
        "JSON named .csv",
        "a.csv",
        jsonl(_item()),
        "",
        refused="Its content is JSON",
    ),
    BadFile(
        FILE,
        "gzip-compressed, and not named .gz",
        "a.csv",
        lambda: gzip.compress(text(GOOD)(), mtime=0),
        "",
        refused="land it under a name that ends in .gz",
    ),
    BadFile(FILE, "named .gz, and not compressed", "a.csv.gz", text(GOOD), "", refused="it is not a gzip file"),
    BadFile(
        FILE,
        "a gzip cut off half-way",
        "a.csv.gz",
        lambda: gzip.compress(text(*(f"{i}{GOOD}" for i in range(999)))(), mtime=0)[:-800],
        "Half a day is no day: not a row of it is loaded.",
        refused="its gzip stream is truncated or corrupt",
    ),
    BadFile(
        FILE,
        "cut off in the middle of its last line",
        "a.csv",
        lambda: text(GOOD, SECOND)()[:-12],
        "The rest of the file counts. Where rows are missing, only the sender's own totals can tell.",
        clean=1,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        FILE,
        "no line end at the end",
        "a.csv",
        lambda: text(GOOD)()[:-1],
        "",
        clean=1,
    ),
    BadFile(FILE, "of another kind", "a.xlsx", _zip, "", refused="unknown file format"),
    BadFile(
        FILE,
        "a folder named .csv, with parts and `_SUCCESS` in it, as Spark writes",
        "a.csv/part-00000.csv",
        text(GOOD),
        "Its parts are files of the landing; what begins with `_` or `.` is no data.",
        clean=1,
        beside={"a.csv/_SUCCESS": b"", "a.csv/.part-00000.csv.crc": b"crc", "_delta_log/0.json": b"{}"},
    ),
    # Lines, fields and quotes
    BadFile(
        LINES,
        "rows with fewer or more fields than the header",
        "a.csv",
        text(GOOD, "2,2024-01-05,C7", f"{SECOND},x"),
        "Which field is missing is not guessed.",
        clean=1,
        quarantined=2,
        rejected={"malformed_row": 2},
    ),
    BadFile(
        LINES,
        "a separator behind every row, and none behind the header",
        "a.csv",
        text(f"{GOOD},", f'"2",{SECOND[2:]},'),
        "An empty field behind the last says nothing.",
        clean=2,
    ),
    BadFile(
        LINES,
        "a quote that never closes",
        "a.csv",
        text('1,2024-01-05,C7,"Toys,2,10.00', SECOND),
        "It costs its own line and no other.",
        clean=1,
        quarantined=1,
        rejected={"unclosed_quote": 1},
        reads={"transaction_id": ["2"]},
    ),
    BadFile(
        LINES,
        "text behind a closing quote",
        "a.csv",
        text('1,2024-01-05,C7,"Toys" big,2,10.00', SECOND),
        "",
        clean=1,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        LINES,
        "a quote inside a field that has none round it",
        "a.csv",
        text('1,2024-01-05,C7,5" pipe,2,10.00'),
        "A character like any other.",
        clean=1,
        reads={"product_category": ['5" pipe']},
    ),
    BadFile(
        LINES,
        "line ends inside a quoted field",
        "a.csv",
        text('1,2024-01-05,C7,"Toys\nand games",2,10.00', SECOND),
        "One record of two lines.",
        clean=2,
        reads={"product_category": ["Toys and games", "Books"], "source_line": ["2", "4"]},
    ),
    BadFile(LINES, "line ends `\\r\\n`", "a.csv", text(GOOD, SECOND, end="\r\n"), "", clean=2),
    BadFile(LINES, "line ends `\\r`, of an old Mac", "a.csv", text(GOOD, SECOND, end="\r"), "", clean=2),
    BadFile(LINES, "line ends `\\r\\r\\n`, written twice", "a.csv", text(GOOD, SECOND, end="\r\r\n"), "", clean=2),
    BadFile(LINES, "line ends mixed", "a.csv", just(f"{HEADER}\r\n{GOOD}\n{SECOND}\r\n"), "", clean=2),
    BadFile(
        LINES,
        "the header once more in the middle",
        "a.csv",
        text(GOOD, HEADER, SECOND),
        "As files that were joined have it: a line without a date, that cannot become a sale.",
        clean=2,
        quarantined=1,
        rejected={"invalid_date": 1, "invalid_quantity": 1, "invalid_amount": 1},
    ),
    BadFile(
        LINES,
        "a line of totals at the end",
        "a.csv",
        text(GOOD, SECOND, "Total,,,,3,17.50"),
        "Its money is told apart, not counted twice.",
        clean=2,
        quarantined=1,
        rejected={"invalid_date": 1, "missing_category": 1},
    ),
    BadFile(
        LINES,
        "comments between the rows",
        "a.csv",
        text(GOOD, "# from here on till 2", SECOND),
        "",
        clean=2,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        LINES,
        "rows of nothing but separators",
        "a.csv",
        text(GOOD, ",,,,,"),
        "As spreadsheets write them. The line is not blank, so it is accounted for.",
        clean=1,
        quarantined=1,
        rejected={
            "invalid_date": 1,
            "invalid_quantity": 1,
            "invalid_amount": 1,
            "missing_transaction_id": 1,
            "missing_category": 1,
        },
    ),
    BadFile(
        LINES,
        "a line of 10 MB",
        "a.csv",
        lambda: text(f"{GOOD},{'x' * (10 << 20)}", f"{SECOND},x", header=f"{HEADER},Note")(),
        "Where the long field is one that is read, the row goes to quarantine with its first 64 KB.",
        clean=2,
    ),
    BadFile(
        LINES,
        "a category of 10 MB",
        "a.csv",
        lambda: text(GOOD.replace("Toys", "x" * (10 << 20)), SECOND)(),
        "",
        clean=1,
        quarantined=1,
        rejected={"text_too_long": 1},
    ),
    BadFile(
        LINES,
        "a line of more than 16 MB",
        "a.csv",
        lambda: text(GOOD, "x" * ((16 << 20) + 1))(),
        "No sale is that long.",
        refused="has a line of more than 16 MB",
    ),
    # Encodings and characters
    BadFile(
        TEXT,
        "UTF-8 with a byte-order mark",
        "a.csv",
        text(GOOD, encoding="utf-8-sig"),
        "",
        clean=1,
    ),
    BadFile(
        TEXT,
        "UTF-16 with a byte-order mark",
        "a.csv",
        text(GOOD.replace("Toys", "Größe"), encoding="utf-16"),
        "The mark says the encoding.",
        clean=1,
        reads={"product_category": ["Größe"]},
    ),
    BadFile(
        TEXT,
        "UTF-16 without a mark",
        "a.csv",
        text(GOOD, SECOND, encoding="utf-16-le"),
        "",
        refused="looks like utf-16-le",
    ),
    BadFile(
        TEXT,
        "UTF-16 without a mark, declared",
        "a.csv",
        text(GOOD.replace("Toys", "Größe"), encoding="utf-16-le"),
        "`file: {encoding: utf-16-le}`",
        contract=DECLARED,
        clean=1,
        reads={"product_category": ["Größe"]},
    ),
    BadFile(
        TEXT,
        "Latin-1 or cp1252, not declared",
        "a.csv",
        text(GOOD, SECOND.replace("Books", "Bücher"), encoding="latin-1"),
        "Only the lines with such letters. Declare `file: {encoding: cp1252}`, then `quarantine replay`.",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        TEXT,
        "cp1252, declared",
        "a.csv",
        text('1,2024-01-05,C7,Bücher,2,"10,00 €"', encoding="cp1252"),
        "",
        contract=LADEN,
        clean=1,
        reads={"product_category": ["Bücher"], "total_amount": ["10.00"]},
    ),
    BadFile(
        TEXT,
        "NUL bytes in a row",
        "a.csv",
        text(GOOD.replace("Toys", "To\0ys"), SECOND),
        "",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        TEXT,
        "the mark � of text that was lost before",
        "a.csv",
        text(GOOD.replace("Toys", "B\ufffdcher"), SECOND),
        "",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        TEXT,
        "half a surrogate pair",
        "a.csv",
        text(GOOD.replace("Toys", "To\udc80ys"), SECOND),
        "",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        TEXT,
        "no-break, thin and zero-width spaces round and inside values",
        "a.csv",
        text("\u00a01\u200b,\u20092024-01-05\u00a0,C7,Home\u00a0 \u2009Office\u3000,2,\u202f10.00"),
        "White space round a value goes; inside a category it is one space.",
        clean=1,
        reads={"transaction_id": ["1"], "product_category": ["Home Office"]},
    ),
    BadFile(
        TEXT,
        "one letter written in two ways (é, e + ´)",
        "a.csv",
        text(GOOD.replace("Toys", "Café"), SECOND.replace("Books", "Cafe\u0301")),
        "One category.",
        clean=2,
        reads={"product_category": ["Café", "Café"]},
    ),
    # JSON lines and Parquet
    BadFile(
        OTHER,
        "JSON lines with a nested value in a column that is read",
        "a.jsonl",
        jsonl(_item(), _item(ID=2, Category={"name": "Toys"}), _item(ID=3, Till={"no": 1})),
        "In other columns it does no harm.",
        clean=2,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        OTHER,
        "JSON lines that are no objects, or half of one",
        "a.jsonl",
        jsonl(_item(), "[1, 2]", '{"ID": 3, "Date":'),
        "",
        clean=1,
        quarantined=2,
        rejected={"malformed_row": 2},
    ),
    BadFile(
        OTHER,
        "JSON with a key twice",
        "a.jsonl",
        jsonl(_item(ID=2), '{"ID": 1, "ID": 9, "Date": "2024-01-05", "Category": "Toys", "Qty": 1, "Total": 5}'),
        "",
        clean=1,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        OTHER,
        "JSON with an escape of half a surrogate pair, or of NUL",
        "a.jsonl",
        jsonl(_item(ID=2), _item(Category="To\udc80ys"), _item(ID=3, Category="To\0ys")),
        "",
        clean=1,
        quarantined=2,
        rejected={"not_text": 2},
    ),
    BadFile(
        OTHER,
        "JSON with `null` and with keys left out",
        "a.jsonl",
        jsonl(_item(Customer=None), {k: v for k, v in _item(ID=2).items() if k != "Customer"}),
        "Missing values.",
        clean=2,
        reads={"customer_id": [None, None]},
    ),
    BadFile(
        OTHER,
        "one JSON array, not one object a line",
        "a.jsonl",
        just(json.dumps([_item(), _item(ID=2)])),
        "",
        refused="Expected one object per line",
    ),
    BadFile(
        OTHER,
        "Parquet: text that is no date and no number",
        "a.parquet",
        parquet(Date=["2024-01-05", "soon"], Total=["10.00", "much"]),
        "Types do not matter, values do.",
        clean=1,
        quarantined=1,
        rejected={"invalid_date": 1, "invalid_amount": 1},
    ),
    BadFile(
        OTHER,
        "Parquet: ids as floats, money as floats",
        "a.parquet",
        parquet(ID=[17.0, 18.0], Total=[0.1 + 0.2, 10.0]),
        "",
        clean=2,
        reads={"transaction_id": ["17", "18"], "total_amount": ["0.30", "10.00"]},
    ),
    BadFile(
        OTHER,
        "Parquet: dates as numbers",
        "a.parquet",
        parquet(Date=[19727, 19728]),
        "",
        quarantined=2,
        rejected={"invalid_date": 2},
    ),
    BadFile(
        OTHER,
        "Parquet: a nested column that is read",
        "a.parquet",
        parquet(Category=[["Toys"], ["Books"]]),
        "",
        quarantined=2,
        rejected={"malformed_row": 2},
    ),
    BadFile(
        OTHER,
        "Parquet: bytes that are no text",
        "a.parquet",
        parquet(Category=[b"Toys", b"\xff\xfe"]),
        "",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        OTHER,
        "Parquet cut off",
        "a.parquet",
        lambda: parquet(Qty=[1, 2, 3])()[:-40],
        "",
        refused="is not a complete Parquet file",
    ),
    BadFile(OTHER, "Parquet without rows", "a.parquet", parquet(Qty=pa.array([], pa.int64())), "", refused="no rows"),
    # Dates
    BadFile(
        DATES,
        "dates that do not exist: 30 February, month 13",
        "a.csv",
        text(*_dated("2024-02-29", "2024-02-30", "2023-02-29", "2024-13-01")),
        "",
        clean=1,
        quarantined=3,
        rejected={"invalid_date": 3},
    ),
    BadFile(
        DATES,
        "dates out of range: 1899, 2099",
        "a.csv",
        text(*_dated("1899-12-31", "2024-01-05", "2099-01-01")),
        "Before `earliest`, or later than the day it landed.",
        clean=1,
        quarantined=2,
        rejected={"date_out_of_range": 2},
    ),
    BadFile(
        DATES,
        "day and month in numbers, one day above 12",
        "a.csv",
        text(*_dated("05/01/2024", "31/01/2024")),
        "The whole file proves the order.",
        clean=2,
        reads={"sale_date": ["2024-01-05", "2024-01-31"]},
    ),
    BadFile(
        DATES,
        "day and month in numbers, and no day above 12",
        "a.csv",
        text(*_dated("05/01/2024", "06/01/2024")),
        "",
        refused="no day is above 12, so the file does not show which comes first, day or month",
    ),
    BadFile(
        DATES,
        "day first and month first in one file",
        "a.csv",
        text(*_dated("31/01/2024", "01/31/2024")),
        "",
        refused="the day comes first in 1 ('31/01/2024') and the month in 1 ('01/31/2024')",
    ),
    BadFile(
        DATES,
        "several formats in one file",
        "a.csv",
        text(*_dated("2024-01-05", "2024/1/6", "31.01.2024", "7.1.24 14:05", "2024-01-08T10:00:00")),
        "Each is read for itself.",
        clean=5,
        reads={"sale_date": ["2024-01-05", "2024-01-06", "2024-01-31", "2024-01-07", "2024-01-08"]},
    ),
    BadFile(
        DATES,
        "years of two digits",
        "a.csv",
        text(*_dated("31/01/24", "31/01/99")),
        "69 to 99 are 1969 to 1999.",
        clean=2,
        reads={"sale_date": ["2024-01-31", "1999-01-31"]},
    ),
    BadFile(
        DATES,
        "a date that begins with a year of two digits",
        "a.csv",
        text(*_dated("24-01-05", "24-01-31")),
        "",
        refused="may stand at the end or, as in 24-01-05, at the beginning",
    ),
    BadFile(
        DATES,
        "dates with a time zone",
        "a.csv",
        text(*_dated("2024-01-05T02:00:00Z", "2024-01-05 12:00:00+02:00")),
        "Instants become shop time, and with it the day of sale.",
        clean=2,
        reads={"sold_at": ["2024-01-04 21:00:00", "2024-01-05 05:00:00"]},
    ),
    BadFile(
        DATES,
        "seconds or days since some beginning, yyyymmdd",
        "a.csv",
        text(*_dated("1704450000", "1704450000000", "45296", "20240105")),
        "Numbers are no dates, unless `formats` says so (`%Y%m%d`).",
        quarantined=4,
        rejected={"invalid_date": 4},
    ),
    BadFile(
        DATES,
        "words, and dates left out",
        "a.csv",
        text(*_dated("today", "infinity", "epoch", "", "0000-00-00")),
        "",
        quarantined=5,
        rejected={"invalid_date": 5},
    ),
    # Numbers
    BadFile(
        NUMBERS,
        "thousands separators",
        "a.csv",
        text(*_counted("1|1,234.50", "1,000|1,234,567.00", "1|12,34")),
        "Groups are of three; other marks are no number.",
        clean=2,
        quarantined=1,
        rejected={"invalid_amount": 1},
        reads={"quantity": ["1.000", "1000.000"], "total_amount": ["1234.50", "1234567.00"]},
    ),
    BadFile(
        NUMBERS,
        "thousands separators, not quoted",
        "a.csv",
        text("1,2024-01-05,C7,Toys,1,1,234.50"),
        "",
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        NUMBERS,
        "currency signs",
        "a.csv",
        text(*_counted("1|$5.00", "1|USD 5.00", "-1|-$5.00", "1|5.00 $", "1|€5.00", "$1|5.00")),
        "Those of the contract's currency, and on money only: euros are no dollars.",
        clean=4,
        quarantined=2,
        rejected={"invalid_amount": 1, "invalid_quantity": 1},
        reads={"total_amount": ["5.00", "5.00", "-5.00", "5.00"]},
    ),
    BadFile(
        NUMBERS,
        "`1.234,56`, declared",
        "a.csv",
        text(*_counted("1|1.234,56", "1,5|12,30", "1|12.30")),
        "`numbers: {decimal: ',', thousands: '.'}`. Then a lone point is a mistake, not a decimal mark.",
        contract=LADEN,
        clean=2,
        quarantined=1,
        rejected={"invalid_amount": 1},
        reads={"quantity": ["1.000", "1.500"], "total_amount": ["1234.56", "12.30"]},
    ),
    BadFile(
        NUMBERS,
        "`1.234,56`, not declared",
        "a.csv",
        text(*_counted("1|1.234,56", "1|12,30")),
        "",
        quarantined=2,
        rejected={"invalid_amount": 2},
    ),
    BadFile(
        NUMBERS,
        "more than whole cents",
        "a.csv",
        text(*_counted("1|5.005", "1|5.000", "1|0.30000000000000004")),
        "Nothing is rounded but what a float adds beyond a millionth.",
        clean=2,
        quarantined=1,
        rejected={"invalid_amount": 1},
        reads={"total_amount": ["5.00", "0.30"]},
    ),
    BadFile(
        NUMBERS,
        "scientific notation",
        "a.csv",
        text(*_counted("1|1e3", "1|1.5E+2")),
        "",
        clean=2,
        reads={"total_amount": ["1000.00", "150.00"]},
    ),
    BadFile(
        NUMBERS,
        "percent signs, fractions, brackets, a minus behind",
        "a.csv",
        text(*_counted("1|15%", "1/2|5", "1|(5.00)", "1|5.00-")),
        "",
        quarantined=4,
        rejected={"invalid_amount": 3, "invalid_quantity": 1},
    ),
    BadFile(
        NUMBERS,
        "negative zero",
        "a.csv",
        text(*_counted("-0|0.00", "1|-0.00")),
        "As money it is zero; as a quantity, nothing was sold.",
        clean=1,
        quarantined=1,
        rejected={"zero_quantity": 1},
        reads={"total_amount": ["0.00"]},
    ),
    BadFile(
        NUMBERS,
        "too many digits, infinity",
        "a.csv",
        text(*_counted("1|9999999999999.00", "1|1e300", "1|inf")),
        "",
        quarantined=3,
        rejected={"invalid_amount": 3},
    ),
    BadFile(NUMBERS, "numbers in quotes", "a.csv", text('"1","2024-01-05","C7","Toys","2","10.00"'), "", clean=1),
    # Ids and missing values
    BadFile(
        IDS,
        "leading zeros",
        "a.csv",
        text("007,2024-01-05,0042,Toys,1,5", "7,2024-01-05,42,Toys,1,5"),
        "They stay: ids are text.",
        clean=2,
        reads={"transaction_id": ["007", "7"], "customer_id": ["0042", "42"]},
    ),
    BadFile(
        IDS,
        "ids as `17.0`",
        "a.csv",
        text("17.0,2024-01-05,42.0,Toys,1,5"),
        "A spreadsheet's idea of 17.",
        clean=1,
        reads={"transaction_id": ["17"], "customer_id": ["42"]},
    ),
    BadFile(
        IDS,
        "ids as `5.36365E+11`",
        "a.csv",
        text("5.36365E+11,2024-01-05,C7,Toys,1,5"),
        "Their last digits are lost.",
        quarantined=1,
        rejected={"rounded_id": 1},
    ),
    BadFile(
        IDS,
        "one id twice",
        "a.csv",
        text(GOOD, GOOD.replace("10.00", "12.00")),
        "The last line stands; the first is kept as superseded.",
        clean=1,
        superseded=1,
        reads={"total_amount": ["12.00"]},
    ),
    BadFile(
        IDS,
        "an id of more than 128 bytes",
        "a.csv",
        text(f"{'x' * 129},2024-01-05,C7,Toys,1,5"),
        "Cut off, two of them could become one.",
        quarantined=1,
        rejected={"text_too_long": 1},
    ),
    BadFile(
        IDS,
        "`NULL`, `N/A`, `nan`, `None`, `\\N` for a value that is missing",
        "a.csv",
        text(
            "1,2024-01-05,NULL,Toys,1,5",
            "2,2024-01-05,n/a,Toys,1,5",
            "3,2024-01-05,nan,Toys,1,5",
            "NULL,2024-01-05,C7,Toys,1,5",
            "null,2024-01-05,C7,Toys,1,6",
            "6,2024-01-05,\\N,None,1,5",
            "7,#N/A,C7,Toys,NaN,N/A",
        ),
        "Missing, in every column; else thousands of anonymous sales would be one customer `NULL`.",
        clean=3,
        quarantined=4,
        rejected={
            "missing_transaction_id": 2,
            "missing_category": 1,
            "invalid_date": 1,
            "invalid_quantity": 1,
            "invalid_amount": 1,
        },
        reads={"customer_id": [None, None, None]},
    ),
    BadFile(
        IDS,
        "other words for a missing value, declared",
        "a.csv",
        text("1,2024-01-05,k. a.,Toys,1,5", "2,2024-01-05,-,Toys,1,5", "3,2024-01-05,NULL,-,1,5", encoding="utf-16-le"),
        "`missing_values: ['-', 'k. A.']` takes the place of the usual words.",
        contract=DECLARED,
        clean=2,
        quarantined=1,
        rejected={"missing_category": 1},
        reads={"customer_id": [None, None]},
    ),
)

INTRODUCTION = """\
# Bad files, and what becomes of them

Every kind of bad file that we know of has one defined result. The table is written from the catalogue
`retail_assets_tests/cleaning/bad_files.py`; a test lands each and runs it through inspection and cleaning.

- **Refused**: the file cannot be read as the contract says. `retail-assets land` refuses it before it lands; where it
  came into the raw store in another way, `raw_sales_files` fails. Nothing of it is loaded; what was loaded stays.
- **Quarantined**: single rows that break a rule. The rest of the file is loaded; the rows stay with their text, file,
  line and all their reasons ([quarantine.md](quarantine.md)).
- **Clean**: read as it was meant.

Lines are conserved in every case: what is not refused is clean, quarantined or superseded. Unless a row says
otherwise, the contract has the columns `ID, Date, Customer, Category, Qty, Total`, dollars and `thousands: ","`.
"""
ELSEWHERE = """\

## Not in the table

| what | result |
| --- | --- |
| a file of 2 GB | Read in blocks: memory does not grow with the file (a test compares 40 MB with 300 MB). |
| a folder given to `retail-assets land` | Refused: `is a folder. Name the files in it`. |
| a file that may not be read | Refused: `permission denied. Check its owner and permissions`. |
| a file that changes while it is landed | Refused: `changed while it was read, so nothing was landed`. |
| a file replaced after it was registered | `clean_sales` stops: `it was replaced meanwhile`. |
| columns, separator, encoding or format changed | The contract's [`drift`](contracts.md#schema-drift) decides. |
"""


def document() -> str:
    """`docs/bad_files.md`."""
    lines = [INTRODUCTION]
    for group in dict.fromkeys(f.group for f in CATALOGUE):
        lines.append(f"## {group}\n\n| what | result | note |\n| --- | --- | --- |")
        lines += [f"| {_cell(f.what)} | {_result(f)} | {f.say} |" for f in CATALOGUE if f.group == group]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n" + ELSEWHERE


def _result(f: BadFile) -> str:
    if f.refused:
        return f"Refused: `{f.refused}`"
    told = []
    if f.clean:
        values = "; ".join(f"`{name}` {', '.join(map(_value, vs))}" for name, vs in f.reads.items())
        told.append(f"{f.clean} clean" + (f": {values}" if values else ""))
    if f.superseded:
        told.append(f"{f.superseded} superseded")
    if f.quarantined:
        reasons = ", ".join(f"`{name}`" + (f" × {n}" if n > 1 else "") for name, n in f.rejected.items())
        told.append(f"{f.quarantined} quarantined: {reasons}")
    return "; ".join(told)


def _value(value: str | None) -> str:
    return "nothing" if value is None else f"`{_cell(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).parents[2].joinpath("docs", "bad_files.md").write_text(document(), encoding="utf-8")
