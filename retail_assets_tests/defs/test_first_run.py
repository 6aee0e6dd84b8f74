"""The first run of a new source through the assets: what must not be loaded stops it, or is rejected by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from retail_assets import settings as settings_module
from retail_assets.cli.app import main
from retail_assets.errors import NotReadyError
from retail_assets.platform import Platform

pytestmark = [pytest.mark.spark, pytest.mark.slow]

DAY = dt.date(2026, 3, 20)
CONTRACT = """\
name: shop
timezone: America/New_York
country: US
currency: USD
start_date: 2026-01-01
columns:
  transaction_id: {header: Order ID, required: true}
  sold_at: {header: Date}
  product_id: {header: Product}
  product_category: {header: Category}
  quantity: {header: Qty}
  total_amount: {header: Total}
"""
TO_SALES = "raw_sales_files,clean_sales,quarantined_sales,sales,sales_quarantine,daily_category_sales"


def first_run(folder: Path, monkeypatch: pytest.MonkeyPatch, contract: str, *lines: str) -> tuple[int, Platform]:
    """Land a file in a new home and materialize it as users do; return the exit code and the home."""
    (folder / "shop.yaml").write_text(contract)
    (folder / "sales.csv").write_text("".join(f"{line}\n" for line in lines))
    environment = {
        "RETAIL_HOME": str(folder / "home"),
        "RETAIL_OUTPUT": str(folder / "output"),
        "RETAIL_SOURCE": str(folder / "shop.yaml"),
        "RETAIL_SPARK": "local[1]",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["land", str(folder / "sales.csv"), "--date", str(DAY)]) == 0
    code = main(["materialize", "--partition", str(DAY), "--select", TO_SALES])
    return code, Platform(settings_module.load(environment))


def rows(platform: Platform, sql: str) -> list[dict[str, Any]]:
    return platform.warehouse.query(sql).to_pylist()


def test_ids_that_stand_for_several_products_stop_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 08: one line per product under the id of the order. Nothing is there yet to compare it with."""
    orders = [f"CA-{n // 3},2026-03-{1 + n // 3:02d},P{n},Toys,1,{n}.00" for n in range(30)]
    code, platform = first_run(tmp_path, monkeypatch, CONTRACT, "Order ID,Date,Product,Category,Qty,Total", *orders)
    shown = capsys.readouterr().err
    assert code == 1
    assert "Warning: sales.csv: 10 ids (Order ID) stand for 30 of 30 rows with different content" in shown
    assert "20 of 30 rows on 2026-03-20 share their id with a later row that is another sale" in shown
    assert "such as Order ID, Product, or number them (occurrence: true)" in shown
    assert shown.count("DagsterAssetCheckFailedError") == 0
    with pytest.raises(NotReadyError):
        platform.warehouse.query("SELECT * FROM sales")


def test_sales_in_other_currencies_are_rejected_by_the_assets_and_never_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 12: EUR and GBP next to USD."""
    contract = CONTRACT + "currencies: {column: Currency}\n"
    money = ["1,2026-03-01,P1,Toys,1,10.00,USD", "2,2026-03-02,P2,Toys,1,20.00,EUR", "3,2026-03-03,P3,Toys,1,40.00,GBP"]
    sold = [*money, "4,2026-03-04,P1,Toys,1,5.00,USD", "5,2026-03-05,P1,Toys,1,2.50,usd"]
    header = "Order ID,Date,Product,Category,Qty,Total,Currency"
    code, platform = first_run(tmp_path, monkeypatch, contract, header, *sold)
    assert code == 0
    assert [str(r["revenue"]) for r in rows(platform, "SELECT sum(revenue) AS revenue FROM daily_category_sales")] == [
        "17.50"
    ]
    rejected = rows(platform, "SELECT source_line, reasons FROM sales_quarantine ORDER BY source_line")
    assert [(r["source_line"], r["reasons"]) for r in rejected] == [(3, "other_currency"), (4, "other_currency")]
