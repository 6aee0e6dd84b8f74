"""What assets with reports and figures share: metadata of their tables, and how reports and figures are published."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.defs.metadata import lineage, picture, warehouse_table
from retail_assets.platform import Platform
from retail_assets.tables import Table


def static(platform: Platform, table: Table, columns: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """Return the metadata of a table asset that is known before it is materialized."""
    return warehouse_table(platform.warehouse, table, lineage(columns))


def report_json(report: dict[str, Any]) -> bytes:
    """Render a report as the file that is published; exact money as decimal strings."""
    return json.dumps(report, indent=2, allow_nan=False, default=_money).encode() + b"\n"


def _money(value: object) -> str:
    """Exact money as a decimal string; json has no other way. Raises TypeError for anything else."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a report")


def publish(
    platform: Platform, reports: dict[str, bytes], drawn: dict[str, bytes], all_figures: tuple[str, ...]
) -> dict[str, Any]:
    """Write reports (by key) and figures (by file name), and return where they are, and thumbnails, as metadata."""
    for key, content in reports.items():
        platform.output.write(key, content)
    publish_figures(platform, drawn, all_figures)
    keys = [*reports, *(f"figures/{name}" for name in drawn)]
    return {**({"files": files_of(platform, keys)} if keys else {}), **thumbnails(drawn)}


def files_of(platform: Platform, keys: Iterable[str]) -> dg.JsonMetadataValue:
    """Return where published files are, as metadata."""
    return dg.MetadataValue.json([platform.output.uri_of(key) for key in keys])


def publish_figures(platform: Platform, drawn: dict[str, bytes], all_figures: Iterable[str]) -> list[str]:
    """Write figures by file name, and remove those of `all_figures` that an earlier run drew and this one did not.

    Returns the keys that were removed.
    """
    existing = {entry.key for entry in platform.output.list("figures")}
    stale = [key for key in (f"figures/{name}" for name in all_figures if name not in drawn) if key in existing]
    platform.output.delete(stale)
    for name, png in drawn.items():
        platform.output.write(f"figures/{name}", png)
    return stale


def thumbnails(drawn: dict[str, bytes]) -> dict[str, Any]:
    """Return small versions of figures as metadata, named by the file without `.png`."""
    from retail_assets.plotting.image import thumbnail

    return {name.removesuffix(".png"): picture(thumbnail(png), name) for name, png in drawn.items()}
