"""A small shop whose first landing is loaded, is then corrected, and gets a second one: what every fault interrupts.

The corrected landing changes a row, withdraws one, fixes a rejected one and repeats one. The second landing corrects a
transaction of the first. So a step that is half done, done twice or not at all shows in the tables.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets import settings as settings_module
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest
from retail_assets.landing.land import land_file
from retail_assets.platform import Platform
from retail_assets.samples.synthetic import HEADER, SOURCE
from retail_assets.storage import Store
from retail_assets_tests.dagster_home import dagster_home
from retail_assets_tests.warehouse.landings import held

FIRST = dt.date(2024, 1, 10)
SECOND = dt.date(2024, 1, 11)
_PATH = ("raw_sales_files", "clean_sales", "quarantined_sales", "sales", "sales_quarantine")
RAW_TO_SALES = " or ".join(f'key:"{name}"' for name in _PATH)


def csv(*sales: tuple[str, int]) -> bytes:
    """Make a file for the contract `retail_sales`, one line per (transaction, cents). `!X` has no date."""
    lines = [HEADER]
    for transaction, cents in sales:
        money = Decimal(cents).scaleb(-2)
        date = "yesterday" if transaction.startswith("!") else "2024-01-09"
        lines.append(f"{transaction.lstrip('!')},{date},CUST1,Female,30,Beauty,1,{money},{money}")
    return ("\n".join(lines) + "\n").encode()


#: The first landing, the same corrected, and the second landing. Later lines of a transaction supersede earlier ones.
LANDED = csv(("T1", 1000), ("T1", 1100), ("T2", 2000), ("!T3", 3000), ("T4", 4000))
CORRECTED = csv(("T4", 3900), ("T4", 4000), ("T1", 1200), ("T3", 3000), ("!T9", 900))
NEXT = csv(("T5", 5100), ("T4", 4500), ("!T8", 800), ("T5", 5500))

#: The tables before and after: transaction -> (cents, landing), and rows of `sales_clean` and quarantine.
BEFORE = {"T1": (1100, FIRST), "T2": (2000, FIRST), "T4": (4000, FIRST)}, 3, 1
AFTER = {"T1": (1200, FIRST), "T3": (3000, FIRST), "T4": (4500, SECOND), "T5": (5500, SECOND)}, 5, 2

Tables = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Home:
    """One installation of the shop below a folder, which can be copied as it is."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "RETAIL_HOME": str(self.folder),
            "RETAIL_OUTPUT": str(self.folder / "output"),
            "RETAIL_START_DATE": FIRST.isoformat(),
            "RETAIL_END_DATE": SECOND.isoformat(),
            "RETAIL_SPARK": "local[2]",
            "RETAIL_SPARK_MEMORY": "1g",
        }

    @property
    def platform(self) -> Platform:
        return Platform(settings_module.load(self.environ))

    @property
    def lake(self) -> Lake:
        return self.platform.lake

    def land(self, day: dt.date, data: bytes, name: str = "till.csv") -> None:
        """Land a file as `retail-assets land --replace` does."""
        delivery = self.folder / "delivered" / name
        delivery.parent.mkdir(parents=True, exist_ok=True)
        delivery.write_bytes(data)
        land_file(delivery, self.platform.raw, SOURCE, day, replace=True)

    def materialize(self, first: dt.date = FIRST, last: dt.date = SECOND, select: str = RAW_TO_SALES) -> None:
        """Run what `retail-assets materialize` and Dagster run, recorded in this home's Dagster instance."""
        from retail_assets.defs import execute

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(dagster_home(self.folder / "dagster")))
            execute.materialize(settings_module.load(self.environ), select, first, last)

    def tables(self) -> Tables:
        """Return every row of `sales_clean`, `sales_quarantine` and `sales`."""
        return held(self.platform.warehouse)

    def copy(self, folder: Path) -> Home:
        shutil.copytree(self.folder, folder)
        return Home(folder)

    def orphans(self) -> set[str]:
        """Return files of the lake that no manifest and no register is, or names; temporary files too."""
        named = {k for day in self.lake.landings("clean") for s in STATUSES for k in self.lake.clean(day).keys(s)}
        root = self.lake.store.local_path(SOURCE)
        files = {f"{SOURCE}/{p.relative_to(root).as_posix()}" for p in root.rglob("*") if p.is_file()}
        registers = {f"{SOURCE}/register/{kind}.json.gz" for kind in ("raw", "clean", "rejected")}
        return {key for key in files if not key.endswith("/manifest.json")} - named - registers


def summarized(tables: Tables) -> tuple[dict[str, tuple[int, dt.date]], int, int]:
    """Return tables in the form of BEFORE and AFTER."""
    from retail_assets.tables import SALES

    at = [SALES.names.index(n) for n in ("transaction_id", "total_amount", "landed_on")]
    sales = {row[at[0]]: (int(row[at[1]] * 100), row[at[2]]) for row in tables["sales"]}
    return sales, len(tables["sales_clean"]), len(tables["sales_quarantine"])


@dataclass(frozen=True)
class Scenario:
    """The shop before (the correction and the second landing have landed, nothing else) and after a run over both."""

    before: Home
    after: Home
    tables_before: Tables
    tables_after: Tables
    killed_long_ago: tuple[str, ...]  # keys that the next run is to sweep


def recorded(homes: Iterable[Home]) -> Callable[..., list[CleanManifest]]:
    """`cleaning.job.clean` without Spark, for landings that Spark has cleaned in one of these homes.

    What it wrote there is written again under the new run id, through the store, and so is the manifest.
    """
    lakes = [home.lake for home in homes]
    recorded_landings = {m.raw_digest: (lake, m) for lake in lakes for m in map(lake.clean, lake.landings("clean"))}

    def clean(
        session: object, raw: Store, lake: Lake, landings: Sequence[RawManifest], contract: Contract, run_id: str
    ) -> list[CleanManifest]:
        done = []
        for landing in landings:
            origin, manifest = recorded_landings[landing.digest]
            files = {status: list(manifest.files[status]) for status in STATUSES}
            for status in STATUSES:
                for number, file in enumerate(files[status]):
                    key = lake.data_key(landing.landed_on, run_id, f"{status}-{number}")
                    lake.store.write(key, origin.store.read(file.key))
                    files[status][number] = replace(file, key=key)
            named = {status: tuple(files[status]) for status in STATUSES}
            done.append(replace(manifest, run_id=run_id, files=named))
        return done

    return clean
