"""A shop with landed files of every format, which are really cleaned and loaded, and a person in all of them."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from retail_assets import settings as settings_module
from retail_assets.cleaning import job
from retail_assets.erasure.registration import without_erased
from retail_assets.lake.manifests import CleanManifest, RawManifest
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets_tests.quarantine.tasks_here import TasksHere

D1, D2, D3 = (dt.date(2024, 3, day) for day in (1, 2, 3))
NOW = dt.datetime(2024, 3, 9, 12, tzinfo=dt.UTC)
HEADER = ["id", "receipt", "date", "customer", "category", "qty", "price", "total"]

#: Whom the tests erase: nothing else in a home looks like this.
PERSON = "Zq7-ERASE-ME-4711"

CONTRACT = """
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
dates: {order: dmy}
quarantine_limit: 1
columns:
  transaction_id: {header: id, required: true}
  order_id: {header: receipt}
  sold_at: {header: date, required: true}
  customer_id: {header: customer}
  product_category: {header: category, required: true}
  quantity: {header: qty, required: true}
  unit_price: {header: price, required: true}
  total_amount: {header: total, required: true}
"""


class Shop:
    """A home below a folder, without Dagster and Spark: files are landed, cleaned and loaded by the product's code."""

    def __init__(self, folder: Path, more: Mapping[str, str] | None = None, contract: str = CONTRACT) -> None:
        self.folder = folder
        (folder / "shop.yaml").write_text(contract)
        self.environ = {
            "RETAIL_HOME": str(folder / "home"),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_SOURCE": str(folder / "shop.yaml"),
            **(more or {}),
        }
        self.platform = self.opened()

    def opened(self) -> Platform:
        return Platform(settings_module.load(self.environ), wait_seconds=10)

    def land(self, day: dt.date, name: str, data: bytes) -> None:
        self.platform.raw.write(f"shop/dt={day}/{name}", data)

    def register(self, *days: dt.date) -> list[RawManifest]:
        p = self.platform
        without = without_erased(p.settings, p.raw, p.lake)
        return list(register_landings(p.raw, p.lake, list(days), p.settings.contract, without).manifests)

    def clean(self, *days: dt.date) -> list[CleanManifest]:
        p = self.platform
        landings = [p.lake.raw(day) for day in days]
        session: Any = TasksHere
        run_id = f"run{len(p.lake.store.list('shop'))}"
        manifests = job.clean(session, p.raw, p.lake, landings, p.settings.contract, run_id)
        for manifest in manifests:
            p.lake.publish_clean(manifest)
        return manifests

    def load(self, *days: dt.date) -> None:
        p = self.platform
        p.warehouse.load_landings(p.lake.store, [p.lake.clean(day) for day in days])

    def run(self, *days: dt.date) -> None:
        self.register(*days)
        self.clean(*days)
        self.load(*days)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.platform.warehouse.query(sql).to_pylist()]

    def conserved(self, *, controlled: bool = True) -> None:
        """Every landed line is accounted for, and money too; the current sales are those that the landings define.

        Files with records of several lines have no control totals (`controlled`), erased or not.
        """
        from retail_assets.defs.checks.conservation import compared_with_raw
        from retail_assets.warehouse.loads import current_sales

        for raw, clean in self.platform.lake.cleaned():
            assert raw.digest == clean.raw_digest
            assert (raw.lines + raw.erased_lines, raw.erased) == (clean.lines + clean.erased_lines, clean.erased)
            assert clean.landed_rows == sum(clean.rows(s) for s in clean.files) + clean.erased
        money = compared_with_raw(self.platform.lake.cleaned())
        assert not money.differences
        assert bool(money.without_control_total) is not controlled
        columns = "transaction_id, customer_id, total_amount, landed_on, source_file, source_line"
        current = f"SELECT {columns} FROM ({current_sales('sales_clean')}) AS c ORDER BY transaction_id"
        assert self.ask(f"SELECT {columns} FROM sales ORDER BY transaction_id") == self.ask(current)


def row(number: int, customer: str | None, *, receipt: str = "", total: str = "10.00", day: int = 1) -> list[str]:
    name = f"T{number}"
    return [name, receipt or f"R{number}", f"{day:02}.03.2024", customer or "", "Food", "1", "10.00", total]


def csv(rows: list[list[str]], end: str = "\n") -> bytes:
    return (end.join(",".join(cells) for cells in [HEADER, *rows]) + end).encode()


def packed(rows: list[list[str]]) -> bytes:
    return gzip.compress(csv(rows), mtime=0)


def json_lines(rows: list[list[str]]) -> bytes:
    return "".join(json.dumps(dict(zip(HEADER, cells, strict=True))) + "\n" for cells in rows).encode()


def parquet(rows: list[list[str]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({name: [cells[i] for cells in rows] for i, name in enumerate(HEADER)}), sink)
    return sink.getvalue()


def workbook(rows: list[list[str]]) -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet("Sales")
        for number, cells in enumerate([HEADER, *rows]):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)
    return sink.getvalue()


def files(start: int, person: str) -> dict[str, bytes]:
    """Return a file of every format with two rows of the person between rows of others, numbered from `start`."""
    made: dict[str, bytes] = {}
    for place, (name, write) in enumerate(
        {
            "plain.csv": csv,
            "packed.csv.gz": packed,
            "lines.jsonl": json_lines,
            "columns.parquet": parquet,
            "book.xlsx": workbook,
        }.items()
    ):
        at = start + 100 * place
        rows = [row(at + i, f"C{i}") for i in range(6)]
        rows[2] = row(at + 2, f" {person} ")
        rows[4] = row(at + 4, person)
        made[name] = write(rows)
    return made
