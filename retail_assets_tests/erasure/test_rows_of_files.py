"""Whose a row is, and how it is taken out of a file of each kind."""

from __future__ import annotations

import csv as csv_of_python
import datetime as dt
import io
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.erasure.erase import erase_customer
from retail_assets.erasure.mentions import Mentions, pattern_of
from retail_assets.erasure.plan import canonical_id
from retail_assets.landing.erased_rows import erased_rows, original_numbers
from retail_assets.landing.parquet_rows import without_rows
from retail_assets.landing.text_lines import emptied, only
from retail_assets.landing.workbook.emptied_rows import without_cells
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, D1, HEADER, NOW, PERSON, Shop, csv, parquet, row, workbook
from retail_assets_tests.trials import trials

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)


@settings(max_examples=trials(60))
@given(
    st.lists(LINE, min_size=1, max_size=12),
    st.sets(st.integers(1, 12)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    st.sampled_from([("\n", "lf"), ("\r\n", "lf"), ("\r", "cr")]),
    st.booleans(),
)
def test_wanted_lines_become_empty_and_every_other_byte_stays(
    lines: list[str], wanted: set[int], encoding: str, end: tuple[str, str], ended: bool
) -> None:
    mark, line_end = end
    if encoding in ("utf-8-sig", "utf-16", "utf-32"):  # the byte-order mark is part of the first line, a header
        wanted = wanted - {1}
    last = mark if ended else ""
    sink = io.BytesIO()
    emptied(io.BytesIO((mark.join(lines) + last).encode(encoding)), sink, wanted, encoding, line_end)
    left = ("" if number in wanted else line for number, line in enumerate(lines, 1))
    assert sink.getvalue().decode(encoding) == mark.join(left) + last


def test_only_some_lines_are_copied_with_their_ends() -> None:
    sink = io.BytesIO()
    only(io.BytesIO(b"a\r\nb\r\nc"), sink, [1, 3], "utf-8", "lf")
    assert sink.getvalue() == b"a\r\nc"


@settings(max_examples=trials(60))
@given(st.integers(1, 30), st.lists(st.sets(st.integers(1, 30), max_size=6), min_size=1, max_size=3))
def test_rows_of_parquet_keep_their_numbers_however_often_some_are_erased(count: int, rounds: list[set[int]]) -> None:
    data = parquet([row(number, "C") for number in range(1, count + 1)])
    gone: set[int] = set()
    for rows in rounds:
        gone |= {number for number in rows if number <= count}
        sink = io.BytesIO()
        without_rows(io.BytesIO(data), sink, [number for number in rows if number <= count])
        data = sink.getvalue()
    file = pq.ParquetFile(io.BytesIO(data))
    names = file.read()["id"].to_pylist() if file.num_row_groups else []
    numbers = original_numbers(1, len(names), erased_rows(file.metadata.metadata))
    assert [f"T{n}" for n in numbers.tolist()] == names
    assert numbers.tolist() == [n for n in range(1, count + 1) if n not in gone]


def test_numbers_without_erased_rows_are_those_of_the_file() -> None:
    assert original_numbers(4, 3, np.zeros(0, dtype=np.int64)).tolist() == [4, 5, 6]
    assert erased_rows({b"retail_assets.erased_rows": b"not json"}).tolist() == []


def test_rows_of_a_sheet_keep_their_numbers_and_shared_texts_go_with_the_last_cell() -> None:
    sink = io.BytesIO()
    without_cells(io.BytesIO(workbook([row(1, "C1"), row(2, PERSON), row(3, "C3")])), sink, "Sales", [3])
    sheet = openpyxl.load_workbook(io.BytesIO(sink.getvalue()))["Sales"]
    cells = list(sheet.iter_rows(values_only=True))
    assert [line[0] for line in cells] == ["id", "T1", None, "T3"]
    assert cells[3] == tuple(row(3, "C3")) or cells[3][3] == "C3"
    with zipfile.ZipFile(sink) as archive:
        assert not any(PERSON.encode() in archive.read(name) for name in archive.namelist())


def _left(shop: Shop, name: str = "day1.csv") -> list[str]:
    data = shop.platform.raw.read(f"shop/dt={D1}/{name}").decode()
    return [line.split(",")[0] for line in data.splitlines()[1:] if line]


def _landed(tmp_path: Path, rows: list[list[str]] | bytes, contract_of: str | None = None) -> Shop:
    shop = Shop(tmp_path) if contract_of is None else Shop(tmp_path, contract=contract_of)
    shop.land(D1, "day1.csv", rows if isinstance(rows, bytes) else csv(rows))
    shop.run(D1)
    return shop


def test_a_record_of_several_lines_goes_as_a_whole(tmp_path: Path) -> None:
    header = ",".join([*HEADER, "note"])
    lines = [",".join([*row(i, c), f'"a{i}\n\nb{i}"']) for i, c in enumerate(("C1", PERSON, "C2"), 1)]
    shop = _landed(tmp_path, "\n".join([header, *lines, ""]).encode())
    erase_customer(shop.platform, PERSON, NOW)
    assert shop.platform.raw.read(f"shop/dt={D1}/day1.csv").decode() == "\n".join(
        [header, lines[0], "", "", "", lines[2], ""]
    )
    shop.conserved(controlled=False)


def test_an_order_that_several_customers_have_is_nobodys_receipt(tmp_path: Path) -> None:
    rows = [
        row(1, PERSON, receipt="0"),
        row(2, None, receipt="0"),
        row(3, "C1", receipt="0"),
        row(4, None, receipt="R1"),
    ]
    shop = _landed(tmp_path, [*rows, row(5, PERSON, receipt="R1")])
    erase_customer(shop.platform, PERSON, NOW)
    assert _left(shop) == ["T2", "T3"]
    shop.conserved()


@pytest.mark.parametrize("person", ["CUST,8", 'CUST"8', "C.*8", "C(8", "'8 abc", "=8+C", "x8\\", "A\n8"])
def test_an_id_with_any_character_takes_its_own_rows_alone(tmp_path: Path, person: str) -> None:
    customers = [person, f"{person}1", f"1{person}", person.lower() + "z", person, f"{person}-1"]
    text = io.StringIO(newline="")
    writer = csv_of_python.writer(text, lineterminator="\r\n")
    writer.writerows([HEADER, *(row(n, c, total="bad" if n > 4 else "10.00") for n, c in enumerate(customers, 1))])
    shop = _landed(tmp_path, text.getvalue().encode())
    erase_customer(shop.platform, person, NOW)
    left = list(
        csv_of_python.reader(io.StringIO(shop.platform.raw.read(f"shop/dt={D1}/day1.csv").decode(), newline=""))
    )
    assert [cells[:1] + cells[3:4] for cells in left if cells][1:] == [
        [f"T{n}", customers[n - 1]] for n in (2, 3, 4, 6)
    ]
    assert shop.ask("SELECT transaction_id FROM sales ORDER BY 1") == [("T2",), ("T3",), ("T4",)]
    assert (shop.ask("SELECT count(*) FROM sales_quarantine"), shop.platform.lake.clean(D1).erased) == ([(1,)], 2)
    shop.conserved(controlled="\n" not in person)


def test_a_rejected_row_of_somebody_else_stays_whoever_it_mentions(tmp_path: Path) -> None:
    """CUST-8 is a word of CUST-8-1, and the row of C9 names CUST-8 in a column that the contract does not read."""
    rows = [row(1, "CUST-8", total="bad"), row(2, "CUST-8-1", total="bad"), row(3, "C9", total="bad"), row(4, "C9")]
    noted = [[*cells, note] for cells, note in zip(rows, ["", "", "was CUST-8", ""], strict=True)]
    shop = _landed(tmp_path, "\n".join(",".join(cells) for cells in [[*HEADER, "note"], *noted, []]).encode())
    erase_customer(shop.platform, "CUST-8", NOW)
    lake = shop.platform.lake
    assert sorted(lake.head([lake.clean(D1)], "quarantine")["source_line"].to_pylist()) == [3, 4]
    assert shop.ask("SELECT source_line FROM sales_quarantine ORDER BY 1") == [(3,), (4,)]
    shop.conserved()


@pytest.mark.parametrize("others", [("C12", "C13", "C14"), ("C2", "C3")])
def test_a_file_that_waits_in_place_of_a_registered_one_loses_the_persons_rows_alone(
    tmp_path: Path, others: tuple[str, ...]
) -> None:
    """Lines of the lake are those of the file before: on the person's line there is somebody else now."""
    shop = _landed(tmp_path, [row(1, "C1"), row(2, "CUST-8"), row(3, "C3")])
    new = csv([row(1, "CUST-8"), *(row(n, c) for n, c in enumerate(others, 2))])
    assert (len(new) == len(shop.platform.raw.read(f"shop/dt={D1}/day1.csv"))) is (len(others) == 2)
    shop.land(D1, "day1.csv", new)
    erase_customer(shop.platform, "CUST-8", NOW)
    assert _left(shop) == [f"T{n}" for n, _ in enumerate(others, 2)]
    assert shop.ask("SELECT transaction_id, customer_id FROM sales ORDER BY 1") == [("T1", "C1"), ("T3", "C3")]
    shop.run(D1)
    assert [c for (c,) in shop.ask("SELECT customer_id FROM sales ORDER BY transaction_id")] == list(others)
    shop.conserved()


@pytest.mark.parametrize("written", ["17850", " 17850", "17850.0", '"=""17850"""', "\u00a017850"])
def test_an_id_is_found_however_the_contract_reads_it(tmp_path: Path, written: str) -> None:
    shop = _landed(tmp_path, [row(1, written), row(2, "017850"), row(3, "1785"), row(4, "C1", total="17850")])
    receipt = erase_customer(shop.platform, " 17850.0", NOW)
    assert (receipt.counts["rows_in_files"], _left(shop)) == (1, ["T2", "T3", "T4"])
    shop.conserved()


def test_dates_whose_order_only_the_erased_rows_proved_stay_readable(tmp_path: Path) -> None:
    inferred = CONTRACT.replace("dates: {order: dmy}\n", "")
    proving = row(1, PERSON)
    proving[2] = "13/02/2024"
    others = [[*row(n, "C1")[:2], "01/02/2024", *row(n, "C1")[3:]] for n in (2, 3)]
    shop = _landed(tmp_path, [proving, *others], inferred)
    erase_customer(shop.platform, PERSON, NOW)
    shop.run(D1)
    assert shop.ask("SELECT DISTINCT sale_date FROM sales") == [(dt.date(2024, 2, 1),)]
    shop.conserved()


def test_an_id_that_may_be_any_number_is_erased_by_its_column_alone() -> None:
    number = Mentions("900", {("shop/a.csv", 7)})
    assert pattern_of("900") is None
    table = "| customer_id | n |\n|---|---|\n| 900 | 1 |\n| 7 | 900 |"
    left = table.replace("| 900 | 1 |\n", "")
    assert number.without(f"900 rows\n\n{table}") == f"900 rows\n\n{left}"
    assert number.of_json({"n": 900, "who": [{"customer_id": "900"}, {"customer_id": "7"}]}) == {
        "n": 900,
        "who": [{"customer_id": "7"}],
    }
    assert number.of_json([{"source_file": "shop/a.csv", "source_line": 7}, {"source_file": "shop/a.csv"}]) == [
        {"source_file": "shop/a.csv"}
    ]
    assert number.without_rows("customer_id,n\n900,1\n7,900\n") == "customer_id,n\n7,900\n"


def test_an_id_is_no_part_of_another() -> None:
    mentions = Mentions("CUST-8")
    assert mentions.without("CUST-81, CUST-8.") == "CUST-81, [erased]."


def test_no_id_is_refused() -> None:
    with pytest.raises(Exception, match="A customer id is needed"):
        canonical_id("  ")


def test_a_dictionary_of_a_parquet_file_loses_the_id_and_the_columns_keep_their_types() -> None:
    """Categories of pandas: the rows were gone, and the id was still in the dictionary of the column."""
    ids = pa.array(["C1", PERSON, None, "C3"]).dictionary_encode()
    columns = {
        "customer": ids,
        "ordered": ids.cast(pa.dictionary(pa.int8(), pa.large_string(), ordered=True)),
        "nested": pa.StructArray.from_arrays([ids], ["id"]),
        "listed": pa.ListArray.from_arrays([0, 1, 2, 3, 4], ids),
        "n": pa.array([1, 2, 3, 4]),
    }
    landed, sink = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table(columns), landed, compression="none")
    without_rows(landed, sink, [2])
    assert PERSON.encode() in landed.getvalue()
    assert PERSON.encode() not in sink.getvalue()
    left = pq.read_table(io.BytesIO(sink.getvalue()))
    landed.seek(0)
    assert left.schema.types == pq.read_table(landed).schema.types
    assert left.to_pylist() == pa.table(columns).take([0, 2, 3]).to_pylist()


def test_what_else_a_workbook_has_does_not_repeat_an_erased_cell(tmp_path: Path) -> None:
    """Excel makes a link of every address, and lists the values of a column in a filter and a chart."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet, other = book.add_worksheet("Sales"), book.add_worksheet("Notes")
        other.hide()
        other.write_string(0, 0, PERSON)
        for number, cells in enumerate([HEADER, row(1, "C1"), row(2, PERSON), row(3, "C3")]):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)
        sheet.write_url(2, 3, f"mailto:{PERSON}", string=PERSON)
        sheet.write_comment(2, 3, f"{PERSON} called")
        sheet.data_validation(1, 3, 3, 3, {"validate": "list", "source": ["C1", PERSON]})
        book.define_name("best", f'="{PERSON}"')
    shop = Shop(tmp_path)
    shop.land(D1, "day1.xlsx", sink.getvalue())
    shop.run(D1)
    erase_customer(shop.platform, PERSON, NOW)
    assert everywhere.found_in([shop.folder / "home"], PERSON) == []
    left = openpyxl.load_workbook(io.BytesIO(shop.platform.raw.read(f"shop/dt={D1}/day1.xlsx")))["Sales"]
    assert [cells[0] for cells in left.iter_rows(values_only=True)] == ["id", "T1", None, "T3"]
    shop.run(D1)
    assert shop.ask("SELECT transaction_id FROM sales ORDER BY 1") == [("T1",), ("T3",)]
    shop.conserved()
