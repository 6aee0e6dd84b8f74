"""Another version of a reference file: the landings that it changes are requested once, some at a tick; no others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets import settings as settings_module
from retail_assets.cleaning.reference_changes import Unaffected
from retail_assets.defs import late_references, sensors
from retail_assets.defs.build import build_defs
from retail_assets.defs.jobs import jobs
from retail_assets.defs.sensors import INGEST, PIPELINE, Cursor
from retail_assets.lake.manifests import CleanManifest
from retail_assets.landing.register import register_landings
from retail_assets.platform import Platform
from retail_assets_tests.landing.test_references import BASE, COLUMNS
from retail_assets_tests.warehouse.landings import line, rejected, write

DAYS = [dt.date(2024, 3, day) for day in (1, 2, 3)]
MASTER = "references:\n  products: {on: product_id, key: SKU, columns: [Department]}\n"
CONTRACT = BASE + MASTER + COLUMNS.replace("  gender: {header: Sex}\n  age: {header: Age}\n", "")
FIRST = "SKU,Department\nP1,Toys\nP2,Books\nP3,Food\n"


class Shop:
    """A raw store on S3 whose sales are joined with a product master, and the sensor over it."""

    def __init__(self, s3: Any, bucket: str, environ: dict[str, str], folder: Path) -> None:
        (folder / "shop.yaml").write_text(CONTRACT)
        self.s3, self.bucket = s3, bucket
        self.settings = settings_module.load(
            {
                **environ,
                "RETAIL_SOURCE": str(folder / "shop.yaml"),
                "RETAIL_RAW_URI": f"s3://{bucket}/raw",
                "RETAIL_LAKE_URI": f"s3://{bucket}/lake",
                "RETAIL_START_DATE": str(DAYS[0]),
            }
        )
        self.platform = Platform(self.settings)
        self.cursor: str | None = None
        self.notes = ""

    def put(self, key: str, data: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"raw/shop/{key}", Body=data.encode())

    def master(self, data: str, day: dt.date = DAYS[0]) -> None:
        self.put(f"references/products/dt={day}/products.csv", data)

    def sell(self, day: dt.date, *products: str) -> None:
        lines = [f"{day}-{n},{day},,{product},1,5.00\n" for n, product in enumerate(products)]
        self.put(f"dt={day}/s.csv", "".join(["id,date,card,sku,qty,total\n", *lines]))

    def run(self, day: dt.date, *products: str | None, reasons: dict[str, int] | None = None) -> None:
        """Register a landing and publish a result of cleaning it, as a run does."""
        platform, contract = self.platform, self.settings.contract
        [raw] = register_landings(platform.raw, platform.lake, [day], contract).manifests
        rows = [line(f"T{n}", 100, day, at=n + 2, product_id=product) for n, product in enumerate(products)]
        written = vars(write(platform.lake, day, rows, [rejected(9, day)] if reasons else []))
        known = {"raw_digest": raw.digest, "contract": contract.digest, "reasons": reasons or {}}
        platform.lake.publish_clean(CleanManifest(**{**written, **known}))

    def tick(self, settled_seconds: float = 0) -> list[tuple[str, str]]:
        """Partition and job of each run that the next tick asks for; the cursor moves on."""
        sensor = sensors.landing_sensor(self.platform, jobs(), settled_seconds=settled_seconds)
        context = dg.build_sensor_context(cursor=self.cursor, definitions=build_defs(self.settings))
        result: Any = sensor.evaluate_tick(context)
        self.cursor, self.notes = result.cursor, result.skip_message or ""
        return [(r.partition_key, r.job_name) for r in result.run_requests]


@pytest.fixture
def shop(s3: Any, bucket: str, environ: dict[str, str], tmp_path: Path) -> Shop:
    """Three landings, loaded with the first version of the master; the sensor has seen all of it."""
    made = Shop(s3, bucket, environ, tmp_path)
    made.master(FIRST)
    for day, product in zip(DAYS, ("P1", "P2", "P3"), strict=True):
        made.sell(day, product)
    made.tick()
    for day, product in zip(DAYS, ("P1", "P2", "P3"), strict=True):
        made.run(day, product)
    assert made.tick() == []
    return made


def test_only_landings_whose_rows_change_are_requested_and_once(shop: Shop) -> None:
    novels = FIRST.replace("Books", "Novels")
    shop.master(novels)
    assert shop.tick() == [(str(DAYS[1]), PIPELINE)]
    assert shop.tick() == []
    assert set(Unaffected.read(shop.platform.lake).marks) == {str(DAYS[0]), str(DAYS[2])}
    shop.run(DAYS[1], "P2")
    shop.master(novels + "P4,New\n", DAYS[1])  # a product that nobody has sold yet
    assert shop.tick() == []
    shop.master(novels.replace("P3,Food\n", ""), DAYS[2])  # withdrawn
    assert shop.tick() == [(str(DAYS[2]), PIPELINE)]


def test_a_late_master_is_requested_for_orphans_and_rows_that_it_may_rescue(shop: Shop) -> None:
    shop.run(DAYS[0], "P1", "P9")  # an orphan
    shop.run(DAYS[1], "P2", reasons={"missing_category": 1})
    shop.run(DAYS[2], "P3", reasons={"invalid_date": 1})  # of the file alone
    shop.master(FIRST + "P9,Garden\n", DAYS[2])
    assert shop.tick() == [(str(DAYS[0]), INGEST), (str(DAYS[1]), PIPELINE)]
    assert shop.tick() == []


def test_a_landing_whose_run_failed_without_a_master_is_requested_when_it_lands(
    s3: Any, bucket: str, environ: dict[str, str], tmp_path: Path
) -> None:
    shop = Shop(s3, bucket, environ, tmp_path)
    shop.sell(DAYS[0], "P1")
    assert shop.tick() == [(str(DAYS[0]), PIPELINE)]
    assert shop.tick() == []
    shop.master(FIRST)
    assert shop.tick(settled_seconds=3600) == []
    assert "reference files are still arriving" in shop.notes
    assert shop.tick() == [(str(DAYS[0]), PIPELINE)]
    assert shop.tick() == []


def test_a_tick_requests_so_many_and_the_next_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_references, "REQUESTED_PER_TICK", 2)
    shop.master("SKU,Department\nP1,a\nP2,b\nP3,c\n")
    assert shop.tick() == [(str(DAYS[0]), INGEST), (str(DAYS[1]), PIPELINE)]
    assert shop.tick() == [(str(DAYS[2]), PIPELINE)]
    assert shop.tick() == []


def test_a_master_that_cannot_be_used_requests_nothing_and_says_why(shop: Shop) -> None:
    shop.master("SKU,Department\nP1,a\nP1,b\n")
    assert shop.tick() == []
    assert "cannot be used" in shop.notes
    assert "the key 'P1' has Department" in shop.notes
    assert shop.tick() == []
    shop.master(FIRST.replace("Toys", "Games"))
    assert shop.tick() == [(str(DAYS[0]), PIPELINE)]


def test_a_cursor_of_before_compares_all_landings_once(shop: Shop) -> None:
    """A cursor of an earlier version knows nothing of reference files."""
    cursor = Cursor.read(shop.cursor, f"s3://{shop.bucket}/raw/shop")
    assert Cursor.read(cursor.text(), cursor.place) == cursor
    cursor.references = late_references.Progress()
    assert "references" not in cursor.text()
    shop.master(FIRST.replace("Toys", "Games"))
    shop.cursor = cursor.text()
    assert shop.tick() == [(str(DAYS[0]), PIPELINE)]
