"""What the assets of the forecast and of the segments share: metadata of their tables, reports, pictures."""

import json
from decimal import Decimal
from typing import Any

from retail_assets.defs.metadata import lineage, picture, static_table_metadata
from retail_assets.platform import Platform
from retail_assets.tables import Table


def static(platform: Platform, table: Table, columns: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """Metadata of a table asset, known before it is materialized."""
    names = {"dagster/table_name": f"{platform.warehouse.schema}.{table.name}"}
    return static_table_metadata(table, lineage(columns)) | names


def report_json(report: dict[str, Any]) -> bytes:
    """A report as the file that is published; exact money as decimal strings."""
    return json.dumps(report, indent=2, allow_nan=False, default=_money).encode() + b"\n"


def _money(value: object) -> str:
    """Exact money as a decimal string; json has no other way. Raises TypeError for anything else."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a report")


def publish(
    platform: Platform, reports: dict[str, bytes], drawn: dict[str, bytes], all_figures: tuple[str, ...]
) -> dict[str, Any]:
    """Write reports and figures, remove figures that these data do not give; returns thumbnails for the event log."""
    from retail_assets.plotting.image import thumbnail

    platform.output.delete([f"figures/{name}" for name in all_figures if name not in drawn])
    for key, content in reports.items():
        platform.output.write(key, content)
    for name, png in drawn.items():
        platform.output.write(f"figures/{name}", png)
    return {name.removesuffix(".png"): picture(thumbnail(png), name) for name, png in drawn.items()}
