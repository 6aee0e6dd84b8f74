"""`retail-assets quarantine`: rejected rows, counted, listed, shown, exported and judged again."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion, rejected_rows
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.options import AsJson, console, days, settings_for, whole, width

if TYPE_CHECKING:
    from retail_assets.quarantine.rows import Selection

quarantine = App(
    help="Look at rejected rows, export them, and judge them again after fixing a contract.",
    examples=("quarantine summary", "quarantine list --reason invalid_date", "quarantine export rejected.csv"),
)

Reason = Annotated[
    str | None,
    typer.Option(metavar="NAME", autocompletion=completion.reasons, help="Only rows with this reason."),
]
InFile = Annotated[str | None, typer.Option("--file", metavar="NAME", help="Only rows of this landed file.")]
Landing = Annotated[
    str | None, typer.Option(metavar="DAY", help="Only rows landed on YYYY-MM-DD, or FIRST...LAST for a range.")
]


def _selection(reason: str | None, file: str | None, landing: str | None) -> Selection:
    from retail_assets.quarantine.rows import Selection

    first, last = days(landing) if landing else (None, None)
    return Selection(reason, file, first, last)


@quarantine.command("summary")
@examples("quarantine summary", "quarantine summary --landing 2024-01-01...2024-01-31")
def summary(reason: Reason = None, file: InFile = None, landing: Landing = None, as_json: AsJson = False) -> None:
    """Count rejected rows, their money and their share, by reason, landing and file."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import rows
    from retail_assets.quarantine.summary import summarize

    settings = settings_for()
    lake, selection = Platform(settings).lake, _selection(reason, file, landing)
    result = summarize(lake, rows.landings(lake, selection), selection)
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2))
    else:
        typer.echo("\n".join(rejected_rows.summary_lines(result, settings.contract.currency, width())))


@quarantine.command("list")
@examples("quarantine list --limit 50", "quarantine list --reason invalid_date --file sales.csv --landing 2024-01-31")
def list_rows(
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
    limit: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Number of rows to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List rejected rows with place, reasons and text, ordered by landing, file and line."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import rows

    settings = settings_for()
    lake, selection = Platform(settings).lake, _selection(reason, file, landing)
    first_rows, total = rows.first_rows(lake, rows.landings(lake, selection), selection, limit)
    if as_json:
        typer.echo(json.dumps({"total": total, "rows": first_rows.to_pylist()}, indent=2, default=str))
        return
    typer.echo("\n".join(rejected_rows.row_lines(first_rows, total, width())))


@quarantine.command("show")
@examples("quarantine show sales.csv 42", "quarantine show --transaction T1042")
def show(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="The landed file: its name or key.")] = None,
    line: Annotated[int | None, typer.Argument(parser=whole(1), metavar="LINE", help="First line of the row.")] = None,
    transaction: Annotated[
        str | None, typer.Option(metavar="ID", help="Its transaction, in place of FILE LINE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one rejected row in full: reasons and what to do, its text next to the header, and how it is read."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import record, rows

    if transaction is None and (file is None or line is None):
        raise typer.BadParameter("Give FILE and LINE, or --transaction ID.")
    settings = settings_for()
    lake = Platform(settings).lake
    manifests = rows.landings(lake, rows.Selection(file=file))
    records = record.find(lake, manifests, settings.contract, file=file, line=line, transaction=transaction)
    if as_json:
        typer.echo(json.dumps([r.to_json() for r in records], indent=2))
        return
    for number, one in enumerate(records):
        if number:
            typer.echo("-" * 80)
        rejected_rows.print_record(one, console())


@quarantine.command("export")
@examples(
    "quarantine export rejected.csv",
    "quarantine export rejected.csv --reason invalid_date --raw   # lines to fix and land again",
    "quarantine export | head -n 3",
)
def export(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="File to write; standard output by default.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the original lines with their header, to fix and land again.")
    ] = False,
    excel: Annotated[
        bool | None,
        typer.Option(help="Begin with the mark by which Excel knows UTF-8; by default in a file, and not in a pipe."),
    ] = None,
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
) -> None:
    """Write rejected rows as CSV: place, reasons and text, safe to open in a spreadsheet (no cell is a formula)."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import export, rows

    settings = settings_for()
    lake, selection = Platform(settings).lake, _selection(reason, file, landing)
    manifests = rows.landings(lake, selection)
    with export.target(path, sys.stdout.buffer) as sink:
        if raw:
            done = export.as_landed(lake, manifests, selection, settings.contract, sink)
        else:
            marked = path is not None if excel is None else excel
            done = export.as_table(lake, manifests, selection, sink, marked=marked)
    for remark in done.remarks():
        typer.echo(remark, err=True)
    rows_written = f"{done.rows:,} row{'' if done.rows == 1 else 's'} written"
    typer.echo(f"{rows_written}{'' if path is None else f' to {path}'}.", err=True)
    if raw and path is not None:
        if done.rows and path.suffix != done.suffix:
            typer.echo(f"These are lines of a {done.suffix} file: rename it before you land it.", err=True)
        typer.echo(f"Fix the lines, then:  retail-assets land {shlex.quote(str(path))}", err=True)


@quarantine.command("replay")
@examples("quarantine replay --dry-run", "quarantine replay --reason invalid_date", works=True)
def replay(
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Also judge rows that this same contract has already judged (after an upgrade)."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge rejected rows again with today's contract, and load those that are now clean."""
    from retail_assets.defs import replay

    report = replay.replay(settings_for(), _selection(reason, file, landing), again=again, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
        return
    for text in rejected_rows.replay_lines(report):
        typer.echo(text)
