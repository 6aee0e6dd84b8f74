"""The places of one source, opened from the settings: raw store, lake, models, output, bundles,
warehouse.

Assets, checks and the command line get them here. Nothing is opened before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from retail_assets.lake.lake import Lake
from retail_assets.models.kinds import ModelKind
from retail_assets.models.store import ModelStore
from retail_assets.plotting import font_choice
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.warehouse import open_warehouse
from retail_assets.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Platform:
    """The places of one source, for one set of settings.

    `wait_seconds` is how long to wait for other processes that have the embedded warehouse open.
    """

    settings: Settings
    wait_seconds: float = 120.0

    def __post_init__(self) -> None:
        font_choice.choose(self.settings.font)

    @property
    def source(self) -> str:
        return self.settings.source

    @cached_property
    def raw(self) -> Store:
        return Store(self.settings.raw_uri)

    @cached_property
    def lake(self) -> Lake:
        return Lake(Store(self.settings.lake_uri), self.source)

    @cached_property
    def _models(self) -> Store:
        return Store(self.settings.models_uri)

    def model_store(self, kind: ModelKind) -> ModelStore:
        """Return the versions of one kind of model: of the forecast, or of the segments."""
        return ModelStore(self._models, self.source, kind)

    @cached_property
    def output(self) -> Store:
        return Store(self.settings.output_uri)

    @cached_property
    def serving(self) -> Store:
        """The published bundles of all sources."""
        return Store(self.settings.serving_uri)

    @cached_property
    def warehouse(self) -> Warehouse:
        return open_warehouse(self.settings, self.wait_seconds)
