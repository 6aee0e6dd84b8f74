"""Parquet files, workbooks, reference files and further columns have pseudonyms, and nothing else changes."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine
import xlsxwriter

from retail_assets.contracts import loading
from retail_assets.errors import ContractError, LandingError
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import CONTRACT, D1, D2, HEADER, PERSON, csv, row
from retail_assets_tests.erasure.test_references import JOINED, MEMBERS
from retail_assets_tests.pseudonyms.landed_shop import WITH_PSEUDONYMS, LandedShop


def found(shop: LandedShop, text: str = PERSON) -> list[str]:
    return everywhere.found_in([shop.folder / "home", shop.folder / "output"], text)


def test_columns_of_a_parquet_file_keep_their_types(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path)
    table = pa.table(
        {
            "id": ["T1", "T2", "T3"],
            "receipt": pa.array(["R1", "R2", "R3"]).dictionary_encode(),
            "date": pa.array([dt.date(2024, 3, 1)] * 3),
            "customer": pa.array([17.0, None, 9007199254740994.0]),
            "category": ["Food"] * 3,
            "qty": pa.array([1, 1, 1], pa.int16()),
            "price": pa.array([decimal.Decimal("10.00")] * 3),
            "total": pa.array([decimal.Decimal("10.00")] * 3),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2, compression="zstd")
    shop.landed(D1, "a.parquet", sink.getvalue())
    file = pq.ParquetFile(io.BytesIO(shop.platform.raw.read(f"shop/dt={D1}/a.parquet")))
    after = file.read()
    assert after["customer"].to_pylist() == [shop.pseudonyms.of("17"), None, "0E+00"]
    assert after.drop_columns("customer").equals(table.drop_columns("customer"))
    assert (file.num_row_groups, file.metadata.row_group(0).column(0).compression) == (2, "ZSTD")
    shop.run(D1)
    assert shop.ask("SELECT reasons FROM sales_quarantine") == [("rounded_id",)]


def crowded_workbook() -> bytes:
    """Return a workbook with the person in every place that a sheet has besides the cell of the id."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet, other = book.add_worksheet("Sales"), book.add_worksheet("Notes")
        hidden = book.add_worksheet("Hidden")
        hidden.hide()
        day = book.add_format({"num_format": "dd.mm.yyyy", "bold": True})
        for column, name in enumerate(HEADER):
            sheet.write_string(0, column, name)
        for number in (1, 2, 3):
            cells = row(number, PERSON if number != 2 else None)
            for column, cell in enumerate(cells):
                if cell and column < 5:
                    sheet.write_string(number, column, cell)
            sheet.write_datetime(number, 2, dt.datetime(2024, 3, 1), day)
            sheet.write_number(number, 5, 1)
            sheet.write_number(number, 6, 10)
            sheet.write_formula(number, 7, f'=IF(D2="{PERSON}",F2*G2,F2*G2)', None, 10)
        sheet.write_comment(1, 3, PERSON)
        sheet.autofilter(0, 0, 3, 7)
        sheet.filter_column_list(3, [PERSON])
        sheet.data_validation(1, 3, 3, 3, {"validate": "list", "source": [PERSON]})
        sheet.conditional_format(1, 3, 3, 3, {"type": "text", "criteria": "containing", "value": PERSON})
        sheet.write_url(1, 3, f"https://example.com/{PERSON}", string=PERSON)
        sheet.set_header(PERSON)
        other.write_string(0, 0, PERSON)
        hidden.write_string(0, 0, PERSON)
        book.define_name("Who", f'="{PERSON}"')
        book.set_properties({"author": PERSON})
    return sink.getvalue()


def test_a_workbook_keeps_the_cells_of_its_sheet_and_no_other_place_for_an_id(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, WITH_PSEUDONYMS + "file: {sheet: Sales}\n")
    data = crowded_workbook()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(PERSON.encode() in archive.read(name) for name in archive.namelist()) >= 6
    shop.landed(D1, "a.xlsx", data)
    assert found(shop) == []
    after = shop.platform.raw.read(f"shop/dt={D1}/a.xlsx")
    before, now = (python_calamine.load_workbook(io.BytesIO(content)) for content in (data, after))
    assert now.sheet_names == before.sheet_names
    rows, old = (book.get_sheet_by_name("Sales").to_python() for book in (now, before))
    assert [line[:3] + line[4:] for line in rows] == [line[:3] + line[4:] for line in old]
    theirs = shop.pseudonyms.of(PERSON)
    assert [line[3] for line in rows] == ["customer", theirs, "", theirs]
    assert now.get_sheet_by_name("Notes").to_python() == []
    assert shop.landed(D1, "a.xlsx", data).status == shop.landed(D1, "a.xlsx", after).status == "already landed"
    shop.run(D1)
    assert shop.ask("SELECT customer_id FROM sales ORDER BY transaction_id") == [(theirs,), (None,), (theirs,)]


def _members(kind: str) -> bytes:
    rows = {"Card": ["C1", PERSON, "C3"], "Sex": ["f", "m", "m"]}
    sink = io.BytesIO()
    if kind == "members.parquet":
        pq.write_table(pa.table(rows), sink)
        return sink.getvalue()
    if kind == "members.xlsx":
        with xlsxwriter.Workbook(sink) as book:
            sheet = book.add_worksheet("Members")
            for column, (name, cells) in enumerate(rows.items()):
                sheet.write_column(0, column, [name, *cells])
        return sink.getvalue()
    return b"\n" + MEMBERS[kind] if kind == "members.csv" else MEMBERS[kind]


@pytest.mark.parametrize("kind", ["members.csv", "members.jsonl", "members.parquet", "members.xlsx"])
def test_sales_are_joined_with_a_reference_of_customers_as_with_ids(tmp_path: Path, kind: str) -> None:
    shops = LandedShop(tmp_path / "with", JOINED + "pseudonymize: true\n"), LandedShop(tmp_path / "without", JOINED)
    for shop in shops:
        shop.landed(D1, kind, _members(kind), reference="members")
        shop.landed(D1, "day1.csv", csv([row(1, "C1"), row(2, f"{PERSON} "), row(3, "C3"), row(4, "C4"), row(5, None)]))
        shop.run(D1)
    genders = "SELECT transaction_id, gender FROM sales ORDER BY ALL"
    assert shops[0].ask(genders) == shops[1].ask(genders)
    assert shops[0].ask("SELECT count(gender) FROM sales") == [(3,)]
    assert found(shops[0]) == []
    assert len(found(shops[1])) >= 4
    landed = shops[0].platform.raw.read(f"shop/references/members/dt={D1}/{kind}")
    for data in (landed, _members(kind)):
        again = shops[0].landed(D1, kind, data, reference="members")
        assert again.status == "already landed"


def test_a_reference_with_ids_that_did_not_land_by_the_door_is_refused(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, JOINED + "pseudonymize: true\n")
    shop.landed(D1, "day1.csv", csv([row(1, "C1")]))
    shop.platform.raw.write(f"shop/references/members/dt={D1}/members.csv", MEMBERS["members.csv"])
    with pytest.raises(LandingError, match="land --reference members FILE") as refused:
        shop.register(D1)
    assert "C1" not in str(refused.value)


def test_a_product_master_is_not_judged_by_rows_that_have_no_id(tmp_path: Path) -> None:
    """A space before a quote is read in another way in files of sales, where the row could not be split."""
    contract = CONTRACT.replace("{header: category,", "{header: Department,").replace(
        "columns:\n",
        "references:\n  products: {on: product_id, key: SKU, columns: [Department]}\n"
        "columns:\n  product_id: {header: receipt}\n",
        1,
    )
    shop = LandedShop(tmp_path, contract.replace("  order_id: {header: receipt}\n", "") + "pseudonymize: true\n")
    master = b'SKU,Department,Note\nR1, "a,b"\n'
    shop.landed(D1, "products.csv", master, reference="products")
    assert shop.platform.raw.read(f"shop/references/products/dt={D1}/products.csv") == master
    shop.landed(D1, "day1.csv", csv([row(1, "C1")]))
    shop.run(D1)
    assert shop.ask("SELECT product_category FROM sales") == [('"a',)]


MORE = CONTRACT + "pseudonymize: {columns: [E-Mail]}\nignore_columns: [E-Mail]\n"


def test_further_columns_have_pseudonyms_that_cannot_be_linked_with_ids(tmp_path: Path) -> None:
    shop = LandedShop(tmp_path, MORE)
    data = csv([row(1, PERSON)]).replace(b"total\n", b"total,e_mail\n").replace(b"00\n", f"00,{PERSON}\n".encode())
    shop.landed(D1, "a.csv", data)
    assert found(shop) == []
    [mail, customer] = [line.split(",")[n] for n in (8, 3) for line in _lines(shop, "a.csv")[1:2]]
    assert mail.startswith("p_")
    assert customer == shop.pseudonyms.of(PERSON) != mail
    shop.land(D2, "b.csv", "\n".join(_lines(shop, "a.csv")).replace(mail, "one@example.com").encode())
    with pytest.raises(LandingError, match="line 2"):
        shop.register(D2)
    lines = [json.dumps({**dict(zip(HEADER, row(2, "C1"), strict=True)), "E-Mail": {"of": [PERSON]}})]
    shop.landed(D1, "c.jsonl", "\n".join(lines).encode())
    assert found(shop) == []


def _lines(shop: LandedShop, name: str) -> list[str]:
    return shop.platform.raw.read(f"shop/dt={D1}/{name}").decode().split("\n")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("pseudonymize: {columns: [receipt]}", "a column that the contract reads"),
        ("pseudonymize: {column: [e-mail]}", "unknown key"),
        ("pseudonymize: yes", "pseudonymize"),
        ("pseudonymize: true\nrows: {drop: {staff: {column: customer, prefix: S}}}", "judges rows by the text"),
    ],
)
def test_a_contract_that_needs_what_would_be_replaced_is_refused(change: str, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        loading.parse(f"{CONTRACT}{change}\n", "shop.yaml")
    composed = CONTRACT.replace("{header: customer}", "{compose: [customer, receipt]}")
    with pytest.raises(ContractError, match="not composed"):
        loading.parse(f"{composed}pseudonymize: true\n", "shop.yaml")


def test_a_contract_without_the_option_keeps_its_digest() -> None:
    """An upgrade does not make every landing look as if another contract had registered it."""
    plain, off = (loading.parse(CONTRACT + more, "shop.yaml") for more in ("", "pseudonymize: false\n"))
    assert plain.digest == off.digest != loading.parse(WITH_PSEUDONYMS, "shop.yaml").digest
