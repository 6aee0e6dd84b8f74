"""The workbook holds what the tables hold, and nothing in it can run."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from retail_assets.exports import workbook
from retail_assets.exports.dictionary import entries
from retail_assets.exports.sheets import SHEETS
from retail_assets.exports.workbook import write_workbook
from retail_assets.storage import Store
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.exports.outputs import fill_outputs
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording.shops import SHOPS, open_shop

HOSTILE = ("=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "https://example.com", "{=1}", "'quoted", "x" * 128)


def read(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def plain(value: Any) -> Any:
    """A value of the warehouse as Excel holds it: days as moments, numbers as floats."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return pytest.approx(float(value), rel=1e-12)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value or None  # Excel has no empty text


@pytest.mark.parametrize("name", [name for name in SHOPS if name != "complete_journey"])
def test_the_sheets_are_the_tables(name: str, tmp_path: Path) -> None:
    shop = open_shop(name, tmp_path)
    fill_outputs(shop, Store(str(tmp_path / "output")))
    content = write_workbook(shop.warehouse, name, shop.currency)
    assert write_workbook(shop.warehouse, name, shop.currency) == content
    sheets = read(content)
    there = {
        "daily_quality",
        "daily_category_sales",
        "sales_forecast",
        "forecast_backtest",
        "segment_profiles",
        "segment_migrations",
        "customer_cohorts",
        "customer_months",
        "product_concentration",
        "basket_affinity",
    }
    assert set(sheets) == {"About", "Dictionary", *there}
    for table, order in SHEETS:
        if table.name not in there:
            continue
        head, *rows = sheets[table.name]
        assert head == table.names
        stored = shop.ask(f"SELECT {table.column_list} FROM {table.name} ORDER BY {order}")
        assert [list(row) for row in rows] == [[plain(value) for value in row] for row in stored]
    about = {row[0]: row[1] for row in sheets["About"] if row[1]}
    assert about["insights"] == "Not there: the table insights does not exist yet."
    count = shop.one("SELECT count(*) FROM daily_category_sales")
    assert about["daily_category_sales"] == f"{DAILY_CATEGORY_SALES.grain} ({count:,} rows)."
    lines = [entry for table, _ in SHEETS for entry in entries(table, shop.currency)]
    assert sheets["Dictionary"][1:] == [astuple(entry) for entry in lines]
    shown = {row[:5] for row in sheets["Dictionary"]}
    assert ("daily_category_sales", "revenue", "additive", shop.currency, "sum(revenue)") in shown


def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    content = write_workbook(warehouse_with(tmp_path, HOSTILE), "=1+1", "EUR")
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        written = b"".join(parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets"))
    assert b"<f>" not in written
    assert b"<hyperlink" not in written
    assert {row[1] for row in read(content)["daily_category_sales"][1:]} == set(HOSTILE)


def test_a_table_that_does_not_fit_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    sheets = read(write_workbook(warehouse_with(tmp_path, ("a", "b", "c", "d")), "shop", "EUR"))
    assert len(sheets["daily_category_sales"]) == 1 + 3
    [said] = [row[1] for row in sheets["About"] if row[0] == "daily_category_sales"]
    assert "the first 3 rows; the warehouse has more" in said


def test_heads_stay_in_view_and_numbers_have_formats(tmp_path: Path) -> None:
    content = write_workbook(warehouse_with(tmp_path, ("a",)), "shop", "EUR")
    sheet = openpyxl.load_workbook(io.BytesIO(content))["daily_category_sales"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref
    formats = {head.value: cell.number_format for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert formats["sale_date"] == "yyyy-mm-dd"
    assert formats["revenue"] == "#,##0.00"


def warehouse_with(folder: Path, categories: tuple[str, ...]) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(folder / "w.duckdb", "shop")
    fill(warehouse, [line(str(n), "2024-01-05", "c", 10 + n, category=name) for n, name in enumerate(categories)])
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return warehouse
