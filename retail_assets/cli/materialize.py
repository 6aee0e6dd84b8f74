"""`retail-assets materialize`: one Dagster run, with output for people."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from retail_assets.cli.options import day, days, settings_for


def materialize(
    partition: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="One landing day; all that wait by default."),
    ] = None,
    partition_range: Annotated[
        str | None, typer.Option(metavar="FIRST...LAST", help="Landing days, as YYYY-MM-DD...YYYY-MM-DD.")
    ] = None,
    select: Annotated[str, typer.Option(help="Asset names separated by commas, or Dagster's asset selection.")] = "*",
) -> None:
    """Compute and publish assets: like `dagster asset materialize`, with one line per step and no tracebacks."""
    from retail_assets.defs.execute import materialize as run

    if partition and partition_range:
        raise typer.BadParameter("give --partition or --partition-range, not both")
    first = last = partition
    if partition_range:
        if "..." not in partition_range:
            raise typer.BadParameter(f"{partition_range!r} is not FIRST...LAST, such as 2024-01-01...2024-01-31")
        first, last = days(partition_range)
    run(settings_for(), select, first, last)
