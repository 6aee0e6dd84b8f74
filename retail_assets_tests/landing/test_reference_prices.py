"""Prices from a reference file: sales have the price of their day, and the control totals are joined on their own."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from retail_assets.cleaning.rules import REJECTING, names_of
from retail_assets.contracts.model import Contract
from retail_assets.errors import ContractError, NotReadyError
from retail_assets.landing.reference_rows import Content, keyed_rows
from retail_assets.landing.register import check_before_landing, register_landings
from retail_assets.storage import Store
from retail_assets_tests.landing.test_references import DAY, LATER, Place, contract
from retail_assets_tests.trials import trials

LIST = "references:\n  prices: {on: product_id, key: SKU, columns: [Price], version: as_of_landing}\n"
COLUMNS = """columns:
  transaction_id: {header: id, required: true}
  sold_at: {header: date}
  product_id: {header: sku}
  product_category: {header: kind, default: All}
  quantity: {header: qty}
  unit_price: {header: Price}
"""
PRICED = contract(LIST, COLUMNS)
COMPUTED = contract(
    LIST,
    COLUMNS.replace("unit_price: {header: Price}", 'total_amount: {expression: "qty * Price * (1 - default(Off, 0))"}')
    + "  list_price: {header: Price}\n",
    "numbers: {round: cents}\n",
)
PRICES = 'SKU,Price\nP1,2.50\n7,"1,000.00"\nP3,soon\n'


def sum_of(rows: list[dict[str, Any]]) -> Decimal:
    return sum((row["total_amount"] or Decimal(0) for row in rows), Decimal("0.00"))


def control(place: Place, source: Contract, day: dt.date = DAY) -> Decimal | None:
    """Return the control total of the one file of a landing, and make sure that it covers every line."""
    [manifest] = register_landings(place.raw, place.lake, [day], source).manifests
    [profile] = manifest.files
    assert profile.control.rows == profile.lines
    return None if profile.control.amount is None else Decimal(profile.control.amount)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.land(PRICES.replace('"1,000.00"', "1000"), "prices.csv", DAY, "prices")
    return made


def test_lines_with_a_product_and_a_quantity_get_the_money_of_the_price_list(place: Place) -> None:
    lines = [f"{n},2024-03-01,{sold}\n" for n, sold in enumerate(("P1,2", "7.0,-1", "P3,1", "P9,1"))]
    place.land("".join(["id,date,sku,qty\n", *lines]), "s.csv")
    rows = place.parsed(PRICED)
    assert [(row["unit_price"], row["total_amount"]) for row in rows[:2]] == [
        (Decimal("2.5000"), Decimal("5.00")),
        (Decimal("1000.0000"), Decimal("-1000.00")),
    ]
    assert [names_of(row["reasons"] & REJECTING) for row in rows] == [[], [], ["invalid_price"], ["missing_amount"]]
    assert control(place, PRICED) == sum_of(rows) == Decimal("-995.00")


def test_an_expression_reads_a_column_of_the_price_list(place: Place) -> None:
    place.land("id,date,sku,qty,Off\n1,2024-03-01,P1,3,0.1\n2,2024-03-01,7,1,\n", "s.csv")
    rows = place.parsed(COMPUTED)
    assert [(row["list_price"], row["total_amount"]) for row in rows] == [
        (Decimal("2.5000"), Decimal("6.75")),
        (Decimal("1000.0000"), Decimal("1000.00")),
    ]
    assert control(place, COMPUTED) == Decimal("1006.75")


def test_a_new_price_list_counts_from_its_day_on(place: Place) -> None:
    for day in (DAY, LATER):
        place.land(f"id,date,sku,qty\n{day},2024-03-01,P1,1\n", f"{day}.csv", day)
    before = control(place, PRICED)
    place.land("SKU,Price\nP1,3\n", "prices.csv", LATER, "prices")
    assert control(place, PRICED) == before == Decimal("2.50")
    assert control(place, PRICED, LATER) == sum_of(place.parsed(PRICED, LATER)) == Decimal("3.00")


def workbook(rows: list[list[str]]) -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def parquet(rows: list[list[str]]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}), target)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_control_totals_of_every_format_are_joined(place: Place, kind: str) -> None:
    rows = [["id", "date", "sku", "qty"], ["1", "2024-03-01", "P1", "2"], ["2", "2024-03-01", ' ="7" ', "1"]]
    data: dict[str, str | bytes] = {
        "csv": "\n".join(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows) + "\n",
        "xlsx": workbook(rows),
        "parquet": parquet(rows),
        "jsonl": '{"id": "1", "date": "2024-03-01", "sku": "P1", "qty": 2}\n'
        '{"id": "2", "date": "2024-03-01", "sku": "7", "qty": 1}\n',
    }
    place.land(data[kind], f"s.{kind}")
    assert control(place, PRICED) == sum_of(place.parsed(PRICED)) == Decimal("1005.00")


_KEY = st.sampled_from(["P1", " P1", "P1\u00a0", "7", "7.0", '="7"', "N/A", "", "p1", "P3", "P9"])
_PRICE = st.sampled_from(["2.5", "1", "0.01", "-3", "soon", "", "N/A", "1.23456", "$4"])


@given(
    st.dictionaries(st.sampled_from(["P1", "7", "N/A", "P3", "p1"]), _PRICE, min_size=1),
    st.lists(st.tuples(_KEY, st.sampled_from(["1", "2.5", "-1", "0", "", "x", "1000000"])), min_size=1, max_size=8),
    st.sampled_from([PRICED, COMPUTED]),
)
@settings(max_examples=trials(30), deadline=None)
def test_the_two_joins_agree_to_the_cent(prices: dict[str, str], sold: list[tuple[str, str]], source: Contract) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.land("SKU,Price\n" + "".join(f"{key},{price}\n" for key, price in prices.items()), "p.csv", DAY, "prices")
        quoted = [(sku.replace('"', '""'), quantity) for sku, quantity in sold]
        lines = [f'{n},2024-03-01,"{sku}",{quantity},0.5\n' for n, (sku, quantity) in enumerate(quoted)]
        place.land("".join(["id,date,sku,qty,Off\n", *lines]), "s.csv")
        assert control(place, source) == sum_of(place.parsed(source))


_CELL = st.text(st.sampled_from('ab1.,;"\n é'), max_size=5)


@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=6), st.sampled_from([",", ";", "\t"]))
@settings(max_examples=trials(60), deadline=None)
def test_a_price_list_says_the_same_to_another_parser(rows: list[tuple[str, str]], delimiter: str) -> None:
    """Both joins take their prices from one reading of the list, so that reading is compared with DuckDB's here."""
    rows = [(f"K{number}{key.strip()}", price.strip()) for number, (key, price) in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        with path.open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle, delimiter=delimiter).writerows([("SKU", "Price"), *rows])
        source = f"read_csv('{path}', header=true, all_varchar=true, delim='{delimiter}', quote='\"', escape='\"')"
        with duckdb.connect() as con:
            read = con.execute(f"SELECT SKU, Price FROM {source}").fetchall()
        ours = keyed_rows([Content(str(path), path.read_bytes())], PRICED.references["prices"])
    assert [(key, price or "") for key, price in read] == [(key, values[0]) for key, values in ours.items()] == rows


def test_without_the_price_list_a_file_can_be_checked_but_not_registered(tmp_path: Path) -> None:
    place = Place(tmp_path)
    path = tmp_path / "s.csv"
    path.write_text("id,date,sku,qty\n1,2024-03-01,P1,2\n")
    checked = check_before_landing(path, PRICED).control
    assert (checked.rows, checked.amount, checked.note) == (1, None, "not taken: prices are in a reference file")
    place.land(path.read_bytes(), "s.csv")
    with pytest.raises(NotReadyError, match="--reference prices FILE"):
        register_landings(Store(place.raw.uri), place.lake, [DAY], PRICED)


@pytest.mark.parametrize(
    ("masters", "columns", "problem"),
    [
        (LIST.replace(", version: as_of_landing", ""), COLUMNS, "say which version counts: `version: as_of_landing`"),
        (LIST, COLUMNS.replace("unit_price", "total_amount"), "columns.total_amount: a reference can fill"),
        (LIST.replace("as_of_landing", "newest"), COLUMNS, "version"),
    ],
)
def test_prices_without_a_stated_version_and_amounts_are_refused(masters: str, columns: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        contract(masters, columns)
