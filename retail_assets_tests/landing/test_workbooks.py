"""Excel workbooks: read right by both readers, or refused with the way out."""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.cell_text import cell_text
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.land import check_file
from retail_assets.landing.workbook import parts, rows
from retail_assets.storage import Entry, Store
from retail_assets_tests.landing.workbooks import with_parts, workbook

YAML = """
name: shop
timezone: UTC
country: US
currency: USD
start_date: 2024-01-01
columns:
  transaction_id: {header: ID}
  sold_at: {header: Date}
  customer_id: {header: Customer}
  product_category: {header: Category}
  quantity: {header: Qty, default: 1}
  total_amount: {header: Amount}
"""
SHOP = loading.parse(YAML, "test")
HEADER = ["ID", "Date", "Customer", "Category", "Qty", "Amount"]
DAY = dt.datetime(2024, 1, 5)
ROW = [1, DAY, "C7", "Toys", 2, 10]
SECOND = [2, dt.datetime(2024, 1, 6, 14, 5), "C8", "Books", 1, 7.5]
SHEET = "xl/worksheets/sheet1.xml"


def shop(rule: str) -> Contract:
    return loading.parse(f"{YAML}file: {{{rule}}}\n", "test")


def read(folder: Path, data: bytes, contract: Contract = SHOP) -> tuple[FileProfile, list[dict[str, Any]]]:
    """Inspect a workbook and clean its rows. Checks that both readers see the same cells, rows and money."""
    (folder / "s.xlsx").write_bytes(data)
    profile = inspect_file(Store(str(folder)), Entry("s.xlsx", len(data), None), contract)
    typed: list[dict[str, Any]] = []
    cleaned: list[tuple[int, list[str]]] = []
    with (folder / "s.xlsx").open("rb") as handle, Parser(profile, contract, dt.date(2024, 6, 1)) as parser:
        for records in read_records(handle, profile):
            typed += parser.parse(records.table).to_pylist()
            for row in records.table.to_pylist():
                cleaned.append((row["line"], [row[f"c{i}"] or "" for i in range(len(profile.header))]))
    if not profile.fill_down:
        with parts.open_workbook(io.BytesIO(data), "s.xlsx") as book:
            parts.read_texts(book)
            sheet = next(s for s in book.sheets if s.name == profile.sheet)
            ours = [
                (row.number, [row.cells.get(i, "") for i in range(len(profile.header))])
                for row in rows.sheet_rows(book, sheet)
                if row.cells and row.number > profile.header_lines and not 0 < profile.totals_from <= row.number
            ]
        assert cleaned == ours
    assert len(typed) == profile.lines == profile.control.rows
    money = sum((r["total_amount"] or Decimal(0) for r in typed), Decimal(0))
    assert Decimal(profile.control.amount or "0") == money
    return profile, typed


def test_cells_have_the_values_that_people_see(tmp_path: Path) -> None:
    profile, typed = read(tmp_path, workbook(HEADER, ROW, SECOND, ["00123", DAY, None, "Toys", True, 0.1 + 0.2]))
    assert (profile.format, profile.sheet, profile.header, profile.lines) == ("xlsx", "Sales", HEADER, 3)
    assert [r["transaction_id"] for r in typed] == ["1", "2", "00123"]
    assert [r["sold_at"] for r in typed] == [DAY, dt.datetime(2024, 1, 6, 14, 5), DAY]
    assert [r["total_amount"] for r in typed] == [Decimal("10.00"), Decimal("7.50"), Decimal("0.30")]
    assert [r["source_line"] for r in typed] == [2, 3, 4]
    assert typed[2]["raw_text"] == (
        '{"ID": "00123", "Date": "2024-01-05", "Category": "Toys", "Qty": "TRUE", "Amount": "0.3"}'
    )


def test_a_declared_format_is_for_texts_not_for_cells_that_are_dates(tmp_path: Path) -> None:
    contract = loading.parse(f"{YAML}dates: {{formats: ['%Y-%d-%m']}}\n", "test")
    assert [r["sold_at"].date() for r in read(tmp_path, workbook(HEADER, ROW, SECOND), contract)[1]] == [
        dt.date(2024, 1, 5),
        dt.date(2024, 1, 6),
    ]


def test_both_readers_agree_on_every_kind_of_cell(tmp_path: Path) -> None:
    rnd = random.Random(5)
    formats = ["General", "0.00", "dd.mm.yyyy", "h:mm", "[h]:mm:ss", '#,##0.00 "USD"', "[$-409]d-mmm-yy;@", "yyyy\\-mm"]
    formats += ["[Red]#,##0.00", "0%", "mm:ss.0", "_-* #,##0.00\\ [$€-407]_-", "m/d/yy h:mm", "@", "0.00E+00"]

    def dress(book: Any) -> None:
        sheet = book["Sales"]
        for row in sheet.iter_rows(min_row=2):
            for cell in row[6:]:
                cell.value = rnd.choice(
                    [rnd.random(), rnd.uniform(61, 60000), rnd.randint(61, 60000), 1e-7, 99_999_999, -5.5]
                )
                cell.number_format = rnd.choice(formats)

    wide = [*HEADER, *(f"n{i}" for i in range(40))]
    made = [[f"T{i}", DAY, "_x000D_é", " \n", "a\nb\tc", i / 7, *range(40)] for i in range(60)]
    profile, _ = read(tmp_path, workbook(wide, *made, change=dress))
    assert profile.lines == 60


def test_days_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    data = workbook(HEADER, ROW, change=lambda book: setattr(book, "epoch", dt.datetime(1904, 1, 1)))
    assert [r["sold_at"] for r in read(tmp_path, data)[1]] == [DAY]


def test_shared_texts_and_rich_texts(tmp_path: Path) -> None:
    texts = ["ID", "Date", "Customer", "Category", "Qty", "Amount", "Toys"]
    items = "".join(f"<si><t>{t}</t></si>" for t in texts[:-1]) + (
        "<si><r><t>To</t></r><r><rPr><b/></rPr><t xml:space='preserve'>ys</t></r>"
        "<rPh sb='0' eb='1'><t>no</t></rPh></si>"
    )
    cells = "".join(f'<c r="{c}1" t="s"><v>{i}</v></c>' for i, c in enumerate("ABCDEF"))
    row = '<c r="A2"><v>1</v></c><c r="B2" t="d"><v>2024-01-05T00:00:00</v></c><c r="D2" t="s"><v>6</v></c>'
    row += '<c r="F2" t="str"><f>"5"&amp;".00"</f><v>5.00</v></c>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<x:worksheet xmlns:x="{main}"><x:sheetData><x:row r="1">{cells}</x:row><x:row r="2">{row}</x:row>'
    sheet = sheet.replace("<c", "<x:c").replace("</c", "</x:c").replace("<v", "<x:v").replace("</v", "</x:v")
    sheet = sheet.replace("<f>", "<x:f>").replace("</f>", "</x:f>") + "</x:sheetData></x:worksheet>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006"
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{kind}/officeDocument" '
            'Target="/xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{kind}"><sheets><sheet name="Sales" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{kind}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        )
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{items}</sst>')
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    _, [row_read] = read(tmp_path, file.getvalue())
    assert (row_read["product_category"], row_read["total_amount"]) == ("Toys", Decimal("5.00"))
    assert row_read["sold_at"] == DAY


def test_an_id_that_a_spreadsheet_rounded_is_rejected(tmp_path: Path) -> None:
    _, typed = read(tmp_path, workbook(HEADER, [5363650000012345678, *ROW[1:]], [123456789012345, *ROW[1:]]))
    assert [r["transaction_id"] for r in typed if not r["reasons"]] == ["123456789012345"]
    assert "5.363650000012345E+18" in typed[0]["raw_text"]


def test_an_error_is_a_missing_value_and_a_cached_value_is_read(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        book["Sales"]["C2"].data_type = "e"
        book["Sales"]["F3"] = "=E3*5"

    data = workbook(HEADER, [1, DAY, "#N/A", "Toys", 2, 10], SECOND, change=change)
    with pytest.raises(LandingError, match=r"cell F3 is a formula without a computed value \(column 'Amount'\)"):
        read(tmp_path, data)
    computed = with_parts(data, {SHEET: lambda xml: xml.replace(b"<f>E3*5</f><v></v>", b"<f>E3*5</f><v>5</v>")})
    assert computed != data
    _, typed = read(tmp_path, computed)
    assert [r["customer_id"] for r in typed] == [None, "C8"]
    assert [r["total_amount"] for r in typed] == [Decimal("10.00"), Decimal("5.00")]


def test_titles_totals_and_notes_beside_the_table(tmp_path: Path) -> None:
    total = ["Total", None, None, None, 3, 17.5]
    data = workbook(
        ["Sales of January"], [], [None, *HEADER], [None, *ROW], [], [None, *SECOND, None, "checked"], [None, *total]
    )
    profile, typed = read(tmp_path, data)
    assert (profile.header_lines, profile.lines, profile.skipped_above, profile.skipped_below) == (3, 2, 1, 1)
    assert [r["source_line"] for r in typed] == [4, 6]
    assert profile.unknown_columns == ["(no name, column 1)", "(no name, column 8)", "(no name, column 9)"]
    assert profile.skipped[0] == "Sales of January"


@pytest.mark.parametrize(("rule", "line"), [("skip_top: 2", 3), ("skip_top: 3", 4), ("header: '^ID\\tDate'", 3)])
def test_the_contract_says_where_the_header_of_a_sheet_is(tmp_path: Path, rule: str, line: int) -> None:
    data = workbook(["ID", "5"], [], HEADER if line == 3 else ["ID"], HEADER, ROW)
    assert read(tmp_path, data, shop(rule))[0].header_lines == line


def test_the_sheet_with_the_sales_is_found_or_named(tmp_path: Path) -> None:
    data = workbook(["Notes"], Report=[["Total", 5]], Lines=[HEADER, ROW])
    assert read(tmp_path, data)[0].sheet == "Lines"
    assert read(tmp_path, data, shop("sheet: 3"))[0].sheet == "Lines"
    assert read(tmp_path, data, shop("sheet: lines"))[0].sheet == "Lines"
    twice = workbook(HEADER, ROW, Old=[HEADER, SECOND])
    with pytest.raises(LandingError, match=r"several sheets \('Sales', 'Old'\), and 2 of them have .*sheet: Name"):
        read(tmp_path, twice)
    with pytest.raises(LandingError, match=r"has no sheet 'New' .* Its sheets: 'Sales', 'Old'"):
        read(tmp_path, twice, shop("sheet: New"))
    assert read(tmp_path, twice, shop("sheet: Old"))[1][0]["transaction_id"] == "2"


def test_a_hidden_sheet_counts_only_if_it_is_named(tmp_path: Path) -> None:
    data = workbook(HEADER, ROW, Old=[HEADER, SECOND], change=lambda b: setattr(b["Old"], "sheet_state", "hidden"))
    assert read(tmp_path, data)[0].sheet == "Sales"
    assert read(tmp_path, data, shop("sheet: Old"))[0].sheet == "Old"


def test_merged_cells_are_refused_where_they_hide_values(tmp_path: Path) -> None:
    header = workbook(HEADER, ROW, change=lambda b: b["Sales"].merge_cells("C1:D1"))
    with pytest.raises(LandingError, match=r"the header \(row 1\) has merged cells \(C1:D1\)"):
        read(tmp_path, header)
    body = workbook(HEADER, ROW, SECOND, change=lambda b: b["Sales"].merge_cells("C2:C3"))
    with pytest.raises(LandingError, match=r"the cells C2:C3 are merged across rows.*fill_down: \[Customer\]"):
        read(tmp_path, body)
    assert [r["customer_id"] for r in read(tmp_path, body, shop("fill_down: [Customer]"))[1]] == ["C7", "C7"]
    titles = workbook(["Report"], HEADER, ROW, change=lambda b: b["Sales"].merge_cells("A1:F1"))
    assert read(tmp_path, titles)[0].lines == 1


def test_what_is_no_workbook_is_refused_in_one_sentence(tmp_path: Path) -> None:
    good = workbook(HEADER, ROW)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a")
    for data, why in {
        good[: len(good) // 2]: "not a complete Excel workbook",
        b"ID,Date\n1,2\n": "not a complete Excel workbook",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600: "protected by a password",
        file.getvalue(): "not a complete Excel workbook",
        with_parts(good, {SHEET: lambda xml: xml[: len(xml) // 2]}): "not a complete Excel workbook",
        with_parts(good, {SHEET: lambda xml: b"<!DOCTYPE x>" + xml}): "has a document type",
        workbook(): "does not fit contract",
        workbook(HEADER): "has a header and no rows",
    }.items():
        with pytest.raises(LandingError, match=why) as refused:
            read(tmp_path, data)
        assert len(str(refused.value)) < 700


def test_bombs_are_refused_before_they_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = workbook(HEADER, ROW, change=lambda b: b["Sales"].cell(1_048_576, 16_000, "x"))
    with pytest.raises(LandingError, match=r"a rectangle of 16,777,216,000 cells; at most 20,000,000 are read"):
        read(tmp_path, far)
    good = workbook(HEADER, ROW)
    monkeypatch.setattr(parts, "MOST_UNPACKED", 2000)
    with pytest.raises(LandingError, match="unpacks to"):
        read(tmp_path, good)
    monkeypatch.undo()
    monkeypatch.setattr(rows, "MOST_TEXT", 20)
    with pytest.raises(LandingError, match="million characters of text"):
        read(tmp_path, good)


def test_other_workbooks_say_the_way_out(tmp_path: Path) -> None:
    for name in ("a.xls", "a.ods", "a.xlsb"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(LandingError, match=r"save it as an Excel workbook \(.xlsx\)"):
            check_file(tmp_path / name)
    data = workbook(HEADER, ROW)
    (tmp_path / "s.csv").write_bytes(data)
    with pytest.raises(LandingError, match=r"an Excel workbook: land it under a name that ends in .xlsx"):
        inspect_file(Store(str(tmp_path)), Entry("s.csv", len(data), None), SHOP)


def test_a_number_in_a_format_for_hours_is_refused_where_it_is_no_time(tmp_path: Path) -> None:
    data = workbook(HEADER, ROW, change=lambda b: setattr(b["Sales"]["A2"], "number_format", "[h]:mm"))
    assert read(tmp_path, data)[1][0]["transaction_id"] == "24:00:00"
    with pytest.raises(LandingError, match="in a format for hours"):
        read(tmp_path, with_parts(data, {SHEET: lambda xml: xml.replace(b"<v>1</v>", b"<v>5363650000012</v>")}))


def test_text_of_unusual_values() -> None:
    assert cell_text(None) == ""
    assert cell_text(-0.0) == "0"
    assert cell_text(dt.timedelta(hours=30, minutes=5, milliseconds=7)) == "30:05:00.007"
    assert cell_text(1e-7) == "1E-7"
    assert cell_text(float("inf")) == "inf"
