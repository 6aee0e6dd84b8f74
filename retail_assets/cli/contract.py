"""`retail-assets contract`: a dry run of a file against a contract."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import dry_run_text
from retail_assets.cli.options import AsJson, console, day, settings_for

if TYPE_CHECKING:
    from retail_assets.drafting.dry_run import DryRun

contract = typer.Typer(help="Contracts: draft one from a file, and check a file against one.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="The file; several are judged as one landing.")]


@contract.command("check")
def check(
    files: Files,
    source: Annotated[
        str | None,
        typer.Option("--contract", metavar="NAME", help="A shipped contract or a YAML file; RETAIL_SOURCE by default."),
    ] = None,
    date: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="Landing day to judge dates by; today by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a contract makes of a file, without landing it: rows by result, totals, rows before and after.

    Fails where the file would be refused, or not loaded. Changes nothing on disk.
    """
    from retail_assets.drafting.dry_run import dry_run
    from retail_assets.quarantine.advice import advice_on

    settings = settings_for(source)
    result: DryRun = dry_run(files, settings.contract, date or settings.today())
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        dry_run_text.print_dry_run(result, settings.contract, advice_on, console())
    if result.refused:
        raise typer.Exit(1)
