"""A platform with real landings, tables and models, all of it good: each test does one kind of damage."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from retail_assets.defs.assets.eda_tables import TABLES
from retail_assets.defs.checks.conservation import conservation_checks
from retail_assets.defs.checks.daily_quality import daily_quality_checks
from retail_assets.defs.checks.figures import figure_checks
from retail_assets.defs.checks.identity import identity_checks
from retail_assets.defs.checks.landing import landing_checks
from retail_assets.defs.checks.models import model_checks
from retail_assets.defs.checks.notes import note_checks
from retail_assets.defs.checks.reconciliation import reconciliation_checks
from retail_assets.defs.checks.segments import segment_checks
from retail_assets.defs.checks.serving import serving_checks
from retail_assets.defs.checks.tables import table_checks
from retail_assets.defs.checks.usual_landings import usual_landing_checks
from retail_assets.eda.daily_quality import daily_quality
from retail_assets.exports.bundle.content import NothingToServeError
from retail_assets.exports.bundle.publish import publish_bundle
from retail_assets.lake.manifests import CleanManifest, RawManifest
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.settings import Settings
from retail_assets.settings import load as load_settings
from retail_assets.tables import (
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    DIM_CUSTOMER,
    DIM_DATE,
    DIM_PRODUCT,
    DIM_STORE,
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    INSIGHTS,
    SALES_FORECAST,
    SUMMARY_STATISTICS,
    Table,
)
from retail_assets.warehouse import marts
from retail_assets_tests.warehouse.landings import DAY, Row, line, rejected, write

_OF_EDA = [table for table, _, _ in TABLES.values()]
NEXT = DAY + dt.timedelta(days=1)
HORIZON = 3


def checks_of(platform: Platform) -> dict[tuple[str, str], dg.AssetChecksDefinition]:
    """Return every check by (asset, name)."""
    checks = [
        *landing_checks(platform),
        *conservation_checks(platform),
        *usual_landing_checks(platform),
        *identity_checks(platform),
        *note_checks(platform),
        *reconciliation_checks(platform),
        *table_checks(platform),
        *daily_quality_checks(platform),
        *figure_checks(platform),
        *model_checks(platform),
        *segment_checks(platform),
        *serving_checks(platform),
    ]
    return {(spec.asset_key.to_user_string(), spec.name): check for check in checks for spec in check.check_specs}


@dataclass(frozen=True)
class Run:
    """What a check needs of its context: the partitions of the run."""

    days: tuple[dt.date, ...]

    @property
    def run(self) -> SimpleNamespace:
        return SimpleNamespace(run_id="this run")

    @property
    def has_partition_key(self) -> bool:
        return len(self.days) == 1

    @property
    def has_partition_key_range(self) -> bool:
        return len(self.days) > 1

    @property
    def partition_keys(self) -> list[str]:
        return [str(day) for day in self.days]


_ENDS = ("p025", "p10", "p50", "p90", "p975")


def _any_row(table: Table) -> dict[str, object]:
    """Return a row that the table allows."""
    kinds: dict[str, object] = {
        "date": dt.date(2024, 2, 29), "timestamp": dt.datetime(2024, 3, 1), "boolean": True, "double": 1.0,
        "integer": 7, "bigint": 7,
    }  # fmt: skip
    money = dict.fromkeys((c.type for c in table.columns if c.type.startswith("decimal")), Decimal(7))
    return {column.name: (kinds | money).get(column.type, "x") for column in table.columns}


@dataclass
class Shop:
    """The platform, and the ways to build and to damage what is in it."""

    platform: Platform

    @cached_property
    def checks(self) -> dict[tuple[str, str], dg.AssetChecksDefinition]:
        """Every check by (asset, name), built once: all of them together take 26 ms."""
        return checks_of(self.platform)

    def check(self, asset: str, name: str, *days: dt.date) -> dg.AssetCheckResult:
        """Return the result of one check in a run of these landings. Raises Failure if the check cannot run."""
        compute: Any = self.checks[asset, name].op.compute_fn
        run = Run(days)
        result = compute.decorated_fn(*([run] if compute.has_context_arg() else []))
        assert isinstance(result, dg.AssetCheckResult)
        return result

    def land(
        self,
        day: dt.date,
        sold: Sequence[Row],
        quarantined: Sequence[Row] = (),
        *,
        run: str = "run",
        **file: object,
    ) -> CleanManifest:
        """Register and clean a landing of one file; `file` changes its profile."""
        contract = self.platform.settings.contract.digest
        amounts = [row["total_amount"] for row in (*sold, *quarantined) if row["total_amount"] is not None]
        rows = len(sold) + len(quarantined)
        defaults: dict[str, object] = {
            "key": f"{self.platform.source}/dt={day}/a.csv",
            "size": 10,
            "sha256": f"{day}{run}",
            "format": "csv",
            "compression": None,
            "encoding": "utf-8",
            "delimiter": ",",
            "line_end": "\n",
            "header": [],
            "header_lines": 1,
            "positions": {},
            "unknown_columns": [],
            "missing_columns": [],
            "lines": rows,
            "control": Control(rows, 0, str(sum(amounts, Decimal("0.00")))),
        }
        files = (FileProfile(**defaults | file),) if rows else ()  # type: ignore[arg-type]
        raw = RawManifest(self.platform.source, day, contract, files)
        self.platform.lake.publish_raw(raw)
        manifest = write(self.platform.lake, day, sold, quarantined, run=run)
        manifest = replace(manifest, contract=contract, raw_digest=raw.digest)
        self.platform.lake.publish_clean(manifest)
        return manifest

    def load(self, *manifests: CleanManifest) -> None:
        self.platform.warehouse.load_landings(self.platform.lake.store, manifests)

    def derive(self) -> None:
        """Make every table that follows from `sales`."""
        warehouse = self.platform.warehouse
        [span] = warehouse.query(marts.SALES_SPAN).to_pylist()
        days = DIM_DATE.arrow_schema().empty_table()
        if span["first_day"]:
            days = marts.dim_date(span["first_day"], span["last_day"], "US")
        warehouse.replace(DIM_DATE, days)
        warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
        warehouse.rebuild(DIM_PRODUCT, marts.DIM_PRODUCT)
        warehouse.rebuild(DIM_STORE, marts.DIM_STORE)
        warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
        warehouse.rebuild(DAILY_STORE_CATEGORY_SALES, marts.DAILY_STORE_CATEGORY_SALES)
        categories = warehouse.query("SELECT DISTINCT product_category AS c FROM sales ORDER BY c").to_pylist()
        forecast = [
            {
                "product_category": row["c"],
                "forecast_date": span["last_day"] + dt.timedelta(days=day),
                "cutoff_date": span["last_day"],
                "horizon_day": day,
                "mean": 1.5,
                **dict.fromkeys(_ENDS, 1.5),
                "seasonal_naive": 1.0,
                "method": "gradient_boosting",
                "model_version": "v1",
                "issued_at": dt.datetime(2024, 3, 1),
            }
            for row in categories
            for day in range(1, HORIZON + 1)
        ]
        if forecast:
            parts = len({row["product_category"] for row in forecast})
            forecast += [
                {**row, "product_category": "TOTAL", "mean": 1.5 * parts, **dict.fromkeys(_ENDS, 1.5 * parts)}
                for row in forecast[:HORIZON]
            ]
        warehouse.replace(DAILY_QUALITY, daily_quality(self.platform.lake.clean_landings()))
        for table in (FORECAST_BACKTEST, FORECAST_ACCURACY, INSIGHTS, SUMMARY_STATISTICS):
            warehouse.replace(table, pa.Table.from_pylist([_any_row(table)], schema=table.arrow_schema()))
        warehouse.replace(SALES_FORECAST, pa.Table.from_pylist(forecast, schema=SALES_FORECAST.arrow_schema()))
        make_features(warehouse)
        for version in ("v1", "none"):  # twice, so that there are migrations
            score_all(warehouse, None, version)
        make_profiles(warehouse)
        make_migrations(warehouse)
        with contextlib.suppress(NothingToServeError):
            publish_bundle(
                warehouse, self.platform.output, self.platform.model_store(SEGMENTS), self.platform.serving,
                source=self.platform.source, contract=self.platform.settings.contract, catalog=DEFAULT, checks=(),
                now=dt.datetime(2024, 3, 2, tzinfo=dt.UTC), keep_days=7,
            )  # fmt: skip
        for table in _OF_EDA:  # after the bundle, whose charts are drawn from them
            warehouse.replace(table, pa.Table.from_pylist([_any_row(table)], schema=table.arrow_schema()))

    def damage(self, *statements: str) -> None:
        """Change the database without the product."""
        with duckdb.connect(str(self.platform.settings.duckdb_path)) as connection:
            connection.execute(f"SET schema = '{self.platform.source}'")
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def empty_shop(settings: Settings) -> Shop:
    """Return a shop without landings or a warehouse."""
    return Shop(Platform(settings))


@pytest.fixture(scope="session")
def good_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two landings, the second with a correction, a superseded line, a rejected one and a return; all tables made."""
    home = tmp_path_factory.mktemp("good")
    shop = Shop(Platform(load_settings({"RETAIL_HOME": str(home)})))
    source = shop.platform.source
    defaults: dict[str, Any] = {"source": source, "customer_id": "ann", "product_id": "P1"}
    first = [line("A", 100, **defaults), line("B", 200, at=3, source=source, product_category="Tea")]
    second = [
        line("B", 250, NEXT, source=source, product_category="Tea"),
        line("C", -40, NEXT, at=3, **defaults | {"customer_id": "bob"}),
        line("C", -40, NEXT, at=4, **defaults | {"customer_id": "bob"}),
        *[line(f"D{i}", i, NEXT, at=10 + i, source=source) for i in range(1, 60)],
    ]
    shop.load(
        shop.land(DAY, first),
        shop.land(NEXT, second, [rejected(9, NEXT, cents=77) | {"source": source}]),
    )
    shop.derive()
    return home


@pytest.fixture
def shop(empty_shop: Shop, good_home: Path) -> Shop:
    """Return a copy of the good shop, to be damaged."""
    shutil.copytree(good_home, empty_shop.platform.settings.home)
    return empty_shop


Damage = Callable[[Shop], None]
