"""A small shop whose files are really landed, cleaned and replayed, and what the lake contains afterwards."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from retail_assets.cleaning import job
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.landing.register import inspect_landings
from retail_assets.quarantine import replay as replaying
from retail_assets.quarantine.move import Replayed
from retail_assets.quarantine.plan import LandingPlan, plan
from retail_assets.quarantine.rows import Selection, landings, read_table
from retail_assets.storage import Store

HEADER = "id,date,category,qty,price,total"
D1, D2, D3 = (dt.date(2024, 3, day) for day in (1, 2, 3))

_BASE = """
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
{more}
columns:
  transaction_id: {{header: id, required: true{numbered}}}
  sold_at: {{header: date, required: true}}
  product_category: {{header: category, required: true{default}}}
  quantity: {{header: qty, required: true}}
  unit_price: {{header: price, required: true}}
  total_amount: {{header: total, required: true}}
"""


def contract(more: str = "dates: {order: dmy}", default: str = "", numbered: bool = False) -> Contract:
    text = _BASE.format(
        more=more, default=f", default: {default}" if default else "", numbered=", occurrence: true" if numbered else ""
    )
    return loading.parse(text, "test")


def composed(more: str, *columns: str) -> Contract:
    """Return a contract whose transaction ids are composed of several columns."""
    before = contract(more)
    ids = before.columns["transaction_id"].model_copy(update={"header": None, "compose": columns})
    return before.model_copy(update={"columns": {**before.columns, "transaction_id": ids}})


STRICT = contract()
#: Reads everything that STRICT reads, and more: another date format, thousands, sales without a category.
LENIENT = contract(
    "dates: {order: dmy, formats: ['%Y.%m.%d'], earliest: 1900-01-01}\n"
    "numbers: {decimal: '.', thousands: ','}\namount_tolerance: '5.00'",
    default="Unknown",
)


@dataclass
class Shop:
    """Raw store and lake of one source. `clean` and `replay` publish, as the assets do."""

    raw: Store
    lake: Lake
    spark: SparkSession

    @classmethod
    def at(cls, folder: Path, spark: SparkSession, raw: Store | None = None) -> Shop:
        return cls(raw or Store(str(folder / "raw")), Lake(Store(str(folder / "lake")), "shop"), spark)

    def session(self) -> SparkSession:
        return self.spark

    def land(self, day: dt.date, *lines: str, name: str = "sales.csv", header: str = HEADER) -> None:
        self.raw.write(f"shop/dt={day}/{name}", "\n".join([header, *lines, ""]).encode())

    def clean(self, with_contract: Contract, *days: dt.date) -> list[CleanManifest]:
        manifests = inspect_landings(self.raw, "shop", list(days), with_contract)
        for manifest in manifests:
            self.lake.publish_raw(manifest)
        cleaned = job.clean(
            self.session, self.raw, self.lake, manifests, with_contract, f"clean-{len(with_contract.digest)}"
        )
        for result in cleaned:
            self.lake.publish_clean(result)
        return cleaned

    def plan(self, with_contract: Contract, selection: Selection, again: bool = False) -> list[LandingPlan]:
        chosen = landings(self.lake, selection)
        return [p for p in plan(self.raw, self.lake, with_contract, chosen, selection, again=again) if p.selected]

    def replay(
        self,
        with_contract: Contract,
        selection: Selection | None = None,
        *,
        again: bool = False,
        publish: bool = True,
        session: Callable[[], SparkSession] | None = None,
    ) -> list[Replayed]:
        selection = selection or Selection()
        plans = self.plan(with_contract, selection, again)
        return replaying.replay(
            session or self.session,
            self.raw,
            self.lake,
            with_contract,
            plans,
            selection,
            again=again,
            publish=publish,
            lock_seconds=60,
        )

    def replay_and_clean(self, with_contract: Contract, selection: Selection | None = None) -> list[Replayed]:
        """Replay, and clean the landings that a replay leaves to cleaning, as the command does."""
        results = self.replay(with_contract, selection)
        if days := [r.landed_on for r in results if r.whole]:
            self.clean(with_contract, *days)
        return results

    def rows(self, day: dt.date, status: str) -> list[dict[str, Any]]:
        files = self.lake.clean(day).files[status]  # type: ignore[index]
        rows = [row for f in files for row in read_table(self.lake, f).to_pylist()]
        return sorted(rows, key=lambda row: (row["source_file"], row["source_line"]))

    def ids(self, day: dt.date, status: str = "clean") -> list[tuple[str, int]]:
        return [(row["transaction_id"], row["source_line"]) for row in self.rows(day, status)]

    def state(self) -> dict[str, Any]:
        """Return the rows of every landing in the lake, and what each manifest says about them."""
        return {
            str(day): {
                "raw": self.lake.clean(day).raw_digest,
                "reasons": self.lake.clean(day).reasons,
                **{s: self.rows(day, s) for s in STATUSES},
                **{f"{s} account": _account(self.lake.clean(day), s) for s in STATUSES},
            }
            for day in self.lake.landings("clean")
        }

    def assert_exact(self) -> None:
        """Check that every raw line is in one row, manifests match their files, and no transaction occurs twice."""
        for raw, manifest in self.lake.cleaned():
            day = manifest.landed_on
            assert manifest.lines == raw.lines
            assert manifest.raw_digest == raw.digest
            rows = {s: self.rows(day, s) for s in STATUSES}
            places = [(r["source_file"], r["source_line"]) for of_status in rows.values() for r in of_status]
            assert len(set(places)) == len(places) == manifest.landed_rows
            for status, of_status in rows.items():
                money = sum((r["total_amount"] or Decimal(0) for r in of_status), Decimal("0.00"))
                assert (len(of_status), money) == _account(manifest, status)[:2]
                for file in manifest.files[status]:
                    assert self.lake.store.local_path(file.key).stat().st_size == file.size
            ids = [r["transaction_id"] for r in rows["clean"]]
            assert len(set(ids)) == len(ids)
            counted = Counter(name for r in rows["quarantine"] for name in r["reasons"].split(","))
            assert manifest.reasons == dict(counted)


def _account(manifest: CleanManifest, status: Any) -> tuple[int, Decimal, int]:
    return manifest.rows(status), manifest.amount(status), sum(f.lines for f in manifest.files[status])
