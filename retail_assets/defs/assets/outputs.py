"""What assets with reports and figures share: metadata of their tables, and how reports and figures are published."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.metadata import lineage, picture, warehouse_table
from retail_assets.platform import Platform
from retail_assets.tables import Table

if TYPE_CHECKING:
    from retail_assets.plotting.left_out import Figures


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


def publish(platform: Platform, reports: dict[str, bytes], figures: "Figures") -> dict[str, Any]:
    """Write reports (by key) and figures, and return where they are, thumbnails and what is left out, as metadata."""
    for key, content in reports.items():
        platform.output.write(key, content)
    publish_figures(platform, figures)
    keys = [*reports, *(f"figures/{name}" for name in figures)]
    files = {"files": files_of(platform, keys)} if keys else {}
    missing = {"left_out": dg.MetadataValue.json(figures.left_out)} if figures.left_out else {}
    return {**files, **missing, **thumbnails(figures)}


def files_of(platform: Platform, keys: Iterable[str]) -> dg.JsonMetadataValue:
    """Return where published files are, as metadata."""
    return dg.MetadataValue.json([platform.output.uri_of(key) for key in keys])


def publish_figures(platform: Platform, figures: "Figures") -> list[str]:
    """Write figures, remove those that an earlier run drew and this one left out, and list why they are left out.

    Returns the keys that were removed.
    """
    from retail_assets.plotting.left_out import record

    existing = {entry.key for entry in platform.output.list("figures")}
    stale = [key for key in (f"figures/{name}" for name in figures.left_out) if key in existing]
    platform.output.delete(stale)
    for name, png in figures.items():
        platform.output.write(f"figures/{name}", png)
    record(platform.output, [*figures, *figures.left_out], figures.left_out)
    return stale


def thumbnails(drawn: dict[str, bytes]) -> dict[str, Any]:
    """Return small versions of figures as metadata, named by the file without `.png`."""
    from retail_assets.plotting.image import thumbnail

    return {name.removesuffix(".png"): picture(thumbnail(png), name) for name, png in drawn.items()}
