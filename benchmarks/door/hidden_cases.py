"""Files that look right and are not: each would be read without an error as something else."""

from __future__ import annotations

import io
from collections.abc import Callable

from benchmarks.door.case import COLUMNS, Case, lines, sale, shop

GROUP = "Files that hide something"
HEADER = "ID,Date,Customer,Category,Qty,Total"
ROWS = ("1,2026-03-01,C7,Toys,2,10.00", "2,2026-03-02,C8,Books,1,7.50")
SALES = (sale("1", "2026-03-01", "Toys", "2", "10.00"), sale("2", "2026-03-02", "Books", "1", "7.50"))
DAILY = COLUMNS.replace("{header: ID, required: true}", "{compose: [Date, Category], required: true}")

SWAPPED = ("2026-04-03", "2026-05-03", "2026-06-03", "25/03/2026", "26/03/2026", "27/03/2026")


def _short_floats() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    columns = {
        "ID": ["1", "2"], "Date": ["2026-03-01"] * 2, "Customer": ["C7"] * 2, "Category": ["Toys"] * 2, "Qty": [1, 1],
        "Total": pa.array([5.55, 1234567.89], pa.float32()),
    }  # fmt: skip
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _refused(what: str, data: Callable[[], bytes], message: str, contract: str = "", note: str = "") -> Case:
    return Case(GROUP, what, contract or shop(), data, refused=message, note=note)


CASES: tuple[Case, ...] = (
    _refused(
        "amounts in euros by their header, where the contract says dollars",
        lines("ID,Date,Customer,Category,Qty,Total EUR", *ROWS),
        "names EUR",
        shop().replace("header: Total", "header: Total EUR"),
    ),
    _refused(
        "days exported as moments, all at midnight, where the contract names another zone",
        lines(HEADER, *(f"{day},2026-03-0{day} 00:00:00,C7,Toys,2,10.00" for day in (1, 2, 3))),
        "every time stamp is midnight",
        shop("dates: {zone: UTC}"),
        note="Otherwise each sale would be on the day before.",
    ),
    _refused(
        "two files joined, the second with its columns in another order",
        lines(HEADER, ROWS[0], "ID,Date,Customer,Category,Total,Qty", "2,2026-03-02,C8,Books,7.50,1"),
        "second header",
        note="Otherwise 7.5 books would have been sold for 1.00.",
    ),
    _refused(
        "two files joined, the second with other columns",
        lines(HEADER, ROWS[0], "ID,Date,Customer,Category,Pieces,Net", "2,2026-03-02,C8,Books,1,6.30"),
        "second header",
    ),
    Case(
        GROUP,
        "two files joined, with the same header",
        shop(),
        lines(HEADER, ROWS[0], HEADER, ROWS[1]),
        SALES,
        {"invalid_date": 1, "invalid_quantity": 1, "invalid_amount": 1},
    ),
    _refused(
        "UTF-8, where the contract says cp1252",
        lines(HEADER, "1,2026-03-01,C7,Bücher,2,10.00"),
        "`file: {encoding: utf-8}`",
        shop("file: {encoding: cp1252}"),
        "Otherwise the category would be `BÃ¼cher`.",
    ),
    _refused(
        "cp1252, where the contract says Latin-1",
        lines(HEADER, "1,2026-03-01,C7,“Toys”,2,10.00", encoding="cp1252"),
        "`file: {encoding: cp1252}`",
        shop("file: {encoding: latin-1}"),
    ),
    _refused(
        "a line of totals with a date and a value in each column",
        lines(HEADER, *ROWS, "Total,2026-03-31,All,All,3,17.50"),
        "looks like a line of totals",
        note="Otherwise the revenue would be counted twice.",
    ),
    Case(
        GROUP,
        "the same, left out by a rule",
        shop("rows: {drop: {totals: {column: ID, equals: Total}}}"),
        lines(HEADER, *ROWS, "Total,2026-03-31,All,All,3,17.50"),
        SALES,
        excluded=1,
    ),
    _refused(
        "a table of days and categories with a category of totals",
        lines(HEADER, *ROWS, ",2026-03-02,,Total,3,17.50"),
        "looks like a line of totals",
        shop(columns=DAILY),
    ),
    _refused(
        "a spreadsheet has read days up to 12 as months, and left the others as text",
        lines(HEADER, *(f"{i},{day},C7,Toys,1,5.00" for i, day in enumerate(SWAPPED))),
        "looks as if a spreadsheet",
    ),
    _refused(
        "a column of currencies as signs, which the contract does not name",
        lines(f"{HEADER},Market currency", f"{ROWS[0]},$", f"{ROWS[1]},€"),
        "1 in €",
    ),
    _refused(
        "a last line of totals whose date is filled from the line above",
        lines(HEADER, "1,2026-03-01,C7,Toys,2,10.00", ",,,Books,1,7.50", ",,,Total,3,17.50"),
        "looks like a line of totals",
        shop("file: {fill_down: [ID, Date, Customer]}", columns=DAILY),
    ),
    Case(
        GROUP,
        "a status with an umlaut as two characters, excluded by a rule that has one",
        shop("rows: {drop: {deleted: {column: Status, equals: gelöscht}}}"),
        lines(f"{HEADER},Status", f"{ROWS[0]},ok", f"{ROWS[1]},gelo\u0308scht"),
        SALES[:1],
        excluded=1,
    ),
    Case(
        GROUP,
        "hours from 0 to 11, as Japanese halves of the day have them",
        shop('dates: {language: ja, formats: ["%Y年%m月%d日 %p%I:%M"]}'),
        lines(HEADER, "1,2026年3月1日 午前0:10,C7,Toys,2,10.00", "2,2026年3月2日 午後0:10,C8,Books,1,7.50"),
        (
            sale("1", "2026-03-01 00:10:00", "Toys", "2", "10.00"),
            sale("2", "2026-03-02 12:10:00", "Books", "1", "7.50"),
        ),
    ),
    Case(
        GROUP,
        "English am and pm with points, and Sept",
        shop('dates: {language: en, formats: ["%d %b %Y %I:%M %p"]}'),
        lines(HEADER, "1,1 Sept 2026 9:05 p.m.,C7,Toys,2,10.00", "2,2 Sep. 2026 12:10 a.m.,C8,Books,1,7.50"),
        (
            sale("1", "2026-09-01 21:05:00", "Toys", "2", "10.00"),
            sale("2", "2026-09-02 00:10:00", "Books", "1", "7.50"),
        ),
    ),
    Case(
        GROUP,
        "Parquet: money in 32 bits of floating point, beyond what cents need",
        shop(),
        _short_floats,
        (sale("1", "2026-03-01", "Toys", "1", "5.55"),),
        {"invalid_amount": 1},
        name="a.parquet",
        note="1,234,567.89 has become 1,234,567.875: from 131,072 on, cents are lost. Export decimals or 64 bits.",
    ),
)
