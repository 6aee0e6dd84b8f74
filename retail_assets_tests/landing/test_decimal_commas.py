"""Values that are numbers in their file are read as such, whatever marks the contract has for numbers in texts."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from retail_assets.cleaning.parsed_files import parsed_rows
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.land import land_file
from retail_assets.landing.register import register_landings
from retail_assets.storage import Store
from retail_assets_tests.landing.test_references import DAY, Place, contract
from retail_assets_tests.trials import trials

LIST = "references:\n  prices: {on: product_id, key: SKU, columns: [Price], version: as_of_landing}\n"
COLUMNS = """columns:
  transaction_id: {header: id, required: true}
  sold_at: {header: date}
  product_id: {header: sku}
  product_category: {header: kind, default: All}
  quantity: {header: qty}
"""
AMOUNT = "  total_amount: {header: amount}\n"
COMPUTED = '  total_amount: {expression: "qty * each"}\n'
MARKS = ('numbers: {decimal: ","}\n', 'numbers: {decimal: ",", thousands: "."}\n', "numbers: {}\n")


def json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    texts = ({k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()} for row in rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in texts))


def floats(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    values = {n: [float(r[n]) if isinstance(r[n], Decimal) else r[n] for r in rows] for n in names}
    pq.write_table(pa.table(values), path)


def decimals(path: Path, rows: list[dict[str, Any]]) -> None:
    kinds = {n: pa.decimal128(18, 3) if isinstance(v, Decimal) else None for n, v in rows[0].items()}
    pq.write_table(pa.table({n: pa.array([r[n] for r in rows], kind) for n, kind in kinds.items()}), path)


def workbook(path: Path, rows: list[dict[str, Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([])
    sheet.append([None, *rows[0]])
    for row in rows:
        sheet.append([None, *(float(v) if isinstance(v, Decimal) else v for v in row.values())])
    book.save(path)


WRITERS: dict[str, Callable[[Path, list[dict[str, Any]]], None]] = {
    "s.jsonl": json_lines,
    "floats.parquet": floats,
    "decimals.parquet": decimals,
    "s.xlsx": workbook,
}


def read(path: Path, source: Any) -> tuple[list[tuple[Any, ...]], Decimal]:
    """Return quantity and amount of each row, and the control total, which another parser has taken."""
    store = Store(str(path.parent))
    [entry] = [e for e in store.list("") if e.key == path.name]
    profile = inspect_file(store, entry, source, DAY)
    rows = pa.concat_tables(parsed_rows(store, profile, source, DAY)).to_pylist()
    assert profile.control.rows == len(rows)
    return [(row["quantity"], row["total_amount"]) for row in rows], Decimal(profile.control.amount or "NaN")


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=trials(6), deadline=None)
@given(values=st.lists(st.tuples(st.integers(-9_999_999, 9_999_999), st.integers(-99_999_999, 99_999_999)), min_size=1))
def test_numbers_of_typed_formats_are_read_to_the_digit(name: str, marks: str, values: list[tuple[int, int]]) -> None:
    """With a comma for decimals, 25.125 in JSON became 25125 or was rejected: every file but CSV was misread."""
    sold = [(Decimal(q).scaleb(-3), Decimal(a).scaleb(-2)) for q, a in values]
    rows = [
        {"id": f"T{n}", "date": "2024-03-01", "sku": "P1.5", "kind": "1.5", "qty": q, "amount": a}
        for n, (q, a) in enumerate(sold)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        WRITERS[name](path, rows)
        assert read(path, contract("", COLUMNS + AMOUNT, marks)) == (sold, sum((a for _, a in sold), Decimal("0.00")))


@pytest.mark.parametrize("name", WRITERS)
def test_an_expression_reads_numbers_and_texts_beside_each_other(name: str, tmp_path: Path) -> None:
    """A workbook has the one column as numbers and the other as texts with the marks of its country."""
    rows = [
        {"id": "T1", "date": "2024-03-01", "sku": "P1", "qty": "1.000,5", "each": Decimal("2.125")},
        {"id": "T2", "date": "2024-03-01", "sku": "P1", "qty": "2", "each": Decimal("1234.5")},
    ]
    WRITERS[name](tmp_path / name, rows)
    source = contract("", COLUMNS + COMPUTED, 'numbers: {decimal: ",", thousands: ".", round: cents}\n')
    sold, control = read(tmp_path / name, source)
    assert sold == [(Decimal("1000.500"), Decimal("2126.06")), (Decimal("2.000"), Decimal("2469.00"))]
    assert control == Decimal("4595.06")


@pytest.mark.parametrize("name", WRITERS)
def test_prices_of_a_typed_reference_file_are_read_to_the_digit(name: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    prices = tmp_path / name
    rows: list[dict[str, Any]] = [
        {"SKU": "P1", "Price": Decimal("25.125")},
        {"SKU": "P2", "Price": Decimal("2.5")},
    ]
    WRITERS[name](prices, rows)
    land_file(prices, place.raw, "shop", DAY, reference="prices")
    place.land("id;date;sku;qty\n1;2024-03-01;P1;2\n2;2024-03-01;P2;0,5\n", "s.csv")
    source = contract(LIST, COLUMNS + "  unit_price: {header: Price}\n", 'numbers: {decimal: ",", thousands: "."}\n')
    [manifest] = register_landings(place.raw, place.lake, [DAY], source).manifests
    assert manifest.files[0].control.amount == "51.50"
    assert {row["total_amount"] for row in place.parsed(source)} == {Decimal("50.25"), Decimal("1.25")}


def test_ids_and_dates_keep_their_points(tmp_path: Path) -> None:
    """Only columns that numbers are read from get the mark: an id from a spreadsheet is 17.0, and still 17."""
    json_lines(tmp_path / "s.jsonl", [{"id": 17.0, "date": "2024-03-01", "sku": 4.25, "qty": 1, "amount": 0.5}])
    source = contract("", COLUMNS + AMOUNT, MARKS[1])
    store = Store(str(tmp_path))
    [entry] = store.list("")
    [row] = pa.concat_tables(
        parsed_rows(store, inspect_file(store, entry, source, dt.date(2024, 3, 2)), source, DAY)
    ).to_pylist()
    assert (row["transaction_id"], row["product_id"], row["total_amount"]) == ("17", "4.25", Decimal("0.50"))
