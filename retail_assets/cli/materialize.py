"""`retail-assets materialize`: one Dagster run, with output for people."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from retail_assets.cli import completion
from retail_assets.cli.command_line import examples
from retail_assets.cli.options import DAY, day, days, settings_for


@examples(
    "materialize                                    # all that has landed and waits",
    "materialize --partition 2024-01-31",
    "materialize --partition-range 2024-01-01...2024-01-31",
    "materialize --select sales_forecast,insights   # these assets only",
    works=True,
)
def materialize(
    partition: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar=DAY, help="One landing day; all that wait by default."),
    ] = None,
    partition_range: Annotated[
        str | None, typer.Option(metavar="FIRST...LAST", help=f"Landing days, as {DAY}...{DAY}.")
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            metavar="ASSETS",
            autocompletion=completion.selections,
            help="Names of assets separated by commas, or Dagster's asset selection; * is all of them.",
        ),
    ] = "*",
) -> None:
    """Compute and publish assets: like `dagster asset materialize`, with one line per step and no tracebacks."""
    from retail_assets.defs.execute import materialize as run

    if partition and partition_range:
        raise typer.BadParameter("Give --partition or --partition-range, not both.")
    first = last = partition
    if partition_range:
        if "..." not in partition_range:
            raise typer.BadParameter(f"{partition_range!r} is not FIRST...LAST, such as 2024-01-01...2024-01-31.")
        first, last = days(partition_range)
    run(settings_for(), select, first, last)
