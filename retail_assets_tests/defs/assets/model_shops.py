"""A shop of each kind of model over days: sells, runs its assets, and can do so in a process of its own.

Run as `python -m retail_assets_tests.defs.assets.model_shops KIND HOME OUTPUT` it trains once, on demand.
"""

from __future__ import annotations

import datetime as dt
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import dagster as dg
import pyarrow as pa

from retail_assets import settings as settings_module
from retail_assets.defs.assets.forecast import forecast_assets
from retail_assets.defs.assets.segments import segment_assets
from retail_assets.defs.checks.segments import segment_checks
from retail_assets.models.kinds import FORECAST, SEGMENTS, ModelKind
from retail_assets.models.store import ModelStore
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets_tests.forecasting.sales_histories import history, noisy_week
from retail_assets_tests.segmentation.shoppers import PLANTED, fill, line, planted_sales


@dataclass(frozen=True)
class ModelShop(ABC):
    """One home; an ordinary run trains on the days of `trainings`, and does not on `next_day`."""

    home: str
    output: str

    kind: ClassVar[ModelKind]
    used_by: ClassVar[str]
    trainings: ClassVar[tuple[int, int]]

    @property
    def environment(self) -> dict[str, str]:
        return {"RETAIL_HOME": self.home, "RETAIL_OUTPUT": self.output}

    @property
    def platform(self) -> Platform:
        return Platform(settings_module.load(self.environment))

    @property
    def models(self) -> ModelStore:
        return self.platform.model_store(self.kind)

    @property
    def in_use(self) -> str:
        return self.models.require_champion().version

    @property
    def card(self) -> str:
        """The published card."""
        return self.platform.output.read(self.kind.published_card).decode()

    @property
    def next_day(self) -> int:
        return self.trainings[1] + 1

    @abstractmethod
    def sell(self, day: int) -> None:
        """The warehouse on the evening of a day."""

    @abstractmethod
    def _definitions(self, platform: Platform) -> Sequence[Any]:
        """Assets and checks of an ordinary run."""

    def run(self, *, retrain: bool = False) -> dict[str, Any]:
        """Run the assets; returns the metadata of the training asset, and `used`, the version of the scored table."""
        config = {"ops": {self.kind.trained_by: {"config": {"retrain": True}}}} if retrain else None
        done = dg.materialize(
            self._definitions(self.platform), run_config=config, instance=dg.DagsterInstance.ephemeral()
        )
        metadata = {
            event.asset_key.to_user_string(): {
                name: getattr(value, "value", value) for name, value in event.materialization.metadata.items()
            }
            for event in done.get_asset_materialization_events()
            if event.asset_key
        }
        return metadata[self.kind.trained_by] | {"used": metadata[self.used_by]["model_version"]}


class ForecastShop(ModelShop):
    kind, used_by, trainings = FORECAST, "sales_forecast", (40, 47)

    def sell(self, day: int) -> None:
        rows = history(day, {"a": noisy_week(100, seed=1), "b": noisy_week(50, seed=2)}).to_dict("records")
        for row in rows:
            row["revenue"] = Decimal(row["revenue"]).quantize(Decimal("0.01"))
        table = pa.Table.from_pylist(rows, schema=DAILY_CATEGORY_SALES.arrow_schema())
        self.platform.warehouse.replace(DAILY_CATEGORY_SALES, table)

    def _definitions(self, platform: Platform) -> Sequence[Any]:
        return [asset for asset in forecast_assets(platform) if "transaction" not in asset.key.to_user_string()]


class SegmentShop(ModelShop):
    kind, used_by, trainings = SEGMENTS, "customer_segments", (365, 396)

    def sell(self, day: int) -> None:
        sales, _ = planted_sales(tuple(PLANTED), 30, days=400)
        today = dt.date(2022, 12, 31) + dt.timedelta(days=day)
        sold = [row for row in sales if row["sale_date"] <= today]
        # The last day of sales is today.
        fill(self.platform.warehouse, [*sold, line(f"last of {today}", today, None, 1)])

    def _definitions(self, platform: Platform) -> Sequence[Any]:
        assets = [asset for asset in segment_assets(platform) if "report" not in asset.key.to_user_string()]
        return [*assets, *segment_checks(platform)]


SHOPS: tuple[type[ModelShop], ...] = (ForecastShop, SegmentShop)

if __name__ == "__main__":
    wanted, *places = sys.argv[1:]
    [shop] = [kind(*places) for kind in SHOPS if kind.kind.name == wanted]
    print("ready", flush=True)
    print(shop.run(retrain=True)["model_version"])
