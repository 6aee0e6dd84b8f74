"""Landings that are joined with reference files: replayed with the version they were registered with, exactly."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from retail_assets.cleaning import job
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.landing.references import LandedReferences, are_current
from retail_assets.landing.register import register_landings
from retail_assets.quarantine.plan import ReplayError
from retail_assets.storage import Store
from retail_assets_tests.quarantine.rejected_cases import D1, D2, Shop

HEADER = "id,date,sku,qty,total"
_TEXT = """
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
{more}
references:
  products: {{on: product_id, key: SKU, columns: [Department], required: true}}
columns:
  transaction_id: {{header: id, required: true}}
  sold_at: {{header: date, required: true}}
  product_id: {{header: sku, required: true}}
  product_category: {{header: Department, default: UNKNOWN}}
  quantity: {{header: qty, required: true}}
  total_amount: {{header: total, required: true}}
"""
STRICT = loading.parse(_TEXT.format(more="dates: {order: dmy}"), "test")
LENIENT = loading.parse(_TEXT.format(more="dates: {order: dmy, formats: ['%Y.%m.%d']}"), "test")


class Joined(Shop):
    """A shop whose landings are registered with their references."""

    def clean(self, with_contract: Contract, *days: dt.date) -> list[CleanManifest]:
        manifests = register_landings(self.raw, self.lake, list(days), with_contract).manifests
        cleaned = job.clean(self.session, self.raw, self.lake, manifests, with_contract, f"clean-{len(self.state())}")
        for result in cleaned:
            self.lake.publish_clean(result)
        return cleaned

    def master(self, day: dt.date, *lines: str) -> None:
        self.raw.write(f"shop/references/products/dt={day}/p.csv", "\n".join(["SKU,Department", *lines, ""]).encode())

    def from_nothing(self, folder: Path, with_contract: Contract) -> dict[str, Any]:
        """Return the rows that cleaning all landings of the raw store gives with the versions of today."""
        scratch = Joined(self.raw, Lake(Store(str(folder)), "shop"), self.spark)
        scratch.clean(with_contract, *self.lake.landings("clean"))
        return scratch.judged()

    def judged(self) -> dict[str, Any]:
        return {str(d): {s: self.rows(d, s) for s in ("clean", "quarantine", "superseded")} for d in (D1, D2)}


@pytest.fixture
def shop(tmp_path: Path, spark: SparkSession) -> Joined:
    made = Joined.at(tmp_path / "shop", spark)
    assert isinstance(made, Joined)
    made.land(D1, "t1,2024-03-01,P1,1,5", "t2,2024.03.01,P2,1,5", "t3,2024-03-01,P9,1,5", header=HEADER)
    made.land(D2, "t4,2024.03.02,P9,1,5", "t5,2024-03-02,P2,1,7", "t5,2024-03-02,P1,1,8", header=HEADER)
    made.master(D1, "P1,Toys", "P2,Books")
    made.clean(STRICT, D1, D2)
    return made


@pytest.mark.spark
def test_a_replay_and_a_new_version_put_rows_where_cleaning_from_nothing_puts_them(
    shop: Joined, tmp_path: Path
) -> None:
    assert [r["reasons"] for r in shop.rows(D1, "quarantine")] == ["invalid_date", "missing_reference"]
    assert [r["reasons"] for r in shop.rows(D2, "quarantine")] == ["invalid_date,missing_reference"]
    shop.replay(LENIENT)
    assert shop.judged() == shop.from_nothing(tmp_path / "first", LENIENT)
    shop.assert_exact()

    # A late master, with a product that was missing and another department of one that was not.
    before = shop.judged()
    shop.master(D2, "P1,Toys", "P2,Food", "P9,Garden")
    latest = LandedReferences(shop.raw, "shop", LENIENT).digests(D2)
    assert not any(are_current(raw.references, latest) for raw, _ in shop.lake.cleaned())
    shop.replay(LENIENT, again=True)  # with the version that the clean rows are joined with
    assert shop.judged() == before
    shop.clean(LENIENT, D1, D2)
    assert all(are_current(raw.references, latest) for raw, _ in shop.lake.cleaned())
    assert shop.judged() == shop.from_nothing(tmp_path / "second", LENIENT) != before
    assert [r["product_category"] for d in (D1, D2) for r in shop.rows(d, "clean")] == [
        *("Toys", "Food", "Garden"),
        *("Garden", "Toys"),
    ]
    assert not shop.rows(D1, "quarantine")
    shop.assert_exact()


@pytest.mark.spark
def test_a_contract_with_another_reference_asks_for_the_whole_landing(shop: Joined) -> None:
    other = loading.parse(_TEXT.format(more="").replace("key: SKU", "key: Article"), "test")
    with pytest.raises(ReplayError, match="registered without the reference 'products' as this contract"):
        shop.replay(other)
