"""A lake and a warehouse of either kind, and how another process gets to the same ones."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from retail_assets.lake.lake import Lake
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets.storage import Store
from retail_assets.warehouse.protocol import Warehouse
from retail_assets_tests.services.redshift.stack import Stack
from retail_assets_tests.warehouse.landings import DAY, SOURCE, Row, defined, held, line, publish, rejected

NEXT = DAY + dt.timedelta(days=1)
Kind = Literal["duckdb", "redshift", "live"]


@dataclass(frozen=True)
class Recipe:
    """How a process of its own gets to the same lake and warehouse."""

    kind: Kind
    lake_uri: str
    schema: str
    database: Path | None = None
    settings: RedshiftSettings | None = None
    environ: dict[str, str] = field(default_factory=dict)

    def open(self) -> tuple[Lake, Warehouse]:
        os.environ.update(self.environ)
        lake = Lake(Store(self.lake_uri), SOURCE)
        if self.settings is not None:
            from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse

            prefix = f"{self.schema}/warehouse"
            return lake, RedshiftWarehouse(
                self.settings, self.schema, lake.store, prefix, wait_seconds=60, attempts=10, pause_seconds=0.05
            )
        from retail_assets.warehouse.duckdb import DuckDBWarehouse

        assert self.database is not None
        return lake, DuckDBWarehouse(self.database, self.schema, wait_seconds=60)


@dataclass
class Place:
    """A lake with two landings, of which the first is loaded."""

    kind: Kind
    lake: Lake
    warehouse: Warehouse
    recipe: Recipe
    stack: Stack | None = None
    first: list[Row] = field(default_factory=lambda: [line("A", 100), line("B", 200, at=3), line("C", 300, at=4)])
    second: list[Row] = field(default_factory=lambda: [line("B", -50, NEXT), line("D", 400, NEXT, at=3)])

    def prepare(self) -> Place:
        self.load(publish(self.lake, DAY, self.first, [rejected(9)]))
        publish(self.lake, NEXT, self.second, [rejected(8, NEXT)])
        return self

    def load(self, *manifests: Any) -> Any:
        return self.warehouse.load_landings(self.lake.store, manifests)

    def rerun(self) -> None:
        self.load(self.lake.clean(NEXT))

    def held(self) -> dict[str, list[tuple[Any, ...]]]:
        return held(self.warehouse)

    @property
    def before(self) -> dict[str, list[tuple[Any, ...]]]:
        return defined({DAY: self.first}, {DAY: [rejected(9)]})

    @property
    def after(self) -> dict[str, list[tuple[Any, ...]]]:
        return defined({DAY: self.first, NEXT: self.second}, {DAY: [rejected(9)], NEXT: [rejected(8, NEXT)]})


def duckdb_place(folder: Path) -> Place:
    lake = Lake(Store(str(folder / "lake")), SOURCE)
    recipe = Recipe("duckdb", lake.store.uri, SOURCE, folder / "retail.duckdb")
    return Place("duckdb", lake, recipe.open()[1], recipe)


def redshift_place(stack: Stack, settings: RedshiftSettings | None = None) -> Place:
    schema = f"shop_{uuid.uuid4().hex[:12]}"
    lake = stack.lake(SOURCE)
    settings = settings or stack.settings()
    recipe = Recipe("redshift", lake.store.uri, schema, settings=settings, environ=stack.environ)
    return Place("redshift", lake, stack.warehouse(lake, schema, settings), recipe, stack)


@contextlib.contextmanager
def live_place(lake_uri: str) -> Iterator[Place]:
    """A real Redshift, by the REDSHIFT_* variables, with a lake below `lake_uri`; both are left as they were."""
    from retail_assets.settings.redshift import load as load_settings
    from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse

    schema = f"retail_test_{uuid.uuid4().hex[:12]}"
    settings = load_settings(os.environ)
    lake = Lake(Store(f"{lake_uri.rstrip('/')}/{schema}"), SOURCE)
    warehouse = RedshiftWarehouse(settings, schema, lake.store, f"{schema}/warehouse")
    try:
        yield Place("live", lake, warehouse, Recipe("live", lake.store.uri, schema, settings=settings))
    finally:
        with warehouse._sessions.session("test") as session:
            session.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            session.commit()
        lake.store.delete([e.key for e in lake.store.list("")])


def load(recipe: Recipe, days: Sequence[dt.date]) -> None:
    """Load the published landings of these days, one after the other."""
    lake, warehouse = recipe.open()
    for day in days:
        warehouse.load_landings(lake.store, [lake.clean(day)])
