"""A dry run for people: the file, its rows by result, the reasons with advice, totals, and rows before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retail_assets.cli.rejected_rows import printable

if TYPE_CHECKING:
    from rich.console import Console

    from retail_assets.contracts.model import Contract
    from retail_assets.drafting.dry_run import DryRun
    from retail_assets.lake.profile import FileProfile

_LONGEST_TEXT = 100
_LONGEST_CELL = 40
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def print_dry_run(result: DryRun, contract: Contract, advice_on: Callable[[str], str], console: Console) -> None:
    """Print everything that a dry run found. `advice_on` gives what to do about a reason."""
    from rich.text import Text

    console.print(Text(f"{result.contract}, a dry run: nothing lands and nothing changes."))
    for profile in result.profiles:
        console.print(Text(_about(profile)))
        if profile.unknown_columns:
            console.print(Text(f"  not in the contract: {_listed(profile.unknown_columns)}"))
        if profile.missing_columns:
            console.print(Text(f"  in the contract, but not in the file: {_listed(profile.missing_columns)}"))
    console.print()
    for status, number in result.rows.items():
        if number or status in ("clean", "rejected"):
            console.print(Text(f"  {status:<11}{number:>12,} rows  {result.currency} {result.amounts[status]:>18,}"))
    if result.first_day:
        console.print(Text(f"  sold from {result.first_day} to {result.last_day}"))
    _print_rejected(result, advice_on, console)
    _print_replaced(result, console)
    if result.assumed:
        console.print()
        console.print(Text("Assumed, not confirmed (marked `# ANSWER:` in the contract):", style="bold"))
        for guess in result.assumed:
            console.print(Text(f"  {printable(guess)}"))
    _print_totals(result, console)
    _print_shown(result, contract, console)
    if result.refused:
        console.print(Text(f"This file would not be loaded. {result.refused}", style="bold"))


def _about(profile: FileProfile) -> str:
    text = f"{_DELIMITERS.get(profile.delimiter, profile.delimiter)}-separated, " if profile.delimiter else ""
    order = {"dmy": ", day before month", "mdy": ", month before day"}.get(profile.date_order or "", "")
    sheet = f"sheet {profile.sheet!r}, " if profile.sheet else ""
    skipped = f"\n  {printable(profile.skipped_in_words())}" if profile.skipped else ""
    place = f"{printable(profile.key)}: {profile.format}, {printable(sheet)}{text}{profile.encoding}"
    return f"{place}, {profile.lines:,} lines{order}{skipped}"


def _listed(names: list[str]) -> str:
    return ", ".join(printable(n) for n in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _print_rejected(result: DryRun, advice_on: Callable[[str], str], console: Console) -> None:
    from rich.text import Text

    for why in result.rejected:
        console.print()
        console.print(
            Text(f"{why.reason}: {why.rows:,} rows, first in {printable(why.file)} line {why.line}", style="bold")
        )
        shown = printable(why.text[:_LONGEST_TEXT]) + (" …" if len(why.text) > _LONGEST_TEXT else "")
        console.print(Text(f"  {shown}"))
        console.print(Text(f"  {advice_on(why.reason)}"))


def _print_replaced(result: DryRun, console: Console) -> None:
    """Print which rows a later one replaces, and the warning of a run where they were other sales."""
    from rich.text import Text

    if result.replaced is None:
        return
    file, line = result.replaced
    console.print()
    replaced = f"superseded: {result.rows['superseded']:,} rows, first in {printable(file)} line {line}"
    console.print(Text(replaced, style="bold"))
    console.print(Text("  A later row has the same id and counts instead, as a correction would."))
    if result.repeated_in_words:
        console.print(Text(f"  Warning: {printable(result.repeated_in_words)}"))


def _print_totals(result: DryRun, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("clean rows: column", "given", "distinct", "least", "most", "total"):
        table.add_column(title, overflow="fold", justify="right" if title in ("given", "distinct", "total") else "left")
    for c in result.columns:
        least, most = (_cell(c.least), _cell(c.most))
        table.add_row(c.column, f"{c.given:,}", f"{c.distinct:,}", Text(least), Text(most), c.total or "")
    console.print(table)


def _print_shown(result: DryRun, contract: Contract, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from retail_assets.drafting.dry_run import raw_columns_of

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("line", "column", "before", "after"):
        table.add_column(title, overflow="fold")
    for row in result.shown:
        for number, (name, rule) in enumerate(contract.columns.items()):
            raw = raw_columns_of(rule, result.profiles[0])
            before = " + ".join(f"{column}={_cell(row.before[column])}" for column in raw)
            place = f"{row.line} {row.status}" if number == 0 else ""
            table.add_row(place, name, Text(printable(before)), Text(_cell(row.after.get(name))))
        table.add_section()
    console.print(table)


def _cell(text: str | None) -> str:
    if text is None:
        return "(empty)"
    return printable(text[:_LONGEST_CELL]) + (" …" if len(text) > _LONGEST_CELL else "")
