"""`retail-assets vacuum`, `backup` and `restore`: what nobody needs is deleted, and everything else is kept twice."""

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

    from retail_assets.storage import Store
    from retail_assets.upkeep.manifest import Manifest
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


@examples("backup /mnt/backups/2026-11-30", "backup s3://bucket/backups/2026-11-30", works=True)
def backup(
    destination: Annotated[
        str, typer.Argument(metavar="DEST", help="A new folder, or an empty prefix: s3://… or abfs://…")
    ],
    as_json: AsJson = False,
) -> None:
    """Copy the home, the embedded warehouse and the outputs, with a checksum of every file; safe beside running jobs.

    Everything of all sources that is on this machine is copied. Places in S3 or Azure, and tables in Redshift, are not:
    versioning and snapshots keep those. The output says what was left out.
    """
    from retail_assets.platform import Platform
    from retail_assets.settings.dagster_home import dagster_home
    from retail_assets.upkeep.backup import back_up

    now = dt.datetime.now(dt.UTC)
    manifest = back_up(Platform(settings_for()), _place(destination), now=now, dagster_home=dagster_home())
    if as_json:
        facts = {"files": len(manifest.files), "bytes": manifest.bytes, "left_out": dict(manifest.left_out)}
        typer.echo(json.dumps({"created": manifest.created, "places": dict(manifest.places), **facts}, indent=2))
        return
    typer.echo(_summary(manifest) + f" copied to {destination}.")
    for name, why in manifest.left_out.items():
        typer.echo(f"Not in the backup, {name}: {why}.")


@examples("restore /mnt/backups/2026-11-30", "restore s3://bucket/backups/2026-11-30 --replace", works=True)
def restore(
    source: Annotated[str, typer.Argument(metavar="SRC", help="What `backup` has written.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where there is something already. It is kept beside, under another name."),
    ] = False,
) -> None:
    """Put a backup in the place of the home. Every file is verified before anything changes.

    Stop the daemon, the servers and all runs first.
    """
    from retail_assets.erasure.restored import carry_tombstones_over
    from retail_assets.upkeep.restore import restore as run

    restored = run(
        _place(source),
        settings_for(),
        now=dt.datetime.now(dt.UTC),
        replace=replace,
        carry=carry_tombstones_over,
    )
    typer.echo(_summary(restored.manifest) + f" restored, as of {restored.manifest.created}.")
    for before, now in restored.replaced:
        typer.echo(f"What was in {before} is now in {now}. Delete it when you no longer need it.")
    for name, why in restored.manifest.left_out.items():
        typer.echo(f"Not restored, {name}: {why}.")
    for name, count in restored.erased_since.items():
        typer.echo(
            f"Of {name}, {formats.plural(count, 'customer')} erased since the backup are in it. Erase them again "
            "before anything else, with the settings of that source:  retail-assets erase-customer --again"
        )
    typer.echo("Next:  retail-assets status")


def _summary(manifest: Manifest) -> str:
    return f"{formats.plural(len(manifest.files), 'file')}, {formats.data_size(manifest.bytes)},"


def _place(address: str) -> Store:
    """A store at an address that a person has typed."""
    from retail_assets.settings import store_uri
    from retail_assets.storage import Store

    return Store(store_uri(address))


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
