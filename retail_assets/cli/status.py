"""`retail-assets status`: what has landed, and what has become of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from retail_assets.cli.options import AsJson, console, settings_for

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.status import Status

_MOST_LANDINGS = 40
_COUNTS = ("rows_clean", "rows_quarantined", "rows_superseded", "rows_excluded", "rows_loaded")


def status(as_json: AsJson = False) -> None:
    """Show what has landed, been cleaned and been loaded, and when."""
    from retail_assets.platform import Platform
    from retail_assets.status import read_status

    current = read_status(Platform(settings_for()))
    if as_json:
        typer.echo(json.dumps(current.to_json(), indent=2))
    else:
        print_status(current, console())


def print_status(status: Status, console: Console) -> None:
    """Print landings, tables and outputs; if there are many landings, the latest ones and the totals."""
    from rich import box
    from rich.table import Table

    shown = status.landings[-_MOST_LANDINGS:]
    table = Table(title=f"Landings of {status.source}", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in (
        "landed on",
        "files",
        "clean",
        "quarantined",
        "superseded",
        "excluded",
        "loaded",
        "cleaned, UTC",
        "state",
    ):
        table.add_column(name, justify="left" if name in ("landed on", "state") else "right", no_wrap=True)
    for item in shown:
        counts = tuple(getattr(item, name) for name in _COUNTS)
        moment = item.cleaned_at.strftime("%m-%d %H:%M") if item.cleaned_at else "-"
        table.add_row(str(item.landed_on), str(item.files), *map(_count, counts), moment, item.state)
    if status.landings:
        sums = (sum(getattr(item, name) or 0 for item in status.landings) for name in _COUNTS)
        table.add_section()
        table.add_row(
            f"all {len(status.landings)}", str(sum(i.files for i in status.landings)), *map(_count, sums), "", ""
        )
        console.print(table)
    else:
        console.print(f"No landing of {status.source} yet: retail-assets land FILE, or retail-assets sample.")
    if len(shown) < len(status.landings):
        console.print(f"The latest {len(shown)} landings; --json shows all.")
    rows_by_table = {name: rows for name, rows in status.tables.items() if rows is not None}
    console.print(f"Tables in {status.warehouse}:", markup=False)
    for name, rows in rows_by_table.items():
        console.print(f"  {name:22s} {rows:>12,} rows")
    if not rows_by_table:
        console.print("  none yet")
    console.print(f"Output in {status.output}:", markup=False)
    for name, written in status.outputs.items():
        console.print(f"  {name:28s} {written:%Y-%m-%d %H:%M} UTC", markup=False)
    if not status.outputs:
        console.print("  nothing yet")


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"
