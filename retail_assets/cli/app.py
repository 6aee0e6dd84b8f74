"""`retail-assets`, the command line: it reads options, calls the domain, and prints what happened and what comes next.

What does not belong here: work. Every command is a few lines over a domain module, which it imports itself, so that
`--help` answers at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets import __version__
from retail_assets.cli.models import models
from retail_assets.errors import RetailError

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.landing.land import SampleLanded
    from retail_assets.quarantine.rows import Selection
    from retail_assets.settings import Settings

EXIT_BROKEN = 70  # EX_SOFTWARE of sysexits.h: the fault is ours
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
_LINES_ON_A_SCREEN = 24

app = typer.Typer(
    name="retail-assets",
    help="Retail sales files to tables, figures, a forecast and customer segments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sample = typer.Typer(help="Land a sample of sales to try everything with.", no_args_is_help=True)
app.add_typer(sample, name="sample")
app.add_typer(models, name="models")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code.

    0 done; 1 a problem the user can act on (RetailError); 2 wrong use; 70 a fault of ours; 130 interrupted; 141 the
    reader of our output went away.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    upto = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:upto]
    if debug:  # allowed anywhere, like in most tools
        given = ["--debug", *(a for a in given[:upto] if a != "--debug"), *given[upto:]]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name must not break the message about it
    try:
        code = _run(given, debug)
        sys.stdout.flush()
        if code == EXIT_INTERRUPTED:  # Typer makes an exit of Ctrl-C
            raise KeyboardInterrupt
    except BrokenPipeError:
        # Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing is half-written; the same again goes on from here.", err=True)
        return EXIT_INTERRUPTED
    return code


def _run(arguments: list[str], debug: bool) -> int:
    try:
        app(arguments, prog_name="retail-assets")
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else int(e.code is not None)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except RetailError as e:
        _complain(str(e), debug)
        return 1
    except Exception as e:
        if isinstance(e, RuntimeError) and str(e) == "Query interrupted":  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from e
        what = f"{type(e).__name__}: {e}".splitlines()[0][:300]
        _complain(f"Something unexpected happened ({what}).\n  Run the same with --debug to see where.", debug)
        return EXIT_BROKEN
    return 0


def _complain(message: str, debug: bool) -> None:
    """Print an error on stderr: one screen, or with --debug everything and the traceback."""
    if debug:
        traceback.print_exc()
    lines = message.splitlines()
    if len(lines) > _LINES_ON_A_SCREEN and not debug:
        left = len(lines) - _LINES_ON_A_SCREEN
        lines = [*lines[:_LINES_ON_A_SCREEN], f"  … {left} more lines; --debug shows all of them."]
    typer.echo("Error: " + "\n".join(lines), err=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retail-assets {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Retail sales files to tables, figures, a forecast and customer segments.

    Settings come from RETAIL_* variables; their table is in the README.
    """


def day(text: str) -> dt.date:
    """Option value YYYY-MM-DD. Raises typer.BadParameter."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise typer.BadParameter(f"{text!r} is not a day. Write it as YYYY-MM-DD, such as 2024-01-31.")


def days(text: str) -> tuple[dt.date, dt.date]:
    """Option value YYYY-MM-DD, or FIRST...LAST for a range. Raises typer.BadParameter."""
    first, _, last = text.partition("...")
    return day(first), day(last or first)


def settings_for(source: str | None = None) -> Settings:
    """The settings of the environment, with another source if one is given."""
    from retail_assets import settings

    return settings.load({**os.environ, "RETAIL_SOURCE": source} if source else None)


@contextlib.contextmanager
def progress(what: str, total: int, *, in_bytes: bool = False) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on stderr, advanced by calling what is yielded; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars
    from rich.console import Console

    done = [bars.DownloadColumn(), bars.TransferSpeedColumn()] if in_bytes else [bars.MofNCompleteColumn()]
    columns: list[bars.ProgressColumn] = [bars.TextColumn("{task.description}"), bars.BarColumn(), *done]
    with bars.Progress(*columns, bars.TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda step: bar.advance(task, step)


def materialize_command(source: str, first: dt.date, last: dt.date) -> str:
    """The shell command that computes everything from the landings `first` to `last` of `source`."""
    which = f"--partition {first}" if first == last else f"--partition-range {first}...{last}"
    command = f"retail-assets materialize {which}"
    if (os.environ.get("RETAIL_SOURCE", "").strip() or "retail_sales") != source:
        command = f"RETAIL_SOURCE={shlex.quote(source)} {command}"
    return command


@app.command()
def land(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV, CSV.gz, Parquet or JSON lines.")],
    date: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="Day of landing (its partition); today by default."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Contract: a shipped name or a YAML file; RETAIL_SOURCE by default."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="The file corrects the one landed under its name.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Land even what is landed already elsewhere.")] = False,
    check: Annotated[bool, typer.Option(help="Refuse files whose header does not fit the contract.")] = True,
) -> None:
    """Land files as they are, byte for byte, in the raw store. The same bytes twice change nothing."""
    from retail_assets.landing import land as landing
    from retail_assets.landing.register import check_before_landing, refuse_drift_before_landing
    from retail_assets.platform import Platform
    from retail_assets.storage import Store

    settings = settings_for(source)
    landed_on = date or settings.today()
    landing.refuse_dates_outside(landed_on, landed_on, settings.start_date, settings.end_date, settings.today())
    total = sum(landing.check_file(file) for file in files)  # all of them, before anything is landed
    if check:
        profiles = [check_before_landing(file, settings.contract) for file in files]
        refuse_drift_before_landing(Platform(settings).lake, landed_on, profiles, settings.contract)
    store = Store(settings.raw_uri)
    partitions = set()
    with progress("Landing", total, in_bytes=True) as watch:
        for file in files:
            landed = landing.land_file(
                file, store, settings.source, landed_on, again=again, replace=replace, watch=watch
            )
            typer.echo(landed.message)
            partitions.add(landing.partition_of(landed.key) or landed_on)
    for partition in sorted(partitions):
        typer.echo(f"Next:  {materialize_command(source or _named_source(settings), partition, partition)}")


def _named_source(settings: Settings) -> str:
    """What RETAIL_SOURCE says (a name or a path), so that the command that follows needs nothing set."""
    return os.environ.get("RETAIL_SOURCE", "").strip() or settings.source


@sample.command("complete-journey")
def complete_journey(
    daily_from: Annotated[
        dt.date,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="First day with a landing of its own; all before is one."),
    ] = "2017-12-01",  # type: ignore[assignment]  # Typer parses the default as it does a value
) -> None:
    """Land The Complete Journey: 1.47 million grocery lines of 2017, simulated from real patterns (extra `demo`)."""
    from retail_assets.landing.land import refuse_dates_outside
    from retail_assets.samples import complete_journey as journey
    from retail_assets.storage import Store

    settings = settings_for(journey.SOURCE)
    days = [landed_on for landed_on, _, _ in journey.layout(daily_from).values()]
    refuse_dates_outside(min(days), max(days), settings.start_date, settings.end_date, settings.today())
    with progress("Landing The Complete Journey", journey.ROWS) as watch:
        _tell(journey.land(Store(settings.raw_uri), daily_from, watch))


@sample.command("synthetic")
def synthetic(
    rows: Annotated[int, typer.Option(help="Sales lines in all.")] = 100_000,
    days: Annotated[int, typer.Option(help="Landing days.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Annotated[dt.date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="First landing day.")] = "2024-01-01",  # type: ignore[assignment]  # Typer parses the default as it does a value
    dirt: Annotated[float, typer.Option(help="Share of rows that are wrong, repeated or corrected.")] = 0.01,
) -> None:
    """Land generated sales in the schema of the contract `retail_sales`, with a stated share of each kind of dirt."""
    from retail_assets.landing.land import refuse_dates_outside
    from retail_assets.samples import synthetic as generated
    from retail_assets.storage import Store

    settings = settings_for(generated.SOURCE)
    landings = generated.rows_by_landing(rows, days, start)
    refuse_dates_outside(min(landings), max(landings), settings.start_date, settings.end_date, settings.today())
    with progress("Landing synthetic sales", rows) as watch:
        _tell(generated.land(Store(settings.raw_uri), rows, days, seed, start, dirt, watch))


predict = typer.Typer(help="Ask for a forecast or a customer's segment.", no_args_is_help=True)
app.add_typer(predict, name="predict")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is landed, cleaned and loaded, and when."""
    from retail_assets.platform import Platform
    from retail_assets.status import read_status, render

    found = read_status(Platform(settings_for()))
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        render(found, _console())


@app.command()
def doctor(
    spark: Annotated[bool, typer.Option(help="Start Spark and ask it something; takes some seconds.")] = True,
) -> None:
    """Check Java, Spark, storage, warehouse, contract and versions: a line each, with the mend where one is red."""
    from retail_assets import doctor as examination

    if not examination.render(examination.examine(start_spark=spark), _console()):
        raise typer.Exit(1)


@app.command()
def prepare() -> None:
    """Once an environment (or image): keep Spark's Java classes, 150 MB, so that Spark starts in half the time."""
    from retail_assets.spark.prepare import make_archive

    typer.echo("Starting Spark once and keeping its classes: about half a minute …", err=True)
    made = make_archive(settings_for())
    typer.echo(f"{made} ({made.stat().st_size / 1e6:,.0f} MB)")


@app.command()
def materialize(
    partition: Annotated[
        dt.date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="One landing day.")
    ] = None,
    partition_range: Annotated[
        str | None, typer.Option(metavar="FIRST...LAST", help="Landing days, as YYYY-MM-DD...YYYY-MM-DD.")
    ] = None,
    select: Annotated[str, typer.Option(help="Names with commas between them, or Dagster's asset selection.")] = "*",
) -> None:
    """Compute assets: as `dagster asset materialize`, with a line a step and errors without tracebacks."""
    from retail_assets.defs.execute import materialize as run

    if partition and partition_range:
        raise typer.BadParameter("give --partition or --partition-range, not both")
    first = last = partition
    if partition_range:
        if "..." not in partition_range:
            raise typer.BadParameter(f"{partition_range!r} is not FIRST...LAST, such as 2024-01-01...2024-01-31")
        first, last = days(partition_range)
    run(settings_for(), select, first, last)


@predict.command("forecast")
def predict_forecast(
    category: Annotated[str | None, typer.Option(help="One category; the total of all by default.")] = None,
    days: Annotated[int, typer.Option(min=1, max=28, help="Days ahead.")] = 28,
    as_json: AsJson = False,
) -> None:
    """Revenue and units of the coming days, between what and what, beside the rule they were measured against."""
    from retail_assets.platform import Platform
    from retail_assets.warehouse import lookup

    settings = settings_for()
    rows = lookup.forecast(Platform(settings).warehouse, category, days)
    if as_json:
        typer.echo(json.dumps([lookup.jsonable(row) for row in rows], indent=2))
        return
    first = rows[0]
    typer.echo(
        f"{first['product_category']}, {settings.contract.currency} a day, from sales up to {first['cutoff_date']}"
    )
    typer.echo(f"  {'day':14s} {'forecast':>14s} {'80 % between':>14s} {'and':>14s} {'naive':>14s} {'units':>14s}")
    for row in rows:
        amounts = (row[name] for name in ("mean", "p10", "p90", "seasonal_naive"))
        told = " ".join(f"{amount:>14,.2f}" for amount in amounts)
        units = "–" if row["units"] is None else f"{row['units']:,.1f}"
        typer.echo(f"  {row['forecast_date']:%a %Y-%m-%d} {told} {units:>14s}")
    typer.echo(f"  method: {first['method']}, model {first['model_version']}")
    typer.echo(f"  how good it is: forecast/backtest.json in {settings.output_uri}")


@predict.command("segment")
def predict_segment(
    customer: Annotated[str | None, typer.Option(help="Customer id, as in the sales.")] = None,
    from_csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Purchases of customers not in the sales: customer_id,date,amount."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The segment of one customer, or of the customers of a file of purchases, with the numbers behind it."""
    from retail_assets.cli import segments

    if (customer is None) == (from_csv is None):
        raise typer.BadParameter("give --customer ID or --from-csv FILE, one of them")
    if from_csv is not None:
        segments.tell_file(settings_for(), from_csv, as_json)
    else:
        segments.tell_customer(settings_for(), customer or "", as_json)


quarantine = typer.Typer(
    help="Rejected rows: look, take out, judge again after a contract was mended.", no_args_is_help=True
)
app.add_typer(quarantine, name="quarantine")

Reason = Annotated[str | None, typer.Option(metavar="NAME", help="Only rows with this reason.")]
InFile = Annotated[str | None, typer.Option("--file", metavar="NAME", help="Only rows of this landed file.")]
Landing = Annotated[
    str | None, typer.Option(metavar="DAY", help="Only rows landed on YYYY-MM-DD, or FIRST...LAST for a range.")
]


def _chosen(reason: str | None, file: str | None, landing: str | None) -> Selection:
    from retail_assets.quarantine.rows import Selection

    first, last = days(landing) if landing else (None, None)
    return Selection(reason, file, first, last)


@quarantine.command("summary")
def quarantine_summary(
    reason: Reason = None, file: InFile = None, landing: Landing = None, as_json: AsJson = False
) -> None:
    """Rejected rows, their money and their share, by reason, landing and file."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import rows, summary

    settings = settings_for()
    lake, selection = Platform(settings).lake, _chosen(reason, file, landing)
    found = summary.summarise(lake, rows.landings(lake, selection), selection)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        summary.render(found, _console(), settings.contract.currency)


@quarantine.command("list")
def quarantine_list(
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rejected rows with place, reasons and text, in the order of landings, files and lines."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import record, rows

    settings = settings_for()
    lake, selection = Platform(settings).lake, _chosen(reason, file, landing)
    found, total = rows.first_rows(lake, rows.landings(lake, selection), selection, limit)
    if as_json:
        typer.echo(json.dumps({"total": total, "rows": found.to_pylist()}, indent=2, default=str))
        return
    record.render_list(found, total, _console())


@quarantine.command("show")
def quarantine_show(
    file: Annotated[str | None, typer.Argument(metavar="[FILE", help="The landed file: its name or key.")] = None,
    line: Annotated[int | None, typer.Argument(metavar="LINE]", help="First line of the record.")] = None,
    transaction: Annotated[str | None, typer.Option(metavar="ID", help="Instead: the transaction id.")] = None,
    as_json: AsJson = False,
) -> None:
    """One rejected row in full: reasons and what to do, its text beside the header, what is read of it."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import record, rows

    if transaction is None and (file is None or line is None):
        raise typer.BadParameter("give FILE and LINE, or --transaction ID")
    settings = settings_for()
    lake = Platform(settings).lake
    manifests = rows.landings(lake, rows.Selection(file=file))
    found = record.find(lake, manifests, settings.contract, file=file, line=line, transaction=transaction)
    if as_json:
        typer.echo(json.dumps([r.to_json() for r in found], indent=2))
        return
    for number, one in enumerate(found):
        if number:
            typer.echo("-" * 80)
        record.render(one, _console())


@quarantine.command("export")
def quarantine_export(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Where to write; standard output without.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The original lines under their header, to be mended and landed again.")
    ] = False,
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
) -> None:
    """Write rejected rows as CSV: place, reasons and text in cells that no spreadsheet takes for formulas."""
    from retail_assets.platform import Platform
    from retail_assets.quarantine import export, rows

    settings = settings_for()
    lake, selection = Platform(settings).lake, _chosen(reason, file, landing)
    manifests = rows.landings(lake, selection)
    with export.target(path, sys.stdout.buffer) as sink:
        if raw:
            done = export.as_landed(lake, manifests, selection, settings.contract, sink)
        else:
            done = export.as_table(lake, manifests, selection, sink)
    for remark in done.remarks():
        typer.echo(remark, err=True)
    rows_written = f"{done.rows:,} row{'' if done.rows == 1 else 's'} written"
    typer.echo(f"{rows_written}{'' if path is None else f' to {path}'}.", err=True)
    if raw and path is not None:
        if done.rows and path.suffix != done.suffix:
            typer.echo(f"They are lines of a {done.suffix} file: rename it before landing.", err=True)
        typer.echo(f"Mend it, then:  retail-assets land {shlex.quote(str(path))}", err=True)


@quarantine.command("replay")
def quarantine_replay(
    reason: Reason = None,
    file: InFile = None,
    landing: Landing = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Judge also rows that this very contract has judged (after an upgrade).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge rejected rows again with the contract of today, and load what is now clean."""
    from retail_assets.defs import replay

    report = replay.replay(settings_for(), _chosen(reason, file, landing), again=again, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
        return
    for said in report.lines():
        typer.echo(said)


def _console() -> Console:
    from rich.console import Console

    # Piped output has no width of its own; eighty columns would cut the tables.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def _tell(landed: SampleLanded) -> None:
    """Say what became of a sample, and what to run next."""
    if landed.files_landed:
        already = f" {landed.files_already_landed:,} were there already." if landed.files_already_landed else ""
        typer.echo(f"Landed {landed.rows:,} lines of {landed.source} in {landed.files_landed:,} files.{already}")
    else:
        typer.echo(
            f"All {landed.rows:,} lines of {landed.source} were already landed "
            f"({landed.files_already_landed:,} files); nothing changed."
        )
    typer.echo(f"Next:  {materialize_command(landed.source, landed.first, landed.last)}")


if __name__ == "__main__":
    sys.exit(main())
