"""`retail-assets land` and `retail-assets sample`: files into the raw store."""

from __future__ import annotations

import datetime as dt
import os
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.options import DAY, day, materialize_command, progress, settings_for, share, whole

if TYPE_CHECKING:
    from retail_assets.lake.profile import FileProfile
    from retail_assets.samples.sample_landing import AsLanded, SampleLanded
    from retail_assets.settings import Settings

sample = App(
    help="Land sample sales, to try everything out.",
    examples=("sample complete-journey", "sample synthetic --rows 10000 --days 7"),
)


@examples(
    "land sales.csv",
    "land monday.csv tuesday.xlsx --date 2024-01-31 --source online_retail",
    "land sales.csv --date 2024-01-31 --replace     # a corrected file",
    "land master.csv --reference products           # a product master of the contract",
    works=True,
)
def land(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV, CSV.gz, Excel, Parquet or JSON lines.")],
    date: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar=DAY, help="Landing day (the partition); today by default."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.contracts,
            help="Contract: a shipped name or a YAML file; RETAIL_SOURCE by default.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the file of the same name that landed that day: a correction.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Land a file even if its bytes have already landed on another day or under another name."
        ),
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A reference file of the contract (a product master, …), not sales."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(help="Refuse files whose header does not fit the contract, which is the default; or land them."),
    ] = True,
) -> None:
    """Copy files byte for byte into the raw store. Landing the same bytes twice changes nothing.

    Where the contract says `pseudonymize`, the copy has pseudonyms in place of ids.
    """
    from retail_assets.cli.rejected_rows import printable
    from retail_assets.landing.land import check_file, land_file, shown_path
    from retail_assets.landing.partitions import landed_partitions, partition_of, refuse_dates_outside
    from retail_assets.landing.references import LandedReferences, check_reference, rule_of
    from retail_assets.landing.register import check_before_landing, is_rewritten, refuse_schema_drift_before_landing
    from retail_assets.landing.repeated_ids import warning_of_repeated_ids
    from retail_assets.platform import Platform
    from retail_assets.pseudonyms.landing import as_landed
    from retail_assets.pseudonyms.opened import pseudonyms_of
    from retail_assets.storage import Store

    settings = settings_for(source)
    landed_on = date or settings.today()
    refuse_dates_outside(landed_on, landed_on, settings.start_date, settings.end_date, settings.today())
    total = sum(check_file(file) for file in files)  # all of them, before anything is landed
    profiles: list[FileProfile] = []
    if reference is not None:
        rule_of(settings.contract, reference)
        for file in files:
            rows = check_reference(file, settings.contract, reference)
            typer.echo(f"{shown_path(file)}: {rows:,} rows with a key of their own.")
    elif check:
        profiles = [check_before_landing(file, settings.contract, landed_on) for file in files]
        refuse_schema_drift_before_landing(Platform(settings).lake, landed_on, profiles, settings.contract)
        for profile in (p for p in profiles if p.skipped):
            typer.echo(f"{printable(profile.key)}: {printable(profile.skipped_in_words())}.")
        for file, inspected in zip(files, profiles, strict=True):
            if warning := warning_of_repeated_ids(file, inspected, settings.contract):
                typer.echo(f"Warning: {printable(warning)}", err=True)
    store, lake = Store(settings.raw_uri), Platform(settings).lake
    pseudonyms = pseudonyms_of(settings, lake, landing=True)
    partitions = set()
    keys = set()
    with progress("Landing", total, in_bytes=True) as watch:
        for file, profile in zip_longest(files, profiles):
            with as_landed(file, settings.contract, landed_on, reference, pseudonyms, profile) as copied:
                landed = land_file(
                    copied,
                    store,
                    settings.source,
                    landed_on,
                    reference=reference,
                    again=again,
                    replace=replace,
                    watch=watch,
                    original=file,
                    contract=source,
                    is_rewritten=lambda key: is_rewritten(store, lake, key),
                )
            typer.echo(landed.message)
            partitions.add(partition_of(landed.key) or landed_on)
            keys.add(landed.key)
    if reference is not None:
        landings = landed_partitions(store, settings.source)
        versions = LandedReferences(store, settings.source, settings.contract)
        days = [day for day in landings if keys & {file.key for file in versions.files(reference, day)}]
        if days:
            typer.echo("The sales that have landed are joined with it again by:")
            typer.echo(f"Next:  {materialize_command(source or _named_source(settings), days[0], days[-1])}")
        elif landings:
            typer.echo("It counts for none of the sales that have landed: they have a version of another day.")
        return
    for partition in sorted(partitions):
        typer.echo(f"Next:  {materialize_command(source or _named_source(settings), partition, partition)}")


def _named_source(settings: Settings) -> str:
    """The value of RETAIL_SOURCE (a name or a path), so that the next command needs no other setting."""
    return os.environ.get("RETAIL_SOURCE", "").strip() or settings.source


@sample.command("complete-journey")
@examples("sample complete-journey", "sample complete-journey --daily-from 2017-12-24", works=True)
def complete_journey(
    daily_from: Annotated[
        dt.date,
        typer.Option(parser=day, metavar=DAY, help="First day with its own landing; all days before land as one."),
    ] = "2017-12-01",  # type: ignore[assignment]  # Typer parses the default as it does a value
) -> None:
    """Land The Complete Journey: 1.47 million grocery lines of 2017, simulated from real patterns (extra `demo`)."""
    from retail_assets.landing.partitions import refuse_dates_outside
    from retail_assets.samples import complete_journey as journey
    from retail_assets.storage import Store

    settings, named = _settings_of_sample(journey.SOURCE)
    days = [landed_on for landed_on, _, _ in journey.layout(daily_from).values()]
    refuse_dates_outside(min(days), max(days), settings.start_date, settings.end_date, settings.today())
    with progress("Landing The Complete Journey (simulated sales)", journey.ROWS) as watch:
        landed = journey.land(Store(settings.raw_uri), daily_from, watch, _as_landed(settings))
        _print_landed(settings, named, landed)


@sample.command("synthetic")
@examples("sample synthetic", "sample synthetic --rows 10000 --days 7 --seed 4 --start 2024-03-01", works=True)
def synthetic(
    rows: Annotated[int, typer.Option(parser=whole(), metavar="N", help="Number of sales lines.")] = 100_000,
    days: Annotated[int, typer.Option(parser=whole(), metavar="N", help="Number of landing days.")] = 30,
    seed: Annotated[
        int, typer.Option(parser=whole(), metavar="N", help="Random seed: the same seed gives the same bytes.")
    ] = 1,
    start: Annotated[dt.date, typer.Option(parser=day, metavar=DAY, help="First landing day.")] = "2024-01-01",  # type: ignore[assignment]  # Typer parses the default as it does a value
    dirt: Annotated[
        float, typer.Option(parser=share, metavar="SHARE", help="Share of rows that are wrong, repeated or corrected.")
    ] = 0.01,
) -> None:
    """Land generated sales that fit the contract `retail_sales`, with a known share of each kind of dirt."""
    from retail_assets.landing.partitions import refuse_dates_outside
    from retail_assets.samples import synthetic as generated
    from retail_assets.storage import Store

    settings, named = _settings_of_sample(generated.SOURCE)
    landings = generated.rows_by_landing(rows, days, start)
    refuse_dates_outside(min(landings), max(landings), settings.start_date, settings.end_date, settings.today())
    with progress("Landing synthetic sales", rows) as watch:
        store, as_landed = Store(settings.raw_uri), _as_landed(settings)
        landed = generated.land(store, rows, days, seed, start, dirt, watch, as_landed)
        _print_landed(settings, named, landed)


def _settings_of_sample(source: str) -> tuple[Settings, str]:
    """Return the settings of a sample's source, and its contract as RETAIL_SOURCE names it.

    That is the contract which is set if it is one of this source (it may ask for pseudonyms), else the shipped one.
    """
    if os.environ.get("RETAIL_SOURCE", "").strip():
        own = settings_for()
        if own.source == source:
            return own, _named_source(own)
    return settings_for(source), source


def _as_landed(settings: Settings) -> AsLanded:
    """Return what gives the file that lands in place of one: a copy with pseudonyms, where the contract asks for it."""
    from retail_assets.platform import Platform
    from retail_assets.pseudonyms.landing import as_landed
    from retail_assets.pseudonyms.opened import pseudonyms_of

    pseudonyms = pseudonyms_of(settings, Platform(settings).lake, landing=True)
    return lambda path, day, reference: as_landed(path, settings.contract, day, reference, pseudonyms)


def _print_landed(settings: Settings, named: str, landed: SampleLanded) -> None:
    """Print what has landed of a sample, and the command that comes next, for the contract that is named so.

    A sample has ended: the command says when, or Dagster's pages would wait for landings up to today.
    """
    if landed.files_landed:
        already = f" {landed.files_already_landed:,} had already landed." if landed.files_already_landed else ""
        typer.echo(f"Landed {landed.rows:,} lines of {landed.source} in {landed.files_landed:,} files.{already}")
    else:
        typer.echo(
            f"All {landed.rows:,} lines of {landed.source} had already landed "
            f"({landed.files_already_landed:,} files){'.' if landed.references_landed else '; nothing changed.'}"
        )
    if landed.references_landed:
        typer.echo(f"Landed its reference files: {', '.join(landed.references_landed)}.")
    start = None if landed.first == settings.start_date else landed.first
    end = None if landed.last == settings.end_date else landed.last
    typer.echo(f"Next:  {materialize_command(named, landed.first, landed.last, start=start, end=end)}")
