"""`retail-assets vacuum`: what is deleted because nobody needs it any more."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import AsJson, settings_for, whole, width
from retail_assets.cli.table_text import Column, table_text
from retail_assets.wording import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retail_assets.upkeep.vacuum import Freed


@examples("vacuum --dry-run", "vacuum", "vacuum --keep 10 --json", works=True)
def vacuum(
    keep: Annotated[
        int,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="Newest versions of each model, and bundles, that stay in any case.",
        ),
    ] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete old run files, bundles, model versions and issued forecasts that nothing names; safe beside running jobs.

    Nothing goes that a manifest names, a model that was ever in use, the bundle in use or the one before, nor anything
    younger than a day.
    """
    from retail_assets.platform import Platform
    from retail_assets.upkeep.vacuum import vacuum as run

    freed = run(Platform(settings_for()), now=dt.datetime.now(dt.UTC), keep=keep, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "freed": [each.to_json() for each in freed]}, indent=2))
    else:
        typer.echo("\n".join(_freed_lines(freed, dry_run, width())))


def _freed_lines(freed: Sequence[Freed], dry_run: bool, width: int) -> list[str]:
    table = table_text(
        [
            Column("would be deleted" if dry_run else "deleted", [*(each.what for each in freed), "all"], number=False),
            Column("files", [*(f"{each.objects:,}" for each in freed), f"{sum(each.objects for each in freed):,}"]),
            Column(
                "size",
                [*(formats.data_size(each.bytes) for each in freed), formats.data_size(sum(e.bytes for e in freed))],
            ),
        ],
        width,
        totals=1,
    )
    lines = list(table.with_note(width))
    lines += [f"  {each.what}: {', '.join(each.names)}" for each in freed if each.names and "/" not in each.names[0]]
    return lines
