"""The warehouse behind one protocol. Only `open_warehouse(settings)` knows which one is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retail_assets.settings import Settings
    from retail_assets.warehouse.protocol import Warehouse
    from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse


def open_warehouse(settings: Settings, wait_seconds: float = 120.0) -> Warehouse:
    """Return the warehouse that the settings choose, without connecting to it.

    `wait_seconds` is how long the embedded one waits for other processes that have it open.
    """
    if settings.redshift is not None:
        return open_redshift(settings)
    from retail_assets.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.duckdb_path, schema=settings.source, wait_seconds=wait_seconds)


def open_redshift(settings: Settings) -> RedshiftWarehouse:
    """Return the Redshift warehouse of settings that choose it, without connecting to it."""
    from retail_assets.storage import Store
    from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse

    if settings.redshift is None:
        raise ValueError("RETAIL_WAREHOUSE is not redshift")
    staging = settings.redshift.staging_uri or settings.lake_uri
    return RedshiftWarehouse(settings.redshift, settings.source, Store(staging), f"{settings.source}/warehouse")
