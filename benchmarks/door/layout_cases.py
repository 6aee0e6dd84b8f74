"""How the rows lie in a file: separators, titles, totals, blank cells, encodings, formats."""

from __future__ import annotations

import gzip
import io
import json

from benchmarks.door.case import COLUMNS, Case, lines, sale, shop

GROUP = "Layout of the file"
HEADER = "ID,Date,Customer,Category,Qty,Total"
FIRST, SECOND = "1,2026-03-01,C7,Toys,2,10.00", "2,2026-03-02,C8,Books,1,7.50"
BOTH = (sale("1", "2026-03-01", "Toys", "2", "10.00"), sale("2", "2026-03-02", "Books", "1", "7.50"))
ORDERED = (
    COLUMNS.replace("{header: ID, required: true}", "{compose: [ID, Category], required: true}")
    + "  order_id: {header: ID}\n"
)


def _json() -> bytes:
    rows = [
        {"ID": 1, "Date": "2026-03-01", "Customer": "C7", "Category": "Toys", "Qty": 2, "Total": 10.0},
        {"Total": "7.50", "ID": "2", "Date": "2026-03-02", "Customer": "C8", "Category": "Books", "Qty": 1},
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet() -> bytes:
    import datetime as dt
    from decimal import Decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.table(
        {
            "ID": [1, 2],
            "Date": [dt.date(2026, 3, 1), dt.date(2026, 3, 2)],
            "Customer": ["C7", "C8"],
            "Category": ["Toys", "Books"],
            "Qty": [2, 1],
            "Total": [Decimal("10.00"), Decimal("7.50")],
        }
    )
    pq.write_table(table, file)
    return file.getvalue()


def _workbook(*above: list[object]) -> bytes:
    import datetime as dt

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (*above, HEADER.split(",")):
        sheet.append(row)
    sheet.append([1, dt.datetime(2026, 3, 1), "C7", "Toys", 2, 10.0])
    sheet.append([2, dt.datetime(2026, 3, 2), "C8", "Books", 1, 7.5])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _case(what: str, data: tuple[str, ...], contract: str = "", note: str = "") -> Case:
    return Case(GROUP, what, contract or shop(), lines(*data), BOTH, note=note)


CASES: tuple[Case, ...] = (
    _case("comma-separated, as programs write it", (HEADER, FIRST, SECOND)),
    *(
        _case(f"separated by {name}", tuple(line.replace(",", mark) for line in (HEADER, FIRST, SECOND)))
        for name, mark in (("semicolons", ";"), ("tabs", "\t"), ("pipes", "|"))
    ),
    _case(
        "headers in other case, order and spelling",
        ("TOTAL,date,qty,Category,customer, id", "10.00,2026-03-01,2,Toys,C7,1", "7.50,2026-03-02,1,Books,C8,2"),
    ),
    _case("a title and a blank line above the header", ("Sales of March", "", HEADER, FIRST, SECOND)),
    _case(
        "lines above the header, counted",
        ("Report,2026,x", "by,me,now", HEADER, FIRST, SECOND),
        shop("file: {skip_top: 2}"),
    ),
    _case(
        "lines of totals below, by count", (HEADER, FIRST, SECOND, "Total,,,,3,17.50"), shop("file: {skip_bottom: 1}")
    ),
    _case(
        "lines of totals below, by pattern",
        (HEADER, FIRST, SECOND, "Total,,,,3,17.50"),
        shop("file: {totals: '^Total'}"),
    ),
    _case("`sep=;` above the header", ("sep=;", *(line.replace(",", ";") for line in (HEADER, FIRST, SECOND)))),
    _case("blank lines and spaces", (HEADER, "", " 1 , 2026-03-01 ,C7,  Toys,2 ,10.00 ", "", SECOND)),
    _case("a separator behind each row", (HEADER, f"{FIRST},", f"{SECOND},")),
    Case(
        GROUP,
        "an order export with its head on the first line only",
        shop("file: {fill_down: [ID, Date, Customer]}", columns=ORDERED),
        lines(HEADER, "#1,2026-03-01,C7,Toys,2,10.00", "#1,,,Books,1,7.50", "#2,2026-03-02,C8,Toys,1,5.00"),
        (
            sale("#1-Toys", "2026-03-01", "Toys", "2", "10.00", order_id="#1", customer_id="C7"),
            sale("#1-Books", "2026-03-01", "Books", "1", "7.50", order_id="#1", customer_id="C7"),
            sale("#2-Toys", "2026-03-02", "Toys", "1", "5.00", order_id="#2", customer_id="C8"),
        ),
    ),
    Case(
        GROUP,
        "quoted fields with separators, quotes and line ends",
        shop(),
        lines(
            HEADER, '1,2026-03-01,C7,"Toys, small ""and"" large",2,10.00', '2,2026-03-02,C8,"Books\nand maps",1,7.50'
        ),
        (
            sale("1", "2026-03-01", 'Toys, small "and" large', "2", "10.00"),
            sale("2", "2026-03-02", "Books and maps", "1", "7.50"),
        ),
    ),
    Case(
        GROUP,
        "UTF-8 with a mark and line ends of Windows",
        shop(),
        lines(HEADER, FIRST, SECOND, encoding="utf-8-sig", end="\r\n"),
        BOTH,
    ),
    Case(
        GROUP,
        "UTF-16, as Excel's Unicode text",
        shop(),
        lines(*(line.replace(",", "\t") for line in (HEADER, FIRST, SECOND)), encoding="utf-16"),
        BOTH,
        name="a.txt",
    ),
    Case(
        GROUP,
        "cp1252, declared",
        shop("file: {encoding: cp1252}"),
        lines(HEADER, FIRST.replace("Toys", "Café – Süßes"), encoding="cp1252"),
        (sale("1", "2026-03-01", "Café – Süßes", "2", "10.00"),),
    ),
    Case(
        GROUP,
        "Shift-JIS, declared",
        shop("file: {encoding: shift_jis}", timezone="Asia/Tokyo", country="JP", currency="JPY"),
        lines(HEADER, "1,2026-03-01,C7,玩具,2,1000", encoding="shift_jis"),
        (sale("1", "2026-03-01", "玩具", "2", "1000"),),
    ),
    Case(
        GROUP,
        "categories in Chinese, Thai, Hindi and an emoji",
        shop(),
        lines(
            HEADER,
            "1,2026-03-01,C7,玩具,2,10.00",
            "2,2026-03-01,C7,ของเล่น,2,10.00",
            "3,2026-03-01,C7,खिलौने,2,10.00",
            "4,2026-03-01,C7,🧸 Plush,2,10.00",
        ),
        tuple(
            sale(str(i), "2026-03-01", name, "2", "10.00")
            for i, name in enumerate(("玩具", "ของเล่น", "खिलौने", "🧸 Plush"), 1)
        ),
    ),
    Case(GROUP, "gzip", shop(), lambda: gzip.compress(lines(HEADER, FIRST, SECOND)()), BOTH, name="a.csv.gz"),
    Case(GROUP, "JSON lines", shop(), _json, BOTH, name="a.jsonl"),
    Case(GROUP, "Parquet", shop(), _parquet, BOTH, name="a.parquet"),
    Case(GROUP, "an Excel workbook", shop(), _workbook, BOTH, name="a.xlsx"),
    Case(
        GROUP,
        "an Excel workbook with a title above the header",
        shop(),
        lambda: _workbook(["Sales of March"], []),
        BOTH,
        name="a.xlsx",
    ),
    Case(
        GROUP,
        "a file of something else",
        shop(),
        lines("Date,Temperature", "2026-03-01,7"),
        refused="does not fit contract",
    ),
    Case(
        GROUP,
        "a web page instead of a file",
        shop(),
        lines("<!DOCTYPE html>", "<html>"),
        refused="Its content is a web page",
    ),
)
