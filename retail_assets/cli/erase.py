"""`retail-assets erase-customer`: a person, out of every place."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import AsJson, settings_for
from retail_assets.cli.rejected_rows import DOWNSTREAM
from retail_assets.wording import formats

if TYPE_CHECKING:
    from retail_assets.erasure.erase import Receipt

_WORDS = {
    "rows_in_files": "rows in {files} landed files",
    "rows_in_lake": "rows in {lake_files} files of the lake",
    "bundles": "serving bundles",
    "model_files_edited": "files of models edited",
    "model_files_removed": "files of models removed",
    "output_files_edited": "outputs edited",
    "output_files_deleted": "outputs deleted",
    "reference_rows": "rows of reference files",
    "reference_copies": "copies of reference files in the lake",
    "database_rows": "rows of databases in the home (Dagster, alerts)",
    "home_files_edited": "other files of the home edited",
    "events": "rows of Dagster's storage elsewhere",
    "run_logs": "logs of runs elsewhere",
}


@examples(
    "erase-customer CUST-81 --dry-run",
    "erase-customer CUST-81",
    "erase-customer -",
    "erase-customer --again # after restoring a backup",
    works=True,
)
def erase_customer(
    customer: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Customer id as the tables have it; - reads it from standard input."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Everybody who was erased before and is here again, as after a restore."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be erased.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a customer: landed files, lake, warehouse, models, bundles, outputs, event log. It cannot be undone."""
    import functools

    from retail_assets.defs.erased_events import erase_from_instance, refuse_running
    from retail_assets.erasure.again import erase_again
    from retail_assets.erasure.erase import erase_customer as erase
    from retail_assets.platform import Platform

    if again is (customer is not None):
        raise typer.BadParameter("Give the id of a customer, or --again for everybody who was erased before.")
    platform, now = Platform(settings_for()), dt.datetime.now(dt.UTC)
    elsewhere = functools.partial(erase_from_instance, home=platform.settings.home)
    if not dry_run:
        refuse_running()  # before it waits for its turn

    def watch(step: str) -> None:
        typer.echo(f"  {step} …", err=True)

    if customer is None:
        receipts = erase_again(platform, now, dry_run=dry_run, elsewhere=elsewhere, ready=refuse_running, watch=watch)
        if as_json:
            typer.echo(json.dumps([receipt.to_json() for receipt in receipts], indent=2))
            return
        who = f"{formats.plural(len(receipts), 'customer')} of those who were erased before"
        typer.echo(f"{who} {'is' if len(receipts) == 1 else 'are'} here again{'.' if dry_run or not receipts else ':'}")
    else:
        person = sys.stdin.readline() if customer == "-" else customer
        receipts = [
            erase(platform, person, now, dry_run=dry_run, elsewhere=elsewhere, ready=refuse_running, watch=watch)
        ]
        if as_json:
            typer.echo(json.dumps(receipts[0].to_json(), indent=2))
            return
    for receipt in receipts:
        typer.echo("\n".join(_lines(receipt, dry_run)))
    if any(receipt.found for receipt in receipts) and not dry_run:
        typer.echo(f"Next:  retail-assets materialize --select {shlex.quote(DOWNSTREAM)}")


def _with_singulars(what: str, count: int) -> str:
    """Return words that are counted, with a singular where there is one.

    >>> _with_singulars("rows in 1 landed files", 12), _with_singulars("serving bundles", 1)
    ('rows in 1 landed file', 'serving bundle')
    """
    if count == 1:
        what = re.sub(r"(row|bundle|output|file|copie|log)s\b", r"\1", what, count=1).replace("copie ", "copy ")
    return re.sub(r"\b1 (landed )?files\b", r"1 \1file", what)


def _lines(receipt: Receipt, dry_run: bool) -> list[str]:
    counts = receipt.counts
    shown = [
        (counts.get(name, 0), words.format(**{"files": 0, "lake_files": 0, **counts})) for name, words in _WORDS.items()
    ]
    shown[2:2] = [
        (n, f"rows of {name.removeprefix('table_')}") for name, n in counts.items() if name.startswith("table_")
    ]
    lines = [f"  {count:>9,}  {_with_singulars(what, count)}" for count, what in shown if count]
    if not lines and receipt.erased_before:
        day = formats.day(dt.date.fromisoformat(receipt.erased_before))
        lines = [f"  nothing was found: the customer was erased before, on {day}, and has not come back."]
    elif not lines:
        lines = ["  nothing was found. Is the id written as in the column customer_id of sales?"]
    lines.insert(0, "Would be erased:" if dry_run else "Erased:")
    if receipt.unreadable:
        lines.append(f"Not looked into, because they cannot be read: {', '.join(receipt.unreadable)}.")
    if dry_run:
        return [*lines, "Nothing was changed."]
    return [*lines, f"Receipt {receipt.id}. Backups and copies elsewhere are not reached: docs/erasure.md says which."]
