"""The warehouse behind one protocol. `open_warehouse(settings)` is the only place that knows which one is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retail_assets.settings import Settings
    from retail_assets.warehouse.protocol import Warehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the settings choose. Opens nothing yet."""
    from retail_assets.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.duckdb_path, schema=settings.source)
