"""The warehouse behind one protocol. `open_warehouse(settings)` is the only place that knows which one is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retail_assets.settings import Settings
    from retail_assets.warehouse.protocol import Warehouse
    from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the settings choose. Opens nothing yet."""
    if settings.redshift is not None:
        return open_redshift(settings)
    from retail_assets.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.duckdb_path, schema=settings.source)


def open_redshift(settings: Settings) -> RedshiftWarehouse:
    """The Redshift of settings that choose it. Opens nothing yet."""
    from retail_assets.storage import Store
    from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse

    if settings.redshift is None:
        raise ValueError("RETAIL_WAREHOUSE is not redshift")
    staging = settings.redshift.staging_uri or settings.lake_uri
    return RedshiftWarehouse(settings.redshift, settings.source, Store(staging), f"{settings.source}/warehouse")
