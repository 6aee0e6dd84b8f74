"""The catalog of bad files: how each is made, and its result. `docs/bad_files.md` is written from it.

`test_bad_files.py` lands every one and runs it through inspection and cleaning, so nothing here is an empty promise.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from retail_assets_tests.landing.workbooks import workbook

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
DAY = dt.datetime(2024, 1, 5)
_ROWS = ([1, DAY, "C7", "Toys", 2, 10], [2, DAY, "C8", "Books", 1, 7.5])


@dataclass(frozen=True)
class BadFile:
    """One kind of bad file.

    It is `refused` with a message that contains this text, or its rows are counted: `clean`, `superseded`, and the
    `rejected` ones by reason (`{"invalid_date": 1}`; a row with several reasons counts once for each). `reads` has the
    values of columns of the clean rows, in the order of the file. `note` is for people: why, and what to do.
    """

    group: str
    what: str
    name: str
    data: Callable[[], bytes]
    note: str
    refused: str = ""
    clean: int = 0
    superseded: int = 0
    quarantined: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    reads: Mapping[str, list[str | None]] = field(default_factory=dict)
    contract: str = SHOP
    other_files: Mapping[str, bytes] = field(default_factory=dict)


def text(*lines: str, header: str = HEADER, end: str = "\n", encoding: str = "utf-8") -> Callable[[], bytes]:
    """Make a file of these lines below a header."""
    return lambda: (end.join((header, *lines)) + end).encode(encoding, "surrogatepass")


def just(data: str | bytes) -> Callable[[], bytes]:
    """Make a file of exactly this content."""
    return lambda: data.encode() if isinstance(data, str) else data


def jsonl(*items: object) -> Callable[[], bytes]:
    """Make a file with one line per item: a text as it is, anything else as JSON."""
    return lambda: "".join((i if isinstance(i, str) else json.dumps(i)) + "\n" for i in items).encode()


def parquet(**columns: Any) -> Callable[[], bytes]:
    """Make a Parquet file of these columns; columns that are not given have the values of a good row."""

    def build() -> bytes:
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

    return build


def sheet(*rows: Iterable[object], change: Callable[[Any], object] | None = None) -> Callable[[], bytes]:
    """Make a workbook of one sheet with these rows below a header; `change` gets the openpyxl workbook."""
    return lambda: workbook(HEADER.split(","), *rows, change=change)


def _with_error(book: Any) -> None:
    book["Sales"]["C2"] = "#N/A"
    book["Sales"]["C2"].data_type = "e"


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
    """Return rows with the given quantity and total, quoted: `2|10.00`."""
    return tuple('{},2024-01-05,C7,Toys,"{}","{}"'.format(i, *cell.split("|")) for i, cell in enumerate(cells, 1))


FILE = "The file as a whole"
LINES = "Lines, fields and quotes"
TEXT = "Encodings and characters"
OTHER = "JSON lines and Parquet"
BOOKS = "Excel workbooks"
DATES = "Dates"
NUMBERS = "Numbers"
IDS = "Ids and missing values"

CATALOG: tuple[BadFile, ...] = (
    # The file as a whole
    BadFile(FILE, "empty, 0 bytes", "a.csv", just(""), "A failed export.", refused="is empty (0 bytes)"),
    BadFile(FILE, "only white space", "a.csv", just("\n \r\n\t\n"), "", refused="has no text in it"),
    BadFile(
        FILE,
        "a header and no rows",
        "a.csv",
        text(),
        "Nothing sold, or an export that failed? If nothing was sold, land no file.",
        refused="has a header and no rows",
    ),
    BadFile(
        FILE,
        "no header",
        "a.csv",
        text(SECOND, header=GOOD),
        "Columns are never guessed by position.",
        refused="check that the first line is a header",
    ),
    BadFile(
        FILE,
        "a title or a comment above the header",
        "a.csv",
        text(HEADER, GOOD, header="# Sales of January"),
        "Skipped and counted: only one line has the columns of the contract, and the rows below have its width.",
        clean=1,
    ),
    BadFile(
        FILE,
        "a title above two lines that could be the header",
        "a.csv",
        text(HEADER, GOOD, HEADER, SECOND, header="Sales of January"),
        "Say how many lines to skip: `file: {skip_top: 1}`.",
        refused="`file: {skip_top: N}`",
    ),
    BadFile(
        FILE,
        "lines to skip at the end, of which one is a sale",
        "a.csv",
        text(GOOD, SECOND),
        "`file: {skip_bottom: 1}` is for files that have a line of totals, and this one has none.",
        refused="looks like a sale",
        contract=f"{SHOP}file: {{skip_bottom: 1}}\n",
    ),
    BadFile(
        FILE,
        "the line `sep=;` above the header, as Excel writes it",
        "a.csv",
        text(HEADER.replace(",", ";"), GOOD.replace(",", ";"), header="sep=;"),
        "The line declares the separator; it is not a header.",
        clean=1,
    ),
    BadFile(
        FILE,
        "blank lines above the header, between rows and at the end",
        "a.csv",
        text(HEADER, "", GOOD, "   ", SECOND, "", "", header="\n"),
        "Blank lines are not rows.",
        clean=2,
    ),
    *(
        BadFile(
            FILE,
            f"separated by {name}",
            "a.txt",
            text(GOOD.replace(",", mark), header=HEADER.replace(",", mark)),
            "The separator is the one with which the contract's headers are found.",
            clean=1,
        )
        for name, mark in (("`;`", ";"), ("tabs", "\t"), ("`|`", "|"))
    ),
    BadFile(
        FILE,
        "two headers that mean one column",
        "a.csv",
        text("1,2024-01-05,C7,Toys,2,3,10", header="ID,Date,Customer,Category,Qty,Pieces,Total"),
        "Which one counts is not guessed.",
        refused="'Qty' (column 5), 'Pieces' (column 6) all mean 'Qty'",
    ),
    BadFile(
        FILE,
        "the same header twice, for a column that is not read",
        "a.csv",
        text(f"{GOOD},x,y", header=f"{HEADER},Note,Note"),
        "It is harmless.",
        clean=1,
    ),
    BadFile(
        FILE,
        "5,000 columns",
        "a.csv",
        lambda: text(GOOD + ",x" * 4994, header=HEADER + "".join(f",n{i}" for i in range(4994)))(),
        "A warning lists those that the contract does not name.",
        clean=1,
    ),
    BadFile(
        FILE,
        "100,000 columns",
        "a.csv",
        text(f"{GOOD}{',1' * 99_994}", header=f"{HEADER}{''.join(f',c{i}' for i in range(99_994))}"),
        "Spreadsheets end at 16,384.",
        refused="has 100,000 columns; at most 16,384 are read",
    ),
    BadFile(
        FILE,
        "a gzip file that unpacks to very much of the same",
        "a.csv.gz",
        lambda: gzip.compress(f"{HEADER}\n{GOOD}\n".encode() + b"\n" * (80 << 20), 1),
        "Blank lines, quotes or zeros without end. Refused while it is read.",
        refused="unpacks to more than 150 times its size",
    ),
    BadFile(
        FILE,
        "millions of lines of single quotes",
        "a.csv",
        lambda: f"{HEADER}\n{GOOD}\n".encode() + b'"\n' * 1_500_000,
        "",
        refused="most of which are too short for its 6 columns",
    ),
    BadFile(
        FILE,
        "a web page (of an error or a login) named .csv",
        "a.csv",
        just("<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n"),
        "Download the file again.",
        refused="Its content is a web page",
    ),
    BadFile(FILE, "a zip archive named .csv", "a.csv", _zip, "", refused="a zip archive: unpack it"),
    BadFile(
        FILE,
        "an Excel workbook named .csv",
        "a.csv",
        sheet(),
        "",
        refused="an Excel workbook: land it under a name that ends in .xlsx",
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
        "gzip-compressed, but not named .gz",
        "a.csv",
        lambda: gzip.compress(text(GOOD)(), mtime=0),
        "",
        refused="land it under a name that ends in .gz",
    ),
    BadFile(FILE, "named .gz, but not compressed", "a.csv.gz", text(GOOD), "", refused="it is not a gzip file"),
    BadFile(
        FILE,
        "a truncated gzip file",
        "a.csv.gz",
        lambda: gzip.compress(text(*(f"{i}{GOOD}" for i in range(999)))(), mtime=0)[:-800],
        "No row of it is loaded, so half a day cannot pass for a day.",
        refused="its gzip stream is truncated or corrupt",
    ),
    BadFile(
        FILE,
        "cut off in the middle of its last line",
        "a.csv",
        lambda: text(GOOD, SECOND)()[:-12],
        "The rest of the file counts. Only the sender's own totals show whether more rows are missing.",
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
    BadFile(FILE, "another format, such as an old Excel workbook", "a.xls", _zip, "", refused="unknown file format"),
    BadFile(
        FILE,
        "a folder named .csv, with parts and `_SUCCESS` in it, as Spark writes",
        "a.csv/part-00000.csv",
        text(GOOD),
        "Its parts are files of the landing; names that begin with `_` or `.` are not data.",
        clean=1,
        other_files={"a.csv/_SUCCESS": b"", "a.csv/.part-00000.csv.crc": b"crc", "_delta_log/0.json": b"{}"},
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
        "a separator after every row, but not after the header",
        "a.csv",
        text(f"{GOOD},", f'"2",{SECOND[2:]},'),
        "An empty field after the last one is ignored.",
        clean=2,
    ),
    BadFile(
        LINES,
        "any number of separators after some rows, as spreadsheets write them",
        "a.csv",
        text(f"{GOOD},,,,", f'{SECOND},"",', f"3{SECOND[1:]},,x,"),
        "Empty fields after the last one are ignored; a field with a text is one too many.",
        clean=2,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        LINES,
        "a quote that never closes",
        "a.csv",
        text('1,2024-01-05,C7,"Toys,2,10.00', SECOND),
        "Only its own line is rejected.",
        clean=1,
        quarantined=1,
        rejected={"unclosed_quote": 1},
        reads={"transaction_id": ["2"]},
    ),
    BadFile(
        LINES,
        "text after a closing quote",
        "a.csv",
        text('1,2024-01-05,C7,"Toys" big,2,10.00', SECOND),
        "",
        clean=1,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        LINES,
        "a quote inside a field without surrounding quotes",
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
        "One row that spans two lines.",
        clean=2,
        reads={"product_category": ["Toys and games", "Books"], "source_line": ["2", "4"]},
    ),
    BadFile(LINES, "line ends `\\r\\n`", "a.csv", text(GOOD, SECOND, end="\r\n"), "", clean=2),
    BadFile(LINES, "line ends `\\r`, as on old Macs", "a.csv", text(GOOD, SECOND, end="\r"), "", clean=2),
    BadFile(LINES, "line ends `\\r\\r\\n`, written twice", "a.csv", text(GOOD, SECOND, end="\r\r\n"), "", clean=2),
    BadFile(LINES, "mixed line ends", "a.csv", just(f"{HEADER}\r\n{GOOD}\n{SECOND}\r\n"), "", clean=2),
    BadFile(
        LINES,
        "the header repeated in the middle",
        "a.csv",
        text(GOOD, HEADER, SECOND),
        "As in files that were joined: a line without a date cannot become a sale.",
        clean=2,
        quarantined=1,
        rejected={"invalid_date": 1, "invalid_quantity": 1, "invalid_amount": 1},
    ),
    BadFile(
        LINES,
        "a line of totals at the end",
        "a.csv",
        text(GOOD, SECOND, "Total,,,,3,17.50"),
        "Skipped and counted, because it proves to be one: a word for a total, numbers, and no date.",
        clean=2,
    ),
    BadFile(
        LINES,
        "a last line that may be one of totals",
        "a.csv",
        text(GOOD, SECOND, "Total,,,Toys,3,17.50"),
        "Its money is in quarantine and is not counted twice. `file: {totals: '^Total'}` skips it.",
        clean=2,
        quarantined=1,
        rejected={"invalid_date": 1},
    ),
    BadFile(
        LINES,
        "cells left blank where the line above has the value, declared",
        "a.csv",
        text(GOOD, "2,,,Books,1,7.50", header=HEADER),
        "`file: {fill_down: [Date, Customer]}`",
        clean=2,
        reads={"customer_id": ["C7", "C7"], "sale_date": ["2024-01-05", "2024-01-05"]},
        contract=f"{SHOP}file: {{fill_down: [Date, Customer]}}\n",
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
        "rows with only separators",
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
        "If the long field is one that is read, the row goes to quarantine with its first 64 KB.",
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
        "The mark declares the encoding.",
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
        "Only lines with such letters are rejected. Declare `file: {encoding: cp1252}`, then run `quarantine replay`.",
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
        "�, the mark of text that was lost earlier",
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
        "no-break, thin and zero-width spaces around and inside values",
        "a.csv",
        text("\u00a01\u200b,\u20092024-01-05\u00a0,C7,Home\u00a0 \u2009Office\u3000,2,\u202f10.00"),
        "White space around a value is removed; inside a category it becomes one space.",
        clean=1,
        reads={"transaction_id": ["1"], "product_category": ["Home Office"]},
    ),
    BadFile(
        TEXT,
        "one letter encoded in two ways (é, e + ´)",
        "a.csv",
        text(GOOD.replace("Toys", "Café"), SECOND.replace("Books", "Cafe\u0301")),
        "They are one category.",
        clean=2,
        reads={"product_category": ["Café", "Café"]},
    ),
    # JSON lines and Parquet
    BadFile(
        OTHER,
        "JSON lines with a nested value in a column that is read",
        "a.jsonl",
        jsonl(_item(), _item(ID=2, Category={"name": "Toys"}), _item(ID=3, Till={"no": 1})),
        "In other columns it is harmless.",
        clean=2,
        quarantined=1,
        rejected={"malformed_row": 1},
    ),
    BadFile(
        OTHER,
        "JSON lines that are not objects, or only half of one",
        "a.jsonl",
        jsonl(_item(), "[1, 2]", '{"ID": 3, "Date":'),
        "",
        clean=1,
        quarantined=2,
        rejected={"malformed_row": 2},
    ),
    BadFile(
        OTHER,
        "JSON with a key given twice",
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
        "JSON with `null` and with missing keys",
        "a.jsonl",
        jsonl(_item(Customer=None), {k: v for k, v in _item(ID=2).items() if k != "Customer"}),
        "Both are missing values.",
        clean=2,
        reads={"customer_id": [None, None]},
    ),
    BadFile(
        OTHER,
        "one JSON array instead of one object per line",
        "a.jsonl",
        just(json.dumps([_item(), _item(ID=2)])),
        "",
        refused="Expected one object per line",
    ),
    BadFile(
        OTHER,
        "Parquet: text that is neither a date nor a number",
        "a.parquet",
        parquet(Date=["2024-01-05", "soon"], Total=["10.00", "much"]),
        "Types do not matter, but values do.",
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
        "Parquet: bytes that are not text",
        "a.parquet",
        parquet(Category=[b"Toys", b"\xff\xfe"]),
        "",
        clean=1,
        quarantined=1,
        rejected={"not_text": 1},
    ),
    BadFile(
        OTHER,
        "a truncated Parquet file",
        "a.parquet",
        lambda: parquet(Qty=[1, 2, 3])()[:-40],
        "",
        refused="is not a complete Parquet file",
    ),
    BadFile(
        BOOKS,
        "dates, whole numbers, numbers as text, a truth value",
        "a.xlsx",
        sheet(["00123", DAY, 7.0, "Toys", 2, 10.5], [4, dt.datetime(2024, 1, 6, 14, 5), True, "Toys", 2, 0.1 + 0.2]),
        "Cells are read as a spreadsheet shows them, not as serial numbers or `123.0`.",
        clean=2,
        reads={
            "transaction_id": ["00123", "4"],
            "customer_id": ["7", "TRUE"],
            "sold_at": ["2024-01-05 00:00:00", "2024-01-06 14:05:00"],
            "total_amount": ["10.50", "0.30"],
        },
    ),
    BadFile(
        BOOKS,
        "a title above the header, blank rows, a total, a note beside the table",
        "a.xlsx",
        lambda: workbook(["Sales of January"], [], HEADER.split(","), *_ROWS, [], ["Total", "", "", "", 3, 17.5, "ok"]),
        "A total with a note beside it is a row that breaks rules; without the note it is skipped.",
        clean=2,
        quarantined=1,
        rejected={"invalid_date": 1, "missing_category": 1},
    ),
    BadFile(
        BOOKS,
        "an error such as `#N/A` in a cell",
        "a.xlsx",
        sheet(*_ROWS, change=_with_error),
        "It is a missing value.",
        clean=2,
        reads={"customer_id": [None, "C8"]},
    ),
    BadFile(
        BOOKS,
        "an id of more than 15 digits, stored as a number",
        "a.xlsx",
        sheet([5363650000012345678, DAY, "C7", "Toys", 2, 10]),
        "A spreadsheet keeps 15 digits. Format the column as text before the ids are entered.",
        quarantined=1,
        rejected={"rounded_id": 1},
    ),
    BadFile(
        BOOKS,
        "several sheets, one of which has the header",
        "a.xlsx",
        lambda: workbook(["Notes"], Lines=[HEADER.split(","), *_ROWS]),
        "",
        clean=2,
    ),
    BadFile(
        BOOKS,
        "two sheets with the header",
        "a.xlsx",
        lambda: workbook(HEADER.split(","), *_ROWS, Old=[HEADER.split(",")]),
        "Name one in the contract: `file: {sheet: Sales}`.",
        refused="several sheets ('Sales', 'Old')",
    ),
    BadFile(
        BOOKS,
        "merged cells in the header",
        "a.xlsx",
        sheet(*_ROWS, change=lambda book: book["Sales"].merge_cells("B1:C1")),
        "",
        refused="has merged cells (B1:C1)",
    ),
    BadFile(
        BOOKS,
        "cells merged across rows",
        "a.xlsx",
        sheet(*_ROWS, change=lambda book: book["Sales"].merge_cells("C2:C3")),
        "Only the first row would have the value. Unmerge them, or declare `fill_down`.",
        refused="are merged across rows",
    ),
    BadFile(
        BOOKS,
        "formulas without a computed value",
        "a.xlsx",
        sheet([1, DAY, "C7", "Toys", 2, "=E2*5"]),
        "As programs write them that are no spreadsheets.",
        refused="is a formula without a computed value",
    ),
    BadFile(
        BOOKS,
        "a workbook with a password, or an old .xls named .xlsx",
        "a.xlsx",
        just(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        "",
        refused="protected by a password",
    ),
    BadFile(
        BOOKS, "a truncated workbook", "a.xlsx", lambda: sheet()()[:3000], "", refused="not a complete Excel workbook"
    ),
    BadFile(
        BOOKS,
        "a cell far from the table",
        "a.xlsx",
        sheet(*_ROWS, change=lambda book: book["Sales"].cell(1_000_000, 16_000, "x")),
        "Reading it would need more memory than a computer has.",
        refused="at most 20,000,000 are read",
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
        "Before `earliest`, or later than the landing day.",
        clean=1,
        quarantined=2,
        rejected={"date_out_of_range": 2},
    ),
    BadFile(
        DATES,
        "numeric dates, one day above 12",
        "a.csv",
        text(*_dated("05/01/2024", "31/01/2024")),
        "The whole file proves the order.",
        clean=2,
        reads={"sale_date": ["2024-01-05", "2024-01-31"]},
    ),
    BadFile(
        DATES,
        "numeric dates, no day above 12",
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
        "Each date is read on its own.",
        clean=5,
        reads={"sale_date": ["2024-01-05", "2024-01-06", "2024-01-31", "2024-01-07", "2024-01-08"]},
    ),
    BadFile(
        DATES,
        "two-digit years",
        "a.csv",
        text(*_dated("31/01/24", "31/01/99")),
        "69 to 99 mean 1969 to 1999.",
        clean=2,
        reads={"sale_date": ["2024-01-31", "1999-01-31"]},
    ),
    BadFile(
        DATES,
        "dates that begin with a two-digit year",
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
        "They are converted to shop time, which also decides the day of sale.",
        clean=2,
        reads={"sold_at": ["2024-01-04 21:00:00", "2024-01-05 05:00:00"]},
    ),
    BadFile(
        DATES,
        "seconds or days since some epoch, yyyymmdd",
        "a.csv",
        text(*_dated("1704450000", "1704450000000", "45296", "20240105")),
        "Numbers are not dates, unless `formats` says so (`%Y%m%d`).",
        quarantined=4,
        rejected={"invalid_date": 4},
    ),
    BadFile(
        DATES,
        "words, and missing dates",
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
        "Groups have three digits; anything else is not a number.",
        clean=2,
        quarantined=1,
        rejected={"invalid_amount": 1},
        reads={"quantity": ["1.000", "1000.000"], "total_amount": ["1234.50", "1234567.00"]},
    ),
    BadFile(
        NUMBERS,
        "unquoted thousands separators",
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
        "Only those of the contract's currency, and only on money: euros are not dollars.",
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
        "`numbers: {decimal: ',', thousands: '.'}`. Then a single point is an error, not a decimal mark.",
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
        "fractions of a cent",
        "a.csv",
        text(*_counted("1|5.005", "1|5.000", "1|0.30000000000000004")),
        "Only what a float adds beyond a millionth is rounded away.",
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
        "percent signs, fractions, brackets, a trailing minus",
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
    BadFile(NUMBERS, "quoted numbers", "a.csv", text('"1","2024-01-05","C7","Toys","2","10.00"'), "", clean=1),
    # Ids and missing values
    BadFile(
        IDS,
        "leading zeros",
        "a.csv",
        text("007,2024-01-05,0042,Toys,1,5", "7,2024-01-05,42,Toys,1,5"),
        "They stay, because ids are text.",
        clean=2,
        reads={"transaction_id": ["007", "7"], "customer_id": ["0042", "42"]},
    ),
    BadFile(
        IDS,
        "ids as `17.0`",
        "a.csv",
        text("17.0,2024-01-05,42.0,Toys,1,5"),
        "How a spreadsheet writes 17.",
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
        "an id that occurs twice",
        "a.csv",
        text(GOOD, GOOD.replace("10.00", "12.00")),
        "The last line counts; the first is kept as superseded.",
        clean=1,
        superseded=1,
        reads={"total_amount": ["12.00"]},
    ),
    BadFile(
        IDS,
        "an id of more than 128 bytes",
        "a.csv",
        text(f"{'x' * 129},2024-01-05,C7,Toys,1,5"),
        "If they were cut off, two of them could become one.",
        quarantined=1,
        rejected={"text_too_long": 1},
    ),
    BadFile(
        IDS,
        "`NULL`, `N/A`, `nan`, `None`, `\\N` for missing values",
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
        "Missing in every column. Otherwise thousands of anonymous sales would belong to one customer `NULL`.",
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
        "`missing_values: ['-', 'k. A.']` replaces the usual words.",
        contract=DECLARED,
        clean=2,
        quarantined=1,
        rejected={"missing_category": 1},
        reads={"customer_id": [None, None]},
    ),
)

INTRODUCTION = """\
# Bad files and their results

Every known kind of bad file has one defined result. The tables are written from the catalog
`retail_assets_tests/cleaning/bad_files.py`; a test lands each file and runs it through inspection and cleaning.

- **Refused**: the file cannot be read as the contract says. `retail-assets land` refuses it before it lands. If it came
  into the raw store in another way, `raw_sales_files` fails. Nothing from it is loaded; what was loaded before stays.
- **Quarantined**: single rows that break a rule. The rest of the file is loaded. The rows are kept with their text,
  file, line and all reasons ([quarantine.md](quarantine.md)).
- **Clean**: read as intended.

Lines are conserved in every case: what is not refused is clean, quarantined, superseded or excluded. Unless a row says
otherwise, the contract has the columns `ID, Date, Customer, Category, Qty, Total`, dollars and `thousands: ","`.
"""
ELSEWHERE = """\

## Not in the table

| what | result |
| --- | --- |
| a file of 2 GB | It is read in blocks: memory does not grow with the file (a test compares 40 MB with 300 MB). |
| a folder given to `retail-assets land` | Refused: `is a folder. Name the files in it`. |
| a file without permission to read | Refused: `permission denied. Check its owner and permissions`. |
| a file that changes while it is landed | Refused: `changed while it was read, so nothing was landed`. |
| a file replaced after it was registered | `clean_sales` fails: `it was replaced meanwhile`. |
| columns, separator, encoding or format changed | The contract's [`drift`](contracts.md#schema-drift) decides. |
"""


def document() -> str:
    """Return the text of `docs/bad_files.md`."""
    lines = [INTRODUCTION]
    for group in dict.fromkeys(f.group for f in CATALOG):
        lines.append(f"## {group}\n\n| what | result | note |\n| --- | --- | --- |")
        lines += [f"| {_cell(f.what)} | {_result(f)} | {f.note} |" for f in CATALOG if f.group == group]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n" + ELSEWHERE


def _result(f: BadFile) -> str:
    if f.refused:
        return f"Refused: `{f.refused}`"
    parts = []
    if f.clean:
        values = "; ".join(f"`{name}` {', '.join(map(_value, vs))}" for name, vs in f.reads.items())
        parts.append(f"{f.clean} clean" + (f": {values}" if values else ""))
    if f.superseded:
        parts.append(f"{f.superseded} superseded")
    if f.quarantined:
        reasons = ", ".join(f"`{name}`" + (f" × {n}" if n > 1 else "") for name, n in f.rejected.items())
        parts.append(f"{f.quarantined} quarantined: {reasons}")
    return "; ".join(parts)


def _value(value: str | None) -> str:
    return "nothing" if value is None else f"`{_cell(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).parents[2].joinpath("docs", "bad_files.md").write_text(document(), encoding="utf-8")
