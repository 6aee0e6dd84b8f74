"""What the warehouse says to a forecast: the daily sales, and the days of which rows were rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from retail_assets.forecasting.data.series import REJECTED_DAYS
from retail_assets.forecasting.data.sources import daily_history
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES_QUARANTINE
from retail_assets.warehouse.duckdb import DuckDBWarehouse

_DAY = date(2026, 9, 1)


def warehouse_with_sales(folder: Path) -> DuckDBWarehouse:
    warehouse = DuckDBWarehouse(folder / "retail.duckdb", "shop")
    warehouse.replace(DAILY_CATEGORY_SALES, DAILY_CATEGORY_SALES.arrow_schema().empty_table())
    return warehouse


def rejected(line: int, day: date | None, reasons: str) -> dict[str, object]:
    return {
        "source": "shop",
        "landed_on": _DAY,
        "source_file": "f.csv",
        "source_line": line,
        "reasons": reasons,
        "raw_text": "",
        "contract_version": "shop-1",
        "sale_date": day,
    }


def test_days_of_rejected_rows_come_with_the_history_and_days_out_of_range_do_not(tmp_path: Path) -> None:
    warehouse = warehouse_with_sales(tmp_path)
    rows = [
        rejected(2, date(2026, 8, 30), "invalid_amount"),
        rejected(3, date(2026, 8, 30), "invalid_amount"),
        rejected(4, date(2199, 1, 1), "missing_amount,date_out_of_range"),
        rejected(5, None, "invalid_date"),
    ]
    warehouse.replace(SALES_QUARANTINE, pa.Table.from_pylist(rows, schema=SALES_QUARANTINE.arrow_schema()))
    assert daily_history(warehouse).attrs[REJECTED_DAYS] == (date(2026, 8, 30),)


def test_a_warehouse_without_a_quarantine_has_no_such_days(tmp_path: Path) -> None:
    assert daily_history(warehouse_with_sales(tmp_path)).attrs[REJECTED_DAYS] == ()


def test_a_quarantine_of_version_0_1_0_has_no_days(tmp_path: Path) -> None:
    import duckdb

    warehouse = warehouse_with_sales(tmp_path)
    with duckdb.connect(str(tmp_path / "retail.duckdb")) as connection:
        connection.execute("CREATE TABLE shop.sales_quarantine (source VARCHAR, reasons VARCHAR)")
    assert daily_history(warehouse).attrs[REJECTED_DAYS] == ()
