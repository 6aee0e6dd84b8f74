"""docs/architecture.md, "One category's revenue": one amount goes through the functions that the page names."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retail_assets.cleaning import exchange
from retail_assets.cleaning.latest import latest
from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.cleaning.write import Target, write_rows
from retail_assets.contracts.loading import load
from retail_assets.eda import data as eda_data
from retail_assets.forecasting.data.series import daily_sales, panel_at
from retail_assets.forecasting.data.sources import daily_history
from retail_assets.forecasting.figures import forecast as figures
from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Store
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.docs.pages import ROOT

DAY = dt.date(2024, 1, 3)
HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
LINE = 'B-1002,2024-01-03,CUST-81,Male,26,Electronics,1,1300,"1,300"'
MONEY = Decimal("1300.00")


def test_the_line_is_the_one_of_the_page() -> None:
    assert LINE in (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.slow
def test_one_amount_from_its_cell_to_the_figure(tmp_path: Path) -> None:
    contract, raw, lake = load("retail_sales"), Store(str(tmp_path / "raw")), Store(str(tmp_path / "lake"))
    key = f"retail_sales/dt={DAY}/sales.csv"
    raw.write(key, f"{HEADER}\n{LINE}\n".encode())

    [entry] = raw.list("retail_sales")
    profile = inspect_file(raw, entry, contract)
    assert profile.control.amount == "1300.00"

    with raw.open(key) as handle, Parser(profile, contract, DAY) as parser:
        [records] = read_records(handle, profile)
        assert records.table["c8"].to_pylist() == ["1,300"]
        assert records.table["line"].to_pylist() == [2]
        rows = parser.parse(records.table)
    assert rows.schema.field("total_amount").type == pa.decimal128(18, 2)
    assert rows.select(["product_category", "total_amount", "reasons"]).to_pylist() == [
        {"product_category": "Electronics", "total_amount": MONEY, "reasons": 0}
    ]

    rows = latest(exchange.of_file(rows, 0, DAY), numbered=False)
    [written] = write_rows(rows, DAY, Target(lake.uri, "retail_sales", "run", contract.digest, (key,)))
    assert (written["status"], written["amount"]) == ("clean", MONEY)
    assert pq.read_table(lake.local_path(written["key"]))["total_amount"].to_pylist() == [MONEY]

    file = LakeFile(written["key"], written["rows"], written["lines"], str(written["amount"]), written["size"])
    manifest = CleanManifest(
        "retail_sales", DAY, "run", contract.digest, "", {s: (file,) if s == "clean" else () for s in STATUSES}
    )
    _publish(lake, manifest)
    warehouse = DuckDBWarehouse(tmp_path / "retail.duckdb", "retail_sales")
    warehouse.load_landings(lake, [manifest])
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    mart = warehouse.query("SELECT revenue FROM daily_category_sales WHERE product_category = 'Electronics'")
    assert mart.schema.field("revenue").type == pa.decimal128(18, 2)
    assert mart["revenue"].to_pylist() == [MONEY]

    history = daily_history(warehouse)
    sales = daily_sales(history)
    assert sales is not None
    assert (sales.revenue.dtype, sales.revenue.tolist()) == (np.dtype("float64"), [[1300.0]])
    assert panel_at(sales, sales.last_day).values.tolist() == [[1300.0]]

    training = train(history, country="US")
    assert training.model is not None
    table = score(training.model, history)
    expected = table.select(["product_category", "horizon_day", "mean"]).to_pylist()
    assert {"product_category": "Electronics", "horizon_day": 1, "mean": 1300.0} in expected
    assert {"product_category": "TOTAL", "horizon_day": 1, "mean": 1300.0} in expected
    assert "forecast_categories.png" in figures.draw_figures(history, table, training.report, currency="USD")

    [category] = eda_data.load(warehouse.query).categories
    assert (category.name, category.revenue) == ("Electronics", MONEY)


def _publish(lake: Store, manifest: CleanManifest) -> None:
    """Publish a clean manifest without a raw one, as a load expects to find it."""
    Lake(lake, manifest.source).publish_clean(manifest)
